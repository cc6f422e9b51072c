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

TEST(Profile, NeedsEachOperandOnceAndRepeatedElementsOnce) {
  Profile profile(1);
  const Ref<Array> row = new_array(DType::float64, {4});
  const Ref<Array> wide = broadcast_to(row, Dims{3, 4});
  const Ref<Array> out = new_array(DType::float64, {3, 4});
  const std::vector<Ref<Array>> reads = {wide, row};

  profile.need(0, reads, out);

  EXPECT_EQ(profile[0].needed, (4 + 12) * 8.0);
}

TEST(Profile, NeedsForTheCallWhatTheCallerSeesOnceAndTheResult) {
  Profile profile(2);
  const Ref<Array> argument = new_array(DType::float64, {10});
  argument->buffer()->make_visible();
  const Ref<Array> inside = new_array(DType::float64, {10});
  const std::vector<Ref<Array>> first = {argument}, second = {argument, inside};

  profile.need(0, first, inside);
  profile.need(1, second, inside);
  profile.give(Value::of(inside));

  EXPECT_EQ(profile.needed(), 160.0);
}

}  // namespace
}  // namespace jetlag::exec
