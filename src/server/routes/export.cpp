#include "server/routes/export.h"

#include <zlib.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "server/routes/route.h"
#include "server/routes/traces.h"
#include "server/routes/viewer.h"

namespace jetlag::routes {

namespace {

using nlohmann::json;
using trace::Index;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// What the server would answer, so that the page finds the same.
json answer_of(App& app, const std::string& path) {
  http::Request request;
  request.method = "GET";
  request.path = path;
  return json::parse(Router(app).answer(request).body);
}

// The longest spans, in the order of their numbers. What lies around a span is as long or longer;
// it is kept as well.
std::vector<Index> kept_spans(const trace::Trace& t, std::int64_t most) {
  std::vector<Index> all(t.spans.size());
  std::iota(all.begin(), all.end(), 0);
  if (static_cast<std::int64_t>(all.size()) <= most) return all;
  std::vector<Index> longest = all;
  std::nth_element(longest.begin(), longest.begin() + most, longest.end(), [&](Index a, Index b) {
    return t.spans[at(a)].duration() > t.spans[at(b)].duration();
  });
  std::vector<bool> keep(all.size());
  for (std::int64_t i = 0; i < most; ++i) {
    for (Index s = longest[static_cast<std::size_t>(i)]; s >= 0 && !keep[at(s)];
         s = t.spans[at(s)].parent)
      keep[at(s)] = true;
  }
  std::erase_if(all, [&](Index s) { return !keep[at(s)]; });
  return all;
}

json spans_of(const OpenTrace& open, const std::vector<Index>& kept,
              const std::vector<Index>& numbers) {
  const trace::Trace& t = open.trace;
  std::map<Index, Index> first_track;  // of each thread
  for (std::size_t i = 0; i < open.timeline.tracks().size(); ++i)
    first_track.try_emplace(open.timeline.tracks()[i].thread, static_cast<Index>(i));
  std::vector<Index> track(t.spans.size());
  json c = {{"begin", json::array()}, {"duration", json::array()}, {"site", json::array()},
            {"track", json::array()}, {"parent", json::array()},   {"task", json::array()},
            {"tree", json::array()}};
  for (std::size_t i = 0; i < t.spans.size(); ++i) {
    const trace::SpanRow& s = t.spans[i];
    track[i] = s.parent >= 0 ? track[at(s.parent)] + 1 : first_track[s.thread];
  }
  for (const Index i : kept) {
    const trace::SpanRow& s = t.spans[at(i)];
    c["begin"].push_back(s.begin);
    c["duration"].push_back(s.duration());
    c["site"].push_back(s.site);
    c["track"].push_back(track[at(i)]);
    c["parent"].push_back(s.parent >= 0 ? numbers[at(s.parent)] : -1);
    c["task"].push_back(s.task);
    c["tree"].push_back(open.timeline.node_of(i));
  }
  return c;
}

// A task's span has the number that it has in the page.
void renumber(json& task, const std::vector<Index>& numbers) {
  if (!task.contains("span")) return;
  const Index number = numbers[task["span"].get<std::size_t>()];
  if (number >= 0) task["span"] = number;
  else task.erase("span");
}

json samples_of(const trace::Trace& t) {
  json all = json::array();
  for (std::size_t i = 0; i < t.counters.size(); ++i)
    all.push_back({{"time", json::array()}, {"value", json::array()}});
  for (const trace::Sample& s : t.samples) {
    all[at(s.counter)]["time"].push_back(s.time);
    all[at(s.counter)]["value"].push_back(s.value);
  }
  return all;
}

std::string deflated(const std::string& text) {
  std::string out(compressBound(text.size()), '\0');
  uLongf size = out.size();
  const int status = compress2(reinterpret_cast<Bytef*>(out.data()), &size,
                               reinterpret_cast<const Bytef*>(text.data()), text.size(), 9);
  JETLAG_CHECK(status == Z_OK, "zlib says {}", status);
  out.resize(size);
  return out;
}

std::string base64(const std::string& bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t k) {
      return k < bytes.size() ? static_cast<unsigned char>(bytes[k]) : 0U;
    };
    const std::uint32_t three = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    for (int k = 3; k >= 0; --k) text += digits[three >> 6 * k & 63];
    if (i + 1 >= bytes.size()) text[text.size() - 2] = '=';
    if (i + 2 >= bytes.size()) text.back() = '=';
  }
  return text;
}

}  // namespace

Exported export_page(const std::string& path, std::int64_t most_spans) {
  Traces traces({path});
  App app{http::Gate("", {}), "", &traces};
  const auto listed = traces.list();
  // Says why it cannot be read.
  if (listed.empty()) trace::load(path);
  const std::string id = listed.front().id;
  const std::string base = "/v1/traces/" + id;
  const auto open = traces.open(id);
  const trace::Trace& t = open->trace;

  const std::vector<Index> kept = kept_spans(t, most_spans);
  std::vector<Index> numbers(t.spans.size(), -1);
  for (std::size_t i = 0; i < kept.size(); ++i) numbers[at(kept[i])] = static_cast<Index>(i);
  Exported result;
  result.left_out = static_cast<std::int64_t>(t.spans.size() - kept.size());

  json data = {{"summary", answer_of(app, base)},
               {"sites", answer_of(app, base + "/sites")},
               {"tree", answer_of(app, base + "/tree")},
               {"critical", answer_of(app, base + "/critical")},
               {"points", answer_of(app, base + "/points")},
               {"plan", answer_of(app, base + "/plan")},
               {"messages", answer_of(app, base + "/messages")},
               {"texts", json::object()},
               {"spans", spans_of(*open, kept, numbers)},
               {"tasks", json::array()},
               {"edges", json::array()},
               {"samples", samples_of(t)}};
  data["summary"]["path"] = std::filesystem::path(path).filename();
  if (result.left_out > 0)
    data["summary"]["complaints"].push_back(
        format("{} of the shortest spans are not in this file", result.left_out));
  const json files = data["summary"]["files"];
  for (std::size_t f = 0; f < files.size(); ++f) {
    try {
      data["texts"][files[f].get<std::string>()] =
          answer_of(app, format("{}/sources/{}", base, f))["text"];
    } catch (const http::HttpError&) {
      continue;  // recorded elsewhere: the page says so
    }
  }
  for (json& task : data["critical"]["path"]) renumber(task, numbers);
  for (std::size_t i = 0; i < t.tasks.size(); ++i) {
    json task = answer_of(app, format("{}/tasks/{}", base, i));
    task.erase("before");
    task.erase("after");
    renumber(task, numbers);
    data["tasks"].push_back(std::move(task));
  }
  for (const trace::Edge& e : t.edges) data["edges"].push_back({e.from, e.to, e.bytes});

  const std::string text = data.dump(-1, ' ', false, json::error_handler_t::replace);
  constexpr std::string_view mark = "<!-- data -->";
  const std::string_view page = viewer_page();
  const std::size_t place = page.find(mark);
  JETLAG_CHECK(place != std::string_view::npos, "the viewer has no place for data");
  result.page = std::string(page.substr(0, place));
  result.page += "<script type=\"text/plain\" id=\"jetlag-trace\">";
  result.page += base64(deflated(text));
  result.page += "</script>";
  result.page += page.substr(place + mark.size());
  return result;
}

}  // namespace jetlag::routes
