// The one symbol of the module.
#include "compiler/jit/api.h"
#include "compiler/jit/llvm/elements.h"
#include "compiler/jit/llvm/engine.h"
#include "compiler/jit/llvm/loops.h"

namespace {

const char* processor() { return jetlag::jit::Engine::get().processor().c_str(); }

jetlag::loops::Machine loop(const jetlag::loops::Program& program, const char* key,
                            std::string& why) {
  constexpr const char* symbol = "jetlag_loop";
  try {
    jetlag::jit::define_kernels(program);
    void* code = jetlag::jit::Engine::get().compile(
        key, symbol, [&](llvm::Module& m) { jetlag::jit::emit_loop(m, symbol, program); });
    return reinterpret_cast<jetlag::loops::Machine>(code);
  } catch (const std::exception& error) {
    why = error.what();
    return nullptr;
  }
}

void* compile_elements(const jetlag::jit::ElementSource& source, std::string& problem) {
  try {
    return jetlag::jit::compile_elements(source);
  } catch (const std::exception& error) {
    problem = error.what();
  }
  return nullptr;
}

constexpr jetlag::jit::Api table{
    .processor = processor, .loop = loop, .compile_elements = compile_elements};

}  // namespace

extern "C" __attribute__((visibility("default"))) const jetlag::jit::Api* jetlag_jit_api() {
  return &table;
}
