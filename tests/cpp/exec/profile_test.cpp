#include "runtime/exec/profile.h"

#include <gtest/gtest.h>

namespace jetlag::exec {
namespace {

TEST(Profile, NamesEachRuleOfAStepOnce) {
  Profile profile(2);

  profile.describe(1, StepKind::fused, "f64[3]", "fuse");
  profile.apply(1, "fuse-elementwise");
  profile.apply(1, "fuse");
  profile.apply(1, "fuse-elementwise");

  EXPECT_EQ(profile[1].rule, "fuse, fuse-elementwise");
  EXPECT_EQ(profile[0].rule, "");
}

TEST(Profile, NotesARefusalOnceForEachReason) {
  Profile profile(1);

  profile.refuse(0, "inv-to-solve", "the inverse has another reader");
  profile.refuse(0, "inv-to-solve", "the inverse has another reader");
  profile.refuse(0, "inv-to-solve", "a is not square");

  ASSERT_EQ(profile[0].refused.size(), 2u);
  EXPECT_EQ(profile[0].refused[0].rule, "inv-to-solve");
  EXPECT_EQ(profile[0].refused[1].why, "a is not square");
}

TEST(Profile, KeepsWhatWasCompiledInOrder) {
  Profile profile(1);

  profile.compiled(0, "kernel", 5);
  profile.compiled(0, "loop", 7);

  ASSERT_EQ(profile[0].compiled.size(), 2u);
  EXPECT_EQ(profile[0].compiled[1].what, "loop");
  EXPECT_EQ(profile[0].compiled[1].ns, 7);
}

}  // namespace
}  // namespace jetlag::exec
