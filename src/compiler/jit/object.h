// Object code placed in memory and made ready to run: a linker for what our own compiler emits
// (position-independent ELF of this processor with code and constants, no data that is written),
// so that code found on disk runs without LLVM.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jetlag::jit {

class PlacedObject {
 public:
  // The address of a symbol that the object does not define; null if there is none.
  using Resolve = std::function<void*(const std::string& name)>;

  // Whatever the bytes are, nothing beyond them is read. Throws Error(runtime) if they are no such
  // object, or one that needs more of a linker; nothing is left in memory then.
  PlacedObject(std::string_view bytes, const Resolve& resolve);
  ~PlacedObject();
  PlacedObject(const PlacedObject&) = delete;
  PlacedObject& operator=(const PlacedObject&) = delete;

  // Where a global function of the object begins; null if it has none of that name.
  void* find(std::string_view symbol) const;

 private:
  friend class Placing;
  std::byte* memory_ = nullptr;
  std::size_t size_ = 0;
  std::vector<std::pair<std::string, void*>> functions_;
};

}  // namespace jetlag::jit
