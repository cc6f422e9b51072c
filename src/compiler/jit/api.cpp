#include "compiler/jit/api.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <string>

namespace jetlag::jit {

namespace {

const Api* opened = nullptr;
std::string reason;

// The module lies beside the code that asks for it, or in the build's lib folder.
std::string folder_of_this_code() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&folder_of_this_code), &info) == 0) return ".";
  std::string path = info.dli_fname ? info.dli_fname : "";
  if (char* real = realpath(path.c_str(), nullptr)) {
    path = real;
    std::free(real);
  }
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

void open_module() {
  constexpr const char* name = "libjetlag_llvm.so";
  const std::string here = folder_of_this_code();
  for (const char* relative : {"/", "/../src/", "/../../src/", "/../lib/"}) {
    const std::string path = here + relative + name;
    void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!module) {
      // The reason that counts is that of a file which is there.
      const char* why = dlerror();
      if (reason.empty() || access(path.c_str(), R_OK) == 0) reason = why ? why : path;
      continue;
    }
    using Get = const Api* (*)();
    const auto get = reinterpret_cast<Get>(dlsym(module, "jetlag_jit_api"));
    const Api* found = get ? get() : nullptr;
    if (found && found->version == Api::current) {
      opened = found;
      return;
    }
    reason = path + " belongs to another build of jetlag";
    return;
  }
}

}  // namespace

const Api* api() {
  static std::once_flag once;
  std::call_once(once, open_module);
  return opened;
}

const char* why_not() { return reason.c_str(); }

}  // namespace jetlag::jit
