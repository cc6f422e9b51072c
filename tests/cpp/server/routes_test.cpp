#include "server/routes/route.h"

#include <gtest/gtest.h>

#include <set>

namespace jetlag::routes {
namespace {

TEST(Routes, AreFoundByMethodAndPath) {
  std::vector<std::string> parts;
  std::string methods;

  const Route* found = find_route("GET", "/v1/traces/some", parts, methods);

  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->path, "/v1/traces/{trace}");
  EXPECT_EQ(parts, std::vector<std::string>{"some"});
  EXPECT_EQ(find_route("HEAD", "/v1/traces", parts, methods)->path, "/v1/traces");
}

TEST(Routes, SayWhichMethodsAPathHas) {
  std::vector<std::string> parts;
  std::string methods;

  EXPECT_EQ(find_route("BREW", "/v1", parts, methods), nullptr);
  EXPECT_EQ(methods, "GET");
  EXPECT_EQ(find_route("GET", "/v1/traces//", parts, methods), nullptr);
  EXPECT_EQ(find_route("GET", "/../etc/passwd", parts, methods), nullptr);
  EXPECT_EQ(methods, "");
}

TEST(Routes, StandOnceAndAreDescribed) {
  std::set<std::string> seen;
  for (const Route& r : routes()) {
    EXPECT_TRUE(seen.insert(format("{} {}", r.method, r.path)).second) << r.path;
    EXPECT_TRUE(r.answer) << r.path;
    EXPECT_FALSE(r.doc.empty()) << r.path;
    EXPECT_TRUE(r.path.starts_with("/")) << r.path;
  }
}

}  // namespace
}  // namespace jetlag::routes
