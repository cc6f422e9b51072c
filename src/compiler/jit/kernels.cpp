#include "compiler/jit/kernels.h"

#include <atomic>
#include <mutex>

#include "base/settings.h"
#include "compiler/jit/api.h"
#include "compiler/jit/background.h"
#include "compiler/jit/element_source.h"

namespace jetlag::jit {

namespace {

// A kernel costs some 10 ms of another core; it saves about a nanosecond for an
// element. Small work that is done often gets there, too.
constexpr std::int64_t worth_elements = 100'000;

std::atomic<bool> forked{false};

struct Notice {
  std::mutex mutex;
  std::atomic<bool> waiting{false};
  bool told = false;
  std::string text;

  void tell(std::string why) {
    std::scoped_lock lock(mutex);
    if (told) return;
    told = true;
    text = format("no machine code, so array steps are interpreted: {}", why);
    waiting = true;
  }
};

Notice& notice() {
  static Notice& n = *new Notice;
  return n;
}

// Leaves the slot empty where there will be no kernel: nobody asks again.
void make_kernel(const ElementProgram& program, KernelSlot& slot) noexcept {
  try {
    const auto source = element_source(program, slot.layout.load());
    if (!source) return;
    std::string problem = "there is no compiler";
    const Api* compiler = api();
    if (!compiler) return notice().tell(why_not());
    void* code = compiler->compile_elements(*source, problem);
    if (!code) return notice().tell(std::move(problem));
    slot.kernel.store(reinterpret_cast<ElementKernel>(code), std::memory_order_release);
  } catch (const std::exception& error) {
    notice().tell(error.what());
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

std::optional<std::string> take_notice() {
  Notice& n = notice();
  if (!n.waiting.load(std::memory_order_relaxed)) return std::nullopt;
  std::scoped_lock lock(n.mutex);
  if (!n.waiting.exchange(false)) return std::nullopt;
  return n.text;
}

void finish() { finish_background(); }

void after_fork() {
  forked = true;
  forget_background();
}

}  // namespace jetlag::jit
