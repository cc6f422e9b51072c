#include "runtime/exec/iterations.h"

#include <algorithm>
#include <deque>
#include <limits>

#include "array/memory.h"
#include "compiler/plan/rules.h"
#include "primitives/storing.h"

namespace jetlag::exec {

using plan::Independent;
using plan::Statement;

namespace {

constexpr double worth_ns = 300'000;      // less is not worth the hand-over
constexpr double task_ns = 150'000;       // of rounds in a task
constexpr double least_round_ns = 2'000;  // shorter ones work on scalars
constexpr double least_bytes = 64;        // of arrays that a round with loops in it makes
constexpr double most_bytes = 256 << 20;  // that rounds at the same time may take
constexpr int most_tries = 4;             // in one run of a loop

// Rounds have no host: whoever asks one stops, and the round is done in order.
class NoHost : public Host {
 public:
  explicit NoHost(const std::atomic<bool>& stopped) : stopped_(stopped) {}
  void poll() override {
    if (stopped_.load(std::memory_order_relaxed)) stop();
  }
  bool guards_hold() override { return false; }
  void report(const FpReport&) override { stop(); }
  void opaque_notice(const Site&, std::string_view) override { stop(); }
  void print(const std::vector<Value>&, Keywords, bool) override { stop(); }

 private:
  [[noreturn]] static void stop() { throw Error(Kind::internal, "a round asked for the host"); }
  const std::atomic<bool>& stopped_;
};

void collect(const Value& v, std::vector<Ref<Array>>& arrays) {
  if (v.is_array()) arrays.push_back(v.array());
  if (v.is(ValueKind::tuple) || v.is(ValueKind::list)) {
    for (const Value& item : v.items()) collect(item, arrays);
  }
}

// Whether a store into the target may change what is read, or what that is known by.
bool is_touched(const Array& read, const Array& target) {
  if (const Structure* known_by = read.structure()) return known_by->reads(*target.buffer());
  return may_overlap(target, read);
}

}  // namespace

// ---- what is held back ----------------------------------------------------------

Value Holding::kept(const Value& v) const {
  if (!loop_.alters || !v.is_array()) return v;
  const Ref<Array>& a = v.array();
  const Ref<Array> copy = new_array(a->dtype(), a->shape());
  copy_elements(*a, *copy);
  return Value::of(copy);
}

bool Holding::hold(const plan::Op& op, const std::vector<Value>& items, const Value& value,
                   Flight& flight) {
  const int slot = loop_.held_slot(op.id);
  if (slot < 0) return false;
  HeldStore store;
  if (flight.has_reports())
    store.before = flight.take_reports(std::numeric_limits<std::int64_t>::max());
  store.op = &op;
  store.slot = slot;
  for (const Value& item : items) store.items.push_back(kept(item));
  store.value = kept(value);
  round_.push_back(std::move(store));
  return true;
}

void Holding::check_private(const Array& a) const {
  const Buffer* buffer = a.buffer().get();
  if (buffer->visible() || std::binary_search(shared_->begin(), shared_->end(), buffer))
    throw Error(Kind::internal, "a round changes memory that others see");
}

Round Holding::take(Flight& flight) {
  if (flight.has_reports()) {
    HeldStore end;
    end.before = flight.take_reports(std::numeric_limits<std::int64_t>::max());
    round_.push_back(std::move(end));
  }
  return std::exchange(round_, {});
}

// ---- a task's rounds ----------------------------------------------------------------

// Consecutive rounds, evaluated by one task. All that it needs is its own, or
// does not change while rounds run ahead.
struct Lane::Chunk {
  Ahead rounds;
  std::vector<Value> slots;  // before each round; after the last one, if `keeps`
  bool keeps = false;
  std::vector<Round> done;
  double ns = 0;
  tasks::TaskPtr task;
  bool complete() const { return static_cast<std::int64_t>(done.size()) == rounds.count; }
};

// A loop whose rounds run ahead, while they do.
class Lane::Runner {
 public:
  Runner(Lane& lane, const Statement& loop, Frame& frame)
      : lane_(lane), loop_(loop), plan_(*loop.independent), frame_(frame) {}

  // Nothing that one round reads may be stored to by another.
  bool memory_allows(const Ahead& ahead) {
    std::vector<Ref<Array>> read;
    for (const Value& v : lane_.captures_) collect(v, read);
    for (const int slot : plan_.reads) {
      const bool stored_too = std::binary_search(plan_.stored.begin(), plan_.stored.end(), slot);
      if (!stored_too) collect(value(slot), read);
    }
    std::vector<const Buffer*> buffers;
    for (const Ref<Array>& a : read) {
      if (a->in_memory()) buffers.push_back(a->buffer().get());
    }
    for (const int slot : plan_.stored) {
      if (!value(slot).is_array() || !value(slot).array()->in_memory()) return false;
      const Array& target = *value(slot).array();
      buffers.push_back(target.buffer().get());
      for (const Ref<Array>& a : read) {
        if (is_touched(*a, target)) return false;
      }
      for (const int row : plan_.by_row) {
        if (row != slot && value(row).is_array() && may_overlap(target, *value(row).array()))
          return false;
      }
    }
    const std::int64_t lowest = std::min(ahead.first, ahead.first + (ahead.count - 1) * ahead.step);
    for (const int slot : plan_.by_row) {
      const Array& a = *value(slot).array();
      if (a.rank() == 0 || lowest < 0 || !elements_are_apart(a)) return false;
    }
    std::sort(buffers.begin(), buffers.end());
    shared_ = std::make_shared<const std::vector<const Buffer*>>(std::move(buffers));
    return true;
  }

  // Runs rounds and carries out what they stored. How many are done: fewer than
  // there are if one has to be done in order.
  std::int64_t run(const Ahead& ahead, RoundCosts::Cost& cost) {
    const std::size_t most_chunks = static_cast<std::size_t>(2 * tasks::workers() + 1);
    std::deque<std::shared_ptr<Chunk>> chunks;
    std::int64_t begun = 0, done = 0;
    bool whole = true;
    const StopAtEnd stop{*stopped_};
    while (done < ahead.count && whole) {
      while (begun < ahead.count && chunks.size() < most_chunks) {
        chunks.push_back(start(ahead, begun, cost));
        begun += chunks.back()->rounds.count;
      }
      const std::shared_ptr<Chunk> chunk = chunks.front();
      chunks.pop_front();
      lane_.wait([&] { return chunk->task->finished(); });
      for (Round& round : chunk->done) {
        lane_.back_edge();
        lane_.carry_out(round, frame_);
        if (lane_.profile_) lane_.profile_->count(loop_.id);
        ++done;
      }
      whole = chunk->complete();
      if (whole) cost.ns = chunk->ns / static_cast<double>(chunk->rounds.count);
      if (whole && chunk->keeps) {
        for (const int slot : plan_.results)
          value(slot) = chunk->slots[static_cast<std::size_t>(slot)];
        value(plan_.counter) = chunk->slots[static_cast<std::size_t>(plan_.counter)];
      }
    }
    if (!whole && loop_.kind == plan::StatementKind::loop)
      value(plan_.counter) = Value::of(ahead.first + done * ahead.step);
    *stopped_ = true;
    lane_.wait_for_all();
    return done;
  }

 private:
  struct StopAtEnd {
    std::atomic<bool>& stopped;
    ~StopAtEnd() { stopped = true; }
  };

  Value& value(int slot) { return frame_.slots[static_cast<std::size_t>(slot)]; }

  std::shared_ptr<Chunk> start(const Ahead& ahead, std::int64_t begun,
                               const RoundCosts::Cost& cost) {
    auto chunk = std::make_shared<Chunk>();
    const std::int64_t left = ahead.count - begun;
    const std::int64_t fair = std::max<std::int64_t>(left / (2 * tasks::workers()), 1);
    const auto wanted = static_cast<std::int64_t>(task_ns / std::max(cost.ns, 1.0));
    chunk->rounds = {ahead.first + begun * ahead.step, ahead.step,
                     std::clamp<std::int64_t>(wanted, 1, fair)};
    chunk->keeps = chunk->rounds.count == left;
    chunk->slots.resize(frame_.slots.size());
    for (const int slot : plan_.reads) copy(slot, *chunk);
    for (const int slot : plan_.stored) copy(slot, *chunk);

    tasks::Work work;
    work.dropped = &lane_.flight_->dropped;
    work.body = [runner = copy_for_task(), chunk](std::int64_t) { runner.evaluate(*chunk); };
    if (trace::recording()) [[unlikely]]
      work.site = lane_.caches_.sites.of(lane_.program_, loop_.id);
    lane_.flight_->depart(0, false);
    work.done = [flight = lane_.flight_](const tasks::Task&) { flight->arrive(0, false); };
    chunk->task = tasks::Task::start(std::move(work), {});
    return chunk;
  }

  // Tasks count references to arrays of their own, not all the same ones. The
  // chunk whose values outlive the loop has the true arrays.
  void copy(int slot, Chunk& chunk) {
    const Value& v = value(slot);
    Value& to = chunk.slots[static_cast<std::size_t>(slot)];
    to = v;
    if (chunk.keeps || !v.is_array() || !v.array()->in_memory()) return;
    const Array& a = *v.array();
    Ref<Array> twin = twin_of(a);
    // A view that Python gets to see must not pass for the owner of the memory.
    if (a.base) twin->base = twin_of(*a.base);
    for (const int other : plan_.reads) {
      const Value& same = chunk.slots[static_cast<std::size_t>(other)];
      if (other != slot && value(other).is_array() && value(other).array() == v.array() &&
          same.is_array())
        twin = same.array();
    }
    to = Value::of(twin);
  }

  static Ref<Array> twin_of(const Array& a) {
    Ref<Array> twin = make<Array>(a.buffer(), a.data(), a.dtype(), a.shape(), a.strides());
    if (!a.writable()) twin->make_read_only();
    return twin;
  }

  // What a task needs of the lane, which may be busy meanwhile.
  struct Evaluator {
    const Statement* loop;
    const plan::Program* program;
    Caches* caches;
    Profile* profile;
    std::vector<Value> captures;
    Host::FpMode fp;
    const plan::Function* current;
    int depth, depth_limit;
    std::shared_ptr<const std::vector<const Buffer*>> shared;
    std::shared_ptr<std::atomic<bool>> stopped;

    void evaluate(Chunk& chunk) const;
  };

  Evaluator copy_for_task() {
    return {&loop_,     &lane_.program_, &lane_.caches_, lane_.profile_,     lane_.captures_,
            lane_.fp(), lane_.current_,  lane_.depth_,   lane_.depth_limit_, shared_,
            stopped_};
  }

  Lane& lane_;
  const Statement& loop_;
  const Independent& plan_;
  Frame& frame_;
  std::shared_ptr<const std::vector<const Buffer*>> shared_;
  std::shared_ptr<std::atomic<bool>> stopped_ = std::make_shared<std::atomic<bool>>(false);
};

void Lane::Runner::Evaluator::evaluate(Chunk& chunk) const {
  const Independent& plan = *loop->independent;
  NoHost host(*stopped);
  Lane lane(host, *program, *caches, profile);
  Holding holding(plan, shared);
  lane.holding_ = &holding;
  lane.captures_ = captures;
  lane.fp_ = fp;
  lane.current_ = current;
  lane.depth_ = depth;
  lane.depth_limit_ = depth_limit;
  lane.use_stack_of_thread();

  Frame frame;
  frame.retain();  // it lies here: nobody else may end it
  frame.function = current;
  frame.slots.resize(chunk.slots.size());
  std::move(chunk.slots.begin(), chunk.slots.end(), frame.slots.begin());
  const std::int64_t begin = now_ns();
  try {
    for (std::int64_t k = 0; k < chunk.rounds.count && !*stopped; ++k) {
      frame.slots[static_cast<std::size_t>(plan.counter)] =
          Value::of(chunk.rounds.first + k * chunk.rounds.step);
      Value last;
      lane.block(loop->blocks[0], frame, last);
      chunk.done.push_back(holding.take(*lane.flight_));
    }
  } catch (...) {
    // Whatever it is, the lane of the call will meet it where it belongs.
  }
  chunk.ns = static_cast<double>(now_ns() - begin);
  if (chunk.keeps && chunk.complete())
    std::move(frame.slots.begin(), frame.slots.end(), chunk.slots.begin());
}

// ---- on the lane of the call -----------------------------------------------------------

bool Lane::may_run_ahead(const Statement& s) {
  static const plan::Rule& rule = *plan::find_rule("independent-iterations");
  if (!s.independent || holding_ || !plan::is_on(rule)) return false;
  const Independent& plan = *s.independent;
  if (!plan.why_not.empty()) {
    if (profile_ && !plan.held.empty())
      profile_->refuse(s.id, "independent-iterations", plan.why_not);
    return false;
  }
  return tasks::workers() > 1 && !tasks::inline_only() && !host_.serial() && !fp().at_once &&
         caches_.rounds.may_try(s.id);
}

std::int64_t Lane::run_ahead(const Statement& s, Frame& frame, const Ahead& ahead) {
  RoundCosts::Cost cost = caches_.rounds.find(s.id);
  // Loops that make no arrays are scalar work, for which there is machine code.
  if (ahead.count < 2 || cost.ns < least_round_ns ||
      (s.independent->has_loops && cost.bytes < least_bytes) ||
      cost.ns * static_cast<double>(ahead.count) < worth_ns ||
      cost.bytes * tasks::workers() > most_bytes)
    return 0;
  barrier();
  Runner runner(*this, s, frame);
  if (!runner.memory_allows(ahead)) {
    if (profile_)
      profile_->refuse(s.id, "independent-iterations", "arrays of the loop share memory");
    return 0;
  }
  const double in_order = cost.ns;
  const std::int64_t begin = now_ns();
  const std::int64_t done = runner.run(ahead, cost);
  // What is held back is copied once more: rounds that mostly move memory may gain nothing.
  const bool gained = static_cast<double>(now_ns() - begin) < in_order * static_cast<double>(done);
  RoundCosts::judge(cost, gained);
  cost.ns = in_order;
  caches_.rounds.note(s.id, cost);
  if (profile_ && done > 0) profile_->apply(s.id, "independent-iterations");
  return done;
}

// The rounds that `while u < n` has yet to do.
std::optional<Ahead> Lane::rounds_left(const Statement& s, Frame& frame) {
  const Independent& plan = *s.independent;
  const plan::Op& op = s.region.ops[static_cast<std::size_t>(plan.bound)];
  const Value& bound = op.kind == plan::OpKind::constant
                           ? op.constant
                           : frame.slots[static_cast<std::size_t>(op.variable.slot)];
  const Value& counter = frame.slots[static_cast<std::size_t>(plan.counter)];
  if (!bound.is(ValueKind::integer) || !counter.is(ValueKind::integer)) return std::nullopt;
  std::int64_t reach = 0, end = 0;
  if (__builtin_sub_overflow(bound.integer(), counter.integer(), &reach)) return std::nullopt;
  if (__builtin_add_overflow(bound.integer(), plan.step + 1, &end)) return std::nullopt;
  if (plan.inclusive) ++reach;
  if (reach <= 0) return std::nullopt;
  return Ahead{counter.integer(), plan.step, (reach + plan.step - 1) / plan.step};
}

void Lane::carry_out(Round& round, Frame& frame) {
  for (HeldStore& held : round) {
    for (FpReport& report : held.before) flight_->report(++sequence_, std::move(report));
    if (!held.op) continue;
    ++sequence_;
    try {
      store_index(*held.op, frame.slots[static_cast<std::size_t>(held.slot)], std::move(held.items),
                  held.value);
    } catch (Error& error) {
      error.locate(held.op->place);
      left_at(*held.op);
      throw;
    } catch (...) {
      left_at(*held.op);
      throw;
    }
  }
}

// ---- one run of a loop ----------------------------------------------------------------------

AheadOfLoop::AheadOfLoop(Lane& lane, const Statement& loop)
    : lane_(lane), loop_(loop), allowed_(lane.may_run_ahead(loop)) {
  if (!allowed_) return;
  begin_ns_ = now_ns();
  begin_bytes_ = memory::counters().total;
}

// What the rounds in order cost tells the next run whether to go ahead.
AheadOfLoop::~AheadOfLoop() {
  if (begin_ns_ == 0 || tries_ > 0 || in_order_ == 0) return;
  RoundCosts::Cost cost = lane_.caches_.rounds.find(loop_.id);
  cost.ns = static_cast<double>(now_ns() - begin_ns_) / static_cast<double>(in_order_);
  cost.bytes =
      static_cast<double>(memory::counters().total - begin_bytes_) / static_cast<double>(in_order_);
  lane_.caches_.rounds.note(loop_.id, cost);
}

std::int64_t AheadOfLoop::rounds(Frame& frame, const Ahead& left) {
  const bool first = in_order_++ == 0;
  if (!allowed_) return 0;
  RoundCosts::Cost cost = lane_.caches_.rounds.find(loop_.id);
  const bool prepared = std::all_of(lane_.captures_.begin(), lane_.captures_.end(),
                                    [](const Value& v) { return v.bound(); });
  if (first && (cost.ns == 0 || !prepared)) return 0;
  if (cost.ns == 0) {
    // The first round, with all that it began.
    lane_.barrier();
    cost.ns = static_cast<double>(now_ns() - begin_ns_);
    cost.bytes = static_cast<double>(memory::counters().total - begin_bytes_);
    lane_.caches_.rounds.note(loop_.id, cost);
  }
  const std::int64_t done = lane_.run_ahead(loop_, frame, left);
  // A round that had to be done in order may have been the only one.
  allowed_ = done > 0 && ++tries_ < most_tries;
  return done;
}

bool AheadOfLoop::moved(Frame& frame) {
  const auto left = allowed_ ? lane_.rounds_left(loop_, frame) : std::nullopt;
  allowed_ = left.has_value();
  return rounds(frame, left.value_or(Ahead{})) > 0;
}

}  // namespace jetlag::exec
