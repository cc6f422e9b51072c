// The elements of an array where they are searched: in memory, or as they are computed.
#pragma once

#include <limits>

#include "primitives/element_program.h"
#include "primitives/on_demand.h"

namespace jetlag {

// The bytes of an array in C order: those in memory, or so many at a time as
// are computed.
class ByteSource {
 public:
  explicit ByteSource(const Array& a)
      : computed_(on_demand(a)),
        memory_(computed_ ? nullptr : a.data()),
        item_(size_of(a.dtype())),
        buffer_(computed_ ? allocate_bytes(stretch_bytes) : nullptr) {}

  bool in_memory() const { return memory_; }
  // How many things of so many bytes each may be asked for at once.
  std::int64_t most(std::int64_t bytes) const {
    if (memory_) return std::numeric_limits<std::int64_t>::max();
    return std::max<std::int64_t>(stretch_bytes / bytes, 1);
  }
  // Bytes from `offset` on, until the next are asked for.
  const std::byte* get(std::int64_t offset, std::int64_t bytes) const {
    if (memory_) return memory_ + offset;
    compute(offset, bytes, buffer_.get());
    return buffer_.get();
  }
  // What the compiled computation makes of lines that follow each other, if it can.
  bool fold_lines(Fold fold, std::int64_t first, std::int64_t n, std::int64_t lines,
                  void* out) const {
    return computed_ && computed_->fold_lines(fold, first, n, lines, static_cast<std::byte*>(out));
  }
  bool place_lines(Fold fold, std::int64_t first, std::int64_t n, std::int64_t lines,
                   std::int64_t* out) const {
    return computed_ && computed_->place_lines(fold, first, n, lines, out);
  }
  // Rows of so many bytes, `step` apart there and without gaps here.
  const std::byte* rows(std::int64_t offset, std::int64_t step, std::int64_t count,
                        std::int64_t bytes) const {
    if (step == bytes) return get(offset, count * bytes);
    for (std::int64_t i = 0; i < count; ++i) {
      compute(offset + i * step, bytes, buffer_.get() + i * bytes);
    }
    return buffer_.get();
  }

 private:
  void compute(std::int64_t offset, std::int64_t bytes, std::byte* to) const {
    computed_->compute(offset / item_, (offset + bytes) / item_, to);
  }

  const OnDemand* computed_;
  const std::byte* memory_;
  std::int64_t item_;
  Bytes buffer_;
};

}  // namespace jetlag
