// Which loops this machine runs, and the processor's floating-point flags.
#include "primitives/loops.h"

#include "primitives/primitive.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#else
#include <cfenv>
#endif

namespace jetlag {

namespace {

const LoopTable& wide_loops() {
#if defined(__x86_64__)
  static const LoopTable& table = __builtin_cpu_supports("x86-64-v4")   ? loops_x86_64_v4
                                  : __builtin_cpu_supports("x86-64-v3") ? loops_x86_64_v3
                                                                        : loops_baseline;
  return table;
#else
  return loops_baseline;
#endif
}

}  // namespace

Loop find_loop(Opcode opcode, DType operand) {
  const Loop wide = wide_loops().loops[static_cast<int>(opcode)][static_cast<int>(operand)];
  return wide ? wide : find_scalar_loop(opcode, operand);
}

Loop find_cast(DType from, DType to) {
  return wide_loops().casts[static_cast<int>(from)][static_cast<int>(to)];
}

const char* find_vector_function(Opcode opcode, DType operand) {
  return wide_loops().vector_functions[static_cast<int>(opcode)][static_cast<int>(operand)];
}

int vector_bytes() { return wide_loops().vector_bytes; }

#if defined(__x86_64__)

// <cfenv> would also save and load the x87 state, a hundred times slower; no
// loop computes there.
constexpr unsigned csr_invalid = 1, csr_divide = 4, csr_overflow = 8, csr_underflow = 16;
constexpr unsigned csr_flags = 0x3f;

unsigned read_flags() {
  const unsigned csr = _mm_getcsr();
  return (csr & csr_divide ? divide_by_zero : 0u) | (csr & csr_overflow ? overflow : 0u) |
         (csr & csr_underflow ? underflow : 0u) | (csr & csr_invalid ? invalid : 0u);
}

void clear_flags() { _mm_setcsr(_mm_getcsr() & ~csr_flags); }

void raise_flags(unsigned anomalies) {
  unsigned csr = _mm_getcsr();
  if (anomalies & divide_by_zero) csr |= csr_divide;
  if (anomalies & overflow) csr |= csr_overflow;
  if (anomalies & underflow) csr |= csr_underflow;
  if (anomalies & invalid) csr |= csr_invalid;
  _mm_setcsr(csr);
}

unsigned save_flags() { return _mm_getcsr(); }

void restore_flags(unsigned saved) { _mm_setcsr(saved); }

#else

unsigned read_flags() {
  const int raised = std::fetestexcept(FE_ALL_EXCEPT);
  return (raised & FE_DIVBYZERO ? divide_by_zero : 0u) | (raised & FE_OVERFLOW ? overflow : 0u) |
         (raised & FE_UNDERFLOW ? underflow : 0u) | (raised & FE_INVALID ? invalid : 0u);
}

void clear_flags() { std::feclearexcept(FE_ALL_EXCEPT); }

void raise_flags(unsigned anomalies) {
  std::feraiseexcept(
      (anomalies & divide_by_zero ? FE_DIVBYZERO : 0) | (anomalies & overflow ? FE_OVERFLOW : 0) |
      (anomalies & underflow ? FE_UNDERFLOW : 0) | (anomalies & invalid ? FE_INVALID : 0));
}

unsigned save_flags() { return read_flags(); }

void restore_flags(unsigned saved) {
  clear_flags();
  raise_flags(saved);
}

#endif

void raise_invalid() { raise_flags(invalid); }

}  // namespace jetlag
