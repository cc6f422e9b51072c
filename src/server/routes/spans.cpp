// Routes for sets of spans: those for which all is true that the parameters say.
#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "server/routes/answers.h"
#include "server/routes/tables.h"

namespace jetlag::routes {

namespace {

using nlohmann::json;
using trace::Index;

constexpr std::int64_t most_listed = 20'000;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

int depth_of(const trace::Trace& t, Index span) {
  int depth = 0;
  for (Index p = t.spans[at(span)].parent; p >= 0; p = t.spans[at(p)].parent) ++depth;
  return depth;
}

std::vector<Index> matching(const OpenTrace& open, const http::Request& request) {
  constexpr std::int64_t ever = std::numeric_limits<std::int64_t>::max();
  const trace::Nodes selected = selected_nodes(open, request);
  const std::int64_t begin = request.number("begin", 0);
  const std::int64_t end = request.number("end", ever);
  const std::int64_t least = request.number("least", 0);
  const std::int64_t most = request.number("most", ever);
  const std::int64_t thread = request.number("thread", -1, -1);
  std::vector<Index> found;
  for (std::size_t i = 0; i < open.trace.spans.size(); ++i) {
    const trace::SpanRow& s = open.trace.spans[i];
    const auto span = static_cast<Index>(i);
    if (s.end <= begin || s.begin >= end) continue;
    if (s.duration() < least || (s.duration() >= most && most != ever)) continue;
    if (thread >= 0 && s.thread != thread) continue;
    if (!selected.empty() && !selected[at(open.timeline.node_of(span))]) continue;
    found.push_back(span);
  }
  return found;
}

http::Response spans(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    const trace::Trace& t = open.trace;
    std::vector<Index> found = matching(open, request);
    std::int64_t time = 0;
    std::map<Index, std::int64_t> by_site;
    for (const Index i : found) {
      time += t.spans[at(i)].duration();
      ++by_site[t.spans[at(i)].site];
    }
    json c = {{"count", found.size()},     {"time", time},          {"sites", json::array()},
              {"counts", json::array()},   {"span", json::array()}, {"begin", json::array()},
              {"duration", json::array()}, {"site", json::array()}, {"thread", json::array()},
              {"depth", json::array()}};
    for (const auto& [site, count] : by_site) {
      c["sites"].push_back(site);
      c["counts"].push_back(count);
    }
    const auto shown = static_cast<std::size_t>(request.number("limit", 5000, 0, most_listed));
    if (found.size() > shown) {
      std::nth_element(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(shown),
                       found.end(), [&](Index a, Index b) {
                         const std::int64_t x = t.spans[at(a)].duration();
                         const std::int64_t y = t.spans[at(b)].duration();
                         return x != y ? x > y : a < b;
                       });
      found.resize(shown);
      std::sort(found.begin(), found.end());
    }
    for (const Index i : found) {
      const trace::SpanRow& s = t.spans[at(i)];
      c["span"].push_back(i);
      c["begin"].push_back(s.begin);
      c["duration"].push_back(s.duration());
      c["site"].push_back(s.site);
      c["thread"].push_back(s.thread);
      c["depth"].push_back(depth_of(t, i));
    }
    return answer(c);
  });
}

constexpr Route table[] = {
    {"GET", "/v1/traces/{trace}/spans",
     "a set of spans: how many, of which sites, and the longest of them as columns; parameters "
     "begin, end, least and most (nanoseconds that they took), thread, sites or tree, limit",
     "FoundSpans", http::Access::token, spans},
};

}  // namespace

std::span<const Route> span_routes() { return table; }

}  // namespace jetlag::routes
