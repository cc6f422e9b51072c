// The tree of calls as Hatchet's literal: frames, metrics in seconds, children.
#include "trace/formats/text.h"
#include "trace/formats/writers.h"

namespace jetlag::trace {

void write_hatchet(const Trace& trace, const std::string& path) {
  constexpr double s_per_ns = 1e-9;
  TextFile file(path);
  file.print("[");
  const std::vector<TreeNode> tree = call_tree(trace);
  walk_tree(
      tree,
      [&](Index i, bool first) {
        const TreeNode& node = tree[static_cast<std::size_t>(i)];
        const Site& site = site_of(trace, node.site);
        file.print(
            "{}\n{{\"frame\":{{\"name\":{},\"type\":\"{}\",\"file\":{},\"line\":{}}},"
            "\"metrics\":{{\"time (inc)\":{:.9f},\"time\":{:.9f},\"count\":{}}},"
            "\"children\":[",
            first ? "" : ",", json_text(site.name), category_name(site.category),
            json_text(site.file), site.line, static_cast<double>(node.total) * s_per_ns,
            static_cast<double>(node.self) * s_per_ns, node.count);
      },
      [&](Index) { file.print("]}}"); });
  file.print("]\n");
  file.finish();
}

}  // namespace jetlag::trace
