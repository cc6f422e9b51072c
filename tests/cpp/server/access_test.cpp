#include "server/http/access.h"

#include <gtest/gtest.h>

namespace jetlag::http {
namespace {

constexpr const char* token = "a-token-of-some-length";

Request from(Fields headers, Fields query = {}) {
  Request r;
  r.method = "GET";
  r.path = "/";
  r.headers = std::move(headers);
  r.query = std::move(query);
  return r;
}

int status_of(const Gate& gate, const Request& request, Access access = Access::token) {
  try {
    gate.check(request, access);
  } catch (const HttpError& error) {
    return error.status;
  }
  return 200;
}

TEST(Gate, TakesTheTokenFromHeaderAddressOrCookie) {
  Gate gate(token, {});
  gate.set_port(8000);
  const std::pair<std::string, std::string> host{"host", "127.0.0.1:8000"};

  EXPECT_EQ(status_of(gate, from({host, {"authorization", format("Bearer {}", token)}})), 200);
  EXPECT_EQ(status_of(gate, from({host}, {{"token", token}})), 200);
  EXPECT_EQ(status_of(gate, from({host, {"cookie", format("a=b; jetlag_8000={}", token)}})), 200);
}

TEST(Gate, RefusesAWrongToken) {
  const Gate gate(token, {});
  const std::pair<std::string, std::string> host{"host", "localhost"};

  EXPECT_EQ(status_of(gate, from({host})), 401);
  EXPECT_EQ(status_of(gate, from({host}, {{"token", ""}})), 401);
  EXPECT_EQ(status_of(gate, from({host}, {{"token", "a-token-of-some-lengtH"}})), 401);
  EXPECT_EQ(status_of(gate, from({host, {"cookie", format("jetlag_1={}", token)}})), 401);
  EXPECT_EQ(status_of(gate, from({host, {"authorization", token}})), 401);
  EXPECT_EQ(status_of(gate, from({host}), Access::anyone), 200);
}

TEST(Gate, AnswersOnlyForItsOwnNames) {
  const Gate gate(token, {"hub.example.org"});

  EXPECT_EQ(status_of(gate, from({{"host", "evil.example"}}, {{"token", token}})), 421);
  EXPECT_EQ(status_of(gate, from({}, {{"token", token}})), 421);
  EXPECT_EQ(status_of(gate, from({{"host", "[::1]:80"}}, {{"token", token}})), 200);
  EXPECT_EQ(status_of(gate, from({{"host", "hub.example.org"}}, {{"token", token}})), 200);
}

TEST(Gate, RefusesThePagesOfOtherSites) {
  const Gate gate(token, {"hub.example.org"});
  const auto asked = [&](const char* origin, const char* host) {
    return status_of(gate, from({{"host", host}, {"origin", origin}}, {{"token", token}}));
  };

  EXPECT_EQ(asked("http://127.0.0.1:80", "127.0.0.1:80"), 200);
  EXPECT_EQ(asked("http://127.0.0.1:81", "127.0.0.1:80"), 403);
  EXPECT_EQ(asked("https://evil.example", "127.0.0.1:80"), 403);
  EXPECT_EQ(asked("null", "127.0.0.1:80"), 403);
  EXPECT_EQ(asked("https://hub.example.org", "127.0.0.1:80"), 200);
}

TEST(Gate, GivesACookieForATokenInTheAddress) {
  const Gate gate(token, {});

  EXPECT_NE(gate.cookie_for(from({}, {{"token", token}})).find("SameSite=Strict"),
            std::string::npos);
  EXPECT_EQ(gate.cookie_for(from({}, {{"token", "wrong"}})), "");
  EXPECT_EQ(gate.cookie_for(from({})), "");
}

TEST(Gate, WithoutATokenTrustsTheConnection) {
  EXPECT_EQ(status_of(Gate("", {}), from({{"host", "anything"}})), 200);
}

TEST(Secrets, AreRandomAndComparedWhole) {
  EXPECT_EQ(random_token().size(), 64U);
  EXPECT_NE(random_token(), random_token());
  EXPECT_TRUE(same_secret("", ""));
  EXPECT_FALSE(same_secret("abc", "abd"));
  EXPECT_FALSE(same_secret("abc", "ab"));
}

}  // namespace
}  // namespace jetlag::http
