// The named constants of PhySL: pi, inf, nan …
#pragma once

#include <optional>
#include <string_view>

#include "array/value.h"

namespace jetlag {

std::optional<Value> find_constant(std::string_view name);

}  // namespace jetlag
