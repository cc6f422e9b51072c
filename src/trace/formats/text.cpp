#include "trace/formats/text.h"

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace jetlag::trace {

namespace {

[[noreturn]] void fail(const std::string& path) {
  throw Error(Kind::io,
              format("cannot write {}: {}", path, errno ? std::strerror(errno) : "no space"),
              "name a file in a folder that can be written");
}

}  // namespace

TextFile::TextFile(const std::string& path) : path_(path) {
  errno = 0;
  file_.open(path, std::ios::binary | std::ios::trunc);
  if (!file_) fail(path_);
}

void TextFile::flush() {
  file_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  buffer_.clear();
}

void TextFile::finish() {
  errno = 0;
  flush();
  file_.close();
  if (!file_) fail(path_);
}

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string valid_text(std::string_view text) {
  return nlohmann::json::parse(json_text(text)).get<std::string>();
}

const Site& site_of(const Trace& trace, Index site) {
  static const Site unknown = [] {
    Site s;
    s.name = "unknown";
    s.category = Category::runtime;
    return s;
  }();
  return site < 0 ? unknown : trace.sites[static_cast<std::size_t>(site)];
}

std::vector<TaskSpans> spans_of_tasks(const Trace& trace) {
  std::vector<TaskSpans> found(trace.tasks.size());
  for (std::size_t i = 0; i < trace.spans.size(); ++i) {
    const SpanRow& s = trace.spans[i];
    if (s.task < 0) continue;
    TaskSpans& t = found[static_cast<std::size_t>(s.task)];
    const auto at = [&](Index j) -> const SpanRow& {
      return trace.spans[static_cast<std::size_t>(j)];
    };
    if (t.first < 0 || s.begin < at(t.first).begin) t.first = static_cast<Index>(i);
    if (t.last < 0 || s.end > at(t.last).end) t.last = static_cast<Index>(i);
  }
  return found;
}

void walk_spans(const Trace& trace, const std::function<void(Index)>& enter,
                const std::function<void(Index)>& leave) {
  std::vector<Index> open;
  const auto leave_until = [&](Index around) {
    while (!open.empty() && open.back() != around) {
      leave(open.back());
      open.pop_back();
    }
  };
  Index thread = -1;
  for (std::size_t i = 0; i < trace.spans.size(); ++i) {
    const SpanRow& s = trace.spans[i];
    leave_until(s.thread == thread ? s.parent : -1);
    thread = s.thread;
    enter(static_cast<Index>(i));
    open.push_back(static_cast<Index>(i));
  }
  leave_until(-1);
}

void walk_tree(const std::vector<TreeNode>& tree,
               const std::function<void(Index node, bool first)>& enter,
               const std::function<void(Index node)>& leave) {
  // Children in the order of the rows: each node's first, and the next one beside it.
  const std::size_t n = tree.size();
  std::vector<Index> child(n + 1, -1);
  std::vector<Index> beside(n, -1);
  for (std::size_t i = n; i-- > 0;) {
    const std::size_t around = tree[i].parent < 0 ? n : static_cast<std::size_t>(tree[i].parent);
    beside[i] = child[around];
    child[around] = static_cast<Index>(i);
  }
  std::vector<Index> open;
  Index next = child[n];
  bool first = true;
  while (next >= 0 || !open.empty()) {
    if (next >= 0) {
      enter(next, first);
      open.push_back(next);
      next = child[static_cast<std::size_t>(next)];
      first = true;
    } else {
      leave(open.back());
      next = beside[static_cast<std::size_t>(open.back())];
      open.pop_back();
      first = false;
    }
  }
}

}  // namespace jetlag::trace
