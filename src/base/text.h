// Text: formatting for the whole project. fmt is reached through this header only.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>

namespace jetlag {

using fmt::format;

}  // namespace jetlag
