#include "runtime/exec/native.h"

#include "base/settings.h"
#include "compiler/plan/rules.h"
#include "runtime/exec/lane.h"
#include "runtime/exec/native_entry.h"

namespace jetlag::exec {

namespace {

// Rounds that the interpreter does before machine code is made: about a millisecond's work.
constexpr std::int64_t rounds_to_compile = 1000;
// A loop inside others waits longer: the one around it will take it along.
constexpr std::int64_t rounds_inside = 20'000;
constexpr std::int64_t most_exits = 5000;
constexpr int most_declined = 3;

}  // namespace

LoopRecord& NativeLoops::record(const plan::Program& program, const plan::Function& function,
                                const plan::Statement& statement) {
  std::scoped_lock lock(mutex_);
  std::unique_ptr<LoopRecord>& record = records_[&statement];
  if (record) return *record;
  record = std::make_unique<LoopRecord>();
  std::shared_ptr<const loops::Flat>& flat = flats_[&function];
  if (!flat) flat = loops::flatten(program, function);
  record->flat = flat;
  if (!flat->usable) {
    record->declined = most_declined;
    return *record;
  }
  record->loop = flat->loop_of.at(&statement);
  return *record;
}

FunctionRecord& NativeLoops::record(const plan::Function& function) {
  std::scoped_lock lock(mutex_);
  std::unique_ptr<FunctionRecord>& record = functions_[&function];
  if (!record) record = std::make_unique<FunctionRecord>();
  return *record;
}

// ---- when -------------------------------------------------------------------------------

LoopRun::LoopRun(Lane& lane, const plan::Statement& statement)
    : lane_(lane), statement_(statement), begin_(lane.edges_) {
  static const plan::Rule& rule = *plan::find_rule("compiled-loop");
  if (jit_mode() == JitMode::off || !lane.current_ || !plan::is_on(rule)) return;
  record_ = &lane.caches_.loops.record(lane.program_, *lane.current_, statement);
  if (record_->declined >= most_declined || record_->exits > most_exits) {
    record_ = nullptr;
    return;
  }
  counts_ = record_->declined == 0;
  if (counts_) ++lane_.loops_around_;
}

LoopRun::~LoopRun() {
  if (counts_) --lane_.loops_around_;
  if (record_) record_->rounds += lane_.edges_ - begin_;
}

bool LoopRun::is_hot() const {
  if (!record_ || tried_) return false;
  if (record_->compiled.load(std::memory_order_relaxed)) return true;
  if (jit_mode() == JitMode::always) return true;
  const std::int64_t done = record_->rounds.load(std::memory_order_relaxed) + lane_.edges_ - begin_;
  const bool alone = lane_.loops_around_ - (counts_ ? 1 : 0) == 0;
  return done >= (alone ? rounds_to_compile : rounds_inside);
}

LoopRun::After LoopRun::enter(Frame& frame, const Range* range, std::int64_t& position,
                              Value& last) {
  NativeEntry entry(lane_, *record_, frame);
  if (!entry.prepare(true, statement_, range)) {
    tried_ = true;
    if (record_->declined > 0 && counts_) {
      counts_ = false;
      --lane_.loops_around_;
    }
    return After::declined;
  }
  const Left left = entry.run(range, position);
  if (entry.interrupted()) std::rethrow_exception(entry.interrupted());
  if (entry.exit().finished) {
    last = Value::nil();
    return After::over;
  }
  if (++record_->exits > most_exits) tried_ = true;
  if (range) {
    const auto at = left.positions.find(&statement_);
    if (at != left.positions.end()) position = at->second.next;
  }
  bool over = false;
  flow = Resume(lane_, *record_->flat, left, frame).finish_round(statement_, last, over);
  return over ? After::over : After::round;
}

}  // namespace jetlag::exec
