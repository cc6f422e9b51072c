// What Phylanx and tools of its time leave of a run, as a trace: any of the tree as Newick, its
// figures as CSV, the tree or the task graph as DOT, the PhySL, the Python. They lie in one folder,
// or have one name with different endings.
//
// These texts have sums and no times of day. A node becomes as many spans as it ran, within those
// of the node above it, one after the other; a task begins when those are over that it waited for.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <queue>
#include <sstream>

#include "base/error.h"
#include "trace/chunk/writer.h"
#include "trace/formats/phylanx_texts.h"
#include "trace/formats/writers.h"

namespace jetlag::trace {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using phylanx::Figures;
using phylanx::Node;

constexpr std::uintmax_t most_bytes = 256 << 20;  // of a text
constexpr std::int64_t most_spans = 1'000'000;
constexpr int deepest = 2000;
constexpr std::int64_t untimed =
    1000;  // nanoseconds that something takes of which no time is known

std::size_t at(int i) { return static_cast<std::size_t>(i); }

std::string text_of(const fs::path& path) {
  std::error_code trouble;
  if (fs::file_size(path, trouble) > most_bytes || trouble)
    throw Error(Kind::io, trouble ? format("cannot read {}: {}", path.string(), trouble.message())
                                  : format("{} is longer than 256 MB", path.string()));
  std::ifstream in(path, std::ios::binary);
  std::stringstream all;
  all << in.rdbuf();
  if (!in) throw Error(Kind::io, format("cannot read {}", path.string()));
  return all.str();
}

bool begins_as_figures(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string head(32, '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  return phylanx::are_figures(head);
}

struct Pieces {
  fs::path newick, figures, dot, physl, python;
  bool several = false;  // of one kind
  bool say_what_ran() const { return !newick.empty() || !figures.empty() || !dot.empty(); }

  void add(const fs::path& path) {
    const std::string end = path.extension();
    const auto keep = [&](fs::path& place) {
      several |= !place.empty() && place != path;
      if (place.empty()) place = path;
    };
    if (end == ".newick" || end == ".nwk" || end == ".tree") keep(newick);
    else if (end == ".csv" && begins_as_figures(path)) keep(figures);
    else if (end == ".dot" || end == ".gv") keep(dot);
    else if (end == ".physl") keep(physl);
    else if (end == ".py") keep(python);
  }
};

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder.empty() ? "." : folder, none)) {
    if (entry.is_regular_file(none)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Pieces pieces_of(const std::string& path) {
  Pieces pieces;
  std::error_code none;
  if (fs::is_directory(path, none)) {
    for (const fs::path& file : files_in(path)) pieces.add(file);
    return pieces;
  }
  for (const char* end : {".newick", ".nwk", ".tree", ".csv", ".dot", ".gv", ".physl", ".py"}) {
    const fs::path file = fs::path(path).replace_extension(end);
    if (fs::is_regular_file(file, none)) pieces.add(file);
  }
  return pieces;
}

// Spans of one thread, in the order of their records.
struct Line {
  std::vector<Record> records;
  std::int64_t now = 0;
  void put(Event event, std::uint64_t task, SiteId site, std::uint64_t argument = 0) {
    records.push_back({static_cast<std::uint64_t>(now), task, argument, site, event});
  }
};

// Tells in which file a text is damaged.
template <class F>
auto read(const fs::path& path, const F& parse) {
  try {
    return parse(text_of(path));
  } catch (const Error& error) {
    if (error.kind() != Kind::value) throw;
    throw Error(Kind::value, format("{}: {}", path.string(), error.message()), error.hint());
  }
}

class Making {
 public:
  Making(const Pieces& pieces, const std::string& output) : pieces_(pieces), writer_(output) {}

  void run() {
    define({{"def", "clock"}, {"ticks", 0}, {"ns", 0}});
    if (!pieces_.physl.empty()) define({{"def", "run"}, {"physl", text_of(pieces_.physl)}});
    if (!pieces_.python.empty())
      define({{"def", "run"}, {"program", fs::absolute(pieces_.python).string()}});
    std::optional<phylanx::Graph> graph;
    if (!pieces_.dot.empty())
      graph = read(pieces_.dot, [](const std::string& t) { return phylanx::read_dot(t); });
    add_tree(graph);
    if (graph && graph->is_directed) add_tasks(*graph);
    writer_.close();
  }

 private:
  void define(const json& line) {
    writer_.define(line.dump(-1, ' ', false, json::error_handler_t::replace));
  }
  void complain(const std::string& text) { define({{"def", "complaint"}, {"text", text}}); }

  SiteId site(const std::string& name, const std::string& label, std::string_view category) {
    const auto [found, fresh] = sites_.try_emplace(name, static_cast<SiteId>(sites_.size() + 1));
    if (!fresh) return found->second;
    const phylanx::Instance instance = phylanx::read_instance(name);
    const fs::path& source = pieces_.python.empty() ? pieces_.physl : pieces_.python;
    define({{"def", "site"},
            {"id", found->second},
            {"name", label.empty() ? instance.kind : label},
            {"category", category},
            {"file", instance.line > 0 && !source.empty() ? fs::absolute(source).string() : ""},
            {"line", instance.line},
            {"column", instance.column},
            {"node", instance.number},
            {"text", name}});
    return found->second;
  }

  void flush(const Line& line, const std::string& name) {
    ++threads_;
    define({{"def", "thread"}, {"track", threads_}, {"id", threads_ - 1}, {"name", name}});
    writer_.add_columns(line.records, threads_, 0);
  }

  // ---- the tree

  // A graph without directions is the tree, from its first node on.
  static std::vector<Node> tree_of(const phylanx::Graph& graph) {
    std::vector<Node> all = graph.nodes;
    std::vector<bool> has_parent(all.size());
    for (const auto& e : graph.edges) {
      if (has_parent[at(e.to)] || e.to == e.from) continue;
      has_parent[at(e.to)] = true;
      all[at(e.from)].children.push_back(e.to);
    }
    std::vector<Node> tree;
    std::vector<std::pair<int, int>> waiting;
    for (std::size_t i = all.size(); i-- > 0;) {
      if (!has_parent[i]) waiting.emplace_back(static_cast<int>(i), -1);
    }
    while (!waiting.empty()) {
      const auto [from, parent] = waiting.back();
      waiting.pop_back();
      const auto here = static_cast<int>(tree.size());
      const std::vector<int>& below = all[at(from)].children;
      for (auto c = below.rbegin(); c != below.rend(); ++c) waiting.emplace_back(*c, here);
      tree.push_back({all[at(from)].name, all[at(from)].label, -1, parent, {}});
      if (parent >= 0) tree[at(parent)].children.push_back(here);
    }
    return tree;
  }

  void add_tree(const std::optional<phylanx::Graph>& graph) {
    if (!pieces_.newick.empty())
      tree_ = read(pieces_.newick, [](const std::string& t) { return phylanx::read_newick(t); });
    else if (graph && !graph->is_directed) tree_ = tree_of(*graph);
    if (!pieces_.figures.empty()) {
      for (auto& [name, f] :
           read(pieces_.figures, [](const std::string& t) { return phylanx::read_figures(t); }))
        figures_.try_emplace(name, f);
      std::map<std::string, bool> in_tree;
      for (const Node& n : tree_) in_tree[n.name] = true;
      for (const auto& [name, f] : figures_) {
        if (!in_tree.contains(name)) tree_.push_back({name, {}, -1, -1, {}});
      }
    }
    if (tree_.empty()) return;
    count_and_time();
    Line line;
    for (std::size_t n = 0; n < tree_.size(); ++n) {
      if (tree_[n].parent >= 0) continue;
      for (std::int64_t i = 0; i < runs_[n]; ++i) emit(line, static_cast<int>(n), i, 0);
    }
    flush(line, "the tree, as sums");
  }

  // How many spans each node gets, and how much time is its own.
  void count_and_time() {
    runs_.resize(tree_.size());
    own_.resize(tree_.size());
    std::vector<std::int64_t> total(tree_.size());
    std::int64_t all = 0;
    bool timed = false;
    bool too_long = false;
    for (std::size_t n = tree_.size(); n-- > 0;) {
      const auto found = figures_.find(tree_[n].name);
      const bool known = found != figures_.end();
      timed |= (known && found->second.time > 0) || tree_[n].own > 0;
      std::int64_t below = 0;
      bool runs_below = false;
      for (const int c : tree_[n].children) {
        below += total[at(c)];
        runs_below |= runs_[at(c)] > 0;
      }
      own_[n] = std::max<std::int64_t>(tree_[n].own, 0);
      if (known) own_[n] = std::max<std::int64_t>(found->second.time - below, 0);
      too_long |= known && found->second.time > 0 && found->second.time < below;
      total[n] = own_[n] + below;
      runs_[n] = known ? std::max<std::int64_t>(found->second.count, 0) : 1;
      if (runs_[n] == 0 && (runs_below || total[n] > 0)) runs_[n] = 1;
      all += runs_[n];
    }
    if (all > most_spans) {
      const std::int64_t part = all / most_spans + 1;
      for (std::int64_t& r : runs_) r = (r + part - 1) / part;
      complain(format("there are {} runs: one of {} is shown, and as long as these", all, part));
    }
    if (!timed) {
      for (std::size_t n = 0; n < tree_.size(); ++n) own_[n] = untimed * runs_[n];
      complain("no times are known: each node is shown as 1 us of its own");
    }
    if (too_long)
      complain(
          "some nodes took less time than those below them, which ran at once: they are shown "
          "one after the other");
  }

  static std::int64_t share(std::int64_t whole, std::int64_t i, std::int64_t parts) {
    __extension__ using Wide = __int128;
    return static_cast<std::int64_t>(Wide{whole} * (i + 1) / parts) -
           static_cast<std::int64_t>(Wide{whole} * i / parts);
  }

  // The i-th run of a node, with its part of the runs below.
  void emit(Line& line, int n, std::int64_t i, int depth) {
    if (depth > deepest)
      throw Error(Kind::value, format("the tree is deeper than {} nodes", deepest));
    const auto found = figures_.find(tree_[at(n)].name);
    const bool known = found != figures_.end();
    const bool compiled_in = known && found->second.direct < 0;
    const SiteId s = site(tree_[at(n)].name, tree_[at(n)].label, compiled_in ? "call" : "step");
    const std::int64_t runs = runs_[at(n)];
    line.put(Event::begin, 0, s);
    if (i == 0 && known && found->second.bytes > 0)
      line.put(Event::work, 0, s, pack(found->second.bytes, 0));
    line.now += share(own_[at(n)], i, runs);
    for (const int c : tree_[at(n)].children) {
      const std::int64_t here = share(runs_[at(c)], i, runs);
      const std::int64_t first = runs_[at(c)] * i / runs;
      for (std::int64_t k = 0; k < here; ++k) emit(line, c, first + k, depth + 1);
    }
    line.put(Event::end, 0, s);
  }

  // ---- the task graph

  // "1.23 ms" in a label's last line; a label's first line is a name.
  static std::int64_t duration_in(std::string_view label) {
    const std::string_view last = label.substr(label.rfind('\n') + 1);
    const std::size_t space = last.find(' ');
    double value = 0;
    if (space == last.npos ||
        std::from_chars(last.data(), last.data() + space, value).ptr != last.data() + space)
      return untimed;
    const std::string_view unit = last.substr(space + 1);
    const double ns = unit == "s" ? 1e9 : unit == "ms" ? 1e6 : unit == "us" ? 1e3 : 1;
    constexpr double longest = 1e15;
    return value >= 0 && value * ns < longest ? static_cast<std::int64_t>(value * ns) : untimed;
  }

  void add_tasks(const phylanx::Graph& graph) {
    const std::size_t count = graph.nodes.size();
    std::vector<std::vector<int>> into(count), out(count);
    std::vector<int> maker(count, -1), missing(count);
    for (const auto& e : graph.edges) {
      if (e.from == e.to) continue;
      if (e.dashed) {
        maker[at(e.to)] = e.from;
        continue;
      }
      into[at(e.to)].push_back(e.from);
      out[at(e.from)].push_back(e.to);
      ++missing[at(e.to)];
    }
    using Begin = std::pair<std::int64_t, int>;
    std::priority_queue<Begin, std::vector<Begin>, std::greater<>> ready;
    for (std::size_t t = 0; t < count; ++t) {
      if (missing[t] == 0) ready.emplace(0, static_cast<int>(t));
    }
    std::vector<Line> lines;
    std::vector<std::int64_t> end(count);
    while (!ready.empty()) {
      const auto [begin, t] = ready.top();
      ready.pop();
      auto line = std::find_if(lines.begin(), lines.end(),
                               [begin = begin](const Line& l) { return l.now <= begin; });
      if (line == lines.end()) line = lines.emplace(lines.end());
      line->now = begin;
      const std::string& label = graph.nodes[at(t)].label;
      const auto s =
          site("task " + label.substr(0, label.find('\n')),
               label.empty() ? graph.nodes[at(t)].name : label.substr(0, label.find('\n')), "task");
      const auto id = static_cast<std::uint64_t>(t) + 1;
      line->put(Event::create, id, s, static_cast<std::uint64_t>(maker[at(t)] + 1));
      for (const int from : into[at(t)])
        line->put(Event::ready, id, 0, static_cast<std::uint64_t>(from) + 1);
      line->put(Event::begin, id, s);
      line->now = end[at(t)] = begin + duration_in(label);
      line->put(Event::end, id, s);
      for (const int next : out[at(t)]) {
        if (--missing[at(next)] > 0) continue;
        std::int64_t last = 0;
        for (const int from : into[at(next)]) last = std::max(last, end[at(from)]);
        ready.emplace(last, next);
      }
    }
    for (std::size_t l = 0; l < lines.size(); ++l)
      flush(lines[l], format("tasks {}, as early as they could", l));
  }

  const Pieces pieces_;
  Writer writer_;
  std::map<std::string, SiteId> sites_;
  std::uint32_t threads_ = 0;
  std::vector<Node> tree_;
  std::map<std::string, Figures> figures_;
  std::vector<std::int64_t> runs_;  // of each node
  std::vector<std::int64_t> own_;   // nanoseconds of all its runs
};

}  // namespace

bool is_phylanx(const std::string& path) {
  std::error_code none;
  if (!fs::is_directory(path, none)) {
    Pieces alone;
    alone.add(path);
    return alone.say_what_ran();
  }
  // What holds other things as well is a folder of traces.
  for (const auto& entry : fs::directory_iterator(path, none)) {
    const fs::path end = entry.path().extension();
    if (entry.is_directory(none) || end == ".otf2" || end == ".jlt") return false;
  }
  const Pieces pieces = pieces_of(path);
  return pieces.say_what_ran() && !pieces.several;
}

std::string leading_piece(const std::string& path) {
  std::error_code none;
  if (fs::is_directory(path, none) || !is_phylanx(path)) return path;
  const Pieces pieces = pieces_of(path);
  for (const fs::path& piece : {pieces.newick, pieces.figures, pieces.dot}) {
    if (!piece.empty()) return piece;
  }
  return path;
}

void convert_phylanx(const std::string& path, const std::string& output) {
  const Pieces pieces = pieces_of(path);
  if (!pieces.say_what_ran())
    throw Error(
        Kind::value, format("{} says nothing of a run", path),
        "a tree as .newick, its figures as .csv or a graph as .dot should lie beside it, with "
        "the same name");
  Making(pieces, output).run();
}

}  // namespace jetlag::trace
