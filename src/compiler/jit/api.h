// What the module that holds LLVM gives to the rest. It is a shared object of
// its own, opened when the first kernel is wanted: whoever needs no compiler
// does not wait for one to be loaded. Everything that crosses is declared here.
#pragma once

#include <string>

#include "compiler/loops/program.h"

namespace jetlag::jit {

struct ElementSource;  // element_source.h

struct Api {
  // Bumped whenever something below changes: a module of another build is refused.
  static constexpr int current = 2;
  int version = current;
  // The processor that code is made for, as LLVM names it ("znver3").
  const char* (*processor)() = nullptr;
  // A loop as machine code; `key` names it among all loops. Null, with the reason, if LLVM fails.
  loops::Machine (*loop)(const loops::Program& program, const char* key,
                         std::string& why) = nullptr;
  // Machine code for elementwise work; null, with the reason in `problem`, if
  // it cannot be made. Safe from any thread.
  void* (*compile_elements)(const ElementSource& source, std::string& problem) = nullptr;
};

// Null, with the reason in why_not(), if the module cannot be opened. Opens it once.
const Api* api();
const char* why_not();

// Where the module lies; empty if it is nowhere.
const std::string& module_path();

}  // namespace jetlag::jit
