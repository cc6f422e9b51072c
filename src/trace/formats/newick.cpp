// The tree of calls as Newick: (child:length,child:length)'name':length; Lengths are the
// nanoseconds that were a node's own.
#include "trace/formats/text.h"
#include "trace/formats/writers.h"

namespace jetlag::trace {

namespace {

std::string label(std::string_view text) {
  std::string quoted = "'";
  for (const char c : valid_text(text)) {
    if (c == '\'') quoted += '\'';
    quoted += c == '\n' ? ' ' : c;
  }
  return quoted + '\'';
}

}  // namespace

void write_newick(const Trace& trace, const std::string& path) {
  TextFile file(path);
  const std::vector<TreeNode> tree = call_tree(trace);
  std::vector<bool> inner(tree.size());
  for (const TreeNode& node : tree) {
    if (node.parent >= 0) inner[static_cast<std::size_t>(node.parent)] = true;
  }
  const auto at = [&](Index i) { return static_cast<std::size_t>(i); };
  if (!tree.empty()) file.print("(");
  walk_tree(
      tree,
      [&](Index i, bool first) { file.print("{}{}", first ? "" : ",", inner[at(i)] ? "(" : ""); },
      [&](Index i) {
        const TreeNode& node = tree[at(i)];
        file.print("{}{}:{}", inner[at(i)] ? ")" : "", label(site_of(trace, node.site).name),
                   node.self);
      });
  file.print("{}'trace':0;\n", tree.empty() ? "" : ")");
  file.finish();
}

}  // namespace jetlag::trace
