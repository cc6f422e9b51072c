#include "runtime/exec/native_entry.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "base/of_thread.h"
#include "base/settings.h"
#include "primitives/loops.h"
#include "runtime/exec/iterations.h"

namespace jetlag::exec {

namespace {

constexpr std::size_t most_codes = 8;
constexpr std::int64_t hold_ns = 2'000'000;
// Memory for copies, from entry to entry: fresh pages cost more than the copying.
struct Copies {
  std::vector<std::byte> bytes;
};
// Of what is copied before a run, so that it can be run again.
constexpr std::int64_t most_kept_bytes = 1 << 20;
constexpr unsigned underflow_bit = 4;

int operand_of(Operands& operands, const Ref<Array>& a) {
  for (std::size_t i = 0; i < operands.arrays.size(); ++i) {
    if (operands.arrays[i].get() == a.get()) return static_cast<int>(i);
  }
  const std::int64_t rank = a->rank();
  loops::ArrayOperand described;
  described.dtype = a->dtype();
  described.rank = static_cast<int>(rank);
  described.contiguous_last = a->strides()[rank - 1] == size_of(a->dtype());
  described.written = a->writable();
  operands.arrays.push_back(a);
  operands.described.push_back(described);
  return static_cast<int>(operands.arrays.size()) - 1;
}

loops::Kind kind_of_value(Operands& operands, const Value& v) {
  loops::Kind k;
  k.kind = ValueKind::object;
  switch (v.kind()) {
    case ValueKind::unbound:
    case ValueKind::nil:
    case ValueKind::boolean:
    case ValueKind::integer:
    case ValueKind::real:
    case ValueKind::complex: k.kind = v.kind(); break;
    case ValueKind::scalar:
      if (v.dtype() == DType::complex64) break;
      k.kind = v.kind();
      k.dtype = v.dtype();
      break;
    case ValueKind::array: {
      constexpr std::int64_t most_axes = 8;
      const Ref<Array>& a = v.array();
      if (a->rank() < 1 || a->rank() > most_axes || a->is_scalar) break;
      k.kind = v.kind();
      k.dtype = a->dtype();
      k.array = static_cast<std::int16_t>(operand_of(operands, a));
      k.rank = static_cast<std::int16_t>(a->rank());
      break;
    }
    default: break;
  }
  return k;
}

void find_overlaps(Operands& operands) {
  const auto& arrays = operands.arrays;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (!arrays[i]->writable() && !arrays[j]->writable()) continue;
      if (may_overlap(*arrays[i], *arrays[j])) operands.disjoint = false;
    }
  }
}

std::string signature(const Operands& operands, unsigned wanted) {
  std::string text(1, static_cast<char>(operands.disjoint));
  text += static_cast<char>(operands.ascending);
  text += static_cast<char>(wanted);
  for (const loops::Kind& k : operands.kinds) {
    text += static_cast<char>(k.kind);
    text += static_cast<char>(k.dtype);
    text += static_cast<char>(k.array);
  }
  for (const loops::ArrayOperand& a : operands.described) {
    text += static_cast<char>(a.dtype);
    text += static_cast<char>(a.rank);
    text += static_cast<char>(a.contiguous_last);
    text += static_cast<char>(a.written);
  }
  return text;
}

// The bytes between the first and the last element.
std::span<std::byte> extent(const Array& a) {
  std::int64_t low = 0, high = size_of(a.dtype());
  for (std::int64_t axis = 0; axis < a.rank(); ++axis) {
    if (a.shape()[axis] == 0) return {};
    const std::int64_t reach = (a.shape()[axis] - 1) * a.strides()[axis];
    (reach < 0 ? low : high) += reach;
  }
  return {a.data() + low, static_cast<std::size_t>(high - low)};
}

bool has_oddity(const Array& a) {
  if (!is_float(a.dtype()) && !is_complex(a.dtype())) return false;
  const std::span<std::byte> bytes = extent(a);
  const auto odd = [&]<class T>(T*) {
    for (std::size_t i = 0; i + sizeof(T) <= bytes.size(); i += sizeof(T)) {
      T x;
      std::memcpy(&x, bytes.data() + i, sizeof x);
      if (!std::isfinite(x)) return true;
    }
    return false;
  };
  const bool narrow = a.dtype() == DType::float32 || a.dtype() == DType::complex64;
  return narrow ? odd(static_cast<float*>(nullptr)) : odd(static_cast<double*>(nullptr));
}

}  // namespace

bool NativeEntry::gather() {
  const int head = flat_.loops[static_cast<std::size_t>(record_.loop)].head;
  const std::vector<bool>& live = flat_.live[static_cast<std::size_t>(head)];
  operands_.kinds.resize(static_cast<std::size_t>(flat_.slots + flat_.captures));
  for (int v = 0; v < flat_.slots + flat_.captures; ++v) {
    if (!live[static_cast<std::size_t>(v)]) continue;
    Value& value = variable(v);
    if (v >= flat_.slots && !value.bound()) {
      value = lane_.host_.fetch(v - flat_.slots);
      if (!value.bound()) return false;
    }
    // A loop that wants its elements asks for them, and is met again with them in memory.
    if (value.is_array() && !value.array()->in_memory()) return false;
    lane_.settle_scalars(value);
    operands_.kinds[static_cast<std::size_t>(v)] = kind_of_value(operands_, value);
  }
  constexpr std::size_t most_arrays = 60;
  if (operands_.arrays.size() > most_arrays) return false;
  find_overlaps(operands_);
  return true;
}

std::shared_ptr<const NativeCode> NativeEntry::code_for(bool careful, bool may_compile,
                                                        const plan::Statement& s) {
  const std::string key = signature(operands_, lane_.fp().wanted) + (careful ? "!" : "");
  std::scoped_lock lock(record_.mutex);
  if (const auto at = record_.codes.find(key); at != record_.codes.end()) return at->second;
  if (!may_compile || record_.codes.size() >= most_codes) return nullptr;
  loops::Request request;
  request.loop = record_.loop;
  request.kinds = operands_.kinds;
  request.arrays = operands_.described;
  request.disjoint = operands_.disjoint;
  request.ascending = operands_.ascending;
  request.careful = careful;
  request.wanted = lane_.fp().wanted;
  request.plan = &lane_.program_;
  const std::int64_t begin = now_ns();
  auto made = machine_code(loops::specialise(flat_, request), when());
  if (!made->machine()) ++record_.declined;
  record_.compiled = record_.compiled || made->machine();
  if (lane_.profile_ && made->machine()) lane_.profile_->compiled(s.id, "loop", now_ns() - begin);
  record_.codes[key] = made;
  lane_.record_choice(s.id);
  return made;
}

// Hurried code can be left for better code only where its loop is entered, so what holds other
// loops waits for good code. So does a call of which one wants to know what it costs.
When NativeEntry::when() const {
  const bool alone = flat_.loops[static_cast<std::size_t>(record_.loop)].inner;
  return alone && !lane_.profile_ && jit_mode() == JitMode::automatic ? When::at_once
                                                                      : When::as_good_as_can_be;
}

bool NativeEntry::prepare(bool may_compile, const plan::Statement& s, const Range* range) {
  if (lane_.fp().wanted & underflow_bit) return false;
  operands_.ascending = range && range->start >= 0 && range->step == 1;
  if (!gather()) return false;
  code_ = code_for(lane_.fp().at_once, may_compile, s);
  if (!code_) return false;
  if (lane_.profile_) {
    if (code_->machine()) lane_.profile_->apply(s.id, "compiled-loop");
    else lane_.profile_->refuse(s.id, "compiled-loop", code_->why_not);
  }
  if (!code_->machine()) return false;
  if (code_->program->noting && (record_.met || stored_bytes() > most_kept_bytes)) {
    // It would be run again, or could not.
    code_ = code_for(true, may_compile, s);
    if (!code_ || !code_->machine()) return false;
  }
  if (lane_.profile_) lane_.profile_->count(s.id);
  wait_for_arrays();
  return true;
}

void NativeEntry::wait_for_arrays() {
  for (std::size_t i = 0; i < operands_.arrays.size(); ++i) {
    const Array& a = *operands_.arrays[i];
    lane_.ready(a);
    if (!code_->stored[i]) continue;
    if (lane_.holding_) lane_.holding_->check_private(a);
    lane_.ready_to_write(a);
    if (a.buffer()->visible()) lane_.before_visible_write();
  }
}

std::int64_t NativeEntry::stored_bytes() const {
  std::int64_t bytes = 0;
  for (std::size_t i = 0; i < operands_.arrays.size(); ++i) {
    if (code_->stored[i]) bytes += static_cast<std::int64_t>(extent(*operands_.arrays[i]).size());
  }
  return bytes;
}

void NativeEntry::keep_arrays() {
  const std::int64_t bytes = stored_bytes();
  keeps_ = bytes <= most_kept_bytes;
  if (!keeps_) return;
  kept_ = std::move(of_thread<Copies>().bytes);
  if (static_cast<std::int64_t>(kept_.size()) < bytes)
    kept_.resize(static_cast<std::size_t>(bytes));
  std::byte* to = kept_.data();
  for (std::size_t i = 0; i < operands_.arrays.size(); ++i) {
    if (!code_->stored[i]) continue;
    const std::span<std::byte> e = extent(*operands_.arrays[i]);
    if (!e.empty()) std::memcpy(to, e.data(), e.size());
    to += e.size();
    kept_places_.push_back(e);
  }
}

void NativeEntry::restore_arrays() {
  const std::byte* from = kept_.data();
  for (const std::span<std::byte>& to : kept_places_) {
    if (!to.empty()) std::memcpy(to.data(), from, to.size());
    from += to.size();
  }
}

NativeEntry::~NativeEntry() {
  if (kept_.size() > of_thread<Copies>().bytes.size()) of_thread<Copies>().bytes = std::move(kept_);
}

int NativeEntry::poll(loops::Entry* entry) {
  auto& self = *static_cast<NativeEntry*>(entry->context);
  entry->budget = work_between_polls;
  const std::int64_t now = now_ns();
  if (now - self.lane_.last_poll_ < hold_ns) return 0;
  const unsigned flags = read_flags();
  self.lane_.last_poll_ = now;
  // Hurried code is left as soon as there is better, and the loop entered again.
  int answer = self.code_->machine() != self.running_;
  try {
    self.lane_.flight_->look(self.lane_.host_);
    self.lane_.host_.let_go();
  } catch (...) {
    self.interrupted_ = std::current_exception();
    answer = 1;
  }
  clear_flags();
  if (flags) raise_flags(flags);
  return answer;
}

std::vector<loops::ArrayView> NativeEntry::views() const {
  std::vector<loops::ArrayView> views(operands_.arrays.size());
  for (std::size_t i = 0; i < views.size(); ++i) {
    const Array& a = *operands_.arrays[i];
    views[i].data = a.data();
    for (std::int64_t axis = 0; axis < a.rank(); ++axis) {
      views[i].lengths[axis] = a.shape()[axis];
      views[i].strides[axis] = a.strides()[axis];
    }
  }
  return views;
}

// Room for what the exits leave.
std::vector<std::uint64_t> NativeEntry::with_room(std::vector<std::uint64_t> words) const {
  std::size_t most = words.size();
  for (const loops::Exit& e : code_->program->exits)
    most = std::max(most, 2 * e.variables.size() + e.loop_cells.size());
  words.resize(most + 1);
  return words;
}

void NativeEntry::call(const NativeCode& code, const std::vector<std::uint64_t>& words) {
  words_ = with_room(words);
  const std::vector<loops::ArrayView> arrays = views();
  loops::Entry entry{words_.data(), arrays.data(),      poll,
                     this,          work_between_polls, lane_.calls_left()};
  lane_.host_.let_go();
  clear_flags();
  running_ = code.machine();
  exit_ = running_(&entry);
  flags_ = read_flags() & lane_.fp().wanted;
  if (!code.program->noting) return;
  flags_ = entry.met != 0 ? lane_.fp().wanted : 0;
  if (flags_ != 0) record_.met = true;
}

Left NativeEntry::run(const Range* range, std::int64_t position) {
  const loops::Program& program = *code_->program;
  std::vector<std::uint64_t> words;
  for (const loops::Saved& s : program.live_in) {
    if (s.cell >= 0) add_words(variable(s.variable), words);
  }
  if (range) {
    first_row_ = range->start;
    rounds_ = range->size();
    for (std::int64_t part : {range->start, range->step, range->size(), position})
      words.push_back(static_cast<std::uint64_t>(part));
  }
  const bool watches = program.meets_conditions && !program.careful;
  if (watches) keep_arrays();
  call_rounds(words, range, position);
  if (watches && flags_ != 0) {
    // Once more, this time looking at every operation; or, where too much
    // was overwritten, as well as can be told afterwards.
    const auto careful =
        keeps_ && !interrupted_
            ? code_for(true, true,
                       *record_.flat->loops[static_cast<std::size_t>(record_.loop)].statement)
            : nullptr;
    if (careful && careful->machine()) {
      restore_arrays();
      code_ = careful;
      call(*code_, words);
    } else {
      tell(flags_);
    }
  }
  return write_back();
}

// Too much was overwritten to look again: the first operation that can meet
// the condition is named, if the arrays show that it was met.
void NativeEntry::tell(unsigned flags) {
  bool met = false;
  for (std::size_t i = 0; i < operands_.arrays.size(); ++i)
    met = met || (code_->stored[i] && has_oddity(*operands_.arrays[i]));
  if (!met) return;
  for (unsigned bit : {1u, 2u, 8u}) {
    if ((flags & bit) == 0) continue;
    for (const plan::Op* op : code_->program->conditions) {
      std::string_view name =
          op->primitive->ufunc.empty() ? op->primitive->name : op->primitive->ufunc;
      if ((bit == 1) != (name == "divide") && bit != 8) continue;
      const bool element = op->primitive->formula || !op->primitive->ufunc.empty();
      FpReport report = lane_.report_at(*op, format("{}{}", element ? "scalar " : "", name));
      report.anomalies = bit;
      lane_.flight_->report(lane_.sequence_, std::move(report));
      break;
    }
  }
}

Value NativeEntry::saved(const loops::Saved& s, const std::uint64_t*& word) {
  const loops::Kind& k = s.kind;
  if (k.is_number()) return number_of(k, word);
  if (k.is(ValueKind::nil)) return Value::nil();
  if (k.is(ValueKind::range)) {
    const auto start = static_cast<std::int64_t>(word[0]),
               stop = static_cast<std::int64_t>(word[1]);
    word += 2;
    return Value::range(start, stop, k.literal);
  }
  const Ref<Array>& a = operands_.arrays[static_cast<std::size_t>(k.array)];
  if (k.line) {
    std::byte* from = a->data() + static_cast<std::int64_t>(word[0]);
    const auto length = static_cast<std::int64_t>(word[1]);
    word += 2;
    const std::int64_t stride = a->strides()[k.literal];
    return Value::of(view_of(a, from, Dims{length}, Dims{k.flipped ? -stride : stride}));
  }
  const std::int64_t gone = a->rank() - k.rank;
  Dims shape, strides;
  for (std::int64_t axis = gone; axis < a->rank(); ++axis) {
    shape.push_back(a->shape()[axis]);
    strides.push_back(a->strides()[axis]);
  }
  if (k.is(ValueKind::tuple)) {
    std::vector<Value> lengths;
    for (std::int64_t n : shape) lengths.push_back(Value::of(n));
    return Value::tuple(std::move(lengths));
  }
  if (s.cell < 0) return Value::of(a);
  const auto offset = static_cast<std::int64_t>(*word++);
  return Value::of(view_of(a, a->data() + offset, shape, strides));
}

Left NativeEntry::write_back() {
  const loops::Exit& e = exit();
  Left left;
  left.node = e.node;
  const std::uint64_t* word = words_.data();
  const auto is_made = [](const loops::Kind& k) {
    return k.is(ValueKind::span) || (k.is(ValueKind::tuple) && k.array < 0);
  };
  for (const loops::Saved& s : e.variables) {
    if (is_made(s.kind)) continue;
    Value v = saved(s, word);
    if (s.variable < flat_.slots) frame_.slots[static_cast<std::size_t>(s.variable)] = std::move(v);
    else left.registers[s.variable] = std::move(v);
  }
  for (const loops::Saved& s : e.variables) {
    if (!is_made(s.kind)) continue;
    const loops::Node& made = flat_.nodes[static_cast<std::size_t>(s.kind.literal)];
    std::vector<Value> items;
    for (int a : made.op->args) items.push_back(left.registers.at(made.base + a));
    items.resize(s.kind.is(ValueKind::span) ? 3 : items.size(), Value::nil());
    left.registers[s.variable] = s.kind.is(ValueKind::span)
                                     ? Value::span(items[0], items[1], items[2])
                                     : Value::tuple(std::move(items));
  }
  for (int loop : e.loops) {
    const auto part = [&](int i) { return static_cast<std::int64_t>(word[i]); };
    // Of the loop that was entered, a part may have been run.
    const std::int64_t rounds = loop == record_.loop ? rounds_ : part(2);
    const std::int64_t stop = part(0) + part(1) * rounds;
    left.positions[flat_.loops[static_cast<std::size_t>(loop)].statement] = {
        Value::range(part(0), stop, part(1)), part(3)};
    word += 4;
  }
  return left;
}

}  // namespace jetlag::exec
