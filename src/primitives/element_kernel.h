// Machine code for a program, made by somebody who knows a compiler and used
// by ElementRun where it is there. The interpreter is the definition: a kernel
// gives the same bits.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "primitives/reduce_loops.h"

namespace jetlag {

class ElementSpace;

// Computes a rectangle of rows: operand i (inputs, then outputs) begins at
// operands[i]; its next element is inner[i] bytes further, its next row
// outer[i]. Each element is read before it is written, so outputs may be
// inputs, element for element. Returns Anomaly bits that the processor's flags
// do not show. `beside` is for kernels that fold.
using ElementKernel = unsigned (*)(std::byte* const* operands, const std::int64_t* inner,
                                   const std::int64_t* outer, std::int64_t columns,
                                   std::int64_t rows, const void* beside);

// How the elements of a row lie, of each operand; code is made for one pattern.
enum class Lie : std::uint8_t { none, dense, repeated, strided };

// Two bits for each operand, the first one lowest; 0: no kernel will do.
// Above them, what a kernel that folds makes of its rows.
using KernelLayout = std::uint64_t;
inline constexpr int most_kernel_operands = 27;
inline Lie lie_of(KernelLayout layout, int operand) {
  return static_cast<Lie>(layout >> (2 * operand) & 3);
}

// What becomes of the elements of a row, in a kernel that stores none of them.
enum class RowFold : std::uint8_t {
  none,
  along,    // one number, as FoldLoops::lines folds a line of at most fold_run
  across,   // each is the first of a line, whose next is beside[operand] bytes further
  product,  // the product with the vector `beside`, as ProductLoops::rows adds it
};

struct LineFold {
  RowFold rows = RowFold::none;
  Fold fold = Fold::add;
  int length = 0;  // of lines across
};
inline constexpr int longest_across = 31;

inline KernelLayout with_fold(KernelLayout lies, const LineFold& how) {
  return lies | static_cast<KernelLayout>(how.rows) << 54 |
         static_cast<KernelLayout>(how.fold) << 56 | static_cast<KernelLayout>(how.length) << 58;
}
inline LineFold fold_of(KernelLayout layout) {
  return {static_cast<RowFold>(layout >> 54 & 3), static_cast<Fold>(layout >> 56 & 3),
          static_cast<int>(layout >> 58 & 31)};
}

// The kernel of a program for one layout, and what is known before there is one.
struct KernelSlot {
  std::atomic<KernelLayout> layout{0};    // 0: free
  std::atomic<std::int64_t> elements{0};  // computed so far, or soon
  std::atomic<bool> asked{false};
  std::atomic<ElementKernel> kernel{nullptr};
};

class KernelTable {
 public:
  // The slot of the layout; null once other layouts have taken all.
  KernelSlot* find(KernelLayout layout);

 private:
  std::array<KernelSlot, 6> slots_;
};

// The layout of the operands of a space, of which the last `outputs` are written.
KernelLayout layout_of(const ElementSpace& space, int operands, int outputs);

// Elements [first, last) of the space by the kernel; those of operand inputs + i
// go to to[i], one after another, unless that is null or there is none. Returns
// Anomaly bits as the kernel does.
unsigned run_kernel(ElementKernel kernel, const ElementSpace& space, int inputs, int operands,
                    std::int64_t first, std::int64_t last, std::span<std::byte* const> to);

}  // namespace jetlag
