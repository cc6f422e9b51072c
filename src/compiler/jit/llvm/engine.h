// LLVM's ORC JIT: modules become machine code for this very processor. Emitters
// (elements.cpp, loops.cpp) build the modules; nothing outside this folder sees LLVM.
#pragma once

#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/IR/Module.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace jetlag::jit {

// What the optimiser does: all it can, or little to code that is vectors
// already. `few` moves no floating-point operation past a branch, so that
// every flag is raised that would be.
enum class Passes : std::uint8_t { all, few };

class Engine {
 public:
  // One for the process, made when first asked for, never destroyed. Throws
  // Error(runtime) if LLVM cannot make code for this machine.
  static Engine& get();

  using Emit = std::function<void(llvm::Module&)>;
  // The address of function `symbol` of the module that `emit` fills. `key` names the code
  // among all that this version of jetlag makes for this processor: two calls with one key
  // get one address. Code found on disk (compiler/jit/cache.h) is only linked. Safe from
  // any thread; compiles on the calling one. Throws Error(runtime) with LLVM's message.
  void* compile(const std::string& key, const std::string& symbol, const Emit& emit,
                Passes passes = Passes::all);
  // A symbol that code may use beside those of the C library. Knowing it twice is fine.
  void define(const std::string& symbol, void* address);

  const std::string& processor() const { return processor_; }
  const std::string& features() const { return features_; }

 private:
  Engine();
  std::unique_ptr<llvm::MemoryBuffer> object_of(const std::string& name, const Emit& emit,
                                                Passes passes);
  void* link(const std::string& symbol, std::unique_ptr<llvm::MemoryBuffer> object);

  std::mutex mutex_;
  std::string processor_;
  std::string features_;
  std::unique_ptr<llvm::orc::LLJIT> jit_;
  std::unordered_map<std::string, void*> known_;  // by key
  std::unordered_set<std::string> defined_;
  int made_ = 0;
};

}  // namespace jetlag::jit
