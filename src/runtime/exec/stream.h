// The streams of a region while it runs. Products that the plan says may share
// a matrix are checked where they stand, so that errors come where Python has
// them, but put off; their results are arrays that nobody reads yet. At the
// latest after the last of them all are computed: those that do share a matrix
// in one pass over its rows, together with the elementwise work between them,
// others one after another.
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
  StreamRun(Lane& lane, const plan::Region& region, Value* regs)
      : lane_(lane), region_(region), regs_(regs) {}

  // The product or x.T in this register is about to run. True: it was put off,
  // and its register is filled. False: run it now; what it may read is there.
  bool meet(int reg);
  // Whether the work was put off. If not, what it may read is there.
  bool put_off(ElementWork& work);
  bool has_late() const { return !units_.empty(); }
  // Computes what was put off.
  void flush();

 private:
  struct Unit {
    RowUse::Kind kind;
    const plan::Op* op;
    const Primitive* primitive = nullptr;  // of a product
    std::vector<Value> args;
    Ref<Array> in;  // the vector of a product
    Ref<Array> out;
    std::shared_ptr<ElementWork> work = {};
    std::int64_t sequence = 0;
  };

  bool put_off_product(const plan::Op& op);
  void begin(const Matrix& x);
  bool is_late(const Array& a) const;
  bool is_late_sum(const Array& a) const;
  bool is_row_local(const ElementWork& work) const;
  void run_alone(Unit& unit);
  void run_together(std::vector<Unit> units);

  Lane& lane_;
  const plan::Region& region_;
  Value* regs_;
  Matrix matrix_;  // that the units share, contiguous rows
  std::vector<Unit> units_;
};

}  // namespace jetlag::exec
