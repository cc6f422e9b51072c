#include "compiler/jit/loop_source.h"

#include "compiler/jit/code.h"
#include "compiler/jit/notice.h"

namespace jetlag::jit {

namespace {

void add_kernels(const loops::Program& program, Externals& to) {
  for (const loops::Instr& i : program.instructions) {
    if (i.what == loops::Do::kernel)
      to.emplace_back(kernel_symbol(i), reinterpret_cast<void*>(i.literal));
    if (i.what == loops::Do::dot)
      to.emplace_back(dot_symbol(i), reinterpret_cast<void*>(i.literal));
  }
  for (const auto& function : program.functions) {
    if (function.get() != &program) add_kernels(*function, to);
  }
}

// Its first line is what lists of the cache show.
std::string key_of(const loops::Program& program) {
  std::size_t instructions = program.instructions.size();
  for (const auto& f : program.functions) instructions += f->instructions.size();
  return format("{} of {} arrays, {} instructions\n{}", program.is_function ? "function" : "loop",
                program.arrays.size(), instructions, loops::to_text(program));
}

}  // namespace

loops::Machine compile_loop(const loops::Program& program, std::string& why) {
  CodeWanted wanted{.key = key_of(program), .symbol = loop_symbol, .externals = {}, .make = {}};
  add_kernels(program, wanted.externals);
  wanted.make = [&](const Api& compiler, std::string& object, std::string& problem) {
    return compiler.loop(program, object, problem);
  };
  void* code = find_code(wanted, why);
  if (!code) note_no_code(why);
  return reinterpret_cast<loops::Machine>(code);
}

}  // namespace jetlag::jit
