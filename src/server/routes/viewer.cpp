#include "server/routes/viewer.h"

// JETLAG_VIEWER is the path of the page that tools/web.sh built.
asm(R"(
    .section .rodata
    .balign 16
jetlag_viewer_begin:
    .incbin ")" JETLAG_VIEWER R"("
jetlag_viewer_end:
    .byte 0
    .previous
)");

extern "C" {
extern const char jetlag_viewer_begin[] __attribute__((visibility("hidden")));
extern const char jetlag_viewer_end[] __attribute__((visibility("hidden")));
}

namespace jetlag::routes {

std::string_view viewer_page() {
  return {jetlag_viewer_begin, static_cast<std::size_t>(jetlag_viewer_end - jetlag_viewer_begin)};
}

}  // namespace jetlag::routes
