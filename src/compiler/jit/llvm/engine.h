// LLVM: modules become object code for this very processor. Emitters (elements.cpp, loops.cpp)
// build the modules; nothing outside this folder sees LLVM.
#pragma once

#include <llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h>
#include <llvm/IR/Module.h>

#include <functional>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace jetlag::jit {

// Of a function that is put in place of its calls once loops are vectors.
inline constexpr const char* inlined_late = "jetlag-inlined-late";

// What the optimiser does: all it can, or little to code that is vectors
// already. `few` moves no floating-point operation past a branch, so that
// every flag is raised that would be. `hurried` does as little, and then
// spends no time on choosing instructions.
enum class Passes : std::uint8_t { all, few, hurried };

class Engine {
 public:
  // One for the process, made when first asked for, never destroyed. Throws
  // Error(runtime) if LLVM cannot make code for this machine.
  static Engine& get();

  using Emit = std::function<void(llvm::Module&)>;
  // Object code of the module that `emit` fills. Safe from any thread; compiles on the calling
  // one. Throws Error(runtime) with LLVM's message.
  std::string object(const std::string& name, const Emit& emit, Passes passes) const;

  llvm::orc::JITTargetMachineBuilder builder() const;
  const std::string& processor() const { return processor_; }
  bool has(const std::string& feature) const;  // the processor, as LLVM calls it

 private:
  Engine();

  std::string processor_;
  std::string features_;
  std::string no_gathers_;  // added to them, for loops
};

// LLVM's errors as ours.
inline void check(llvm::Error error) {
  if (error) {
    throw Error(Kind::runtime, format("LLVM: {}", llvm::toString(std::move(error))));
  }
}

template <class T>
T checked(llvm::Expected<T> value) {
  if (!value) check(value.takeError());
  return std::forward<T>(*value);
}

}  // namespace jetlag::jit
