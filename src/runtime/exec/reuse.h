// last-use: w = w - d → written into w's memory, when nobody else can see the
// old value. Whether that is so is read off the reference counts, for which the
// references of unfinished tasks are told apart: the order of tasks on a buffer
// takes care of those.
#pragma once

#include <span>
#include <vector>

#include "array/value.h"
#include "compiler/plan/plan.h"
#include "primitives/element.h"

namespace jetlag::exec {

// The same array for a task to hold, counted apart. Small ones, and what is not
// in memory, are handed out as they are.
Ref<Array> lent(const Ref<Array>& array);
std::vector<Value> lent(const std::vector<Value>& values);

// Whether only unfinished tasks refer to the memory.
bool is_spent(const Buffer& b);

// Memory of results whose values die while steps that read them are still to be done. Rounds of a
// loop whose steps are collected would else take memory for each of them.
class SpentResults {
 public:
  // Memory of that size that only unfinished tasks refer to: they come first. Or null.
  Ref<Buffer> find(std::int64_t bytes) const {
    for (const Watched& w : watched_) {
      if (w.buffer->bytes() == bytes && is_spent(*w.buffer)) return w.buffer;
    }
    return nullptr;
  }
  // A result that a step will make.
  void note(const Array& out);
  // What nothing was made in since the last call is given back.
  void next_round();

 private:
  // Counted apart, as what tasks refer to.
  struct Watched {
    Ref<Buffer> buffer;
    bool used = true;  // in this round
    explicit Watched(Ref<Buffer> b) : buffer(std::move(b)) { buffer->lent.fetch_add(1); }
    Watched(Watched&& other) = default;
    Watched& operator=(Watched&& other) noexcept {
      std::swap(buffer, other.buffer);
      std::swap(used, other.used);
      return *this;
    }
    ~Watched() {
      if (buffer) buffer->lent.fetch_sub(1);
    }
  };
  std::vector<Watched> watched_;
};

// The operand whose memory an elementwise result may take over; null if there
// is none. values[i] was copied from register registers[i], for this operation.
Ref<Array> dying_operand(const plan::Op& op, std::span<const int> registers,
                         std::span<const Value> values, DType dtype, const Dims& shape);

// Runs elements [first, last) where outputs go over operands: `spoilt` has these outputs, which
// lie in rows, and null for the others. They are written by way of the first-level cache. Where a
// wanted condition shows, `tell` is called for a stretch while the inputs still hold what they
// held.
void run_over(const ElementRun& run, std::int64_t first, std::int64_t last,
              std::span<const Array* const> spoilt, unsigned wanted,
              const std::function<void(std::int64_t, std::int64_t)>& tell);

}  // namespace jetlag::exec
