// What the module that holds LLVM gives to the rest. It is a shared object of
// its own, opened when the first kernel is wanted: whoever needs no compiler
// does not wait for one to be loaded. Everything that crosses is declared here.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "compiler/loops/program.h"

namespace jetlag::jit {

struct ElementSource;  // element_source.h

// Functions of ours that machine code calls, by the names that it has for them.
using Externals = std::vector<std::pair<std::string, void*>>;
// Where it finds others.
inline constexpr const char* code_libraries[] = {"libmvec.so.1", "libm.so.6", "libc.so.6"};

// Hurried code is there in a tenth of the time, and runs for several times as long.
enum class Effort : std::uint8_t { hurried, full };

// All of it is safe from any thread. What cannot be done says why, and gives false or null.
struct Api {
  // Bumped whenever something below changes: a module of another build is refused.
  static constexpr int current = 4;
  int version = current;
  // The processor that code is made for, as LLVM names it ("znver3").
  const char* (*processor)() = nullptr;
  // Object code that defines element_symbol, or loop_symbol.
  bool (*elements)(const ElementSource& source, std::string& object, std::string& why) = nullptr;
  bool (*loop)(const loops::Program& program, Effort effort, std::string& object,
               std::string& why) = nullptr;
  // A symbol of object code by LLVM's own linker, for what object.h does not take.
  void* (*link)(const std::string& object, const char* symbol, const Externals& externals,
                std::string& why) = nullptr;
};

// Null, with the reason in why_not(), if the module cannot be opened. Opens it once.
const Api* api();
const char* why_not();

// Where the module lies; empty if it is nowhere.
const std::string& module_path();

}  // namespace jetlag::jit
