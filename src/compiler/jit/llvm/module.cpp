// The one symbol of the module.
#include "compiler/jit/api.h"
#include "compiler/jit/llvm/elements.h"
#include "compiler/jit/llvm/engine.h"
#include "compiler/jit/llvm/link.h"
#include "compiler/jit/llvm/loops.h"
#include "compiler/jit/loop_source.h"

namespace jetlag::jit {

namespace {

const char* processor() { return Engine::get().processor().c_str(); }

bool elements(const ElementSource& source, std::string& object, std::string& why) {
  try {
    object = Engine::get().object(
        element_symbol, [&](llvm::Module& m) { emit_elements(m, source); }, Passes::few);
    return true;
  } catch (const std::exception& error) {
    why = error.what();
    return false;
  }
}

bool loop(const loops::Program& program, Effort effort, std::string& object, std::string& why) {
  try {
    object = Engine::get().object(
        loop_symbol, [&](llvm::Module& m) { emit_loop(m, loop_symbol, program); },
        effort == Effort::hurried ? Passes::hurried : Passes::all);
    return true;
  } catch (const std::exception& error) {
    why = error.what();
    return false;
  }
}

void* link(const std::string& object, const char* symbol, const Externals& externals,
           std::string& why) {
  try {
    return link_by_llvm(object, symbol, externals);
  } catch (const std::exception& error) {
    why = error.what();
    return nullptr;
  }
}

constexpr Api table{.processor = processor, .elements = elements, .loop = loop, .link = link};

}  // namespace

}  // namespace jetlag::jit

extern "C" __attribute__((visibility("default"))) const jetlag::jit::Api* jetlag_jit_api() {
  return &jetlag::jit::table;
}
