// share-pass: finds products that may read one matrix together.
#pragma once

#include "compiler/plan/plan.h"

namespace jetlag::plan {

void share_pass(Program& program, Function& function);

}  // namespace jetlag::plan
