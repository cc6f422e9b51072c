#include "trace/formats/otf2_errors.h"

#include <otf2/otf2.h>

#include <cstdarg>
#include <cstdio>
#include <memory>

#include "base/of_thread.h"
#include "base/text.h"

namespace jetlag::trace::otf2 {

namespace {

struct Message {
  std::string text;
};
// The first of this thread.
std::string& first() { return of_thread<Message>().text; }

OTF2_ErrorCode keep(void*, const char*, std::uint64_t, const char*, OTF2_ErrorCode code,
                    const char* text, va_list arguments) {
  if (!first().empty() || code < OTF2_SUCCESS) return code;
  char message[512] = "";
  if (text) std::vsnprintf(message, sizeof message, text, arguments);
  const char* kind = OTF2_Error_GetDescription(code);
  first() = *message ? format("{}: {}", kind, message) : std::string(kind);
  return code;
}

}  // namespace

QuietErrors::QuietErrors() {
  // For good: the library has one callback for the process, and nobody else calls it here.
  OTF2_Error_RegisterCallback(keep, nullptr);
  first().clear();
}

std::string last_error() { return first().empty() ? "the OTF2 library refused" : first(); }

}  // namespace jetlag::trace::otf2
