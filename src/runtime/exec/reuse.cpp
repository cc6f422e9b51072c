#include "runtime/exec/reuse.h"

#include <algorithm>
#include <cstring>

#include "compiler/plan/rules.h"
#include "runtime/exec/stretches.h"
#include "runtime/tasks/tasks.h"

namespace jetlag::exec {

namespace {

// Below this, tasks do not come into it, and malloc costs less than care.
constexpr std::int64_t smallest_lent = std::int64_t{1} << 15;
constexpr std::int64_t smallest_reused = std::int64_t{1} << 13;

struct LentArray : Array {
  explicit LentArray(const Array& a)
      : Array(a.buffer(), a.data(), a.dtype(), a.shape(), a.strides()) {
    if (!a.writable()) make_read_only();
    buffer()->lent.fetch_add(1, std::memory_order_acq_rel);
  }
  // The count goes first: a reference may be missed, never imagined.
  ~LentArray() override { buffer()->lent.fetch_sub(1, std::memory_order_acq_rel); }
};

bool is_ours(const Array& a) {
  return a.buffer()->owned() && !a.buffer()->visible() && a.writable() && !a.handle &&
         !a.is_scalar && a.is_contiguous();
}

// Those of values: unfinished tasks have others. Perhaps fewer.
std::int64_t references(const Buffer& b) {
  // In this order: tasks that end meanwhile make the difference larger.
  const std::int64_t uses = b.use_count();
  return uses - b.lent.load(std::memory_order_acquire) - b.pending.load(std::memory_order_acquire);
}

// Whether nothing but `holders` values and unfinished tasks refer to the bytes.
bool held_by(const Array& a, std::int64_t holders) {
  return a.use_count() == holders && references(*a.buffer()) == 1;
}

}  // namespace

void SpentResults::note(const Array& out) {
  const Ref<Buffer>& b = out.buffer();
  if (!b->owned() || b->visible() || out.data() != b->data() || out.bytes() != b->bytes()) return;
  const auto known = std::find_if(watched_.begin(), watched_.end(),
                                  [&](const Watched& w) { return w.buffer == b; });
  if (known == watched_.end()) watched_.emplace_back(b);
  else known->used = true;
}

void SpentResults::next_round() {
  std::erase_if(watched_, [](Watched& w) { return !std::exchange(w.used, false); });
}

bool is_spent(const Buffer& b) { return references(b) == 0; }

Ref<Array> lent(const Ref<Array>& array) {
  if (array->is_scalar || !array->in_memory() || array->bytes() < smallest_lent) return array;
  return make<LentArray>(*array);
}

std::vector<Value> lent(const std::vector<Value>& values) {
  std::vector<Value> result = values;
  for (Value& v : result) {
    if (v.is_array()) v = Value::of(lent(v.array()));
  }
  return result;
}

Ref<Array> dying_operand(const plan::Op& op, std::span<const int> registers,
                         std::span<const Value> values, DType dtype, const Dims& shape) {
  static const plan::Rule& rule = *plan::find_rule("last-use");
  if (!plan::is_on(rule)) return nullptr;
  for (std::size_t i = 0; i < values.size() && i < registers.size(); ++i) {
    if (!values[i].is_array()) continue;
    const Ref<Array>& a = values[i].array();
    if (a->dtype() != dtype || a->bytes() < smallest_reused || !(a->shape() == shape)) continue;
    if (std::find(op.dying.begin(), op.dying.end(), registers[i]) == op.dying.end()) continue;
    const auto copies = std::count_if(values.begin(), values.end(), [&](const Value& v) {
      return v.is_array() && v.array() == a;
    });
    if (is_ours(*a) && held_by(*a, 1 + copies)) return a;
  }
  return nullptr;
}

void run_over(const ElementRun& run, std::int64_t first, std::int64_t last,
              std::span<const Array* const> spoilt, unsigned wanted,
              const std::function<void(std::int64_t, std::int64_t)>& tell) {
  // What is aside and what it goes over lie in the first-level cache together, with room to spare.
  constexpr std::int64_t aside_bytes = 8'192, line = 64;
  alignas(line) std::byte aside[aside_bytes];
  std::int64_t each_bytes = 0;
  for (const Array* a : spoilt) each_bytes += a ? size_of(a->dtype()) : 0;
  std::int64_t step = std::max<std::int64_t>(aside_bytes / each_bytes / line * line, 1);
  const auto at = std::find_if(spoilt.begin(), spoilt.end(), [](const Array* a) { return a; });
  step = whole_rows(**at, step);
  std::vector<std::byte*> places(spoilt.size());
  std::byte* place = aside;
  for (std::size_t i = 0; i < spoilt.size(); ++i) {
    if (!spoilt[i]) continue;
    places[i] = place;
    place += step * size_of(spoilt[i]->dtype());
  }
  for (std::int64_t begin = first, end; begin < last; begin = end) {
    end = std::min(begin / step * step + step, last);
    if ((run.run(begin, end, places) & wanted) != 0) tell(begin, end);
    for (std::size_t i = 0; i < spoilt.size(); ++i) {
      if (!spoilt[i]) continue;
      const std::int64_t item = size_of(spoilt[i]->dtype());
      each_stretch(
          *spoilt[i], begin, end, [&](std::byte* to, std::int64_t before, std::int64_t count) {
            std::memcpy(to, places[i] + before * item, static_cast<std::size_t>(count * item));
          });
    }
  }
}

}  // namespace jetlag::exec
