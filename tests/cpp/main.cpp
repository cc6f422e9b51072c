// The tests' own main: code that is still being compiled in the background is waited for, as in
// each program of ours, since the compiler's tables do not outlive main.

#include <gtest/gtest.h>

#include "compiler/jit/kernels.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const int result = RUN_ALL_TESTS();
  jetlag::jit::finish();
  return result;
}
