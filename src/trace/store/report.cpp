#include "trace/store/report.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "base/error.h"
#include "trace/store/graph.h"
#include "trace/store/moments.h"
#include "trace/store/profile.h"
#include "trace/store/samples.h"

namespace jetlag::trace {

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

struct Scale {
  double factor;
  const char* unit;
};

// Three digits of a number, with the largest unit that leaves something before the point.
std::string scaled(double value, std::span<const Scale> scales) {
  if (!(value > 0)) return value == 0 ? format("0 {}", scales.back().unit) : "-";
  for (const Scale& s : scales) {
    const double v = value / s.factor;
    if (v < 0.9995 && &s != &scales.back()) continue;
    const int digits = v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2;
    return format("{:.{}f} {}", v, digits, s.unit);
  }
  return "-";
}

constexpr Scale times[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}};
constexpr Scale rates[] = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}};

std::string rate_text(double amount, std::int64_t ns, const char* unit) {
  if (!(amount > 0) || ns <= 0) return "-";
  return scaled(amount / (static_cast<double>(ns) * 1e-9), rates) + unit;
}

std::string percent(std::int64_t part, std::int64_t whole) {
  if (whole <= 0) return "-";
  return format("{:.1f}%", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string name_of(const Trace& trace, Index site) {
  return site < 0 ? "(unknown)" : trace.sites[at(site)].name;
}

std::string place_of(const Trace& trace, Index site) {
  if (site < 0) return "";
  const Site& s = trace.sites[at(site)];
  if (s.file.empty()) return "";
  const std::string file = s.file.substr(s.file.rfind('/') + 1);
  return s.line > 0 ? format("{}:{}", file, s.line) : file;
}

std::string text_of(const Trace& trace, Index site) {
  constexpr std::size_t longest = 48;
  std::string text = site < 0 ? "" : trace.sites[at(site)].text;
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (text.size() > longest) text = text.substr(0, longest - 3) + "...";
  return text;
}

bool matches(const Trace& trace, Index site, const std::string& filter) {
  if (filter.empty()) return true;
  if (site < 0) return false;
  const Site& s = trace.sites[at(site)];
  for (const std::string* part : {&s.name, &s.file, &s.function, &s.text}) {
    if (part->find(filter) != std::string::npos) return true;
  }
  return false;
}

// ---- columns that line up

class Table {
 public:
  explicit Table(std::vector<std::string> titles, std::size_t left)
      : rows_{std::move(titles)}, left_(left) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  std::string text() const {
    std::vector<std::size_t> widths(rows_[0].size());
    for (const auto& row : rows_) {
      for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    std::string all;
    for (const auto& row : rows_) {
      std::string line;
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string pad(widths[i] - row[i].size(), ' ');
        if (i > 0) line += "  ";
        line += i >= left_ ? row[i] + pad : pad + row[i];
      }
      line.erase(line.find_last_not_of(' ') + 1);
      all += line + '\n';
    }
    return all;
  }

 private:
  std::vector<std::vector<std::string>> rows_;
  std::size_t left_;  // from this column on, text stands at the left
};

// ---- the parts

std::string heading(const Trace& trace) {
  std::int64_t with_spans = 0;
  for (const ThreadFigures& t : profile_by_thread(trace)) with_spans += t.spans > 0;
  std::string text =
      format("{}: {}, {} threads, {} spans, {} tasks\n", trace.path, duration_text(trace.length),
             with_spans, trace.spans.size(), trace.tasks.size());
  if (!trace.closed) text += "the process ended before the recording did\n";
  if (trace.dropped > 0)
    text += format("{} spans and events found no room and are missing\n", trace.dropped);
  if (const std::string_view used = trace.fact("hardware"); !used.empty())
    text += format("hardware counters by {}\n", used);
  if (const std::string_view why = trace.fact("hardware_without"); !why.empty())
    text += format("  without {}\n", why);
  for (const std::string& c : trace.complaints) text += c + '\n';
  return text;
}

std::string how_busy(const Trace& trace) {
  constexpr int bins = 60;
  constexpr const char* marks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const std::vector<double> busy = utilisation(trace, bins);
  double sum = 0;
  std::string bar;
  for (const double b : busy) {
    sum += b;
    bar += marks[std::clamp(static_cast<int>(std::lround(b * 8)), 0, 8)];
  }
  std::string text = format("busy    |{}| {:.0f}%", bar, 100 * sum / bins);
  if (const double uneven = imbalance(trace); uneven > 0)
    text += format(", the busiest worker {:.2f} times the mean", uneven);
  if (const double uneven = imbalance_of_ranks(trace); uneven > 0)
    text += format(", the busiest rank {:.2f} times", uneven);
  return text + '\n';
}

std::string critical(const Trace& trace) {
  const CriticalPath path = critical_path(trace);
  if (path.length == 0) return "";
  std::string text =
      format("critical path: {}, {} of the run: {} of {} tasks, {} of callers' own\n",
             duration_text(path.length), percent(path.length, trace.length),
             duration_text(path.length - path.own), path.path.size(), duration_text(path.own));
  constexpr std::size_t most = 3;
  for (const SpeedUp& s : speed_ups(trace, path, most, 2)) {
    text +=
        format("    {} in {} {}; twice as fast, the path would take {}\n", duration_text(s.time),
               name_of(trace, s.site), place_of(trace, s.site), duration_text(s.length));
  }
  return text;
}

std::string sites(const Trace& trace, const ReportOptions& options) {
  std::vector<SiteFigures> rows = profile_by_site(trace);
  std::int64_t all = 0;
  for (const SiteFigures& f : rows) all += f.self;
  std::erase_if(rows,
                [&](const SiteFigures& f) { return !matches(trace, f.site, options.filter); });
  const auto sort_by = [&](auto key) {
    std::stable_sort(rows.begin(), rows.end(),
                     [&](const SiteFigures& a, const SiteFigures& b) { return key(a) > key(b); });
  };
  if (options.sort == "total") sort_by([](const auto& f) { return f.total; });
  else if (options.sort == "count") sort_by([](const auto& f) { return f.count; });
  else if (options.sort == "median") sort_by([](const auto& f) { return f.median; });
  else if (options.sort == "most") sort_by([](const auto& f) { return f.most; });
  else if (options.sort == "bytes") sort_by([](const auto& f) { return f.bytes; });
  else if (options.sort == "flops") sort_by([](const auto& f) { return f.flops; });
  else if (options.sort == "name") {
    std::stable_sort(rows.begin(), rows.end(), [&](const SiteFigures& a, const SiteFigures& b) {
      return name_of(trace, a.site) < name_of(trace, b.site);
    });
  } else if (options.sort != "self") {
    throw Error(Kind::value, format("cannot sort by '{}'", options.sort),
                "sort by self, total, count, median, most, bytes, flops or name");
  }
  const std::size_t hidden =
      options.rows > 0 && rows.size() > static_cast<std::size_t>(options.rows)
          ? rows.size() - static_cast<std::size_t>(options.rows)
          : 0;
  rows.resize(rows.size() - hidden);
  constexpr std::size_t figures = 10;
  Table table({"self", "share", "total", "count", "min", "median", "p99", "max", "memory", "peak",
               "site", "where", "what"},
              figures);
  for (const SiteFigures& f : rows) {
    table.add({duration_text(f.self), percent(f.self, all), duration_text(f.total),
               format("{}", f.count), duration_text(f.least), duration_text(f.median),
               duration_text(f.p99), duration_text(f.most), rate_text(f.bytes, f.self, "B/s"),
               rate_text(f.flops, f.self, "F/s"), name_of(trace, f.site), place_of(trace, f.site),
               text_of(trace, f.site)});
  }
  std::string text = table.text();
  if (hidden > 0) text += format("and {} more sites\n", hidden);
  return text;
}

std::string tree(const Trace& trace, const ReportOptions& options) {
  const std::vector<TreeNode> nodes = call_tree(trace);
  std::vector<std::vector<Index>> children(nodes.size() + 1);
  for (std::size_t i = 0; i < nodes.size(); ++i)
    children[at(nodes[i].parent + 1)].push_back(static_cast<Index>(i));
  std::int64_t all = 0;
  for (const TreeNode& n : nodes) all += n.self;
  constexpr std::size_t figures = 4;
  Table table({"total", "self", "share", "count", "site", "where"}, figures);
  int left = options.rows > 0 ? options.rows : static_cast<int>(nodes.size());
  std::vector<std::pair<Index, int>> open;
  const auto push = [&](Index parent, int depth) {
    std::vector<Index>& below = children[at(parent + 1)];
    std::sort(below.begin(), below.end(),
              [&](Index a, Index b) { return nodes[at(a)].total < nodes[at(b)].total; });
    for (const Index c : below) open.emplace_back(c, depth);
  };
  push(-1, 0);
  while (!open.empty() && left > 0) {
    const auto [i, depth] = open.back();
    open.pop_back();
    const TreeNode& n = nodes[at(i)];
    push(i, depth + 1);
    if (!matches(trace, n.site, options.filter)) continue;
    --left;
    table.add({duration_text(n.total), duration_text(n.self), percent(n.self, all),
               format("{}", n.count),
               std::string(2 * static_cast<std::size_t>(depth), ' ') + name_of(trace, n.site),
               place_of(trace, n.site)});
  }
  return table.text();
}

// Figures of what was sampled, or nothing.
std::string counters(const Trace& trace) {
  constexpr std::size_t figures = 5;
  Table table({"first", "last", "min", "mean", "max", "unit", "counter"}, figures);
  bool some = false;
  for (const CounterFigures& f : counter_figures(trace)) {
    if (f.samples == 0) continue;
    some = true;
    const Counter& c = trace.counters[at(f.counter)];
    const auto text = [](double value) { return format("{:.4g}", value); };
    table.add(
        {text(f.first), text(f.last), text(f.least), text(f.mean), text(f.most), c.unit, c.name});
  }
  return some ? '\n' + table.text() : "";
}

}  // namespace

std::string duration_text(std::int64_t ns) { return scaled(static_cast<double>(ns), times); }

std::string bytes_text(double bytes) { return scaled(bytes, rates) + "B"; }

std::string report(const Trace& trace, const ReportOptions& options) {
  std::string text = heading(trace);
  if (trace.spans.empty()) return text + "nothing was recorded in it\n";
  text += how_busy(trace);
  text += critical(trace);
  if (const std::string happened = moments_text(trace); !happened.empty())
    text += format("also: {}\n", happened);
  text += '\n';
  text += options.tree ? tree(trace, options) : sites(trace, options);
  return text + counters(trace);
}

}  // namespace jetlag::trace
