// What the routes of traces share.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "server/http/message.h"
#include "server/routes/route.h"
#include "server/routes/traces.h"

namespace jetlag::routes {

// JSON, with what it has no place for replaced: names may hold any bytes.
std::string text_of(const nlohmann::json& value);
http::Response answer(const nlohmann::json& value);

// The answer that `make` gives for the trace that the request names, tagged with its revision. It
// never changes if the request names the revision (`rev`).
http::Response of_trace(App& app, const http::Request& request,
                        const std::function<http::Response(const OpenTrace&)>& make);

// The number in a path. Throws HttpError(404) if there is none below `size`.
trace::Index number_of(const http::Request& request, std::size_t part, std::size_t size,
                       std::string_view what);

// What the parameters select: sites=1,5, or tree=3 (a node of the tree of calls and all below).
// Empty if they say nothing. Throws HttpError(400).
trace::Nodes selected_nodes(const OpenTrace& open, const http::Request& request);

// Parameters begin, end and bins: all of the trace if they are absent.
trace::Window window_of(const OpenTrace& open, const http::Request& request);

}  // namespace jetlag::routes
