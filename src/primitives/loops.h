// The loops of the elementary operations: contiguous operands, contiguous result.
#pragma once

#include <complex>
#include <cstdint>

#include "primitives/expr.h"

namespace jetlag {

// out may be the memory of an operand, but not overlap one partly. Loops raise
// the processor's floating-point flags, integer ones included.
using Loop = void (*)(const void* a, const void* b, const void* c, void* out, std::int64_t n);

// Those of one instruction set. Entries that it does not speed up are null.
struct LoopTable {
  Loop loops[opcode_count][dtype_count];
  Loop casts[dtype_count][dtype_count];  // from, to
  // The vector functions behind the loops, where there are some: symbols.
  const char* vector_functions[opcode_count][dtype_count];
  int vector_bytes;  // what such a function takes at once
};

// loops.inc, compiled once for each level; only the first exists everywhere.
extern const LoopTable loops_baseline;
extern const LoopTable loops_x86_64_v3;
extern const LoopTable loops_x86_64_v4;

// The loop for this machine; null if the operation does not take the dtype.
Loop find_loop(Opcode opcode, DType operand);
Loop find_cast(DType from, DType to);
// The vector function that the loop calls, for code that calls it itself; null
// if it calls none. It takes vector_bytes() at once.
const char* find_vector_function(Opcode opcode, DType operand);
int vector_bytes();  // the width of this machine's registers, as the loops use them
// Operations that gain nothing from wide registers (loops_scalar.cpp).
Loop find_scalar_loop(Opcode opcode, DType operand);

// The floating-point flags of this thread as Anomaly bits.
unsigned read_flags();
void clear_flags();
void raise_flags(unsigned anomalies);
void raise_invalid();
// Around what NumPy does silently.
unsigned save_flags();
void restore_flags(unsigned saved);

// What a complex power meets, as complex64 or complex128: of its products, or in the C library.
unsigned met_by_power(std::complex<double> base, std::complex<double> exponent, bool narrow);

}  // namespace jetlag
