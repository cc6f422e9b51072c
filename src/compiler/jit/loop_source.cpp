#include "compiler/jit/loop_source.h"

#include "compiler/jit/background.h"
#include "compiler/jit/code.h"
#include "compiler/jit/notice.h"

namespace jetlag::jit {

namespace {

void add_kernels(const loops::Program& program, Externals& to) {
  for (const loops::Instr& i : program.instructions) {
    if (i.what == loops::Do::kernel)
      to.emplace_back(kernel_symbol(i), reinterpret_cast<void*>(i.literal));
    if (i.what == loops::Do::library && i.literal != 0)
      to.emplace_back(i.name, reinterpret_cast<void*>(i.literal));
    if (i.what == loops::Do::dot)
      to.emplace_back(dot_symbol(i), reinterpret_cast<void*>(i.literal));
    if (i.what == loops::Do::work)
      to.emplace_back(work_symbol(i), reinterpret_cast<void*>(i.literal));
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

CodeWanted wanted(const loops::Program& program, Effort effort) {
  CodeWanted wanted{.key = key_of(program), .symbol = loop_symbol, .externals = {}, .make = {}};
  add_kernels(program, wanted.externals);
  wanted.make = [&program, effort](const Api& compiler, std::string& object, std::string& problem) {
    return compiler.loop(program, effort, object, problem);
  };
  return wanted;
}

std::shared_ptr<LoopCode> code_at(void* address, const std::string& why) {
  if (!address) note_no_code(why);
  auto code = std::make_shared<LoopCode>();
  code->replace(reinterpret_cast<loops::Machine>(address));
  return code;
}

}  // namespace

std::shared_ptr<LoopCode> compile_loop(const loops::Program& program, std::string& why) {
  return code_at(find_code(wanted(program, Effort::full), why), why);
}

std::shared_ptr<LoopCode> compile_loop_soon(std::shared_ptr<const loops::Program> program,
                                            std::string& why) {
  if (!has_background()) return compile_loop(*program, why);
  const CodeWanted full = wanted(*program, Effort::full);
  if (void* found = find_made_code(full)) return code_at(found, why);
  const auto code = code_at(make_code(wanted(*program, Effort::hurried), Keep::no, why), why);
  if (!code->best()) return code;
  in_background([program = std::move(program), full, code] {
    std::string ignored;  // the code that there is does it
    if (void* better = make_code(full, Keep::yes, ignored)) {
      code->replace(reinterpret_cast<loops::Machine>(better));
    }
  });
  return code;
}

}  // namespace jetlag::jit
