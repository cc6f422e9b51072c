#include "runtime/exec/profile.h"

#include <algorithm>

#include "base/text.h"
#include "compiler/physl/show.h"

namespace jetlag::exec {

namespace {

void note_rule(StepFigures& f, std::string_view rule) {
  constexpr std::string_view between = ", ";
  if (rule.empty()) return;
  const std::string framed = format("{}{}{}", between, f.rule, between);
  if (framed.find(format("{}{}{}", between, rule, between)) != std::string::npos) return;
  f.rule += format("{}{}", f.rule.empty() ? "" : between, rule);
}

}  // namespace

void Profile::add(int id, StepKind kind, std::int64_t ns, std::int64_t tasks, double bytes,
                  double flops) {
  std::scoped_lock lock(mutex_);
  StepFigures& f = at(id);
  if (kind > f.kind) f.kind = kind;
  f.ns += ns;
  f.tasks += tasks;
  f.bytes += bytes;
  f.flops += flops;
}

void Profile::describe(int id, StepKind kind, std::string result, std::string_view rule) {
  std::scoped_lock lock(mutex_);
  StepFigures& f = at(id);
  if (kind > f.kind) f.kind = kind;
  ++f.calls;
  f.result = std::move(result);
  note_rule(f, rule);
}

void Profile::apply(int id, std::string_view rule) {
  std::scoped_lock lock(mutex_);
  note_rule(at(id), rule);
}

void Profile::refuse(int id, std::string_view rule, std::string_view why) {
  std::scoped_lock lock(mutex_);
  const Refusal refusal{std::string(rule), std::string(why)};
  std::vector<Refusal>& known = at(id).refused;
  if (std::find(known.begin(), known.end(), refusal) == known.end()) known.push_back(refusal);
}

void Profile::compiled(int id, std::string_view what, std::int64_t ns) {
  std::scoped_lock lock(mutex_);
  at(id).compiled.push_back({std::string(what), ns});
}

void Profile::rename(int id, std::string result, std::string_view rule) {
  std::scoped_lock lock(mutex_);
  StepFigures& f = figures_[static_cast<std::size_t>(id)];
  f.result = std::move(result);
  f.rule = rule;
}

namespace {

// The bytes behind an array: what is repeated along an axis lies there once.
double distinct_bytes(const Array& a) {
  double bytes = static_cast<double>(size_of(a.dtype()));
  for (std::int64_t axis = 0; axis < a.rank(); ++axis) {
    if (a.strides()[axis] != 0 || a.shape()[axis] == 0) {
      bytes *= static_cast<double>(a.shape()[axis]);
    }
  }
  return bytes;
}

}  // namespace

void Profile::need(int id, std::span<const Ref<Array>> reads, const Ref<Array>& write) {
  std::scoped_lock lock(mutex_);
  const auto use = [&](const Array& a) {
    // What is known by a rule is read from nowhere.
    if (!a.in_memory()) return;
    const double bytes = distinct_bytes(a);
    at(id).needed += bytes;
    if (!a.buffer()->visible()) return;
    double& seen = seen_[a.data()];
    seen = std::max(seen, bytes);
  };
  for (auto a = reads.begin(); a != reads.end(); ++a) {
    const bool again = std::any_of(reads.begin(), a, [&](const Ref<Array>& b) {
      return b->in_memory() && (*a)->in_memory() && b->data() == (*a)->data();
    });
    if (!again) use(**a);
  }
  if (write) use(*write);
}

void Profile::give(const Value& result) {
  if (result.is(ValueKind::tuple) || result.is(ValueKind::list)) {
    for (const Value& item : result.items()) give(item);
  }
  if (!result.is_array()) return;
  const Array& a = *result.array();
  if (a.in_memory() && a.buffer()->visible()) return;
  std::scoped_lock lock(mutex_);
  given_ += distinct_bytes(a);
}

double Profile::needed() const {
  std::scoped_lock lock(mutex_);
  double bytes = given_;
  for (const auto& [memory, used] : seen_) bytes += used;
  return bytes;
}

void Profile::count(int id) {
  std::scoped_lock lock(mutex_);
  ++at(id).calls;
}

namespace {

constexpr std::string_view kind_names[] = {"",     "value",  "fused",  "call", "view",
                                           "copy", "stream", "opaque", "lane"};

class Rows {
 public:
  Rows(const plan::Program& program, const Profile& profile)
      : program_(program), profile_(profile) {}

  std::vector<ExplainRow> all() {
    for (const auto& f : program_.functions) function(*f);
    if (!rows_.empty()) add_up();
    return std::move(rows_);
  }

 private:
  void function(const plan::Function& f) {
    std::string params;
    for (const plan::Param& p : f.params) params += (params.empty() ? "" : ", ") + p.name;
    const std::size_t head = rows_.size();
    file_ = f.file;
    add("function", format("{}({})", f.name, params), f.place);
    const StepFigures& code = profile_[f.id];  // of calls in machine code
    rows_.back().figures = code;
    if (rows_.size() == 1) {
      rows_.back().figures.ns = profile_.total_ns;
      rows_.back().figures.calls = 1;
      if (program_.fastmath) note_rule(rows_.back().figures, "fastmath");
    }
    ++depth_;
    block(f.body);
    --depth_;
    // A function that was never entered has nothing to show.
    const bool entered = rows_.size() > head + 1 || code.calls > 0 || !code.refused.empty();
    if (!entered && program_.functions.size() > 1) rows_.pop_back();
  }

  // The call moved what its steps moved.
  void add_up() {
    StepFigures& call = rows_.front().figures;
    for (std::size_t i = 1; i < rows_.size(); ++i) {
      call.bytes += rows_[i].figures.bytes;
      call.flops += rows_[i].figures.flops;
    }
    call.needed = profile_.needed();
  }

  void block(const plan::Block& b) {
    for (const plan::Statement& s : b.statements) statement(s);
  }

  void statement(const plan::Statement& s) {
    using plan::StatementKind;
    const StepFigures& f = profile_[s.id];
    const bool control = s.kind == StatementKind::loop || s.kind == StatementKind::for_each ||
                         s.kind == StatementKind::branch;
    if (s.kind == StatementKind::opaque_block && f.calls > 0) {
      row(f, "opaque", s.node ? s.node->children[0]->text : "", s.place, false);
    }
    if (!control) return region(s.region);
    if (f.calls == 0) return;
    const bool loops = s.kind != StatementKind::branch;
    std::string text =
        physl::print(*s.node->children[loops && s.kind == StatementKind::for_each ? 1 : 0],
                     {.tags = false, .infix = true});
    text = (s.kind == StatementKind::loop     ? "while "
            : s.kind == StatementKind::branch ? "if "
                                              : "for each of ") +
           text;
    if (loops) text += format(", {} rounds", f.calls - (s.kind == StatementKind::loop ? 1 : 0));
    add(loops ? "loop" : "branch", std::move(text), s.place);
    rows_.back().figures = f;
    rows_.back().node = physl::label(*s.node);
    ++depth_;
    region(s.region);
    for (const plan::Block& b : s.blocks) block(b);
    --depth_;
  }

  void region(const plan::Region& r) {
    for (const plan::Op& op : r.ops) {
      const StepFigures& f = profile_[op.id];
      if (f.kind != StepKind::none && f.calls > 0 && op.node) {
        std::string text = physl::print(*op.node, {.tags = false, .infix = true, .width = 1 << 20});
        const bool native = f.kind != StepKind::opaque;
        if (f.kind == StepKind::opaque && op.node->is_call("opaque"))
          text = op.node->children[0]->text;
        row(f, std::string(kind_names[static_cast<std::size_t>(f.kind)]), std::move(text), op.place,
            native);
        rows_.back().node = physl::label(*op.node);
        if (op.within) rows_.back().file = op.within->function->file;
        if (is_inlined(r, op)) note_rule(rows_.back().figures, "inline-calls");
      }
      for (const plan::Block& b : op.blocks) block(b);
    }
  }

  // It is part of a function that was called, or computes such parts.
  static bool is_inlined(const plan::Region& r, const plan::Op& op) {
    if (op.within || op.group < 0) return op.within;
    const auto& members = r.groups[static_cast<std::size_t>(op.group)].members;
    const auto of = [&](int m) -> const plan::Op& { return r.ops[static_cast<std::size_t>(m)]; };
    return &of(members.back()) == &op &&
           std::any_of(members.begin(), members.end(), [&](int m) { return of(m).within; });
  }

  void add(std::string kind, std::string text, Place place) {
    ExplainRow r;
    r.depth = depth_;
    r.kind = std::move(kind);
    r.text = std::move(text);
    r.file = file_;
    r.line = place.line;
    rows_.push_back(std::move(r));
  }

  void row(const StepFigures& f, std::string kind, std::string text, Place place, bool native) {
    add(std::move(kind), std::move(text), place);
    rows_.back().result = f.result;
    rows_.back().native = native;
    rows_.back().figures = f;
  }

  const plan::Program& program_;
  const Profile& profile_;
  std::vector<ExplainRow> rows_;
  std::string file_;
  int depth_ = 0;
};

}  // namespace

std::vector<ExplainRow> explain_rows(const plan::Program& program, const Profile& profile) {
  return Rows(program, profile).all();
}

}  // namespace jetlag::exec
