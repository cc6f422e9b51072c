// A trace as one HTML file: the viewer with the trace's data in it, which needs no server.
#pragma once

#include <cstdint>
#include <string>

namespace jetlag::routes {

struct Exported {
  std::string page;
  std::int64_t left_out = 0;  // spans, the shortest ones, that there was no room for
};

// Throws what trace::open does.
Exported export_page(const std::string& path, std::int64_t most_spans = 200'000);

}  // namespace jetlag::routes
