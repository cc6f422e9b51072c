#include "compiler/jit/machine.h"

#include <sys/auxv.h>
#include <sys/stat.h>

#include <cstdint>

#include "base/text.h"
#include "compiler/jit/api.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace jetlag::jit {

namespace {

#if defined(__x86_64__)

// CPUID's words, but for those that tell one core from another.
std::string processor() {
  std::string text = "x86-64";
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(0, &a, &b, &c, &d)) text += format(" {:x} {:x} {:x}", b, c, d);
  if (__get_cpuid(1, &a, &b, &c, &d)) {
    text += format(" {:x} {:x} {:x}", a, c, d);
    constexpr unsigned saves_extended_state = 1u << 27;
    if (c & saves_extended_state) {
      std::uint32_t low = 0, high = 0;
      __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
      text += format(" {:x}", low);
    }
  }
  for (unsigned leaf : {0u, 1u}) {
    if (__get_cpuid_count(7, leaf, &a, &b, &c, &d)) text += format(" {:x} {:x} {:x}", b, c, d);
  }
  if (__get_cpuid(0x80000001u, &a, &b, &c, &d)) text += format(" {:x} {:x}", c, d);
  return text;
}

#else

std::string processor() { return format("{:x} {:x}", getauxval(AT_HWCAP), getauxval(AT_HWCAP2)); }

#endif

// A build that makes other code is another file.
std::string build_of_module() {
  struct stat s{};
  if (stat(module_path().c_str(), &s) != 0) return "none";
  return format("{} {}.{}", s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
}

}  // namespace

const std::string& machine() {
  static const std::string& text =
      *new std::string(format("jetlag {} build {} LLVM {} on {}", JETLAG_VERSION, build_of_module(),
                              JETLAG_LLVM_VERSION, processor()));
  return text;
}

}  // namespace jetlag::jit
