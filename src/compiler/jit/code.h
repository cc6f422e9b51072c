// Machine code by key: what this process has, what is on disk, and what LLVM makes otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "compiler/jit/api.h"

namespace jetlag::jit {

struct CodeWanted {
  std::string key;  // names the code among all that this jetlag makes for this machine
  const char* symbol = nullptr;
  Externals externals;  // functions of ours that it calls
  // Makes the object code that defines the symbol; false, with the reason, if LLVM fails.
  std::function<bool(const Api& compiler, std::string& object, std::string& why)> make;
};

// The address of the symbol; null, with the reason, if there is no code to be had. Two calls with
// one key get one address. Safe from any thread; compiles on the calling one. LLVM is not loaded
// for code that is on disk.
void* find_code(const CodeWanted& wanted, std::string& why);

// The same without LLVM: null if the code is neither in this process nor on disk.
void* find_made_code(const CodeWanted& wanted);

// Made now by LLVM. What is kept is found from then on, in this process and on disk.
enum class Keep : std::uint8_t { no, yes };
void* make_code(const CodeWanted& wanted, Keep keep, std::string& why);

}  // namespace jetlag::jit
