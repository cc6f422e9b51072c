// Functions, blocks and statements.
#include <pthread.h>

#include <algorithm>

#include "compiler/jit/notice.h"
#include "primitives/operators.h"
#include "runtime/exec/iterations.h"
#include "runtime/exec/lane.h"
#include "runtime/exec/row_tiles.h"
#include "runtime/exec/time_tiles.h"
#include "trace/counters/hardware.h"

namespace jetlag::exec {

using plan::Statement;
using plan::StatementKind;

namespace {

// What must be left of the stack when a function is called: its own frames and
// those of the primitives that it uses.
constexpr std::ptrdiff_t stack_reserve = 256 << 10;
constexpr std::int64_t edges_between_looks = 256;
constexpr std::int64_t hold_ns = 2'000'000;

const char* lowest_stack_address() {
  pthread_attr_t attributes;
  void* low = nullptr;
  std::size_t size = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return nullptr;
  pthread_attr_getstack(&attributes, &low, &size);
  pthread_attr_destroy(&attributes);
  return static_cast<const char*>(low);
}

// Not the address of a variable, which a checker of addresses may place elsewhere. The caller's
// frame is as good.
[[gnu::always_inline]] inline const char* stack_now() {
  return static_cast<const char*>(__builtin_frame_address(0));
}

bool stack_is_short(const char* low) { return low && stack_now() - low < stack_reserve; }

std::string missing_arguments(const plan::Function& f, const std::vector<std::string>& names) {
  std::string list;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) list += i + 1 == names.size() ? (names.size() > 2 ? ", and " : " and ") : ", ";
    list += "'" + names[i] + "'";
  }
  return format("{}() missing {} required positional argument{}: {}", f.name, names.size(),
                names.size() == 1 ? "" : "s", list);
}

}  // namespace

Lane::Lane(Host& host, const plan::Program& program, Caches& caches, Profile* profile)
    : host_(host),
      program_(program),
      caches_(caches),
      profile_(profile),
      captures_(program.captures.size()) {}

Value Lane::run(std::span<Value> arguments) {
  depth_limit_ = host_.recursion_limit();
  use_stack_of_thread();
  const plan::Function& entry = *program_.functions.front();
  trace::Span span;
  trace::Metered metered;
  if (trace::recording()) [[unlikely]] {
    span.begin(call_site(entry));
    metered.begin();
  }
  try {
    Value result;
    try {
      const std::int64_t begin = profile_ ? now_ns() : 0;
      result = call(entry, nullptr, arguments);
      settle(result);
      barrier();
      memos_.clear();
      if (const auto words = jit::take_notice()) host_.notice(*words);
      if (profile_) {
        profile_->total_ns = now_ns() - begin;
        profile_->give(result);
      }
    } catch (...) {
      flight_->error.report(sequence_, std::current_exception());
      throw;
    }
    return result;
  } catch (...) {
    drain();
    if (flight_->has_reports()) tell_reports(flight_->error.sequence() + 1);
    if (frames_.empty()) {
      frame_within_ = flight_->error.within();
      note_frame(entry, {});
    }
    try {
      flight_->error.rethrow_if_any();
    } catch (const Error& error) {
      // A task's error is met later than it arose, and elsewhere.
      if (error.place().known()) frames_.front().place = error.place();
      throw;
    }
    throw;
  }
}

void Lane::use_stack_of_thread() {
  static thread_local const char* low = nullptr;
  if (!low) low = lowest_stack_address();
  stack_end_ = low;
}

void Lane::note_frame(const plan::Function& f, Place place) {
  constexpr std::size_t most_frames = 64;
  const auto note = [&](const plan::Function& function) {
    if (frames_.size() < most_frames) frames_.push_back({function.file, function.name, place});
  };
  for (const plan::Inlined* call = frame_within_; call; call = call->outer) {
    note(*call->function);
    place = call->call;
  }
  note(f);
  frame_place_ = {};
  frame_within_ = nullptr;
}

Value Lane::call(const plan::Function& f, const Ref<Frame>& outer, std::span<Value> args) {
  if (depth_ + 1 >= depth_limit_ || stack_is_short(stack_end_)) {
    throw Error(Kind::recursion, "maximum recursion depth exceeded",
                "sys.setrecursionlimit raises it");
  }
  back_edge();
  const Ref<Frame> frame = make<Frame>();
  bind(f, outer, args, *frame);
  const plan::Function* caller = current_;
  current_ = &f;
  ++depth_;
  Value last = Value::nil();
  Flow flow = Flow::next;
  const auto left = [&] {
    --depth_;
    current_ = caller;
  };
  try {
    flow = block(f.body, *frame, last);
  } catch (Error& error) {
    // A task's error is met later than it arose, and elsewhere.
    if (frames_.empty() && error.place().known() && error.place() != frame_place_) {
      frame_place_ = error.place();
      frame_within_ = flight_->error.within();
    }
    error.locate_file(function_of(frame_within_)->file);
    note_frame(f, frame_place_);
    left();
    throw;
  } catch (...) {
    note_frame(f, frame_place_);
    left();
    throw;
  }
  left();
  // Nested functions and the frame around them would keep each other alive. In
  // Python's text they never outlive the call: the front end sees to that.
  if (f.python && f.needs_frame) frame->slots.clear();
  if (flow == Flow::leave || f.returns_last) return last;
  return Value::nil();
}

void Lane::bind(const plan::Function& f, const Ref<Frame>& outer, std::span<Value> args,
                Frame& frame) {
  frame.function = &f;
  frame.outer = outer;
  frame.slots.resize(f.slots.size());
  if (args.size() > f.params.size()) {
    throw Error(Kind::type, format("{}() takes {} positional argument{} but {} {} given", f.name,
                                   f.params.size(), f.params.size() == 1 ? "" : "s", args.size(),
                                   args.size() == 1 ? "was" : "were"));
  }
  std::vector<std::string> missing;
  for (std::size_t i = 0; i < f.params.size(); ++i) {
    const plan::Param& p = f.params[i];
    Value& slot = frame.slots[static_cast<std::size_t>(p.slot)];
    if (i < args.size() && args[i].bound()) {
      slot = std::move(args[i]);
    } else if (p.optional) {
      slot = region(p.otherwise, outer ? *outer : frame);
    } else {
      missing.push_back(p.name);
    }
  }
  if (!missing.empty()) throw Error(Kind::type, missing_arguments(f, missing));
}

std::int64_t Lane::calls_left() const {
  // More than a compiled call takes.
  constexpr std::int64_t bytes_for_a_call = 2048;
  const std::int64_t allowed = depth_limit_ - depth_ - 1;
  if (!stack_end_) return std::min<std::int64_t>(allowed, 1000);
  const std::int64_t room = (stack_now() - stack_end_ - stack_reserve) / bytes_for_a_call;
  return std::min(allowed, room);
}

// Long work without arrays must let others have the host, and hear interrupts.
void Lane::back_edge() {
  if (++edges_ % edges_between_looks != 0) return;
  if (!poll_is_due(hold_ns)) return;
  flight_->look(host_);
  host_.let_go();
}

bool Lane::poll_is_due(std::int64_t after_ns) {
  const std::int64_t now = now_ns();
  if (last_poll_ == 0) last_poll_ = now;
  if (now - last_poll_ < after_ns) return false;
  last_poll_ = now;
  return true;
}

Flow Lane::block(const plan::Block& b, Frame& frame, Value& last) {
  for (const Statement& s : b.statements) {
    const Flow flow = statement(s, frame, last);
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

Flow Lane::statement(const Statement& s, Frame& frame, Value& last) {
  try {
    return run_statement(s, frame, last);
  } catch (...) {
    left_at(s.place);
    throw;
  }
}

Flow Lane::run_statement(const Statement& s, Frame& frame, Value& last) {
  switch (s.kind) {
    case StatementKind::region: last = region(s.region, frame); return Flow::next;
    case StatementKind::branch: {
      if (profile_) profile_->count(s.id);
      const bool yes = condition(s, frame);
      last = Value::nil();
      if (yes) return block(s.blocks[0], frame, last);
      if (s.blocks.size() > 1) return block(s.blocks[1], frame, last);
      return Flow::next;
    }
    case StatementKind::loop:
    case StatementKind::for_each: {
      Flow flow = Flow::next;
      if (rows_) rows_->begin_now();
      profiled(s.id, StepKind::none, [&] {
        flow = s.kind == StatementKind::loop ? loop(s, frame, last) : for_each(s, frame, last);
      });
      forget_results_of_loop(s.id);
      return flow;
    }
    case StatementKind::leave: last = region(s.region, frame); return Flow::leave;
    case StatementKind::break_: return Flow::break_;
    case StatementKind::continue_: return Flow::continue_;
    case StatementKind::opaque_block: return opaque_block(s, frame, last);
  }
  throw Error(Kind::internal, s.place, "unknown statement");
}

bool Lane::condition(const Statement& s, Frame& frame) {
  Value v = region(s.region, frame);
  return decide(s, v);
}

bool Lane::decide(const Statement& s, Value& v) {
  settle(v);
  try {
    if (const auto known = truth(v)) return *known;
  } catch (Error& error) {
    error.locate(s.place);
    frame_place_ = s.place;
    throw;
  }
  barrier_for_host();
  const bool yes = host_.truth(v);
  host_ran();
  return yes;
}

// One round of a loop's body. `over` tells that break or return ended it.
Flow Lane::round(const Statement& s, Frame& frame, Value& last, bool& over) {
  if (profile_) profile_->count(s.id);
  back_edge();
  const Flow flow = block(s.blocks[0], frame, last);
  // Who knows how long the next takes to follow?
  if (rows_ && !(tiles_ && tiles_->by_rows())) rows_->begin_now();
  over = flow == Flow::break_ || flow == Flow::leave;
  return flow == Flow::leave ? Flow::leave : Flow::next;
}

Flow Lane::loop(const Statement& s, Frame& frame, Value& last) {
  bool over = false;
  LoopRun run(*this, s);
  AheadOfLoop ahead(*this, s);
  TimeTiles tiles(*this, s);
  while (true) {
    if (run.is_hot()) {
      std::int64_t none = 0;
      const LoopRun::After after = run.enter(frame, nullptr, none, last);
      if (after == LoopRun::After::over) return run.flow;
      if (after == LoopRun::After::round) continue;
    }
    if (!condition(s, frame)) break;
    if (ahead.moved(frame)) continue;
    tiles.round(TimeTiles::unknown);
    const Flow flow = round(s, frame, last, over);
    if (flow == Flow::leave) return flow;
    if (over) return last = Value::nil(), Flow::next;
  }
  if (profile_) profile_->count(s.id);
  last = Value::nil();
  return s.blocks.size() > 1 ? block(s.blocks[1], frame, last) : Flow::next;
}

namespace {

// Walks over what a loop was given, one item at a time.
class Items {
 public:
  explicit Items(Value sequence) : sequence_(std::move(sequence)) {}

  bool native() const {
    switch (sequence_.kind()) {
      case ValueKind::range:
      case ValueKind::tuple:
      case ValueKind::list: return true;
      case ValueKind::array: return sequence_.array()->rank() > 0;
      default: return false;
    }
  }
  std::int64_t size() const {
    switch (sequence_.kind()) {
      case ValueKind::range: return sequence_.range().size();
      case ValueKind::array: return sequence_.array()->shape()[0];
      default: return static_cast<std::int64_t>(sequence_.items().size());
    }
  }
  // A row of an array is a view; an element needs the array to be ready.
  Value at(std::int64_t i) const {
    if (sequence_.is(ValueKind::range)) return Value::of(sequence_.range().at(i));
    if (!sequence_.is_array()) return sequence_.items()[static_cast<std::size_t>(i)];
    const Ref<Array>& a = sequence_.array();
    Dims shape = a->shape();
    Dims strides = a->strides();
    shape.erase(0);
    strides.erase(0);
    const Ref<Array> row = view_of(a, a->data() + i * a->strides()[0], shape, strides);
    return row->rank() == 0 ? element(*row) : Value::of(row);
  }

 private:
  Value sequence_;
};

}  // namespace

Flow Lane::for_each(const Statement& s, Frame& frame, Value& last) {
  return over(s, frame, last, region(s.region, frame), 0);
}

Flow Lane::over_range(const Statement& s, Frame& frame, Value& last, const Range& range,
                      std::int64_t from) {
  LoopRun run(*this, s);
  AheadOfLoop ahead(*this, s);
  TimeTiles tiles(*this, s);
  const std::int64_t size = range.size();
  bool over = false;
  while (true) {
    if (run.is_hot()) {
      const LoopRun::After after = run.enter(frame, &range, from, last);
      if (after == LoopRun::After::over) return run.flow;
      if (after == LoopRun::After::round) continue;
    }
    if (from < size) from += ahead.rounds(frame, {range.at(from), range.step, size - from});
    if (from >= size) break;
    tiles.round(size - from);
    frame.slots[static_cast<std::size_t>(s.variable.slot)] = Value::of(range.at(from++));
    const Flow flow = round(s, frame, last, over);
    if (flow == Flow::leave) return flow;
    if (over) return last = Value::nil(), Flow::next;
  }
  last = Value::nil();
  return s.blocks.size() > 1 ? block(s.blocks[1], frame, last) : Flow::next;
}

// From the item number `from` on, where the sequence is native.
Flow Lane::over(const Statement& s, Frame& frame, Value& last, Value sequence, std::int64_t from) {
  if (sequence.is(ValueKind::range)) return over_range(s, frame, last, sequence.range(), from);
  const Items items(sequence);
  const auto step = [&](Value item, bool& over) {
    frame.slots[static_cast<std::size_t>(s.variable.slot)] = std::move(item);
    return round(s, frame, last, over);
  };
  bool over = false;
  if (items.native()) {
    const bool elements = sequence.is_array() && sequence.array()->rank() == 1;
    for (std::int64_t i = from; i < items.size(); ++i) {
      if (elements) ready(*sequence.array());
      const Flow flow = step(items.at(i), over);
      if (flow == Flow::leave) return flow;
      if (over) return last = Value::nil(), Flow::next;
    }
  } else {
    settle(sequence);
    barrier_for_host();
    const Value iterator = host_.iterator(sequence);
    Value item;
    while (true) {
      barrier_for_host();
      if (!host_.next(iterator, item)) break;
      host_ran();
      const Flow flow = step(item, over);
      if (flow == Flow::leave) return flow;
      if (over) return last = Value::nil(), Flow::next;
    }
  }
  last = Value::nil();
  return s.blocks.size() > 1 ? block(s.blocks[1], frame, last) : Flow::next;
}

Flow Lane::opaque_block(const Statement& s, Frame& frame, Value& last) {
  const auto slot = [&](const plan::Variable& v) -> Value& {
    Frame* f = &frame;
    for (int d = 0; d < v.depth; ++d) f = f->outer.get();
    return f->slots[static_cast<std::size_t>(v.slot)];
  };
  std::vector<Value> inputs;
  for (const plan::Variable& v : s.inputs) inputs.push_back(slot(v));
  settle(inputs);
  barrier_for_host();
  const Site site = site_of(s.place);
  ++sequence_;
  BlockOutcome outcome;
  profiled(s.id, StepKind::opaque,
           [&] { outcome = host_.opaque_block(s.index, inputs, s.output_names, site); });
  if (profile_) profile_->describe(s.id, StepKind::opaque, "", {});
  host_ran();
  for (std::size_t i = 0; i < s.outputs.size(); ++i)
    slot(s.outputs[i]) = std::move(outcome.outputs[i]);
  last = Value::nil();
  switch (outcome.code) {
    case 1: last = std::move(outcome.value); return Flow::leave;
    case 2: return Flow::break_;
    case 3: return Flow::continue_;
    default: return Flow::next;
  }
}

// ---- caches -------------------------------------------------------------------------

std::shared_ptr<const FusedProgram> Caches::find(const std::string& key) const {
  std::shared_lock lock(mutex_);
  const auto at = fused_.find(key);
  return at == fused_.end() ? nullptr : at->second;
}

void Caches::add(const std::string& key, std::shared_ptr<const FusedProgram> fused) {
  std::unique_lock lock(mutex_);
  fused_.emplace(key, std::move(fused));
}

std::size_t Caches::size() const {
  std::shared_lock lock(mutex_);
  return fused_.size();
}

}  // namespace jetlag::exec
