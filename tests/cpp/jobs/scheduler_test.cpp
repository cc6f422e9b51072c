#include "jobs/scheduler/scheduler.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "hostile.h"
#include "jobs/transport/process.h"

namespace jetlag::jobs {
namespace {

Request plain() {
  Request request;
  request.command = {"true"};
  return request;
}

Placed at(const Request& request) { return {"0123456789abcdef", 1, "/home/me/job", &request, {}}; }

TEST(Schedulers, AreFoundByName) {
  for (const Scheduler* s : schedulers()) EXPECT_EQ(&scheduler_named(s->name), s);
  EXPECT_THROW(scheduler_named("lsf"), Error);
}

// ---- slurm, as Slurm 22.05 says it

TEST(Slurm, TheAnswerOfSbatchIsTheNumber) {
  const Request request = plain();
  EXPECT_EQ(slurm_scheduler.read_submit(at(request), {0, false, "18\n", ""}), "18");
  EXPECT_EQ(slurm_scheduler.read_submit(at(request), {0, false, "18;cluster\n", ""}), "18");
}

TEST(Slurm, ARefusalIsToldInItsWords) {
  Request request = plain();
  request.partition = "gpu";
  const Ran ran{1, false, "",
                "sbatch: error: invalid partition specified: gpu\n"
                "sbatch: error: Batch job submission failed: Invalid partition name specified\n"};
  try {
    slurm_scheduler.read_submit(at(request), ran);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::runtime);
    EXPECT_EQ(error.message(), "sbatch: Invalid partition name specified");
    EXPECT_EQ(error.hint(), "it asks for partition gpu");
  }
}

TEST(Slurm, ADaemonThatIsAwayRefusesNothing) {
  const Request request = plain();
  const Ran ran{1, false, "",
                "sbatch: error: Batch job submission failed: Unable to contact slurm controller "
                "(connect failure)\n"};
  try {
    slurm_scheduler.read_submit(at(request), ran);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::io);
  }
}

TEST(Slurm, APollTellsStatesAndReasons) {
  const auto seen = slurm_scheduler.read_poll(
      "18|PENDING|Resources\n19|RUNNING|None\n20_2|TIMEOUT|TimeLimit\n21|NODE_FAIL|None\n"
      "22|PENDING|PartitionTimeLimit\n23|PENDING|SomethingNew\n");

  EXPECT_EQ(seen.at("18").what, Seen::What::waiting);
  EXPECT_EQ(seen.at("18").reason, "it waits for free nodes (Resources)");
  EXPECT_EQ(seen.at("19").what, Seen::What::running);
  EXPECT_EQ(seen.at("20_2").what, Seen::What::stopped);
  EXPECT_EQ(seen.at("21").what, Seen::What::lost);
  EXPECT_EQ(seen.at("22").reason,
            "it asks for more time than its partition allows (PartitionTimeLimit)");
  EXPECT_EQ(seen.at("23").reason, "SomethingNew");
}

TEST(Slurm, TheScriptAsksForWhatTheUserAskedFor) {
  Request request = plain();
  request.nodes = 2;
  request.seconds = 600;
  request.memory = 100;
  request.gpus = 1;
  request.account = "a1";
  request.directives = {"--exclusive"};

  const std::string text = slurm_scheduler.directives(at(request));

  EXPECT_EQ(text,
            "#SBATCH --job-name=jl-0123456789ab-1\n#SBATCH --no-requeue\n"
            "#SBATCH --output=script.log\n#SBATCH --error=script.log\n#SBATCH --open-mode=append\n"
            "#SBATCH --nodes=2\n#SBATCH --mem=100M\n#SBATCH --gpus-per-node=1\n"
            "#SBATCH --time=00:10:00\n#SBATCH --account=a1\n#SBATCH --exclusive\n");
}

// ---- PBS

TEST(Slurm, AnArrayLeadsEachElementToItsJob) {
  Request request;
  request.seconds = 90;
  const std::vector<Placed> jobs = {{"a1", 1, "/r/it's a", &request, {}, "script.log"},
                                    {"b2", 1, "/r/b", &request, {}, "script.log"}};

  const std::string script = array_script(slurm_scheduler, jobs);

  EXPECT_NE(script.find("#SBATCH --time=00:01:30\n"), std::string::npos) << script;
  EXPECT_NE(script.find("#SBATCH --output=%a.log\n"), std::string::npos) << script;
  EXPECT_NE(script.find("\n0) exec sh '/r/it'\\''s a'/job.sh ;;\n"), std::string::npos) << script;
  EXPECT_NE(script.find("\n1) exec sh /r/b/job.sh ;;\n"), std::string::npos) << script;
  EXPECT_EQ(slurm_scheduler.element("18", 1), "18_1");
}

TEST(Pbs, APollTellsStatesAndReasons) {
  const auto seen = pbs_scheduler.read_poll(
      "Job Id: 41.server\n    Job_Name = jl\n    job_state = Q\n"
      "    comment = Not Running: Not enough of the right type\n\t of nodes are available\n"
      "    queue = batch\n\nJob Id: 42.server\n    job_state = R\n\n"
      "Job Id:\t43\n\tjob_state = C\n");

  EXPECT_EQ(seen.at("41.server").what, Seen::What::waiting);
  EXPECT_EQ(seen.at("41.server").reason,
            "Not Running: Not enough of the right type of nodes are available");
  EXPECT_EQ(seen.at("42.server").what, Seen::What::running);
}

TEST(Pbs, TheAnswerOfQsubIsTheName) {
  const Request request = plain();
  EXPECT_EQ(pbs_scheduler.read_submit(at(request), {0, false, "41.server\n", ""}), "41.server");
  EXPECT_THROW(pbs_scheduler.read_submit(at(request), {1, false, "", "qsub: Unknown queue\n"}),
               Error);
}

// ---- scripts

class Scripts : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "jetlag script's " + std::to_string(getpid());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ + "/files");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string read(const std::string& name) const {
    std::ifstream in(folder_ + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  Ran run(const Request& request) {
    const Placed job{"0123456789abcdef", 1, folder_, &request, {}};
    std::ofstream(folder_ + "/job.sh") << job_script(fork_scheduler, job);
    return run_program({"sh", folder_ + "/job.sh"}, "", 20);
  }
  std::string folder_;
};

TEST_F(Scripts, GiveArgumentsAndVariablesUnchanged) {
  Request request;
  request.command = {"sh", "-c", "printf '%s\\0' \"$@\"; printf '%s' \"$ODD\" >&2", "sh"};
  const std::vector<std::string> texts = hostile_texts();
  request.command.insert(request.command.end(), texts.begin(), texts.end());
  request.environment = {{"ODD", "a'$(id)\n\"b"}};

  EXPECT_EQ(run(request).code, 0);

  std::string expected;
  for (const std::string& text : texts) expected += text + '\0';
  EXPECT_EQ(read("stdout"), expected);
  EXPECT_EQ(read("stderr"), "a'$(id)\n\"b");
}

TEST_F(Scripts, SayThatTheyBeganAndHowTheyEnded) {
  Request request;
  request.command = {"sh", "-c", "exit 7"};

  const Ran ran = run(request);
  const Status status = read_status(read("status"));

  EXPECT_EQ(ran.code, 7);
  EXPECT_TRUE(status.started && status.ended);
  EXPECT_EQ(status.code, 7);
  EXPECT_FALSE(status.host.empty());
  EXPECT_GE(status.end, status.start);
}

TEST_F(Scripts, ASecondStartDoesNothing) {
  Request request;
  request.command = {"sh", "-c", "echo once >> count"};

  run(request);
  const Ran second = run(request);

  EXPECT_EQ(second.code, 0);
  EXPECT_EQ(read("files/count"), "once\n");
  EXPECT_NE(read("status").find("again "), std::string::npos);
}

TEST_F(Scripts, ASignalReachesTheCommandAndIsTold) {
  Request request;
  request.command = {"sh", "-c", "kill -TERM $PPID; exec sleep 100"};

  run(request);
  const Status status = read_status(read("status"));

  EXPECT_TRUE(status.ended);
  EXPECT_EQ(status.code, 143);
  EXPECT_EQ(status.signal, "TERM");
}

TEST(Status, ALineThatIsCutOffCountsForNothing) {
  EXPECT_FALSE(read_status("start 17 host 5\nend 19").ended);
  EXPECT_FALSE(read_status("start 17 host 5\nend 19 ").ended);
  EXPECT_TRUE(read_status("start 17 host 5\nend 19 0").ended);
}

TEST(Durations, AreReadAsSchedulersWriteThem) {
  EXPECT_EQ(read_duration("00:10:00"), 600);
  EXPECT_EQ(read_duration("2-00:00:01"), 172'801);
  EXPECT_EQ(read_duration("30:00"), 1800);
  EXPECT_EQ(read_duration("soon"), -1);
  EXPECT_EQ(duration_text(172'801), "48:00:01");
}

}  // namespace
}  // namespace jetlag::jobs
