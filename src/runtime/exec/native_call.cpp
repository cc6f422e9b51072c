// Machine code made, and functions called as such. A function that is compiled only computes with
// numbers, so a call that fails (at an error, a warning, an int beyond 64 bits, the limit of the
// recursion) has done nothing, and the interpreter calls it again.
#include <bit>
#include <complex>
#include <cstring>
#include <exception>

#include "base/settings.h"
#include "compiler/jit/loop_source.h"
#include "compiler/plan/rules.h"
#include "primitives/loops.h"
#include "runtime/exec/lane.h"
#include "runtime/exec/native.h"

namespace jetlag::exec {

namespace {

constexpr std::int64_t calls_to_compile = 200;
constexpr std::int64_t most_failures = 100;
constexpr std::size_t most_codes = 8;
constexpr std::size_t most_arguments = 16;
constexpr std::int64_t work_between_polls = std::int64_t{1} << 21;
constexpr std::int64_t hold_ns = 2'000'000;

}  // namespace

std::shared_ptr<const NativeCode> machine_code(loops::Outcome outcome, When when) {
  auto made = std::make_shared<NativeCode>();
  made->program = std::move(outcome.program);
  made->why_not = std::move(outcome.why_not);
  if (!made->program) return made;
  made->stored.resize(made->program->arrays.size());
  for (const loops::Instr& i : made->program->instructions) {
    if (i.what == loops::Do::store) made->stored[static_cast<std::size_t>(i.index)] = true;
    if (i.what != loops::Do::work) continue;
    const loops::LineWork& work = made->program->works[static_cast<std::size_t>(i.index)];
    made->stored[static_cast<std::size_t>(work.to.array)] = true;
  }
  // A function would be left in the middle, and called again by the interpreter.
  if (!made->program->functions.empty()) when = When::as_good_as_can_be;
  made->code = when == When::at_once ? jit::compile_loop_soon(made->program, made->why_not)
                                     : jit::compile_loop(*made->program, made->why_not);
  return made;
}

void add_words(const Value& v, std::vector<std::uint64_t>& words) {
  switch (v.kind()) {
    case ValueKind::boolean: return words.push_back(v.boolean());
    case ValueKind::integer: return words.push_back(static_cast<std::uint64_t>(v.integer()));
    case ValueKind::real: return words.push_back(std::bit_cast<std::uint64_t>(v.real()));
    case ValueKind::complex:
      for (double part : {v.complex().real(), v.complex().imag()})
        words.push_back(std::bit_cast<std::uint64_t>(part));
      return;
    default: {
      const auto size = static_cast<std::size_t>(size_of(v.dtype()));
      std::uint64_t bytes[2] = {};
      std::memcpy(bytes, v.scalar_bytes(), size);
      words.insert(words.end(), bytes, bytes + (size > sizeof *bytes ? 2 : 1));
    }
  }
}

Value number_of(const loops::Kind& k, const std::uint64_t*& word) {
  const std::uint64_t* first = word;
  word += k.is_complex_number() ? 2 : 1;
  switch (k.kind) {
    case ValueKind::boolean: return Value::of((*first & 1) != 0);
    case ValueKind::integer: return Value::of(static_cast<std::int64_t>(*first));
    case ValueKind::real: return Value::of(std::bit_cast<double>(*first));
    case ValueKind::complex:
      return Value::of(
          std::complex(std::bit_cast<double>(first[0]), std::bit_cast<double>(first[1])));
    default: return Value::scalar(k.dtype, first);
  }
}

// One call: lets the host go on meanwhile, and hears interrupts.
class NativeCall {
 public:
  NativeCall(Lane& lane, const plan::Op& op) : lane_(lane), op_(op) {}

  Value run(std::span<const Value> args) {
    static const plan::Rule& rule = *plan::find_rule("compiled-call");
    if (!plan::is_on(rule)) return {};
    FunctionRecord& record = lane_.caches_.loops.record(*op_.function);
    if (record.declined || record.failures > most_failures) return {};
    const bool always = jit_mode() == JitMode::always;
    if (++record.calls < calls_to_compile && !always) return {};
    if (args.size() > most_arguments || args.size() != op_.function->params.size()) return {};
    std::vector<loops::Kind> kinds;
    std::string key(1, static_cast<char>(lane_.fp().wanted));
    for (const Value& v : args) {
      const bool number = v.is_python_scalar() || v.is(ValueKind::scalar);
      if (!number || dtype_of_value(v) == DType::complex64) return {};
      kinds.push_back(v.is(ValueKind::scalar) ? loops::scalar_kind(v.dtype())
                                              : loops::python_kind(v.kind()));
      key += static_cast<char>(v.kind());
      key += static_cast<char>(v.is(ValueKind::scalar) ? v.dtype() : DType::boolean);
    }
    const auto code = code_for(record, key, kinds);
    return code && code->machine() ? enter(record, *code, args) : Value{};
  }

 private:
  std::shared_ptr<const NativeCode> code_for(FunctionRecord& record, const std::string& key,
                                             const std::vector<loops::Kind>& kinds) {
    std::scoped_lock lock(record.mutex);
    if (const auto at = record.codes.find(key); at != record.codes.end()) return at->second;
    if (record.codes.size() >= most_codes) return nullptr;
    loops::Request request;
    request.kinds = kinds;
    request.wanted = lane_.fp().wanted;
    request.plan = &lane_.program_;
    const std::int64_t begin = now_ns();
    auto made = machine_code(loops::specialise(*op_.function, request), When::as_good_as_can_be);
    if (!made->machine()) record.declined = true;
    if (lane_.profile_) {
      if (made->machine()) lane_.profile_->compiled(op_.function->id, "function", now_ns() - begin);
      else lane_.profile_->refuse(op_.function->id, "compiled-call", made->why_not);
    }
    record.codes[key] = made;
    lane_.record_choice(op_.id);
    return made;
  }

  Value enter(FunctionRecord& record, const NativeCode& code, std::span<const Value> args) {
    std::vector<std::uint64_t> words;
    for (const Value& v : args) add_words(v, words);
    words.resize(words.size() + 2);  // for the result
    loops::Entry entry;
    entry.words = words.data();
    entry.poll = poll;
    entry.context = this;
    entry.budget = work_between_polls;
    entry.depth = lane_.calls_left();
    const int failed = code.machine()(&entry);
    if (interrupted_) std::rethrow_exception(interrupted_);
    if (failed) {
      ++record.failures;
      return {};
    }
    if (lane_.profile_) {
      lane_.profile_->count(op_.function->id);
      lane_.profile_->apply(op_.function->id, "compiled-call");
    }
    const std::uint64_t* given = words.data();
    return number_of(code.program->result, given);
  }

  static int poll(loops::Entry* entry) {
    auto& self = *static_cast<NativeCall*>(entry->context);
    entry->budget = work_between_polls;
    const std::int64_t now = now_ns();
    if (now - self.lane_.last_poll_ < hold_ns) return 0;
    self.lane_.last_poll_ = now;
    try {
      self.lane_.flight_->look(self.lane_.host_);
      self.lane_.host_.let_go();
      return 0;
    } catch (...) {
      self.interrupted_ = std::current_exception();
      return 1;
    }
  }

  Lane& lane_;
  const plan::Op& op_;
  std::exception_ptr interrupted_;
};

Value call_native(Lane& lane, const plan::Op& op, std::span<const Value> args) {
  if (jit_mode() == JitMode::off) return {};
  return NativeCall(lane, op).run(args);
}

}  // namespace jetlag::exec
