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

// The module lies beside the code that asks for it; in the build's src folder; or, for a command
// that was installed with the Python package, in the package.
std::string find_module() {
  const std::string here = folder_of_this_code();
  const std::string packages = here + "/../lib/python" JETLAG_PYTHON_VERSION;
  for (const std::string& folder :
       {here, here + "/../src", here + "/../../src", here + "/../lib",
        packages + "/site-packages/jetlag", packages + "/dist-packages/jetlag"}) {
    std::string path = folder + "/libjetlag_llvm.so";
    if (access(path.c_str(), R_OK) == 0) return path;
  }
  return {};
}

void open_module() {
  const std::string& path = module_path();
  if (path.empty()) {
    reason = "libjetlag_llvm.so is not beside jetlag";
    return;
  }
  void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!module) {
    const char* why = dlerror();
    reason = why ? why : path;
    return;
  }
  using Get = const Api* (*)();
  const auto get = reinterpret_cast<Get>(dlsym(module, "jetlag_jit_api"));
  const Api* found = get ? get() : nullptr;
  if (found && found->version == Api::current) {
    opened = found;
  } else {
    reason = path + " belongs to another build of jetlag";
  }
}

}  // namespace

const std::string& module_path() {
  static const std::string& path = *new std::string(find_module());
  return path;
}

const Api* api() {
  static std::once_flag once;
  std::call_once(once, open_module);
  return opened;
}

const char* why_not() { return reason.c_str(); }

}  // namespace jetlag::jit
