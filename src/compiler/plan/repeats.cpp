// Rules common-subexpressions and hoist, as far as the text decides them.
//
// Equal calls of a region have equal numbers. Who reads the result decides what a
// repeat may have: the same array if it is only read; otherwise a copy, as each
// evaluation gives an array of its own, where a copy is cheaper than the work.
#include "compiler/plan/repeats.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "base/text.h"
#include "compiler/plan/regions.h"

namespace jetlag::plan {

namespace {

const Primitive* row_of(const Op& op) {
  if (op.kind == OpKind::call) return op.primitive;
  return op.kind == OpKind::method ? op.member : nullptr;
}

bool makes_views(const Op& op) {
  if (op.kind == OpKind::index || op.kind == OpKind::attribute) return true;
  const Primitive* p = row_of(op);
  return p && !is_elementwise(op) && (p->view || p->value);
}

std::string literal(const Value& v) {
  const auto bits = [](double x) {
    std::uint64_t u;
    std::memcpy(&u, &x, sizeof u);
    return u;
  };
  switch (v.kind()) {
    case ValueKind::nil: return "n";
    case ValueKind::boolean: return v.boolean() ? "t" : "f";
    case ValueKind::integer: return format("i{}", v.integer());
    case ValueKind::real: return format("r{}", bits(v.real()));
    case ValueKind::complex:
      return format("c{},{}", bits(v.complex().real()), bits(v.complex().imag()));
    case ValueKind::string: return quote(v.text());
    case ValueKind::dtype: return format("d{}", static_cast<int>(v.dtype()));
    default: return {};
  }
}

class Repeats {
 public:
  Repeats(Region& region, std::size_t slots) : region_(region), versions_(slots) {}

  void run() {
    number();
    std::map<int, std::vector<int>> classes;
    for (int k = 0; k < size(); ++k) {
      if (is_candidate(k)) classes[numbers_[static_cast<std::size_t>(k)]].push_back(k);
    }
    for (const auto& [_, members] : classes) mark(members);
  }

  bool find_costly_copies() {
    number();
    std::map<int, std::vector<int>> classes;
    for (int k = 0; k < size(); ++k) {
      if (is_elementwise(at(k))) classes[number_of(k)].push_back(k);
    }
    bool some = false;
    // From the outside in: what only such a copy reads is part of it.
    for (int k = size() - 1; k >= 0; --k) {
      const auto found = classes.find(number_of(k));
      if (!is_elementwise(at(k)) || !is_in_several_groups(found->second)) continue;
      if (work_of(region_, k, very_costly_work) < very_costly_work) continue;
      if (!any_reader(k, [](const Op& op, int, std::size_t) { return !op.repeated; })) continue;
      some = at(k).repeated = true;
    }
    return some;
  }

 private:
  int size() const { return static_cast<int>(region_.ops.size()); }
  Op& at(int k) { return region_.ops[static_cast<std::size_t>(k)]; }
  const Op& at(int k) const { return region_.ops[static_cast<std::size_t>(k)]; }

  // ---- equal operations ------------------------------------------------------------

  void number() {
    for (int k = 0; k < size(); ++k) {
      const Op& op = at(k);
      const std::string key = key_of(op, k);
      if (op.kind == OpKind::assign) numbers_.push_back(number_of(op.args[0]));
      else numbers_.push_back(key.empty() ? k : known_.try_emplace(key, k).first->second);
      const bool changes = op.kind == OpKind::assign || op.kind == OpKind::unbind;
      if (changes && op.variable.depth == 0 && op.variable.slot >= 0)
        ++versions_[static_cast<std::size_t>(op.variable.slot)];
      if (op.blocks.empty()) continue;
      for (int& version : versions_) ++version;
    }
  }

  int number_of(int reg) const { return reg < 0 ? -1 : numbers_[static_cast<std::size_t>(reg)]; }

  // Empty: equal to no other.
  std::string key_of(const Op& op, int k) {
    std::string key = format("{}", static_cast<int>(op.kind));
    switch (op.kind) {
      case OpKind::constant: {
        const std::string text = literal(op.constant);
        return text.empty() ? text : format("{}{}", key, text);
      }
      case OpKind::variable:
        if (op.variable.depth > 0) return {};
        return format("{}:{}.{}", key, op.variable.slot,
                      versions_[static_cast<std::size_t>(op.variable.slot)]);
      case OpKind::capture: return format("{}:{}", key, op.index);
      case OpKind::call: key += format(" {}", op.primitive->name); break;
      case OpKind::attribute:
      case OpKind::method: key += format(" {}", op.name); break;
      case OpKind::tuple:
      case OpKind::span:
      case OpKind::index: break;
      default: return {};
    }
    for (int a : op.args) key += format(",{}", number_of(a));
    for (const std::string& word : op.keywords) key += format(",{}", word);
    return op.args.empty() ? format("{}#{}", key, k) : key;
  }

  // A group of one counts as one, and what is the result of its group already is.
  bool is_in_several_groups(const std::vector<int>& members) const {
    const auto group = [&](int k) { return at(k).group; };
    const bool inside = std::any_of(members.begin(), members.end(), [&](int k) {
      return group(k) >= 0 &&
             region_.groups[static_cast<std::size_t>(group(k))].members.back() != k;
    });
    return inside && std::any_of(members.begin(), members.end(), [&](int k) {
             return group(k) < 0 || group(k) != group(members.front());
           });
  }

  // ---- calls worth it ---------------------------------------------------------------

  bool is_candidate(int k) const {
    const Op& op = at(k);
    if (op.group >= 0) {
      // What a stream puts off is not there to be kept.
      const Group& group = region_.groups[static_cast<std::size_t>(op.group)];
      return op.stream < 0 && group.members.back() == k && group.outputs.empty();
    }
    const Primitive* p = row_of(op);
    // A product that waits for another has no result of its own.
    if (!p || (op.feeds_product && p->algebra != Algebra::inverse)) return false;
    return p->kernel || p->formula || !p->ufunc.empty();
  }

  void mark(const std::vector<int>& members) {
    const bool again = at(members.front()).invariant >= 0;
    if (members.size() < 2 && !again) return;
    const bool read_only =
        std::none_of(members.begin(), members.end(), [&](int k) { return escapes(k); });
    std::vector<Recall> recalls;
    bool useful = false;
    for (const int k : members) {
      Recall r;
      r.first = members.front();
      r.loop = at(k).invariant;
      r.shared = read_only || (!escapes(k) && is_read_in_peace(k));
      r.copied = !is_elementwise(at(k)) ||
                 (work_of(region_, k, costly_work) >= costly_work && !is_stored(k));
      r.last = k == members.back() && r.loop < 0;
      useful = useful || ((k != members.front() || again) && (r.shared || r.copied));
      recalls.push_back(r);
    }
    if (!useful) return;
    for (std::size_t i = 0; i < members.size(); ++i) at(members[i]).recall = recalls[i];
  }

  // ---- who reads it --------------------------------------------------------------------

  template <class F>
  bool any_reader(int reg, const F& f) const {
    for (int k = reg + 1; k < size(); ++k) {
      const Op& op = at(k);
      for (std::size_t i = 0; i < op.args.size(); ++i) {
        if (op.args[i] == reg && f(op, k, i)) return true;
      }
    }
    return false;
  }

  // Whether someone may keep the result, or a view of it, or write into it.
  bool escapes(int reg) const {
    if (region_.result == reg) return true;
    return any_reader(reg, [&](const Op& op, int k, std::size_t i) {
      // An assignment that was dropped keeps nothing of ours.
      if (op.kind == OpKind::assign && op.variable.slot < 0) return escapes(k);
      if (op.kind == OpKind::index && i > 0) return false;
      const Primitive* p = row_of(op);
      const bool reads =
          p || op.kind == OpKind::index || (op.kind == OpKind::attribute && op.member);
      if (!reads) return true;
      return makes_views(op) && escapes(k);
    });
  }

  // Nothing that could write runs before the last reader, of views of it too.
  bool is_read_in_peace(int reg) const {
    const int last = last_reader(reg);
    for (int k = reg + 1; k < last; ++k) {
      if (!is_quiet(at(k)) && at(k).kind != OpKind::attribute) return false;
    }
    return true;
  }

  int last_reader(int reg) const {
    int last = reg;
    any_reader(reg, [&](const Op& op, int k, std::size_t) {
      const int group = op.group;
      if (group >= 0) {
        last = std::max(last, region_.groups[static_cast<std::size_t>(group)].members.back());
      }
      last = std::max(last, makes_views(op) ? last_reader(k) : k);
      return false;
    });
    return last;
  }

  // What is only stored can be computed where it is stored.
  bool is_stored(int reg) const {
    return any_reader(reg, [](const Op& op, int, std::size_t i) {
      return op.kind == OpKind::store_index && i == 0;
    });
  }

  Region& region_;
  std::vector<int> versions_;  // of variables, by slot
  std::vector<int> numbers_;   // by register; the first register with the same value
  std::map<std::string, int> known_;
};

double flops_of(const Region& region, const Op& op) {
  const Primitive* p = op.primitive->formula ? op.primitive : find_primitive(op.primitive->ufunc);
  if (p->name == "power" && op.args.size() == 2 && op.args[1] >= 0) {
    const Value& exponent = region.ops[static_cast<std::size_t>(op.args[1])].constant;
    if (exponent.is(ValueKind::integer) && exponent.integer() == 2) return 1;
  }
  return p->flops;
}

}  // namespace

double work_of(const Region& region, int reg, double enough) {
  const Op& op = region.ops[static_cast<std::size_t>(reg)];
  if (!is_elementwise(op)) return 0;
  double work = flops_of(region, op);
  for (int a : op.args) {
    if (a >= 0 && work < enough) work += work_of(region, a, enough);
  }
  return work;
}

bool find_costly_copies(Region& region, std::size_t slots) {
  return Repeats(region, slots).find_costly_copies();
}

void find_repeats(Program&, Function& function) {
  if (function.needs_frame) return;
  each_region(function.body, [&](Region& r) { Repeats(r, function.slots.size()).run(); });
}

}  // namespace jetlag::plan
