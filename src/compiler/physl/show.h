// How a node is named in the trees.
#pragma once

#include <string>

#include "compiler/physl/node.h"

namespace jetlag::physl {

// "add(12, 4)": the name without underscores, line and column. At most 60 bytes long.
std::string label(const Node& node);

}  // namespace jetlag::physl
