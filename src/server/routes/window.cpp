// Routes for one window of time: rows to draw, busy times, counters.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "server/routes/answers.h"
#include "server/routes/tables.h"
#include "trace/store/measures.h"

namespace jetlag::routes {

namespace {

using nlohmann::json;

template <class T>
void put(std::string& out, const std::vector<T>& numbers) {
  out.append(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T));
}

// What the parameter `measure` asks of each row's longest span; empty if it asks nothing.
std::vector<float> measured(const OpenTrace& open, const http::Request& request,
                            const std::vector<std::int32_t>& spans) {
  const std::string_view name = request.parameter("measure");
  if (name.empty()) return {};
  const trace::Measure* measure = trace::measure_named(name);
  if (!measure) {
    std::string names;
    for (const trace::Measure& m : trace::measures())
      names += (names.empty() ? "" : ", ") + std::string(m.name);
    throw http::HttpError(400, "value", format("there is no measure {}", http::json_text(name)),
                          "measures are " + names);
  }
  const trace::CriticalPath* path = measure->needs_path ? &open.critical_path() : nullptr;
  std::vector<float> values;
  values.reserve(spans.size());
  for (const std::int32_t span : spans)
    values.push_back(static_cast<float>(measure->of(open.trace, span, path)));
  return values;
}

// See docs/serving.md: the numbers of rows of each track, then a column after the other, those of
// 8 bytes first.
http::Response rows(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    const trace::Window w = window_of(open, request);
    const trace::Nodes selected = selected_nodes(open, request);
    std::vector<std::uint32_t> counts;
    std::vector<double> begin, end;
    std::vector<float> busy, lit;
    std::vector<std::uint32_t> count;
    std::vector<std::int32_t> site, span;
    for (const auto& rows : open.timeline.all_rows(w, selected)) {
      counts.push_back(static_cast<std::uint32_t>(rows.size()));
      for (const trace::Row& r : rows) {
        begin.push_back(static_cast<double>(r.begin));
        end.push_back(static_cast<double>(r.end));
        busy.push_back(static_cast<float>(r.busy));
        lit.push_back(static_cast<float>(r.lit));
        count.push_back(static_cast<std::uint32_t>(r.count));
        site.push_back(r.site);
        span.push_back(r.span);
      }
    }
    if (counts.size() % 2 == 1) counts.push_back(0);  // columns begin at multiples of 8
    std::string out;
    put(out, counts);
    put(out, begin);
    put(out, end);
    put(out, busy);
    put(out, lit);
    put(out, count);
    put(out, site);
    put(out, span);
    put(out, measured(open, request, span));
    return http::Response::bytes(std::move(out));
  });
}

http::Response busy(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    const trace::Window w = window_of(open, request);
    const auto sums = open.timeline.busy(w, selected_nodes(open, request));
    double threads = 0;
    for (const auto& t : open.timeline.tracks()) threads += t.depth == 0;
    const auto shares = [&](const std::vector<std::int64_t>& ns) {
      json list = json::array();
      for (std::int64_t b = 0; b < w.bins; ++b) {
        const auto width =
            static_cast<double>(std::max<std::int64_t>(w.edge(b + 1) - w.edge(b), 1));
        const double share =
            static_cast<double>(ns[static_cast<std::size_t>(b)]) / (width * std::max(threads, 1.0));
        list.push_back(std::round(std::clamp(share, 0.0, 1.0) * 1e5) / 1e5);
      }
      return list;
    };
    return answer(json{{"all", shares(sums.all)}, {"lit", shares(sums.lit)}});
  });
}

// Samples in each bin: their least, mean and most; null where there is none.
http::Response samples(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    const auto& all = open.trace.samples;
    const trace::Index counter = number_of(request, 1, open.trace.counters.size(), "counter");
    const trace::Window w = window_of(open, request);
    const auto bins = static_cast<std::size_t>(w.bins);
    const double none = std::numeric_limits<double>::quiet_NaN();
    std::vector<double> least(bins, none), sum(bins), count(bins), most(bins, none);
    const auto first =
        std::lower_bound(all.begin(), all.end(), w.begin,
                         [](const trace::Sample& s, std::int64_t time) { return s.time < time; });
    for (auto s = first; s != all.end() && s->time < w.end; ++s) {
      if (s->counter != counter) continue;
      const auto b = static_cast<std::size_t>(w.bin_of(s->time));
      least[b] = std::fmin(least[b], s->value);
      most[b] = std::fmax(most[b], s->value);
      sum[b] += s->value;
      ++count[b];
    }
    for (std::size_t b = 0; b < bins; ++b) sum[b] = count[b] > 0 ? sum[b] / count[b] : none;
    return answer(json{{"least", least}, {"mean", sum}, {"most", most}});
  });
}

// Spans by their duration, in bins whose edges grow by the same factor: eight to a doubling.
http::Response histogram(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    constexpr double steps = 8;
    const trace::Nodes selected = selected_nodes(open, request);
    const std::int64_t begin = request.number("begin", 0);
    const std::int64_t end = request.number("end", std::numeric_limits<std::int64_t>::max());
    std::vector<std::int64_t> counts;
    for (std::size_t i = 0; i < open.trace.spans.size(); ++i) {
      const trace::SpanRow& s = open.trace.spans[i];
      const auto node =
          static_cast<std::size_t>(open.timeline.node_of(static_cast<trace::Index>(i)));
      if (s.end <= begin || s.begin >= end || (!selected.empty() && !selected[node])) continue;
      const auto took = static_cast<double>(std::max<std::int64_t>(s.duration(), 1));
      const auto bin = static_cast<std::size_t>(std::log2(took) * steps);
      if (bin >= counts.size()) counts.resize(bin + 1);
      ++counts[bin];
    }
    return answer(json{{"steps", steps}, {"counts", counts}});
  });
}

http::Response measures(App&, const http::Request&) {
  json list = json::array();
  for (const trace::Measure& m : trace::measures())
    list.push_back({{"name", m.name}, {"unit", m.unit}, {"doc", m.doc}});
  return answer(list);
}

constexpr Route table[] = {
    {"GET", "/v1/traces/{trace}/rows",
     "rows to draw, of each track, as binary columns; parameters begin, end, bins; sites or tree; "
     "measure",
     "application/octet-stream", http::Access::token, rows},
    {"GET", "/v1/measures", "what spans can be coloured by", "Measure[]", http::Access::token,
     measures},
    {"GET", "/v1/traces/{trace}/busy",
     "the busy share of the threads in each bin, and that of what is selected", "Busy",
     http::Access::token, busy},
    {"GET", "/v1/traces/{trace}/counters/{counter}",
     "least, mean and most of a counter's samples in each bin", "Samples", http::Access::token,
     samples},
    {"GET", "/v1/traces/{trace}/histogram",
     "how many spans took how long; parameters begin, end; sites or tree", "Histogram",
     http::Access::token, histogram},
};

}  // namespace

std::span<const Route> window_routes() { return table; }

}  // namespace jetlag::routes
