// When work runs: at once on the lane, or as a task behind those that touch
// the same memory.
#include <algorithm>

#include "array/memory.h"
#include "base/settings.h"
#include "runtime/exec/lane.h"
#include "runtime/exec/reuse.h"
#include "runtime/exec/row_tiles.h"
#include "runtime/exec/time_tiles.h"
#include "runtime/tasks/totals.h"

namespace jetlag::exec {

namespace {

// Rough speeds of one core; they decide only where work runs, never its result.
constexpr double bytes_per_ns = 10.0, cached_bytes_per_ns = 50.0;
constexpr double cached_bytes = 4 << 20;  // of a step whose operands may still be in caches
constexpr double flops_per_ns = 4.0;
constexpr double most_outstanding = 256;
constexpr double run_ahead_ns = 4'000'000;  // of work for each worker
constexpr std::int64_t poll_every_ns = 30'000'000;
constexpr double let_go_ns = 5'000;
constexpr double brief_ns = 3'000;  // to wake a worker takes longer

constexpr double looked_after_ns = 40'000;  // work during which the user may interrupt
constexpr double measured_ns = 8'000;       // work worth two looks at the clock

double estimate(const Job& job) {
  const double near = std::min(job.bytes, cached_bytes), far = job.bytes - near;
  const double moving = near / cached_bytes_per_ns + far / bytes_per_ns;
  return std::max({moving, job.flops / flops_per_ns, 1.0});
}

Hazards& hazards_of(Buffer& buffer) {
  if (!buffer.hazards) buffer.hazards = make<Hazards>();
  return static_cast<Hazards&>(*buffer.hazards);
}

void forget_finished(Hazards& h) {
  if (h.writer && h.writer->finished()) h.writer.reset();
  std::erase_if(h.readers, [](const tasks::TaskPtr& t) { return t->finished(); });
}

bool is_pending(const Ref<Array>& a) {
  return a && a->buffer()->pending.load(std::memory_order_acquire) > 0;
}

// A task fails elsewhere: its error must say itself where it belongs.
std::exception_ptr located(std::exception_ptr error, Place place, const std::string& file) {
  try {
    std::rethrow_exception(error);
  } catch (Error& e) {
    e.locate(place);
    e.locate_file(file);
    return std::current_exception();
  } catch (const std::bad_alloc&) {
    Error e(Kind::memory, place, "out of memory");
    e.locate_file(file);
    return std::make_exception_ptr(e);
  } catch (...) {
    return error;
  }
}

void note_cost(StepCosts& costs, int id, double expected_ns, std::int64_t busy_ns) {
  tasks::note_cost(expected_ns * costs.factor(id), busy_ns);
  costs.note(id, expected_ns, static_cast<double>(busy_ns));
}

// How many steps like one of so many ns may be under way: enough for all workers, and no more, as
// their results take memory until they are read.
std::int64_t most_like(double ns) {
  const double workers = tasks::workers();
  const double enough = std::max(run_ahead_ns * workers / std::max(ns, 1.0), 4 * workers);
  return static_cast<std::int64_t>(std::min(enough, most_outstanding));
}

}  // namespace

void Lane::perform(Job job, Step step, const Sweeper& sweeper) {
  if (step.write) about_to_write(*step.write);
  for (const Ref<Array>& a : step.also_writes) about_to_write(*a);
  if (profile_) {
    profile_->need(step.op->id, step.reads, step.write);
    for (const Ref<Array>& a : step.also_writes) profile_->need(step.op->id, {}, a);
  }
  const double ns = estimate(job) * (step.beside ? 1 : caches_.steps.factor(step.op->id));
  bool pending = false;
  if (flight_->outstanding() > 0) {
    for (const Ref<Array>& a : step.reads) pending = pending || is_pending(a);
    pending = pending || is_pending(step.write);
    for (const Ref<Array>& a : step.also_writes) pending = pending || is_pending(a);
  }
  if (step.write && step.write->buffer()->visible()) before_visible_write();
  // A step is held back in one place only: nothing waits for those that have not begun.
  if (rows_ && tiles_ && tiles_->collects()) rows_->begin_now();
  if (tiles_ && tiles_->take(job, step, ns, pending, sweeper)) return;
  if (take_rows(job, step, ns, pending)) return;
  if (!pending && (alone() || is_short(step, ns))) return run_inline(job, step, ns);
  begin_collected();
  if (alone() && flight_->outstanding() == 0) return run_inline(job, step, ns);
  wait_for_room(step, ns);
  start_task(depart(std::move(job), std::move(step), ns));
}

bool Lane::take_rows(Job& job, Step& step, double ns, bool pending) {
  if (tiles_ && tiles_->collects()) return false;
  if (!rows_ && !job.rows.body) return false;
  if (!rows_) rows_ = std::make_shared<RowTiles>(*this);
  return rows_->take(job, step, ns, pending);
}

// Once there are enough, this thread sleeps until half of them are left: to wake it takes a
// worker's time, and often its processor.
void Lane::wait_for_room(const Step& step, double ns) {
  const std::int64_t bytes = step.write ? step.write->bytes() : 0;
  const std::int64_t most = most_like(ns);
  if (flight_->outstanding() >= most) flight_->wait_until_few(host_, most / 2);
  flight_->wait(host_, [&] {
    return flight_->outstanding() == 0 || flight_->bytes() + bytes <= in_flight();
  });
}

// Where nothing is under way the workers sleep: to wake them, and to be woken when they are done,
// takes longer than to have them go on. So a call does a little more before it asks for them.
bool Lane::is_short(const Step& step, double ns) {
  const auto least = static_cast<double>(inline_ns());
  if (ns < least) return true;
  if (flight_->outstanding() > 0) return false;
  not_handed_out_ns_ += ns;
  if (not_handed_out_ns_ < 2 * least) return true;
  // Workers that begin with cold caches make a step look longer than it is.
  return not_handed_out_ns_ < 4 * least && caches_.steps.is_due(step.op->id);
}

bool Lane::alone() const {
  return holding_ || tasks::inline_only() || tasks::workers() == 1 || host_.serial();
}

void Lane::begin_collected() {
  if (tiles_) tiles_->begin_now();
  if (rows_) rows_->begin_now();
}

void Lane::wait_for_all() {
  begin_collected();
  flight_->wait_until_few(host_, 0);
}

void Lane::run_inline(const Job& job, const Step& step, double ns) {
  if (ns > let_go_ns) host_.let_go();
  const std::int64_t begin = ns > measured_ns && !step.beside ? now_ns() : 0;
  const bool visible = step.write && step.write->buffer()->visible();
  const auto run = [&] {
    for (std::int64_t b = 0; b < job.blocks; ++b) {
      job.body(b);
      // What the caller can see is finished once begun.
      if (ns > looked_after_ns && !visible && poll_is_due(poll_every_ns)) {
        flight_->look(host_);
        host_.let_go();
      }
    }
    if (job.finish) job.finish();
  };
  profiled(step.op->id, step.kind, run, job.bytes, job.flops);
  if (begin != 0)
    caches_.steps.note(step.op->id, estimate(job), static_cast<double>(now_ns() - begin));
  if (profile_) profile_->add(step.op->id, step.kind, 0, 0, job.bytes, job.flops);
}

Lane::Departed Lane::depart(Job job, Step step, double ns) {
  std::vector<Ref<Buffer>> touched;
  for (const Ref<Array>& a : step.reads) touched.push_back(a->buffer());
  if (step.write) touched.push_back(step.write->buffer());
  for (const Ref<Array>& a : step.also_writes) touched.push_back(a->buffer());
  for (const Ref<Buffer>& b : touched) b->pending.fetch_add(1, std::memory_order_acq_rel);
  flight_->depart(step.write ? step.write->bytes() : 0, step.can_fail);
  const plan::Function* function = function_of(step.op->within);
  return {std::move(job),     std::move(step), ns,       sequence_,     function,
          std::move(touched), flight_,         profile_, &caches_.steps};
}

void Lane::Departed::failed(std::exception_ptr error) const {
  flight->error.report(sequence,
                       located(std::move(error), step.op->place, function ? function->file : ""),
                       step.op->within);
}

// On whichever thread ended it.
void Lane::Departed::landed(std::int64_t all_ns, std::int64_t busy_ns, std::int64_t blocks) {
  const std::int64_t bytes = step.write ? step.write->bytes() : 0;
  if (busy_ns > 0 && !step.beside) note_cost(*costs, step.op->id, estimate(job), busy_ns);
  if (profile) profile->add(step.op->id, step.kind, all_ns, blocks, job.bytes, job.flops);
  for (const Ref<Buffer>& b : touched) b->pending.fetch_sub(1, std::memory_order_acq_rel);
  const bool can_fail = step.can_fail;
  job = {};
  step = {};
  touched.clear();
  flight->arrive(bytes, can_fail);
}

void Lane::add_new(std::vector<tasks::TaskPtr>& all, std::span<const tasks::TaskPtr> more) {
  for (const tasks::TaskPtr& task : more) {
    const bool known = std::any_of(all.begin(), all.end(),
                                   [&](const tasks::TaskPtr& t) { return t.get() == task.get(); });
    if (!known) all.push_back(task);
  }
}

// Those that touch the same memory, and of which one writes.
std::vector<tasks::TaskPtr> Lane::tasks_before(const Step& step) {
  std::vector<tasks::TaskPtr> before;
  const auto follow_writer = [&](const Ref<Array>& a) -> const Hazards& {
    Hazards& h = hazards_of(*a->buffer());
    forget_finished(h);
    if (h.writer) add_new(before, {&h.writer, 1});
    return h;
  };
  for (const Ref<Array>& a : step.reads) follow_writer(a);
  if (step.write) add_new(before, follow_writer(step.write).readers);
  for (const Ref<Array>& a : step.also_writes) add_new(before, follow_writer(a).readers);
  return before;
}

void Lane::note_task(const Step& step, const tasks::TaskPtr& task) {
  for (const Ref<Array>& a : step.reads) hazards_of(*a->buffer()).readers.push_back(task);
  const auto write = [&](const Array& a) {
    Hazards& h = hazards_of(*a.buffer());
    h.writer = task;
    h.readers.clear();
  };
  if (step.write) write(*step.write);
  for (const Ref<Array>& a : step.also_writes) write(*a);
}

void Lane::start_task(Departed departed) {
  Job& job = departed.job;
  const std::vector<tasks::TaskPtr> after = tasks_before(departed.step);
  tasks::Work work;
  work.blocks = job.blocks;
  const double per_block = std::max(departed.ns / static_cast<double>(job.blocks), 1.0);
  const std::int64_t fair = std::max<std::int64_t>(job.blocks / (4 * tasks::workers()), 1);
  work.blocks_per_grab = std::clamp<std::int64_t>(
      static_cast<std::int64_t>(static_cast<double>(grab_ns()) / per_block), 1, fair);
  work.body = std::move(job.body);
  work.finish = std::move(job.finish);
  work.dropped = &flight_->dropped;
  work.brief = departed.ns < brief_ns;
  const Step& given = departed.step;
  const Step step{given.op, given.kind, false, {}, given.reads, given.write, {}, given.also_writes};
  if (trace::recording()) [[unlikely]] {
    work.site = caches_.sites.of(program_, step.op->id);
    work.bytes = job.bytes;
    work.flops = job.flops;
    work.result_bytes = static_cast<double>(step.write ? step.write->bytes() : 0);
  }
  work.stoppable = !step.write || !step.write->buffer()->visible();
  work.done = [departed = std::move(departed)](const tasks::Task& task) mutable {
    if (task.error()) departed.failed(task.error());
    const std::int64_t blocks = departed.job.blocks;
    departed.landed(task.nanoseconds(), task.error() ? 0 : task.busy_nanoseconds(), blocks);
  };
  note_task(step, tasks::Task::start(std::move(work), after));
}

// ---- waiting ----------------------------------------------------------------

void Lane::ready(const Array& a) {
  if (a.buffer()->pending.load(std::memory_order_acquire) == 0) return;
  begin_collected();  // its last writer may be there
  const tasks::TaskPtr writer = hazards_of(*a.buffer()).writer;
  if (!writer) return;
  wait([&] { return writer->finished(); });
  if (writer->failed()) barrier();
}

void Lane::ready_to_write(const Array& a) {
  about_to_write(a);
  if (a.buffer()->pending.load(std::memory_order_acquire) == 0) return;
  wait([&] { return a.buffer()->pending.load(std::memory_order_acquire) == 0; });
  if (flight_->error.any()) barrier();
}

void Lane::settle(Value& v) {
  if (v.is_array()) {
    ready(*v.array());
    if (v.array()->is_scalar) v = element(*v.array());
  } else if (v.is(ValueKind::tuple) || v.is(ValueKind::list)) {
    for (Value& item : v.items_object().items) settle(item);
  }
}

void Lane::settle_scalars(Value& v) {
  if (v.is_array()) {
    if (v.array()->is_scalar) settle(v);
  } else if (v.is(ValueKind::tuple) || v.is(ValueKind::list)) {
    for (Value& item : v.items_object().items) settle_scalars(item);
  }
}

void Lane::settle(std::vector<Value>& vs) {
  for (Value& v : vs) settle(v);
}

void Lane::barrier() {
  wait_for_all();
  if (flight_->has_reports()) tell_reports(flight_->error.sequence());
  flight_->error.rethrow_if_any();
}

void Lane::barrier_for_host() {
  forget_results();
  write_out_borrowers();
  if (flight_->outstanding() > 0 || flight_->has_reports() || flight_->error.any()) barrier();
}

void Lane::barrier_for_host(const plan::Op& op) {
  barrier_for_host();
  host_.stand_at(site_of(op));
}

void Lane::host_ran() {
  // The host may have bound names anew; captures are fetched when they are read.
  for (Value& v : captures_) v = Value();
  fp_.reset();
  facts_.clear();
  forget_results();
  if (!host_.guards_hold()) {
    throw Error(Kind::runtime,
                "a function or module that the program uses was replaced while it ran",
                "replace it before the call");
  }
}

// A write that the caller can see must not happen if something earlier fails.
void Lane::before_visible_write() {
  if (flight_->fallible() > 0) {
    wait([&] { return flight_->fallible() == 0; });
  }
  if (flight_->error.any()) barrier();
}

void Lane::drain() noexcept {
  while (flight_->outstanding() > 0) {
    try {
      wait_for_all();
    } catch (...) {
      // A second interrupt while we wait: memory is still in use, so we go on waiting.
    }
  }
}

// ---- floating-point reports ---------------------------------------------------

void Lane::tell_reports(std::int64_t before) {
  for (const FpReport& report : flight_->take_reports(before)) {
    try {
      host_.report(report);
    } catch (...) {
      // Told by the last member of a fused group, it belongs to an earlier line.
      left_at(report.place, report.within);
      throw;
    }
  }
  forget_results();  // the user's own functions may have been called
}

void Lane::tell_if_at_once(std::int64_t sequence) {
  if (flight_->outstanding() == 0 && !flight_->has_reports()) return;
  if (!fp().at_once) return;
  wait_for_all();
  if (flight_->has_reports()) tell_reports(sequence + 1);
}

FpReport Lane::report_at(const plan::Op& op, std::string name) const {
  const plan::Function* f = function_of(op.within);
  return {std::move(name), 0, f ? std::string_view(f->file) : std::string_view(), op.place,
          op.within};
}

Site Lane::site_of(Place place, const plan::Inlined* within) const {
  const plan::Function* f = function_of(within);
  return {f ? std::string_view(f->file) : "", f ? std::string_view(f->name) : "", place};
}

// ---- results -------------------------------------------------------------------

// Running ahead must not cost memory: before more is taken than ever was, the
// tasks in flight let go of what they still hold.
Ref<Array> Lane::result_array(DType dtype, const Dims& shape, const Dims& strides) {
  constexpr std::int64_t large = std::int64_t{1} << 20;
  if (flight_->outstanding() > 0) {
    const std::int64_t bytes = element_count(shape) * size_of(dtype);
    const bool waits = !rows_ || rows_->would_free();
    if (bytes >= large && waits && memory::would_raise_peak(bytes)) wait_for_all();
  }
  Ref<Array> plain = new_array(dtype, shape);
  if (strides.empty()) return plain;
  return make<Array>(plain->buffer(), plain->data(), dtype, shape, strides);
}

// For work that follows what reads the memory meanwhile.
Ref<Array> Lane::element_result(DType dtype, const Dims& shape, const Dims& strides) {
  const std::int64_t bytes = element_count(shape) * size_of(dtype);
  Ref<Buffer> spent = tiles_ ? tiles_->spent(bytes) : Ref<Buffer>();
  if (!spent && rows_) spent = rows_->spent(bytes);
  if (!spent) return result_array(dtype, shape, strides);
  const Dims steps = strides.empty() ? contiguous_strides(shape, size_of(dtype)) : strides;
  return make<Array>(spent, spent->data(), dtype, shape, steps);
}

Value Lane::result_value(Ref<Array> out, bool scalar) {
  if (!scalar) return Value::of(std::move(out));
  if (is_pending(out)) {
    out->is_scalar = true;
    return Value::of(std::move(out));
  }
  return element(*out);
}

void Lane::describe(const plan::Op& op, StepKind kind, const Value& result, std::string_view rule) {
  if (profile_) profile_->describe(op.id, kind, jetlag::describe(result), rule);
}

}  // namespace jetlag::exec
