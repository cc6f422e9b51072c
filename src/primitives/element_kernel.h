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
enum class Lie : std::uint8_t { dense, repeated, strided };

// A digit to base 3 for each operand, the first one lowest; above them, what a kernel that folds
// makes of its rows. 0: no kernel will do.
using KernelLayout = std::uint64_t;
inline constexpr int most_kernel_operands = 32;
inline constexpr KernelLayout all_dense = KernelLayout{1} << 63;
inline constexpr int lies_bits = 52;

inline constexpr KernelLayout lie_at(int operand, Lie lie) {
  KernelLayout place = 1;
  for (int i = 0; i < operand; ++i) place *= 3;
  return static_cast<KernelLayout>(lie) * place;
}
inline constexpr Lie lie_of(KernelLayout layout, int operand) {
  const KernelLayout lies = layout & ((KernelLayout{1} << lies_bits) - 1);
  return static_cast<Lie>(lies / lie_at(operand, Lie::repeated) % 3);
}
static_assert(lie_at(most_kernel_operands, Lie::repeated) <= KernelLayout{1} << lies_bits);

// What becomes of the elements of a row, in a kernel that stores none of them.
enum class RowFold : std::uint8_t {
  none,
  along,    // one number, as FoldLoops::lines folds a line of at most fold_run; places of any
  across,   // each is the first of a line, whose next is beside[operand] bytes further
  product,  // the product with the vector `beside`, as ProductLoops::rows adds it
  down,     // all are folded onto the row of the output, as FoldLoops::rows folds them
};

struct LineFold {
  RowFold rows = RowFold::none;
  Fold fold = Fold::add;
  int length = 0;  // of lines across
  // Not an extreme, but where it comes first, as an int64; the first NaN is the extreme.
  bool place = false;
};
inline constexpr int longest_across = 31;

inline KernelLayout with_fold(KernelLayout lies, const LineFold& how) {
  return lies | static_cast<KernelLayout>(how.place) << lies_bits |
         static_cast<KernelLayout>(how.rows) << (lies_bits + 1) |
         static_cast<KernelLayout>(how.fold) << (lies_bits + 4) |
         static_cast<KernelLayout>(how.length) << (lies_bits + 6);
}
inline LineFold fold_of(KernelLayout layout) {
  return {static_cast<RowFold>(layout >> (lies_bits + 1) & 7),
          static_cast<Fold>(layout >> (lies_bits + 4) & 3),
          static_cast<int>(layout >> (lies_bits + 6) & 31), (layout >> lies_bits & 1) != 0};
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
