#include "runtime/exec/allocations.h"

#include "array/memory.h"
#include "base/settings.h"
#include "trace/record/record.h"

namespace jetlag::exec {

namespace {

void put(std::int64_t bytes, bool taken) {
  if (!trace::recording()) return;
  trace::put(taken ? trace::Event::allocate : trace::Event::release, 0, trace::current_task(),
             static_cast<std::uint64_t>(bytes));
}

}  // namespace

void record_allocations() {
  trace::on_recording([](bool begins) {
    memory::watch(begins ? trace_allocations() : memory::watch_none, begins ? put : nullptr);
  });
}

}  // namespace jetlag::exec
