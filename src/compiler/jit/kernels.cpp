#include "compiler/jit/kernels.h"

#include <atomic>

#include "base/settings.h"
#include "compiler/jit/background.h"
#include "compiler/jit/element_source.h"
#include "compiler/jit/notice.h"

namespace jetlag::jit {

namespace {

// A kernel costs some 10 ms of another core; it saves about a nanosecond for an
// element. Small work that is done often gets there, too.
constexpr std::int64_t worth_elements = 100'000;

std::atomic<bool> forked{false};

// Leaves the slot empty where there will be no kernel: nobody asks again.
void make_kernel(const ElementProgram& program, KernelSlot& slot) noexcept {
  try {
    const auto source = element_source(program, slot.layout.load());
    if (!source) return;
    std::string why;
    void* code = compile_elements(*source, why);
    if (!code) return note_no_code(why);
    slot.kernel.store(reinterpret_cast<ElementKernel>(code), std::memory_order_release);
  } catch (const std::exception& error) {
    note_no_code(error.what());
  }
}

}  // namespace

bool consider(ElementRun& run) {
  const JitMode mode = jit_mode();
  if (mode == JitMode::off) return true;
  const ElementProgram& program = run.program();
  KernelSlot* slot = program.kernels().find(run.layout());
  if (!slot) return true;
  run.use(slot);
  if (slot->asked.load(std::memory_order_relaxed) || forked) return true;
  const std::int64_t so_far = slot->elements.fetch_add(run.size(), std::memory_order_relaxed);
  if (mode == JitMode::automatic && so_far + run.size() < worth_elements) return false;
  if (slot->asked.exchange(true)) return true;
  if (mode == JitMode::always) {
    make_kernel(program, *slot);
    return true;
  }
  in_background([kept = program.shared_from_this(), slot] { make_kernel(*kept, *slot); });
  return true;
}

void finish() { finish_background(); }

void after_fork() {
  forked = true;
  forget_background();
}

}  // namespace jetlag::jit
