// The tables that routes() joins: one for each concept.
#pragma once

#include <span>

#include "server/routes/route.h"

namespace jetlag::routes {

std::span<const Route> page_routes();
std::span<const Route> trace_routes();
std::span<const Route> window_routes();
std::span<const Route> span_routes();
std::span<const Route> graph_routes();
std::span<const Route> query_routes();
std::span<const Route> upload_routes();
std::span<const Route> job_routes();

}  // namespace jetlag::routes
