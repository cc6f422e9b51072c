// A fused group while it runs. Members are checked in program order, so that
// errors come where Python has them, but computed together at the last one.
// A member whose shape grows afterwards (a column that meets a row) is computed
// alone, once, and is an operand of the others. What does not fit (an object, a
// scalar) makes the group run member by member, as if there were no group.
#pragma once

#include <map>

#include "runtime/exec/stream.h"

namespace jetlag::exec {

class FusedGroup {
 public:
  // Operands may be late results of the stream; null if the region has none.
  FusedGroup(Lane& lane, const plan::Region& region, const plan::Group& group, StreamRun* stream)
      : lane_(lane),
        region_(region),
        group_(group),
        stream_(stream),
        specs_(group.members.size()) {}

  // Before a walk over the region.
  void begin(Value* regs) {
    regs_ = regs;
    eager_ = strayed_ = took_tail_ = false;
    waiting_ = 0;
  }
  // Decisions hold for the next walk as well, if its operands are alike. A longer run is kept for
  // it where it is the next call, and nobody else would share the work.
  void remember(std::int64_t longest_run) { longest_run_ = longest_run; }
  struct Decisions;
  // Those of an earlier call; and what the next one may have: null if nothing holds.
  void resume(Decisions decisions);
  std::unique_ptr<Decisions> decisions();
  void member(int reg, Frame& frame) {
    if (region_.ops[static_cast<std::size_t>(reg)].kind == plan::OpKind::assign) return;
    compute_member(reg, frame);
    if (reg == group_.members.back()) assign_outputs(frame);
  }
  // Register `reg` failed: members before it have conditions to tell of.
  void compute_what_waits(int reg, Frame& frame);
  // The in-place operation after the group was part of its pass; asked once a walk.
  bool took_tail() { return std::exchange(took_tail_, false); }

 private:
  struct Spec {
    DType dtype = DType::float64;
    Dims shape;
    Dims strides;  // as NumPy would lay it out; empty for C order
    const Primitive* ufunc = nullptr;
    bool apart = false;       // it is computed alone, in its turn
    bool outer = false;       // a column times a row: its first operand is turned
    std::vector<DType> loop;  // of the operands that the formula takes
  };
  // What an operand from outside looked like.
  struct Likeness {
    int reg;
    ValueKind kind;
    DType dtype;
    Dims shape, strides;
    std::optional<double> exponent;  // that chose the formula
    bool outer;                      // its elements were computed by the group
    bool is_exponent = false;
    bool fits(const Value& v) const;
  };
  // The program of the group, and how its conditions are told: by application.
  struct Made {
    std::shared_ptr<const FusedProgram> fused;
    std::shared_ptr<const std::vector<FpReport>> reports;
  };
  // Where a result is stored as it is computed. What is computed follows so many rows behind
  // what is read, as operands show the same memory, shifted.
  struct Destination {
    Ref<Array> view;
    std::int64_t reach = 0;
  };
  static constexpr std::size_t most_inputs = 6;

  using Op = plan::Op;
  const Op& op_of(int member) const;
  void compute_member(int reg, Frame& frame);

  int position(int reg) const;       // in the group; -1: an operand from outside
  int inner(int reg) const;          // the same, but of members computed together
  bool check(int at, Frame& frame);  // fills the spec; false: run eagerly
  bool find_shape(int at);
  bool find_loop(int at);
  bool check_outer(int at, Frame& frame);
  Value operand(const FusedProgram::Input& input) const;
  // What the program reads; and the registers of what no member computes, -1 for the others.
  std::vector<Value> operands_of(const FusedProgram& program, std::vector<int>& registers) const;
  using Indices = std::map<const Array*, int>;  // index arrays that are operands already
  int add_outer(ElementBuilder& builder, FusedProgram& fused, int member, int argument,
                Indices& indices) const;
  std::string same_indices() const;
  void set_apart(int at, Frame& frame);
  void set_apart_strangers(Frame& frame);
  bool set_apart_number(int at, Frame& frame);
  void compute_alone(int at, Frame& frame);
  bool choose_power(const plan::Op& op, Spec& spec, std::vector<Operand>& operands) const;
  Dims strides_of(const plan::Op& op, const Spec& spec) const;
  void go_eager(int until, Frame& frame);
  Value alone(int reg, Frame& frame);  // a member of a group that runs one by one
  void finish(int reg, Frame& frame);
  void compute_or_recall(int reg, Frame& frame);
  void tell_rules(const plan::Op& root) const;
  // several.cpp: where others read members as well
  bool is_output(int at) const;
  bool is_left_to_readers(int at) const;
  std::vector<int> stored_members() const;
  void assign_outputs(Frame& frame);
  void finish_several(int reg);
  // deferred.cpp: where a reduction alone reads the result
  static bool is_small(const Spec& spec);
  bool may_wait(int reg, const Frame& frame) const;
  bool suits_product(int reg, const Op& reader, const Frame& frame) const;
  void wait(int reg, std::vector<Value> operands);
  // stores.cpp: where the result is to be stored, if it can be computed there; or null.
  std::optional<Destination> destination(int reg, const Frame& frame,
                                         std::vector<Value>& inputs) const;
  std::optional<Destination> way_into(const Ref<Array>& view, const ElementProgram& program,
                                      std::vector<Value>& inputs, const Op& op) const;
  std::optional<Value> foreseen(int reg, int root, const Frame& frame) const;
  void run_into(const Destination& to, const Op& op, const Made& made,
                const std::vector<Value>& operands);
  // tails.cpp: the in-place operation that alone reads the result, in the same pass.
  const Op& tail() const { return region_.ops[static_cast<std::size_t>(group_.tail)]; }
  bool fits_tail() const;
  bool finish_tail(int reg);
  int add_tail(ElementBuilder& builder, FusedProgram& fused, int result) const;
  std::string key(bool tail) const;
  Made made_for(bool tail) const;
  std::shared_ptr<const FusedProgram> build(bool tail) const;
  bool is_like_before(int at) const;
  void note(std::shared_ptr<ElementRun> run, std::vector<int> registers);
  bool again(int reg);
  void compute(std::int64_t first, std::int64_t last, std::int64_t sequence);
  // The step runs from here on, and this is what it moves and does.
  void record(trace::Span& span, int reg, const Array& out) const;

  Lane& lane_;
  const plan::Region& region_;
  const plan::Group& group_;
  Value* regs_ = nullptr;
  StreamRun* stream_;
  std::vector<Spec> specs_;
  bool eager_ = false;
  bool strayed_ = false;  // an operand of this walk is not like before

  std::int64_t longest_run_ = 0;  // bytes of a result; 0: nothing is remembered
  bool known_ = false;            // what follows was noted, and the specs are of then
  bool settled_ = false;          // the run has machine code, or nobody need ask for it
  bool took_tail_ = false;
  int at_hand_ = 0;  // the register that is computed or checked
  int waiting_ = 0;  // members of this walk that were found sound, and are not computed yet
  Made alone_, with_tail_;
  std::vector<std::vector<Likeness>> like_;  // by member
  std::shared_ptr<ElementRun> run_;          // where the result is small; null: made each time
  std::vector<int> registers_;               // of its inputs
};

// What a group found about its operands, and made of it.
struct FusedGroup::Decisions {
  std::vector<Spec> specs;
  std::vector<std::vector<Likeness>> like;
  Made alone, with_tail;
  std::shared_ptr<ElementRun> run;
  std::vector<int> registers;
  bool settled;
};

}  // namespace jetlag::exec
