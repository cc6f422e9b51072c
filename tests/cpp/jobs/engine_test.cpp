// Plain jobs on this machine, from the request to the end; no Python.
#include "jobs/queue/engine.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace jetlag::jobs {
namespace {

class Engines : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove_all(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static std::string ask(const std::vector<std::string>& command,
                         const nlohmann::json& more = nlohmann::json::object()) {
    nlohmann::json request = {{"command", command}};
    request.update(more);
    return request.dump();
  }
  static Job end_of(Engine& engine, const std::string& id) {
    Job job = engine.store().get(id);
    for (int i = 0; i < 200 && !describe(job.life.state).final; ++i)
      job = engine.wait(id, job.changes, 0.5);
    return job;
  }
  // Not counting those that nobody has waited for yet.
  static bool lives(const std::string& process) {
    std::ifstream in("/proc/" + std::to_string(std::atoi(process.c_str())) + "/stat");
    std::string number, name, state;
    return in >> number >> name >> state && state != "Z";
  }
  std::string folder_ = testing::TempDir() + "jetlag-engine-" + std::to_string(getpid());
};

TEST_F(Engines, RunACommandAndKeepWhatItPrints) {
  Engine engine({folder_, ""});

  const Job job = end_of(engine, engine.submit(ask({"echo", "a  'b'"})).id);

  EXPECT_EQ(job.life.state, State::finished);
  EXPECT_EQ(job.exit_code, 0);
  EXPECT_EQ(engine.log(job.id, "stdout", 0, 100, 0), "a  'b'\n");
  EXPECT_EQ(engine.log(job.id, "stdout", -4, 100, 0), "'b'\n");
}

TEST_F(Engines, AFailureHasItsReason) {
  Engine engine({folder_, ""});

  const Job job = end_of(engine, engine.submit(ask({"sh", "-c", "exit 9"})).id);

  EXPECT_EQ(job.life.state, State::failed);
  EXPECT_EQ(job.reason, "it ended with exit code 9");
  EXPECT_EQ(job.exit_code, 9);
}

TEST_F(Engines, AJobThatIsCancelledStopsWithAllThatItBegan) {
  Engine engine({folder_, ""});
  const std::string id = engine.submit(ask({"sh", "-c", "sleep 1000 & echo $! ; sleep 1000"})).id;
  const std::string process = engine.log(id, "stdout", 0, 100, 10);
  ASSERT_FALSE(process.empty());

  engine.cancel(id);
  const Job job = end_of(engine, id);

  EXPECT_EQ(job.life.state, State::cancelled);
  EXPECT_FALSE(lives(process));
  EXPECT_THROW(engine.cancel(id), Error);
}

TEST_F(Engines, ATimeLimitIsKept) {
  Engine engine({folder_, ""});

  const Job job = end_of(engine, engine.submit(ask({"sleep", "1000"}, {{"seconds", 1}})).id);

  EXPECT_EQ(job.life.state, State::failed);
  EXPECT_EQ(job.reason, "it reached its time limit of 00:00:01");
}

TEST_F(Engines, JobsComeAfterOthers) {
  Engine engine({folder_, ""});
  const std::string first = engine.submit(ask({"sh", "-c", "sleep 0.3"})).id;
  const std::string second = engine.submit(ask({"true"}, {{"after", {first}}})).id;
  const std::string bad = engine.submit(ask({"false"})).id;
  const std::string never = engine.submit(ask({"true"}, {{"after", {bad}}})).id;

  const Job after = end_of(engine, second);

  EXPECT_EQ(after.life.state, State::finished);
  EXPECT_GE(after.started, engine.store().get(first).ended - 0.01);
  EXPECT_EQ(end_of(engine, never).reason, "job " + bad + ", which it comes after, is failed");
}

TEST_F(Engines, TheNextDaemonFindsWhatTheLastOneBegan) {
  std::string id;
  {
    Engine engine({folder_, ""});
    id = engine.submit(ask({"sh", "-c", "echo once >> count; sleep 0.5; echo done"})).id;
    engine.log(id, "stdout", 0, 1, 0.2);
    for (int i = 0; i < 100 && engine.store().get(id).life.state != State::running; ++i)
      engine.wait(id, engine.store().get(id).changes, 0.1);
  }
  Engine engine({folder_, ""});

  const Job job = end_of(engine, id);

  EXPECT_EQ(job.life.state, State::finished);
  EXPECT_EQ(job.life.attempt, 1);
  std::ifstream count(engine.folder(job) + "/files/count");
  const std::string lines{std::istreambuf_iterator<char>(count), {}};
  EXPECT_EQ(lines, "once\n");
}

TEST_F(Engines, AnUnknownMachineIsRefusedAtOnce) {
  Engine engine({folder_, ""});
  try {
    engine.submit(ask({"true"}, {{"machine", "nowhere"}}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "there is no machine 'nowhere'");
  }
  EXPECT_TRUE(engine.store().unfinished().empty());
}

}  // namespace
}  // namespace jetlag::jobs
