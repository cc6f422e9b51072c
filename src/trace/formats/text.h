// What the formats that are files have in common.
#pragma once

#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "trace/store/profile.h"
#include "trace/store/trace.h"

namespace jetlag::trace {

// A file that grows, mostly by text. Errors are found by finish(), so that writing needs no checks.
class TextFile {
 public:
  // Throws Error(io) with the path.
  explicit TextFile(const std::string& path);

  template <class... Args>
  void print(fmt::format_string<Args...> text, Args&&... args) {
    fmt::format_to(std::back_inserter(buffer_), text, std::forward<Args>(args)...);
    if (buffer_.size() > flush_bytes) flush();
  }
  // Bytes that need not be text.
  void write(std::string_view bytes) {
    buffer_ += bytes;
    if (buffer_.size() > flush_bytes) flush();
  }
  // Throws Error(io) unless all of it is on disk.
  void finish();

 private:
  static constexpr std::size_t flush_bytes = 1 << 20;
  void flush();

  std::string path_;
  std::ofstream file_;
  std::string buffer_;
};

// In quotes; bytes that are no UTF-8 are replaced.
std::string json_text(std::string_view text);
// The same without the quotes and escapes.
std::string valid_text(std::string_view text);

// "unknown" if the trace does not say.
const Site& site_of(const Trace& trace, Index site);

// The first and the last span of each task; -1 if it never ran.
struct TaskSpans {
  Index first = -1;
  Index last = -1;
};
std::vector<TaskSpans> spans_of_tasks(const Trace& trace);

// Calls enter(span) and leave(span) in the order of time, thread by thread, as the spans lie in
// each other.
void walk_spans(const Trace& trace, const std::function<void(Index)>& enter,
                const std::function<void(Index)>& leave);

// The same for the nodes of a tree of calls. `first` says whether it is the first child.
void walk_tree(const std::vector<TreeNode>& tree,
               const std::function<void(Index node, bool first)>& enter,
               const std::function<void(Index node)>& leave);

}  // namespace jetlag::trace
