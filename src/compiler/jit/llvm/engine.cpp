#include "compiler/jit/llvm/engine.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/ExecutionEngine/Orc/ExecutionUtils.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Utils/Mem2Reg.h>

#include "base/error.h"
#include "base/text.h"
#include "compiler/jit/cache.h"

namespace jetlag::jit {

namespace {

std::string text_of(llvm::Error error) { return llvm::toString(std::move(error)); }

template <class T>
T checked(llvm::Expected<T> value) {
  if (!value) throw Error(Kind::runtime, format("LLVM: {}", text_of(value.takeError())));
  return std::forward<T>(*value);
}

void check(llvm::Error error) {
  if (error) throw Error(Kind::runtime, format("LLVM: {}", text_of(std::move(error))));
}

// No contraction anywhere: the same bits as the interpreter.
llvm::orc::JITTargetMachineBuilder host_builder(const std::string& processor,
                                                const std::string& features) {
  llvm::orc::JITTargetMachineBuilder builder(llvm::Triple(llvm::sys::getProcessTriple()));
  builder.setCPU(processor);
  builder.addFeatures({features});
  builder.setCodeGenOptLevel(llvm::CodeGenOptLevel::Aggressive);
  builder.getOptions().AllowFPOpFusion = llvm::FPOpFusion::Strict;
  builder.setRelocationModel(llvm::Reloc::PIC_);
  return builder;
}

void optimise(llvm::Module& module, llvm::TargetMachine& machine, Passes passes) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager calls;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = true;
  tuning.LoopInterleaving = tuning.LoopUnrolling = true;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(calls);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, calls, modules);
  if (passes == Passes::all) {
    builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3).run(module, modules);
    return;
  }
  llvm::FunctionPassManager each;
  each.addPass(llvm::PromotePass());
  each.addPass(llvm::EarlyCSEPass());
  llvm::ModulePassManager all;
  all.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(each)));
  all.run(module, modules);
}

}  // namespace

Engine& Engine::get() {
  static Engine* const engine = new Engine;
  return *engine;
}

Engine::Engine() {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  processor_ = llvm::sys::getHostCPUName().str();
  for (const auto& feature : llvm::sys::getHostCPUFeatures()) {
    if (!features_.empty()) features_ += ',';
    features_ += (feature.second ? "+" : "-") + feature.first().str();
  }
  jit_ = checked(llvm::orc::LLJITBuilder()
                     .setJITTargetMachineBuilder(host_builder(processor_, features_))
                     .create());
  const char prefix = jit_->getDataLayout().getGlobalPrefix();
  using Generator = llvm::orc::DynamicLibrarySearchGenerator;
  for (const char* library : {"libmvec.so.1", "libm.so.6", "libc.so.6"}) {
    if (auto generator = Generator::Load(library, prefix)) {
      jit_->getMainJITDylib().addGenerator(std::move(*generator));
    } else {
      llvm::consumeError(generator.takeError());  // libmvec is on x86-64 and aarch64 only
    }
  }
}

std::unique_ptr<llvm::MemoryBuffer> Engine::object_of(const std::string& name, const Emit& emit,
                                                      Passes passes) {
  const auto machine = checked(host_builder(processor_, features_).createTargetMachine());
  llvm::LLVMContext context;
  llvm::Module module(name, context);
  module.setTargetTriple(machine->getTargetTriple().str());
  module.setDataLayout(machine->createDataLayout());
  emit(module);
  std::string problem;
  llvm::raw_string_ostream stream(problem);
  if (llvm::verifyModule(module, &stream)) {
    throw Error(Kind::internal, format("the compiler made code that LLVM refuses: {}", problem));
  }
  for (llvm::Function& f : module) {
    if (f.isDeclaration()) continue;
    f.addFnAttr("target-cpu", processor_);
    f.addFnAttr("target-features", features_);
  }
  optimise(module, *machine, passes);
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream out(bytes);
  llvm::legacy::PassManager codegen;
  llvm::MCContext* mc = nullptr;
  if (machine->addPassesToEmitMC(codegen, mc, out)) {
    throw Error(Kind::runtime, "LLVM cannot write object code for this machine");
  }
  codegen.run(module);
  return std::make_unique<llvm::SmallVectorMemoryBuffer>(std::move(bytes));
}

void* Engine::compile(const std::string& key, const std::string& symbol, const Emit& emit,
                      Passes passes) {
  {
    std::lock_guard lock(mutex_);
    if (const auto at = known_.find(key); at != known_.end()) return at->second;
  }
  std::unique_ptr<llvm::MemoryBuffer> object;
  if (const auto kept = load_object(key)) {
    object = llvm::MemoryBuffer::getMemBufferCopy(*kept, symbol);
  } else {
    object = object_of(symbol, emit, passes);
    store_object(key, {object->getBufferStart(), object->getBufferSize()});
  }
  std::lock_guard lock(mutex_);
  if (const auto at = known_.find(key); at != known_.end()) return at->second;
  return known_[key] = link(symbol, std::move(object));
}

// A symbol may appear in many objects: each has a library of its own.
void* Engine::link(const std::string& symbol, std::unique_ptr<llvm::MemoryBuffer> object) {
  auto& library = checked(jit_->createJITDylib(format("{}.{}", symbol, made_++)));
  library.addToLinkOrder(jit_->getMainJITDylib());
  check(jit_->addObjectFile(library, std::move(object)));
  return checked(jit_->lookup(library, symbol)).toPtr<void*>();
}

void Engine::define(const std::string& symbol, void* address) {
  std::lock_guard lock(mutex_);
  if (!defined_.insert(symbol).second) return;
  llvm::orc::SymbolMap symbols;
  symbols[jit_->mangleAndIntern(symbol)] = {llvm::orc::ExecutorAddr::fromPtr(address),
                                            llvm::JITSymbolFlags::Exported};
  check(jit_->getMainJITDylib().define(llvm::orc::absoluteSymbols(std::move(symbols))));
}

}  // namespace jetlag::jit
