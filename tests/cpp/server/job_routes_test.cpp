// What is asked of jobs over HTTP, without the HTTP: good requests, and 20,000 that are not.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "../jobs/hostile.h"
#include "base/crypto/digest.h"
#include "base/error.h"
#include "jobs/queue/engine.h"
#include "server/routes/route.h"

namespace jetlag::routes {
namespace {

class JobRoutes : public testing::Test {
 protected:
  void TearDown() override {
    engine_.reset();
    std::filesystem::remove_all(folder_);
  }

  http::Response ask(const std::string& method, const std::string& path,
                     const std::string& body = "", const http::Fields& query = {}) {
    http::Request request;
    request.method = method;
    request.path = path;
    request.query = query;
    request.headers = {{"host", "localhost"}};
    request.body = body;
    request.receive = [&body](const std::function<bool(std::string_view)>& take) {
      return take(body);
    };
    try {
      router_.expect(request);
      return router_.answer(request);
    } catch (const http::HttpError& error) {
      return http::problem(error);
    } catch (const Error& error) {
      return http::problem(error);
    }
  }
  nlohmann::json json(const http::Response& response) {
    return nlohmann::json::parse(response.body);
  }

  std::string folder_ = testing::TempDir() + "jetlag-routes-" + std::to_string(getpid());
  std::optional<jobs::Engine> engine_{std::in_place, jobs::Engine::Options{folder_, ""}};
  App app_{http::Gate("", {}), "test", nullptr, &*engine_};
  Router router_{app_};
};

TEST_F(JobRoutes, AJobIsAskedForWatchedAndRead) {
  const http::Response asked = ask("POST", "/v1/jobs", R"({"command": ["echo", "hi"]})");
  ASSERT_EQ(asked.status, 201) << asked.body;
  const std::string id = json(asked)["id"];

  nlohmann::json job = json(asked);
  for (int i = 0; i < 50 && !job["final"]; ++i)
    job = json(ask("GET", "/v1/jobs/" + id, "",
                   {{"wait", "5"}, {"changes", std::to_string(job["changes"].get<int>())}}));

  EXPECT_EQ(job["state"], "finished");
  EXPECT_EQ(ask("GET", "/v1/jobs/" + id + "/log/stdout").body, "hi\n");
  EXPECT_EQ(json(ask("GET", "/v1/jobs")).size(), 1u);
  EXPECT_EQ(ask("POST", "/v1/jobs/" + id + "/cancel").status, 400);
}

TEST_F(JobRoutes, EventsTellOfEachJobThatChanges) {
  const http::Response stream = ask("GET", "/v1/jobs/events");
  std::string told;
  const http::Sink sink = [&](std::string_view text) { return told += text, true; };
  stream.stream(sink);
  EXPECT_EQ(told, "event: list\ndata: {}\n\n");

  const std::string id = json(ask("POST", "/v1/jobs", R"({"command": ["true"]})"))["id"];
  while (told.find(R"("state":"finished")") == std::string::npos) stream.stream(sink);

  EXPECT_NE(told.find("event: job\ndata: {"), std::string::npos);
  EXPECT_NE(told.find(id), std::string::npos);
}

TEST_F(JobRoutes, TheSameJobAskedForTwiceIsOne) {
  const std::string body = R"({"command": ["true"], "id": "0123456789abcdef"})";

  ask("POST", "/v1/jobs", body);
  ask("POST", "/v1/jobs", body);

  EXPECT_EQ(json(ask("GET", "/v1/jobs")).size(), 1u);
}

TEST_F(JobRoutes, NoNameLeadsOutOfAJobsFolder) {
  const std::string id = json(ask("POST", "/v1/jobs", R"({"command": ["true"]})"))["id"];
  std::ofstream(folder_ + "/secret") << "classified";
  std::vector<std::string> names = jobs::hostile_texts();
  names.insert(names.end(), {"../../../../secret", "/../../../../secret", "..", "../stdout",
                             "../../../jobs.sqlite", "/etc/passwd", "./../../../../secret"});

  for (const std::string& name : names) {
    EXPECT_EQ(ask("GET", "/v1/jobs/" + id + "/file", "", {{"name", name}}).status, 404) << name;
    EXPECT_EQ(ask("GET", "/v1/jobs/" + id + "/log/" + name).body.find("classified"),
              std::string::npos);
  }
}

TEST_F(JobRoutes, AFileIsKeptOnlyUnderItsDigest) {
  const std::string digest = crypto::file_digest("content");

  EXPECT_EQ(ask("PUT", "/v1/blobs/" + digest, "other").status, 400);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/blobs/" + digest));
  EXPECT_EQ(ask("PUT", "/v1/blobs/" + digest, "content").status, 200);
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/blobs/" + digest));
  EXPECT_EQ(ask("PUT", "/v1/blobs/../x", "content").status, 404);
}

TEST_F(JobRoutes, TwentyThousandBadRequestsGetAnAnswerEach) {
  std::mt19937 random(11);
  const std::vector<std::string> texts = jobs::hostile_texts();
  const std::vector<std::string> paths = {
      "/v1/jobs",         "/v1/jobs/@",       "/v1/jobs/@/history", "/v1/jobs/@/cancel",
      "/v1/jobs/@/log/@", "/v1/jobs/@/files", "/v1/jobs/@/file",    "/v1/jobs/@/resubmit",
      "/v1/results/@",    "/v1/blobs/@",      "/v1/machines",       "/v1/machines/@"};
  const std::vector<std::string> methods = {"GET", "POST", "PUT", "DELETE", "PATCH", ""};
  const std::string good =
      R"({"name":"n","machine":"nowhere","command":["a"],"inputs":[{"path":"p","digest":"d"}],"nodes":1})";
  auto any = [&] { return texts[random() % texts.size()]; };

  for (int i = 0; i < 20'000; ++i) {
    std::string path = paths[random() % paths.size()];
    for (std::size_t at; (at = path.find('@')) != std::string::npos;) {
      std::string part = any();
      std::replace(part.begin(), part.end(), '@', 'a');
      path.replace(at, 1, part);
    }
    std::string body = random() % 2 ? good : any();
    for (int n = 0; n < 3 && !body.empty(); ++n)
      body[random() % body.size()] = static_cast<char>(random());
    const http::Fields query = {
        {"limit", any()}, {"state", any()}, {"from", any()}, {"name", any()}, {"changes", any()}};

    const http::Response response = ask(methods[random() % methods.size()], path, body, query);

    ASSERT_GE(response.status, 200);
    ASSERT_LT(response.status, 600);
    ASSERT_NE(response.status, 500) << path << " " << body << " " << response.body;
  }
}

}  // namespace
}  // namespace jetlag::routes
