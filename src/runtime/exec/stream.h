// The streams of a region while it runs. Products that the plan says may share
// a matrix are checked where they stand, so that errors come where Python has
// them, but put off; their results are arrays that nobody reads yet. At the
// latest after the last of them all are computed: those that do share a matrix
// in one pass over its rows, together with the elementwise work between them,
// others one after another.
#pragma once

#include <array>

#include "primitives/row_stream.h"
#include "runtime/exec/lane.h"

namespace jetlag::exec {

// Elementwise work that is ready to run.
struct ElementWork {
  const plan::Op* op;
  std::shared_ptr<ElementRun> run;
  std::vector<Value> inputs;
  Ref<Array> out;
  std::function<FpReport(int application)> name;
  StepKind kind;
  std::string_view rule;
};

class FusedGroup;

class StreamRun {
 public:
  StreamRun(Lane& lane, const plan::Region& region) : lane_(lane), region_(region) {}

  // Before a walk over the region.
  void begin(Value* regs) { regs_ = regs; }
  // The product or x.T in this register is about to run. True: it was put off,
  // and its register is filled. False: run it now; what it may read is there.
  bool meet(int reg);
  // The operation in this register is done with: the stream may end there.
  void passed(int reg);
  // Whether the work was put off. If not, what it may read is there.
  bool put_off(ElementWork& work);
  // The same for small work that the group has prepared; for short streams.
  bool put_off(FusedGroup& group, const plan::Op& op, std::span<const Value* const> inputs,
               const Ref<Array>& out);
  bool has_late() const { return !units_.empty(); }
  // The operation is about to run alone: what it reads is there.
  void settle_operands(const plan::Op& op);
  // The lane itself will do it, at once.
  bool is_short() const { return short_; }
  // Computes what was put off.
  void flush();

 private:
  static constexpr std::size_t most_units = 8;
  static constexpr std::size_t most_kept = 6;

  struct Unit {
    RowUse::Kind kind = RowUse::Kind::rows;
    const plan::Op* op = nullptr;
    const Primitive* primitive = nullptr;  // of a product
    std::int64_t sequence = 0;
    Ref<Array> in;  // the vector of a product
    Ref<Array> out;
    std::shared_ptr<ElementWork> work;  // of elements: one of the two
    FusedGroup* group = nullptr;
    std::array<Value, most_kept> kept;  // operands: those of a product, or of the group
  };

  bool put_off_product(const plan::Op& op);
  void begin_stream(const Matrix& x);
  Unit& add_unit(RowUse::Kind kind, const plan::Op& op);
  Ref<Array> result(std::int64_t length);
  bool is_late(const Array& a) const;
  bool is_late_sum(const Array& a) const;
  bool depends(const Value& v) const { return v.is_array() && is_late(*v.array()); }
  bool is_row_local(const Value& v) const;
  void run_alone(Unit& unit);
  void run_elements(const Unit& unit, std::int64_t first, std::int64_t last);
  void run_now();
  void run_together(std::vector<Unit> units);
  FpReport report_of(const Unit& unit) const;

  Lane& lane_;
  const plan::Region& region_;
  Value* regs_ = nullptr;
  Matrix matrix_;  // that the units share, contiguous rows
  bool short_ = false;
  std::vector<Unit> units_;
};

}  // namespace jetlag::exec
