// The sites of a program's steps, for the trace: made when something is first recorded.
#pragma once

#include <mutex>
#include <vector>

#include "compiler/plan/plan.h"
#include "trace/record/record.h"

namespace jetlag::exec {

// Safe from any thread; one for each program.
class StepSites {
 public:
  // The site of the operation or statement with this number, as the plan counts them.
  trace::SiteId of(const plan::Program& program, int id);

 private:
  std::once_flag once_;
  std::vector<trace::SiteId> sites_;
};

// All of them, by number; steps that never run have none: 0.
std::vector<trace::SiteId> define_sites(const plan::Program& program);

// The call of a whole function.
trace::SiteId call_site(const plan::Function& function);

}  // namespace jetlag::exec
