#include "compiler/jit/notice.h"

#include <atomic>
#include <mutex>

#include "base/text.h"

namespace jetlag::jit {

namespace {

struct Notice {
  std::mutex mutex;
  std::atomic<bool> waiting{false};
  bool told = false;
  std::string text;
};

Notice& notice() {
  static Notice& n = *new Notice;
  return n;
}

}  // namespace

void note_no_code(const std::string& why) {
  Notice& n = notice();
  std::scoped_lock lock(n.mutex);
  if (n.told) return;
  n.told = true;
  n.text = format("no machine code, so array steps and loops are interpreted: {}", why);
  n.waiting = true;
}

std::optional<std::string> take_notice() {
  Notice& n = notice();
  if (!n.waiting.load(std::memory_order_relaxed)) return std::nullopt;
  std::scoped_lock lock(n.mutex);
  if (!n.waiting.exchange(false)) return std::nullopt;
  return n.text;
}

}  // namespace jetlag::jit
