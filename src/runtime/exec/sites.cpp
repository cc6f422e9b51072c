#include "runtime/exec/sites.h"

#include <string>

#include "base/text.h"
#include "compiler/physl/node.h"

namespace jetlag::exec {

namespace {

using trace::Category;

std::string printed(const physl::NodePtr& node) {
  return node ? physl::print(*node, {.tags = false, .infix = true, .width = 1 << 20})
              : std::string();
}

class Definer {
 public:
  explicit Definer(const plan::Program& program) : program_(program) {}

  std::vector<trace::SiteId> all() {
    sites_.resize(static_cast<std::size_t>(program_.ids));
    for (const auto& f : program_.functions) {
      function_ = f.get();
      for (const plan::Param& p : f->params) region(p.otherwise);
      block(f->body);
    }
    return std::move(sites_);
  }

 private:
  void block(const plan::Block& b) {
    for (const plan::Statement& s : b.statements) statement(s);
  }

  void statement(const plan::Statement& s) {
    using plan::StatementKind;
    const bool loops = s.kind == StatementKind::loop || s.kind == StatementKind::for_each;
    if (loops) {
      const std::size_t head = s.kind == StatementKind::for_each ? 1 : 0;
      const bool has_head = s.node && s.node->children.size() > head;
      add(s.id, s.kind == StatementKind::loop ? "while" : "for", Category::step, s.place,
          has_head ? printed(s.node->children[head]) : "");
    } else if (s.kind == StatementKind::opaque_block) {
      add(s.id, "opaque", Category::opaque, s.place, s.node ? s.node->children[0]->text : "");
    }
    region(s.region);
    for (const plan::Block& b : s.blocks) block(b);
  }

  void region(const plan::Region& r) {
    for (const plan::Op& op : r.ops) {
      operation(op);
      for (const plan::Block& b : op.blocks) block(b);
    }
  }

  void operation(const plan::Op& op) {
    using plan::OpKind;
    switch (op.kind) {
      case OpKind::constant:
      case OpKind::variable:
      case OpKind::capture:
      case OpKind::item: return;
      case OpKind::opaque:
        return add(op.id, "opaque", Category::opaque, op.place,
                   op.node && !op.node->children.empty() ? op.node->children[0]->text : "",
                   op.within);
      case OpKind::host_call:
      case OpKind::value_call:
        return add(op.id, "python", Category::opaque, op.place, printed(op.node), op.within);
      default: break;
    }
    std::string name = op.primitive ? std::string(op.primitive->name) : op.name;
    if (name.empty() && op.node) name = op.node->text;
    add(op.id, std::move(name), Category::step, op.place, printed(op.node), op.within);
  }

  void add(int id, std::string name, Category category, Place place, std::string text,
           const plan::Inlined* within = nullptr) {
    if (id < 0 || id >= program_.ids) return;
    const plan::Function& from = within ? *within->function : *function_;
    trace::Site site;
    site.name = std::move(name);
    site.category = category;
    site.function = from.name;
    site.file = from.file;
    site.line = place.line;
    site.column = place.column;
    site.node = id;
    site.text = std::move(text);
    sites_[static_cast<std::size_t>(id)] = trace::define(site);
  }

  const plan::Program& program_;
  const plan::Function* function_ = nullptr;
  std::vector<trace::SiteId> sites_;
};

}  // namespace

std::vector<trace::SiteId> define_sites(const plan::Program& program) {
  return Definer(program).all();
}

void StepSites::make(const plan::Program& program) {
  std::scoped_lock lock(mutex_);
  if (made_.load(std::memory_order_relaxed)) return;
  sites_ = define_sites(program);
  made_.store(true, std::memory_order_release);
}

trace::SiteId call_site(const plan::Function& function) {
  trace::Site site;
  site.name = function.name;
  site.category = Category::call;
  site.function = function.name;
  site.file = function.file;
  site.line = function.place.line;
  site.column = function.place.column;
  return trace::define(site);
}

}  // namespace jetlag::exec
