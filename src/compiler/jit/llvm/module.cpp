// The one symbol of the module.
#include "compiler/jit/api.h"
#include "compiler/jit/llvm/engine.h"

namespace {

const char* processor() { return jetlag::jit::Engine::get().processor().c_str(); }

constexpr jetlag::jit::Api table{.processor = processor};

}  // namespace

extern "C" __attribute__((visibility("default"))) const jetlag::jit::Api* jetlag_jit_api() {
  return &table;
}
