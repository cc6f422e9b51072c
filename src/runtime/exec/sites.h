// The sites of a program's steps, for the trace: made when something is first recorded.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "compiler/plan/plan.h"
#include "trace/record/record.h"

namespace jetlag::exec {

// Safe from any thread; one for each program.
class StepSites {
 public:
  // The site of the operation or statement with this number, as the plan counts them.
  trace::SiteId of(const plan::Program& program, int id) {
    if (!made_.load(std::memory_order_acquire)) [[unlikely]]
      make(program);
    const auto i = static_cast<std::size_t>(id);  // none is negative here, which is past the end
    return i < sites_.size() ? sites_[i] : 0;
  }

 private:
  void make(const plan::Program& program);

  std::mutex mutex_;
  std::atomic<bool> made_{false};
  std::vector<trace::SiteId> sites_;
};

// All of them, by number; steps that never run have none: 0.
std::vector<trace::SiteId> define_sites(const plan::Program& program);

// The call of a whole function.
trace::SiteId call_site(const plan::Function& function);

}  // namespace jetlag::exec
