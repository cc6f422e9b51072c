// The viewer's page, which lies in the program: one HTML file (web/).
#pragma once

#include <string_view>

namespace jetlag::routes {

std::string_view viewer_page();

}  // namespace jetlag::routes
