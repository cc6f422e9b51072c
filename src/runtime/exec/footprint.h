// The memory that work in parts touches, part by part: so that other work can follow a few parts
// behind instead of waiting for the end.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "array/array.h"
#include "primitives/element.h"

namespace jetlag::exec {

// Of one buffer: parts from p on touch nothing below low[p], and those before p nothing from
// high[p] on.
struct Reach {
  const Buffer* buffer;
  bool written;
  std::vector<std::uintptr_t> low, high;  // one more than there are parts

  std::uintptr_t begin() const { return low.front(); }
  std::uintptr_t end() const { return high.back(); }
  bool overlaps(const Reach& other) const { return begin() < other.end() && other.begin() < end(); }
};

class Footprint {
 public:
  explicit Footprint(std::int64_t parts) : parts_(parts) {}

  std::int64_t parts() const { return parts_; }
  const std::vector<Reach>& reaches() const { return reaches_; }

  // The reach into a buffer, empty at first. Good until the next call.
  Reach& of(const Buffer* buffer, bool written);
  // A part touches the bytes of the extent.
  static void touch(Reach& reach, std::int64_t part, Extent bytes);
  // After the last touch.
  void close();

 private:
  std::int64_t parts_;
  std::vector<Reach> reaches_;
};

// For each part of the work after, how many parts of the work before have to be done first: those
// that touch the same memory, where one of them writes. Empty if it needs none.
std::vector<std::int64_t> needed(const Footprint& before, const Footprint& after);

// Where the elements of an array lie.
Extent extent_of(const Array& a);

// Work that one thread at a time can do part by part, in order, each part once.
struct Sweep {
  std::shared_ptr<const Footprint> footprint;
  std::function<void(std::int64_t first, std::int64_t last)> run;
};

}  // namespace jetlag::exec
