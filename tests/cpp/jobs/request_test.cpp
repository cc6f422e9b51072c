#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "base/error.h"
#include "hostile.h"
#include "jobs/job.h"

namespace jetlag::jobs {
namespace {

std::string refusal(const std::string& json) {
  try {
    read_request(json);
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

TEST(Request, KeepsWhatItIsGiven) {
  const Request r = read_request(
      R"({"name": "a b", "machine": "m", "command": ["echo", "a'b"], "environment": {"A": "1"},
          "inputs": [{"path": "d/x", "digest": ")" +
      std::string(64, 'a') + R"("}], "nodes": 2, "seconds": 60, "attempts": 3,
          "notify": [{"target": "http://h/${JOB_ID}", "on": ["running"]}]})");

  EXPECT_EQ(r.command, (std::vector<std::string>{"echo", "a'b"}));
  EXPECT_EQ(r.inputs[0].path, "d/x");
  EXPECT_EQ(r.nodes, 2);
  EXPECT_EQ(r.attempts, 3);
  EXPECT_EQ(r.notify[0].on, std::vector<State>{State::running});
}

TEST(Request, RefusesWhatCannotBe) {
  EXPECT_EQ(refusal("[]"), "a job is asked for by a JSON object");
  EXPECT_EQ(refusal("{"), "a job is asked for by a JSON object");
  EXPECT_EQ(refusal("{}"), "command: names no program");
  EXPECT_EQ(refusal(R"({"command": ["x"], "speed": 1})"), "speed: there is no such field of a job");
  EXPECT_EQ(refusal(R"({"command": ["x"], "nodes": 0})"), "nodes: must be 1 at least");
  EXPECT_EQ(refusal(R"({"command": ["x"], "partition": "a b"})"),
            "partition: 'a b' is no name of one word");
  EXPECT_EQ(refusal(R"({"command": ["x"], "directives": ["a\nb"]})"),
            "directives: must be one line without control characters");
  EXPECT_EQ(refusal(R"({"command": ["x\u0000y"]})"), "command: must not hold a null character");
  EXPECT_EQ(refusal(R"({"command": ["x"], "outputs": ["../x"]})"),
            "outputs: '../x' is no path inside the job's folder");
  EXPECT_EQ(refusal(R"({"command": ["x"], "outputs": ["/etc/x"]})"),
            "outputs: '/etc/x' is no path inside the job's folder");
  EXPECT_EQ(refusal(R"({"command": ["x"], "environment": {"A B": ""}})"),
            "environment: 'A B' is no name of a variable");
  EXPECT_EQ(refusal(R"({"command": ["x"], "notify": [{"target": "file:///etc"}]})"),
            "notify: 'file:///etc' is neither a URL nor mailto:");
}

// Whatever stands in a field: it is taken as it is, or refused in a sentence.
TEST(Request, AnyTextInAnyFieldIsKeptOrRefused) {
  for (const char* field :
       {"name", "machine", "account", "partition", "reservation", "key", "image"}) {
    for (const std::string& text : hostile_texts()) {
      const nlohmann::json object = {{"command", {"x", text}}, {field, text}};
      std::string json;
      try {
        json = object.dump();
      } catch (const nlohmann::json::exception&) {
        continue;  // not UTF-8: it does not even become JSON
      }
      try {
        EXPECT_EQ(read_request(json).command[1], text);
      } catch (const Error& error) {
        EXPECT_TRUE(error.message().starts_with(field)) << error.message();
      }
    }
  }
}

TEST(Request, OneThatIsNestedTooDeepIsRefused) {
  for (const std::size_t depth : {100, 1'000'000}) {
    const std::string note = std::string(depth, '[') + std::string(depth, ']');
    EXPECT_THROW(read_request(R"({"command": ["true"], "note": )" + note + "}"), Error) << depth;
  }
}

TEST(Request, NoBytesMakeItFall) {
  std::mt19937 random(3);
  const std::string good =
      R"({"name":"n","command":["a","b"],"inputs":[{"path":"p","digest":"d"}],"nodes":1})";
  for (int i = 0; i < 5000; ++i) {
    std::string bytes = good;
    for (int n = 0; n < 4; ++n) bytes[random() % bytes.size()] = static_cast<char>(random());
    try {
      read_request(bytes);
    } catch (const Error&) {
      // A refusal is an answer.
    }
  }
}

}  // namespace
}  // namespace jetlag::jobs
