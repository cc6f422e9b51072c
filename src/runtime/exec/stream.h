// The streams of a region while it runs. Products that the plan says may share
// a matrix are checked where they stand, so that errors come where Python has
// them, but put off; their results are arrays that nobody reads yet. At the
// latest after the last of them all are computed: those that do share a matrix
// in one pass over its rows, together with the elementwise work between them,
// others one after another. What needs whole results (the sum of a vector) comes
// after the pass.
#pragma once

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
  // A number that is made of late numbers, to be there after the pass. Unbound:
  // it was not put off, and what it may read is there.
  Value put_off_number(const plan::Op& op);
  bool has_late() const { return !units_.empty(); }
  // Before an operation that is no part of the stream: memory that others know
  // must be as Python has it.
  void before(const plan::Op& op) {
    if (target_ && reads_memory(op)) flush();
  }
  // Computes what was put off.
  void flush();

 private:
  static constexpr std::size_t most_units = 24;

  struct Unit {
    RowUse::Kind kind = RowUse::Kind::rows;
    bool whole = false;  // computed after the pass
    const plan::Op* op = nullptr;
    const Primitive* primitive = nullptr;  // of what is no elementwise work
    std::int64_t sequence = 0;
    Ref<Array> in;  // the vector of a product
    Ref<Array> out;
    std::shared_ptr<ElementWork> work;  // of elements
    std::vector<Value> args;            // of the primitive
  };

  bool put_off(const plan::Op& op);
  bool put_off_product(const plan::Op& op);
  bool put_off_whole(const plan::Op& op);
  bool put_off_sum(const plan::Op& op);
  void begin_stream(const Matrix& x);
  Unit& add_unit(RowUse::Kind kind, const plan::Op& op);
  bool is_late(const Array& a) const;
  bool needs_all_rows(const Array& a) const;
  bool is_in_the_way(const Array& target) const;
  static bool reads_memory(const plan::Op& op);
  bool depends(const Value& v) const { return v.is_array() && is_late(*v.array()); }
  bool is_row_local(const Value& v) const;
  void run_alone(Unit& unit);
  void run_together(std::vector<Unit> units, const Ref<Array>& target);
  RowUse use_of(const Unit& unit, double& flops) const;
  FpReport report_by(const plan::Op& op, const Primitive& computes) const;

  Lane& lane_;
  const plan::Region& region_;
  Value* regs_ = nullptr;
  Matrix matrix_;      // that the units share, contiguous rows
  Ref<Array> target_;  // memory from before the stream that a unit writes
  std::vector<Unit> units_;
};

}  // namespace jetlag::exec
