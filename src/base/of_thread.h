#pragma once

#include <memory>

namespace jetlag {

// The calling thread's only T, made when it is first asked for. On the heap: memory of threads is
// found without a call of the loader while a library asks for little of it, all in all 512 bytes.
template <class T>
T& of_thread() {
  static thread_local const auto mine = std::make_unique<T>();
  return *mine;
}

}  // namespace jetlag
