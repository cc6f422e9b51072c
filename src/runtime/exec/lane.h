// The lane of a call: the thread that runs it. It walks the plan in program
// order, does small work itself and hands large work out as tasks, which it
// orders by the memory that they touch.
#pragma once

#include <shared_mutex>
#include <unordered_map>

#include "base/clock.h"
#include "base/pool.h"
#include "compiler/plan/plan.h"
#include "primitives/element.h"
#include "primitives/index.h"
#include "runtime/exec/flight.h"
#include "runtime/exec/footprint.h"
#include "runtime/exec/lone.h"
#include "runtime/exec/native.h"
#include "runtime/exec/round_costs.h"
#include "runtime/exec/sites.h"
#include "runtime/exec/slots.h"
#include "runtime/exec/step_costs.h"
#include "trace/counters/tally.h"

namespace jetlag::exec {

// A variable frame. Nested functions keep the frames around them alive.
struct Frame : Shared, Pooled {
  const plan::Function* function = nullptr;
  Ref<Frame> outer;
  Slots<8> slots;
};

struct Closure : Shared {
  const plan::Function* function = nullptr;
  Ref<Frame> outer;
};

// What was decided for a fused group and certain operand types.
struct FusedProgram {
  std::shared_ptr<const ElementProgram> program;
  // An argument of a member; or an operand of the elements that the argument stands for.
  struct Input {
    int member, argument;
    int inner = -1;
  };
  std::vector<Input> inputs;
  std::vector<Input> applied;  // by application: a member, or what an argument of it stands for
};

// The largest magnitude in an array, or that its indices are within bounds, as long as nobody
// writes into its buffer.
struct Fact {
  Ref<Buffer> buffer;
  const std::byte* data;
  DType dtype;
  Dims shape, strides;
  double largest = 0;
  // Of index arrays: all are within bounds of an axis of so many elements.
  std::int64_t within = 0;
  bool any_negative = false;
};

// Decisions kept from run to run, by operand types. Shared by all lanes of a program.
class RegionMemory;

class Caches {
 public:
  Caches();
  ~Caches();
  std::shared_ptr<const FusedProgram> find(const std::string& key) const;
  void add(const std::string& key, std::shared_ptr<const FusedProgram> fused);
  std::size_t size() const;
  NativeLoops loops;
  RoundCosts rounds;
  StepCosts steps;
  StepSites sites;
  const std::unique_ptr<RegionMemory> regions;
  LoneRuns lone;
  std::atomic<std::uint64_t> choices{0};  // made so far

 private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const FusedProgram>> fused_;
};

// A call that was made, for equal ones that follow (recall.h).
struct Memo {
  int key;                      // of equal calls
  int loop;                     // it is forgotten where this statement ends
  const plan::Op* op;           // which of them was made
  std::vector<Value> operands;  // as they were
  Value result;
  std::int64_t reports;  // of floating-point conditions, before it
};

class RegionState;
struct Prepared;
class Holding;
struct Ahead;
struct HeldStore;
class RowTiles;
class TimeTiles;

class Lane {
 public:
  Lane(Host& host, const plan::Program& program, Caches& caches, Profile* profile);
  ~Lane() {
    if (flight_->error.any()) flight_->error.forget();
    Flight::give_back(std::move(flight_));
  }

  // Calls the entry and waits for everything. Throws the error of the earliest
  // operation, with frames() saying where it came from. Arguments are moved from.
  Value run(std::span<Value> arguments);
  const std::vector<TraceFrame>& frames() const { return frames_; }

 private:
  friend class FusedGroup;
  friend class StreamRun;
  friend class LoopRun;
  friend class NativeCall;
  friend class NativeEntry;
  friend class Resume;
  friend class StructuredCall;
  friend class ChainCall;
  friend class DeferredElements;
  friend class AheadOfLoop;
  friend class RecallCall;
  friend class TimeTiles;
  friend class RowTiles;

  // control.cpp: functions, blocks, statements
  Value call(const plan::Function& f, const Ref<Frame>& outer, std::span<Value> args);
  Flow block(const plan::Block& b, Frame& frame, Value& last);
  Flow statement(const plan::Statement& s, Frame& frame, Value& last);
  Flow run_statement(const plan::Statement& s, Frame& frame, Value& last);
  Flow loop(const plan::Statement& s, Frame& frame, Value& last);
  Flow for_each(const plan::Statement& s, Frame& frame, Value& last);
  Flow over(const plan::Statement& s, Frame& frame, Value& last, Value sequence, std::int64_t from);
  Flow over_range(const plan::Statement& s, Frame& frame, Value& last, const Range& range,
                  std::int64_t from);
  Flow opaque_block(const plan::Statement& s, Frame& frame, Value& last);
  Flow round(const plan::Statement& s, Frame& frame, Value& last, bool& over);
  bool condition(const plan::Statement& s, Frame& frame);
  bool decide(const plan::Statement& s, Value& v);
  void back_edge();
  std::int64_t calls_left() const;  // that the stack and Python's limit allow
  // Whether so much time has passed since the host was asked; then it is now.
  bool poll_is_due(std::int64_t after_ns);
  void bind(const plan::Function& f, const Ref<Frame>& outer, std::span<Value> args, Frame& frame);
  void note_frame(const plan::Function& f, Place place);
  // An error leaves the operation: that is where its function was, if nobody said better.
  void left_at(const plan::Op& op) { left_at(op.place, op.within); }
  void left_at(Place place, const plan::Inlined* within = nullptr) {
    if (frame_place_.known()) return;
    frame_place_ = place;
    frame_within_ = within;
  }
  void use_stack_of_thread();

  // iterations.cpp: rounds of loops that run ahead
  struct Chunk;
  class Runner;
  bool may_run_ahead(const plan::Statement& s);
  std::int64_t run_ahead(const plan::Statement& s, Frame& frame, const Ahead& ahead);
  std::optional<Ahead> rounds_left(const plan::Statement& s, Frame& frame);
  void carry_out(std::vector<HeldStore>& round, Frame& frame);

  // region.cpp: operations
  Value region(const plan::Region& r, Frame& frame);
  void walk(const plan::Region& r, Frame& frame, Value* regs, RegionState* state);
  void finish_what_waits(std::span<const Value> regs, RegionState* state, Frame& frame);
  Value op(const plan::Op& op, Frame& frame, Value* regs);
  Value read(const plan::Op& op, Frame& frame);
  Value assign(const plan::Op& op, Frame& frame, Value* regs);
  Value logical_from(const plan::Op& op, Frame& frame, Value value, std::size_t next);
  Value make_span(const plan::Op& op, Value* regs);
  Value function_call(const plan::Op& op, Frame& frame, Value* regs);
  Value value_call(const plan::Op& op, const Value& callee, std::vector<Value> args);
  Value over_list(const plan::Op& op, Value* regs);
  Value print(const plan::Op& op, Value* regs);
  Value opaque(const plan::Op& op, Value* regs);
  std::vector<Value> operands(const plan::Op& op, Value* regs, std::size_t first = 0);

  // prepared.cpp: what rounds of a loop leave to the next
  void ops(const plan::Region& r, Frame& frame, Value* regs);
  void walk_once(const plan::Region& r, Frame& frame, Value* regs);
  Prepared& prepared();

  // recall.cpp: results that are wanted again
  Value recalled(const plan::Region& r, const plan::Op& op, Frame& frame, Value* regs);
  void forget_results_of(const Buffer* buffer);  // made of it, or lying there
  void forget_results_of_loop(int id);
  void forget_results();  // Python may have changed anything

  // quick.cpp: calls on a few numbers; unbound leaves them to dispatch.cpp
  Value quick(const plan::Op& op, const Value* regs);
  Value quick_elements(const ElementProgram& program, std::span<const Value> args,
                       std::int64_t most, bool keeps_arrays);
  Value quick_product(const plan::Op& op, const Array& a, const Array& b);
  Ref<Array> quick_result(DType dtype, const Dims& shape);
  // lone.cpp: elementwise work as in an earlier call. Unbound: it is to be prepared.
  static constexpr std::size_t most_lone_operands = 3;
  Value run_again(const plan::Op& op, const Primitive& ufunc, std::span<const Value> args);
  void keep_lone(const plan::Op& op, const Primitive& ufunc, std::span<const Value> args,
                 std::shared_ptr<ElementRun> run, const Array& out);

  // subscripts.cpp
  Value index(const plan::Op& op, Value* regs);
  Value masked(const plan::Op& op, const Ref<Array>& a, const std::vector<Value>& items);
  void copy_places(const plan::Op& op, Subscript work, const Ref<Array>& to);
  // masked_stores.cpp: numbers stored, or worked with, where a mask is true
  bool suits_select(const Array& a, const std::vector<Value>& items, const Value& number);
  Value masked_for_augment(const plan::Op& op, const Ref<Array>& a,
                           const std::vector<Value>& items);
  bool store_select(const plan::Op& op, const Ref<Array>& a, const std::vector<Value>& items,
                    const Value& value);
  bool augment_select(const plan::Op& op, const Value& old, const Ref<Array>& a,
                      const std::vector<Value>& items, const Value& value);
  void run_select(const plan::Op& op, std::shared_ptr<const ElementProgram> program,
                  std::vector<Value> inputs, const Ref<Array>& to, std::string_view ufunc);
  // gathers.cpp: elements that who reads them takes
  Value left_to_group(const plan::Op& op, const Ref<Array>& a, const std::vector<Value>& items);
  std::optional<Fact> bounds(const plan::Op& op, const Ref<Array>& index, std::int64_t count);
  void remember(Fact fact);
  Value gathered(const plan::Op& op, const Ref<Array>& a, const std::vector<Value>& items);
  void store_index(const plan::Op& op, const Value& base, std::vector<Value> items,
                   const Value& value);
  Value augment(const plan::Op& op, Value* regs);
  Value augmented(const plan::Op& op, Value* regs);  // what is left, once the target has its values
  Value unpack(const plan::Op& op, Value* regs);
  void store_refused(const plan::Op& op, Value object, std::vector<Value> items, Value value);
  bool tells_of_cast(const Value& value, DType to);
  std::optional<Job> assignment(const plan::Op& op, const Ref<Array>& to, const Value& value,
                                std::string name);
  Value as_stored(const plan::Op& op, const Value& value, DType to);
  bool store_native(const plan::Op& op, const Ref<Array>& a, const std::vector<Value>& items,
                    const Value& value);
  void augment_in_host(const plan::Op& op, const Value& old, Value value, Value& result);
  bool augment_by_kernel(const plan::Op& op, const Primitive& p, const Ref<Array>& target,
                         const Value& value);
  bool augment_array(const plan::Op& op, const Ref<Array>& target, const Value& value);

  // dispatch.cpp: primitives
  Value primitive(const plan::Op& op, const Primitive& p, std::vector<Value> args);
  std::optional<Value> native(const plan::Op& op, const Primitive& p, std::vector<Value>& args);
  std::optional<Value> elementwise(const plan::Op& op, const Primitive& p, const Primitive& named,
                                   std::vector<Value>& args);
  std::optional<Value> left_to_readers(const plan::Op& op, const Primitive& ufunc,
                                       const std::shared_ptr<const ElementProgram>& program,
                                       const std::vector<Value>& args, const Dims& shape);
  std::optional<Value> kernel(const plan::Op& op, const Primitive& p, std::vector<Value>& args);
  // After the job: tells what it met, under the names that the watch gives, or that of the report.
  void tell_when_done(Job& job, std::shared_ptr<Watch> watch, FpReport report);
  bool kernel_at_once(const plan::Op& op, const Primitive& p, const std::vector<Value>& args,
                      const Ref<Array>& out);
  void kernel_into(const plan::Op& op, const Primitive& p, const std::vector<Value>& args,
                   const Ref<Array>& out);
  std::optional<std::vector<Value>> arguments_of(const plan::Op& op, const Primitive& p,
                                                 Value* regs);
  Value method(const plan::Op& op, Value* regs);
  bool fill(const plan::Op& op, const std::vector<Value>& args);
  Value attribute(const plan::Op& op, Value* regs);
  Value host_call(const plan::Op& op, Value* regs);
  Value fall_back(const plan::Op& op, const Primitive& p, const std::vector<Value>& args);

  // structured.cpp: operands that are not in memory
  std::optional<Value> structured(const plan::Op& op, const Primitive& p, std::vector<Value>& args);
  double largest(const Ref<Array>& a);  // magnitude; remembered until a write
  void borrow(const Ref<Array>& a);     // it is known by the memory of others
  void about_to_write(const Array& a);  // what is known by its memory must not change
  void write_out_borrowers();           // nothing is known by memory that Python can write

  // schedule.cpp: work, now or as a task
  struct Step {
    const plan::Op* op;
    StepKind kind;
    bool can_fail = false;
    std::vector<Value> keep;  // alive until the work is done
    std::vector<Ref<Array>> reads;
    Ref<Array> write;  // may be null
    std::string_view rule = {};
    std::vector<Ref<Array>> also_writes = {};  // memory that no one else sees
    bool beside = false;                       // what it costs says nothing of its operation
  };
  // Makes the sweep that does the same as the job, if steps are collected. It may have the
  // footprint that a step of the same operands had.
  using Sweeper = std::function<Sweep(std::shared_ptr<const Footprint> known)>;
  void perform(Job job, Step step, const Sweeper& sweeper = {});
  bool take_rows(Job& job, Step& step, double ns, bool pending);
  void wait_for_room(const Step& step, double ns);
  void run_inline(const Job& job, const Step& step, double ns);
  // A step that is on its way: others know that what it touches is pending.
  struct Departed {
    Job job;
    Step step;
    double ns;
    std::int64_t sequence;
    const plan::Function* function;
    std::vector<Ref<Buffer>> touched;
    std::shared_ptr<Flight> flight;
    Profile* profile;
    StepCosts* costs;
    void failed(std::exception_ptr error) const;
    void landed(std::int64_t ns, std::int64_t busy_ns, std::int64_t blocks);
  };
  Departed depart(Job job, Step step, double ns);
  std::vector<tasks::TaskPtr> tasks_before(const Step& step);
  static void add_new(std::vector<tasks::TaskPtr>& all, std::span<const tasks::TaskPtr> more);
  void note_task(const Step& step, const tasks::TaskPtr& task);
  void start_task(Departed departed);
  template <class Done>
  void wait(const Done& done) {
    if (done()) return;
    begin_collected();
    flight_->wait(host_, done);
  }
  void wait_for_all();
  void begin_collected();
  // No tasks are started: work is done where it stands.
  bool alone() const;
  bool is_short(const Step& step, double ns);
  void ready(const Array& a);           // its last writer is done
  void ready_to_write(const Array& a);  // and all its readers
  void settle(Value& v);                // ready; a computed scalar becomes one
  void settle(std::vector<Value>& vs);
  void settle_scalars(Value& v);              // only those that stand for NumPy scalars
  void barrier();                             // all is done; errors and reports so far are told
  void barrier_for_host();                    // before Python may look
  void barrier_for_host(const plan::Op& op);  // and run something at the place of op
  void host_ran();                            // after it did
  void before_visible_write();
  void tell_reports(std::int64_t before);
  void tell_if_at_once(std::int64_t sequence);
  Ref<Array> result_array(DType dtype, const Dims& shape, const Dims& strides = {});
  Ref<Array> element_result(DType dtype, const Dims& shape, const Dims& strides);
  Value result_value(Ref<Array> out, bool scalar);
  void run_elements(const plan::Op& op, std::shared_ptr<ElementRun> run, std::vector<Value> inputs,
                    const Ref<Array>& out, std::function<FpReport(int)> name, StepKind kind,
                    std::string_view rule, std::vector<Ref<Array>> more = {});
  // Reports the conditions that elements [first, last) met; their inputs still
  // hold what they held.
  std::function<void(std::int64_t first, std::int64_t last)> teller(
      std::shared_ptr<ElementRun> run, std::function<FpReport(int)> name, std::int64_t sequence);
  void drain() noexcept;
  // From here on the step runs, for the trace.
  void record(trace::Span& span, int id) {
    if (trace::recording()) [[unlikely]]
      span.begin(caches_.sites.of(program_, id));
  }
  // A plan was chosen for operands that are new to the step.
  void record_choice(int id) {
    const std::uint64_t number = ++caches_.choices;
    if (trace::recording()) [[unlikely]]
      trace::put(trace::Event::decide, caches_.sites.of(program_, id), trace::current_task(),
                 number);
  }
  // Runs f, and counts its time where a profile or a trace is wanted, or Python runs. The work is
  // what f moves and does, as far as is known.
  template <class F>
  void profiled(int id, StepKind kind, const F& f, double bytes = 0, double flops = 0) {
    trace::Span span;
    record(span, id);
    span.set_work(bytes, flops);
    const bool opaque = kind == StepKind::opaque;
    if (opaque) trace::count(trace::Tally::opaque_steps);
    if (!profile_ && !opaque) return f();
    const std::int64_t begin = now_ns();
    f();
    const std::int64_t ns = now_ns() - begin;
    if (opaque) trace::count(trace::Tally::opaque_ns, static_cast<std::uint64_t>(ns));
    if (profile_) profile_->add(id, kind, ns, 0, 0, 0);
  }
  void describe(const plan::Op& op, StepKind kind, const Value& result, std::string_view rule = {});

  FpReport report_at(const plan::Op& op, std::string name) const;
  Site site_of(const plan::Op& op) const { return site_of(op.place, op.within); }
  Site site_of(Place place, const plan::Inlined* within = nullptr) const;
  // Whose text an operation is from.
  const plan::Function* function_of(const plan::Inlined* within) const {
    return within ? within->function : current_;
  }

  Host& host_;
  const plan::Program& program_;
  Caches& caches_;
  Profile* profile_;
  std::shared_ptr<Flight> flight_ = Flight::take();
  std::vector<Value> captures_;
  std::shared_ptr<Prepared> prepared_;  // made by the first loop
  // What the caller wants to hear of floating-point conditions: asked for when
  // first needed, and again after the host ran.
  const Host::FpMode& fp() {
    if (!fp_) fp_ = host_.fp_mode();
    return *fp_;
  }
  std::optional<Host::FpMode> fp_;
  std::vector<Ref<Array>> borrowers_;  // not in memory, but known by other arrays' memory
  std::vector<Fact> facts_;
  std::vector<Memo> memos_;
  std::int64_t python_runs_ = 0;
  std::int64_t sequence_ = 0;  // of the operation that runs; orders errors and reports
  const plan::Function* current_ = nullptr;
  int depth_ = 0;
  int depth_limit_ = 1000;
  std::int64_t edges_ = 0;
  std::int64_t last_poll_ = 0;    // 0: the clock was not looked at yet
  int loops_around_ = 0;          // that may be compiled
  double not_handed_out_ns_ = 0;  // work that workers might have done, but for waking them
  const char* stack_end_ = nullptr;
  std::vector<TraceFrame> frames_;
  Holding* holding_ = nullptr;      // of a lane that runs rounds ahead
  TimeTiles* tiles_ = nullptr;      // of the loop whose steps are collected
  std::shared_ptr<RowTiles> rows_;  // made by the first large step
  // Where the function that an error leaves was, and in which of its inlined calls.
  Place frame_place_;
  const plan::Inlined* frame_within_ = nullptr;
};

}  // namespace jetlag::exec
