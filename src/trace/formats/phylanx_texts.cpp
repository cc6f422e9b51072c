#include "trace/formats/phylanx_texts.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace jetlag::trace::phylanx {

namespace {

constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

template <class T>
bool read_number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Walks over a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  bool is_over() const { return at_ >= text_.size(); }
  char peek() const { return is_over() ? '\0' : text_[at_]; }
  bool take(std::string_view wanted) {
    if (!text_.substr(at_).starts_with(wanted)) return false;
    at_ += wanted.size();
    return true;
  }
  void skip_to(std::string_view end) {
    const std::size_t found = text_.find(end, at_);
    at_ = found == text_.npos ? text_.size() : found + end.size();
  }
  template <class F>
  std::string_view take_while(const F& wanted) {
    const std::size_t first = at_;
    while (!is_over() && wanted(text_[at_])) ++at_;
    return text_.substr(first, at_ - first);
  }
  // Up to the quote that ends it; the opening one is taken. `escape` makes the next letter plain.
  std::string take_quoted(char quote, char escape) {
    std::string inside;
    for (; !is_over(); ++at_) {
      const bool escaped = text_[at_] == escape && at_ + 1 < text_.size() &&
                           (escape != quote || text_[at_ + 1] == quote);
      if (!escaped && text_[at_] == quote) break;
      if (escaped) ++at_;
      // DOT's ends of lines, aligned in three ways.
      const bool is_line = escaped && escape == '\\' &&
                           std::string_view("nlr").find(text_[at_]) != std::string_view::npos;
      inside += is_line ? '\n' : text_[at_];
    }
    if (is_over()) fail("a quoted name that does not end");
    ++at_;
    return inside;
  }
  [[noreturn]] void fail(std::string_view what) const {
    const auto line =
        1 + std::count(text_.begin(),
                       text_.begin() + static_cast<std::ptrdiff_t>(std::min(at_, text_.size())),
                       '\n');
    throw Error(Kind::value, format("line {} has {}", line, what));
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<Node> read_newick(std::string_view text) {
  std::vector<Node> made;  // children before their parents, as the text has them
  std::vector<std::vector<int>> open(1);
  Scanner s(text);
  const auto node = [&](std::vector<int> children) {
    s.skip_space();
    Node n;
    if (s.take("'")) n.name = s.take_quoted('\'', '\'');
    else
      n.name = trimmed(s.take_while(
          [](char c) { return std::string_view("(),:;").find(c) == std::string_view::npos; }));
    s.skip_space();
    if (s.take(":")) {
      s.skip_space();
      const auto length = s.take_while([](char c) {
        return std::string_view("0123456789+-.eE").find(c) != std::string_view::npos;
      });
      double own = 0;
      if (!read_number(length, own) || !(own >= 0) || own > 9e18) s.fail("a length that is none");
      n.own = static_cast<std::int64_t>(own);
      s.skip_space();
    }
    n.children = std::move(children);
    open.back().push_back(static_cast<int>(made.size()));
    made.push_back(std::move(n));
  };
  for (s.skip_space(); !s.is_over() && s.peek() != ';'; s.skip_space()) {
    if (s.take("(")) {
      open.emplace_back();
    } else if (s.take(",")) {
      if (open.back().empty()) node({});
    } else if (s.take(")")) {
      if (open.size() == 1) s.fail("a ) without its (");
      std::vector<int> children = std::move(open.back());
      open.pop_back();
      node(std::move(children));
    } else {
      node({});
    }
  }
  if (open.size() != 1) s.fail("no ) for a (");
  if (open[0].size() != 1) s.fail(open[0].empty() ? "no tree" : "more than one tree");
  // Parents first.
  std::vector<Node> tree;
  std::vector<std::pair<int, int>> waiting{{open[0][0], -1}};
  while (!waiting.empty()) {
    const auto [from, parent] = waiting.back();
    waiting.pop_back();
    const auto here = static_cast<int>(tree.size());
    Node n = std::move(made[static_cast<std::size_t>(from)]);
    for (auto c = n.children.rbegin(); c != n.children.rend(); ++c) waiting.emplace_back(*c, here);
    n.children.clear();
    n.parent = parent;
    if (parent >= 0) tree[static_cast<std::size_t>(parent)].children.push_back(here);
    tree.push_back(std::move(n));
  }
  return tree;
}

bool are_figures(std::string_view text) { return text.starts_with("primitive_instance,"); }

std::vector<std::pair<std::string, Figures>> read_figures(std::string_view text) {
  Scanner s(text);
  const auto row = [&] {
    std::vector<std::string> fields;
    for (;;) {
      if (s.take("\"")) fields.push_back(s.take_quoted('"', '"'));
      else
        fields.emplace_back(
            s.take_while([](char c) { return c != ',' && c != '\n' && c != '\r'; }));
      if (s.take(",")) continue;
      s.take("\r");
      s.take("\n");
      return fields;
    }
  };
  const std::vector<std::string> names = row();
  std::vector<std::pair<std::string, Figures>> rows;
  for (s.skip_space(); !s.is_over(); s.skip_space()) {
    const std::vector<std::string> fields = row();
    Figures f;
    for (std::size_t i = 0; i < std::min(names.size(), fields.size()); ++i) {
      const std::string_view name = names[i];
      double value = 0;
      if (name == "display_name") f.display = fields[i];
      else if (name == "primitive_instance" || !read_number(fields[i], value)) continue;
      if (name == "count") f.count = static_cast<std::int64_t>(value);
      if (name == "time") f.time = static_cast<std::int64_t>(value);
      if (name == "eval_direct") f.direct = static_cast<int>(value);
      if (name == "transferred_bytes") f.bytes = value;
    }
    if (fields.size() < 2) s.fail("a row of one field");
    rows.emplace_back(fields[0], std::move(f));
  }
  return rows;
}

Graph read_dot(std::string_view text) {
  Graph graph;
  Scanner s(text);
  std::map<std::string, int> known;
  const auto is_plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '$' ||
           c == '/' || static_cast<unsigned char>(c) >= 0x80;
  };
  const auto skip = [&] {
    for (;;) {
      s.skip_space();
      if (s.take("//") || s.take("#")) s.skip_to("\n");
      else if (s.take("/*")) s.skip_to("*/");
      else return;
    }
  };
  const auto name = [&] {
    return s.take("\"") ? s.take_quoted('"', '\\') : std::string(s.take_while(is_plain));
  };
  const auto number_of = [&](const std::string& text) {
    const auto [at, fresh] = known.try_emplace(text, static_cast<int>(graph.nodes.size()));
    if (fresh) graph.nodes.emplace_back().name = text;
    return at->second;
  };
  skip();
  s.take("strict");
  skip();
  graph.is_directed = s.take("digraph");
  if (!graph.is_directed && !s.take("graph")) s.fail("no graph of DOT");
  s.skip_to("{");
  for (skip(); !s.is_over(); skip()) {
    if (s.take(";") || s.take("{") || s.take("}") || s.take(",")) continue;
    const bool is_quoted = s.peek() == '"';
    const std::string first = name();
    if (first.empty() && !is_quoted) s.fail(format("'{}' where a node should stand", s.peek()));
    skip();
    const bool is_word = !is_quoted && (first == "node" || first == "edge" || first == "graph" ||
                                        first == "subgraph");
    if (s.take("=")) {  // of the graph itself
      skip();
      name();
      continue;
    }
    std::vector<int> chain;
    if (!is_word) chain.push_back(number_of(first));
    else if (first == "subgraph") name();
    for (; s.take("->") || s.take("--"); skip()) {
      skip();
      chain.push_back(number_of(name()));
    }
    bool dashed = false;
    skip();
    if (s.take("[")) {
      for (skip(); !s.is_over() && !s.take("]"); skip()) {
        const std::string key = name();
        skip();
        std::string value;
        if (s.take("=")) {
          skip();
          value = s.peek() == '-' ? (s.take("-"), "-" + name()) : name();
        } else if (key.empty() && !s.take(",") && !s.take(";")) {
          s.fail("attributes that cannot be read");
        }
        if (key == "style") dashed = value == "dashed";
        if (key == "label" && chain.size() == 1)
          graph.nodes[static_cast<std::size_t>(chain[0])].label = value;
        skip();
        s.take(",");
      }
    }
    for (std::size_t i = 1; i < chain.size(); ++i)
      graph.edges.push_back({chain[i - 1], chain[i], dashed});
  }
  return graph;
}

// /phylanx$locality/kind$number[$name]/compile$line$column
Instance read_instance(std::string_view name) {
  Instance whole{std::string(name)};
  if (!name.starts_with("/phylanx$")) return whole;
  const std::size_t kind = name.find('/', 1);
  const std::size_t place = name.rfind('/');
  if (kind == name.npos || place <= kind) return whole;
  const auto parts = [](std::string_view text) {
    std::vector<std::string_view> list;
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t end = std::min(text.find('$', at), text.size());
      list.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    return list;
  };
  const auto what = parts(name.substr(kind + 1, place - kind - 1));
  const auto where = parts(name.substr(place + 1));
  Instance found;
  found.kind = what.size() > 2 && !what[2].empty() ? what[2] : what[0];
  if (what.size() > 1) read_number(what[1], found.number);
  if (where.size() > 1) read_number(where[1], found.line);
  if (where.size() > 2) read_number(where[2], found.column);
  return found;
}

}  // namespace jetlag::trace::phylanx
