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

// Counts elements, and asks for the kernel where they are enough. True: asking again for as
// many would change nothing.
bool ask(const ElementProgram& program, KernelSlot& slot, std::int64_t elements) {
  if (slot.asked.load(std::memory_order_relaxed) || forked) return true;
  const bool automatic = jit_mode() == JitMode::automatic;
  const std::int64_t so_far = slot.elements.fetch_add(elements, std::memory_order_relaxed);
  if (automatic && so_far + elements < worth_elements) return false;
  if (slot.asked.exchange(true)) return true;
  if (!automatic) {
    make_kernel(program, slot);
    return true;
  }
  in_background([kept = program.shared_from_this(), &slot] { make_kernel(*kept, slot); });
  return true;
}

}  // namespace

bool consider(ElementRun& run) {
  if (jit_mode() == JitMode::off) return true;
  KernelSlot* slot = run.program().kernels().find(run.layout());
  if (!slot) return true;
  run.use(slot);
  return ask(run.program(), *slot, run.size());
}

ElementKernel kernel_for(const ElementRun& run, KernelLayout layout, std::int64_t elements) {
  if (jit_mode() == JitMode::off) return nullptr;
  KernelSlot* slot = run.program().kernels().find(layout);
  if (!slot) return nullptr;
  ask(run.program(), *slot, elements);
  return slot->kernel.load(std::memory_order_acquire);
}

void finish() { finish_background(); }

void after_fork() {
  forked = true;
  forget_background();
}

}  // namespace jetlag::jit
