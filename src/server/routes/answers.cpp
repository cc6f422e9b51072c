#include "server/routes/answers.h"

#include <charconv>
#include <nlohmann/json.hpp>

namespace jetlag::routes {

namespace {

constexpr std::int64_t most_bins = 16'384;

bool read_number(std::string_view text, trace::Index& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string text_of(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

http::Response answer(const nlohmann::json& value) { return http::Response::json(text_of(value)); }

http::Response of_trace(App& app, const http::Request& request,
                        const std::function<http::Response(const OpenTrace&)>& make) {
  const auto open = app.traces->open(request.part(0));
  return http::tagged(
      request, open->revision, [&] { return make(*open); },
      request.parameter("rev") == open->revision);
}

trace::Index number_of(const http::Request& request, std::size_t part, std::size_t size,
                       std::string_view what) {
  trace::Index number = -1;
  if (!read_number(request.part(part), number) || number < 0 ||
      static_cast<std::size_t>(number) >= size)
    throw http::HttpError(
        404, std::string(what),
        format("the trace has no {} {}", what, http::json_text(request.part(part))),
        format("it has {}", size));
  return number;
}

trace::Nodes selected_nodes(const OpenTrace& open, const http::Request& request) {
  if (request.has_parameter("tree"))
    return open.timeline.below(
        static_cast<trace::Index>(request.number("tree", -1, -1, INT32_MAX)));
  if (!request.has_parameter("sites")) return {};
  std::vector<trace::Index> sites;
  std::string_view text = request.parameter("sites");
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    trace::Index site = -1;
    if (!read_number(text.substr(0, end), site))
      throw http::HttpError(400, "value", format("sites cannot be {}", http::json_text(text)),
                            "numbers of sites, with commas between");
    sites.push_back(site);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return open.timeline.of_sites(sites);
}

trace::Window window_of(const OpenTrace& open, const http::Request& request) {
  constexpr std::int64_t far = std::int64_t{1} << 60;
  trace::Window w;
  w.begin = request.number("begin", 0, -far, far);
  w.end = request.number("end", std::max<std::int64_t>(open.trace.length, 1), w.begin + 1, far);
  w.bins = request.number("bins", 1000, 1, most_bins);
  return w;
}

}  // namespace jetlag::routes
