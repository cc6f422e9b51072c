#include "compiler/jit/llvm/link.h"

#include <llvm/ExecutionEngine/Orc/ExecutionUtils.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>

#include <mutex>

#include "compiler/jit/llvm/engine.h"

namespace jetlag::jit {

namespace {

// Made when it is first needed, never destroyed.
class Linker {
 public:
  Linker()
      : jit_(checked(llvm::orc::LLJITBuilder()
                         .setJITTargetMachineBuilder(Engine::get().builder())
                         .create())) {
    using Generator = llvm::orc::DynamicLibrarySearchGenerator;
    const char prefix = jit_->getDataLayout().getGlobalPrefix();
    for (const char* library : code_libraries) {
      if (auto generator = Generator::Load(library, prefix)) {
        jit_->getMainJITDylib().addGenerator(std::move(*generator));
      } else {
        llvm::consumeError(generator.takeError());  // libmvec is on x86-64 and AArch64 only
      }
    }
  }

  // A symbol may appear in many objects: each has a library of its own.
  void* link(const std::string& object, const char* symbol, const Externals& externals) {
    std::scoped_lock lock(mutex_);
    auto& library = checked(jit_->createJITDylib(format("{}.{}", symbol, made_++)));
    library.addToLinkOrder(jit_->getMainJITDylib());
    llvm::orc::SymbolMap symbols;
    for (const auto& [name, address] : externals) {
      symbols[jit_->mangleAndIntern(name)] = {llvm::orc::ExecutorAddr::fromPtr(address),
                                              llvm::JITSymbolFlags::Exported};
    }
    check(library.define(llvm::orc::absoluteSymbols(std::move(symbols))));
    check(jit_->addObjectFile(library, llvm::MemoryBuffer::getMemBufferCopy(object, symbol)));
    return checked(jit_->lookup(library, symbol)).toPtr<void*>();
  }

 private:
  std::mutex mutex_;
  std::unique_ptr<llvm::orc::LLJIT> jit_;
  int made_ = 0;
};

}  // namespace

void* link_by_llvm(const std::string& object, const char* symbol, const Externals& externals) {
  static Linker* const linker = new Linker;
  return linker->link(object, symbol, externals);
}

}  // namespace jetlag::jit
