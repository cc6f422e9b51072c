#include "compiler/jit/api.h"

#include <gtest/gtest.h>

#include <string>

namespace jetlag::jit {
namespace {

TEST(Jit, OpensTheModuleAndKnowsTheProcessor) {
  ASSERT_NE(api(), nullptr) << why_not();
  EXPECT_FALSE(std::string(api()->processor()).empty());
}

}  // namespace
}  // namespace jetlag::jit
