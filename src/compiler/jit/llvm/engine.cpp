#include "compiler/jit/llvm/engine.h"

#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/Transforms/IPO/AlwaysInliner.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Utils/Mem2Reg.h>

namespace jetlag::jit {

namespace {

bool put_in_place(llvm::Module& module) {
  bool some = false;
  for (llvm::Function& f : module) {
    if (!f.hasFnAttribute(inlined_late)) continue;
    f.removeFnAttr(llvm::Attribute::NoInline);
    f.addFnAttr(llvm::Attribute::AlwaysInline);
    some = true;
  }
  return some;
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
    if (!put_in_place(module)) return;
    modules.clear();
    llvm::ModulePassManager late;
    late.addPass(llvm::AlwaysInlinerPass());
    late.run(module, modules);
    return;
  }
  llvm::FunctionPassManager each;
  each.addPass(llvm::PromotePass());
  each.addPass(llvm::EarlyCSEPass());
  llvm::ModulePassManager all;
  all.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(each)));
  all.run(module, modules);
}

// What LLVM does not let one say in any other way; it is ours alone.
void set_options() {
  constexpr std::pair<const char*, const char*> all[] = {
      // What a loop adds to floats, one after another, may be computed in vectors.
      {"force-ordered-reductions", "true"},
      // Loops know where elements lie side by side, and are not made twice to find out.
      {"enable-mem-access-versioning", "false"},
  };
  auto& options = llvm::cl::getRegisteredOptions();
  for (const auto& [name, value] : all) {
    if (const auto at = options.find(name); at != options.end())
      at->second->addOccurrence(0, name, value);
  }
}

}  // namespace

Engine& Engine::get() {
  static Engine* const engine = new Engine;
  return *engine;
}

Engine::Engine() {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  set_options();
  processor_ = llvm::sys::getHostCPUName().str();
  for (const auto& feature : llvm::sys::getHostCPUFeatures()) {
    if (!features_.empty()) features_ += ',';
    features_ += (feature.second ? "+" : "-") + feature.first().str();
  }
  // Loads one by one are as quick, on many processors quicker.
  if (has("avx2")) no_gathers_ = ",+prefer-no-gather";
}

bool Engine::has(const std::string& feature) const {
  return (features_ + ',').find('+' + feature + ',') != std::string::npos;
}

// No contraction anywhere: the same bits as the interpreter.
llvm::orc::JITTargetMachineBuilder Engine::builder() const {
  llvm::orc::JITTargetMachineBuilder builder(llvm::Triple(llvm::sys::getProcessTriple()));
  builder.setCPU(processor_);
  builder.addFeatures({features_});
  builder.setCodeGenOptLevel(llvm::CodeGenOptLevel::Aggressive);
  builder.getOptions().AllowFPOpFusion = llvm::FPOpFusion::Strict;
  builder.setRelocationModel(llvm::Reloc::PIC_);
  // All of an object lies together; what is far away is reached through stubs and slots.
  builder.setCodeModel(llvm::CodeModel::Small);
  return builder;
}

std::string Engine::object(const std::string& name, const Emit& emit, Passes passes) const {
  auto for_machine = builder();
  if (passes == Passes::hurried) for_machine.setCodeGenOptLevel(llvm::CodeGenOptLevel::None);
  const auto machine = checked(for_machine.createTargetMachine());
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
    f.addFnAttr("target-features", passes == Passes::all ? features_ + no_gathers_ : features_);
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
  return {bytes.data(), bytes.size()};
}

}  // namespace jetlag::jit
