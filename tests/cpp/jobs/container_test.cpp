#include "jobs/container/container.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "hostile.h"
#include "jobs/scheduler/scheduler.h"
#include "jobs/transport/process.h"
#include "jobs/transport/quote.h"

namespace jetlag::jobs {
namespace {

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const Runner& runner : runners()) names.emplace_back(runner.name);
  return names;
}

const Boxed some = {"IMAGE", {"--more"}, "/root/jobs/1f-2", {{"A", "b c"}}, {"prog", "-x"}};

std::string line(const char* runner) { return command_line(runner_named(runner).enter(some)); }

constexpr const char* inside =
    "env -u PYTHONPATH -u PYTHONHOME -u VIRTUAL_ENV 'JETLAG_FOLDER=/mnt/jobs/1f-2' "
    "'JETLAG_IMAGE=IMAGE' 'A=b c' ";

TEST(Runners, AreFoundByName) {
  for (const Runner& runner : runners()) EXPECT_EQ(&runner_named(runner.name), &runner);
  EXPECT_THROW(runner_named("docker"), Error);
}

// No such program can be had here, so this line is all that is known of it.
TEST(Runners, ApptainerIsCalledLikeThis) {
  EXPECT_EQ(line("apptainer"),
            std::string("apptainer exec --bind ../../..:/mnt --pwd /mnt/jobs/1f-2/files --more "
                        "IMAGE ") +
                inside + "prog -x");
  EXPECT_EQ(line("singularity").substr(11), line("apptainer").substr(9));
}

TEST(Runners, CharliecloudIsCalledLikeThis) {
  EXPECT_EQ(line("charliecloud"),
            std::string("ch-run '--bind=../../..:/mnt' '--cd=/mnt/jobs/1f-2/files' --more "
                        "IMAGE -- ") +
                inside + "prog -x");
}

TEST(Runners, PodmanIsCalledLikeThis) {
  const std::string text = line("podman");

  EXPECT_TRUE(text.starts_with("podman run --rm ")) << text;
  EXPECT_NE(text.find(std::string(" --more IMAGE ") + inside + "sh -c "), std::string::npos)
      << text;
  EXPECT_TRUE(text.ends_with(" sh prog -x")) << text;
}

TEST(Runners, OneIsChosenByWhatItTakes) {
  EXPECT_EQ(runner_for("/images/py", all_names()).name, "apptainer");
  EXPECT_EQ(runner_for("/images/py.sqfs", {"charliecloud", "podman"}).name, "charliecloud");
  EXPECT_EQ(runner_for("docker.io/library/python:3.12", {"podman", "charliecloud"}).name, "podman");
  EXPECT_EQ(runner_for("docker://python:3.12", all_names()).name, "apptainer");
  EXPECT_EQ(runner_for("python", {"charliecloud"}).name, "charliecloud");
}

TEST(Runners, WhatNoneTakesIsTold) {
  try {
    runner_for("/images/py.sif", {"charliecloud", "podman"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "nothing there takes '/images/py.sif'");
    EXPECT_EQ(error.hint(),
              "charliecloud takes a folder or a .sqfs file; podman takes the name of an image");
  }
  try {
    runner_for("python", {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "there is no program that runs images");
    EXPECT_EQ(error.hint(), "jetlag knows apptainer, singularity, charliecloud, podman");
  }
}

// ---- as scripts, with programs in the place of those that run images

class Boxes : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "jetlag box's, a:b " + std::to_string(getpid());
    bin_ = testing::TempDir() + "jetlag-bin-" + std::to_string(getpid());
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(bin_);
    std::filesystem::create_directories(root_ + "/jobs/1f-2/files");
    path_ = std::getenv("PATH");
    setenv("PATH", (bin_ + ":" + path_).c_str(), 1);
  }
  void TearDown() override {
    setenv("PATH", path_.c_str(), 1);
    std::filesystem::remove_all(root_);
    std::filesystem::remove_all(bin_);
  }

  std::string folder() const { return root_ + "/jobs/1f-2"; }
  std::string read(const std::string& name) const {
    std::ifstream in(folder() + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void have(const std::string& script) {
    const std::string program = bin_ + "/" + std::string(runner().program);
    std::ofstream(program) << "#!/bin/sh\n" << script;
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  }
  const Runner& runner() const { return runner_named(GetParam()); }
  Ran run(const Request& request, const std::string& image,
          const std::vector<std::string>& options = {}) {
    Placed job{"1f", 2, folder(), &request, {}};
    job.runner = &runner();
    job.image = image;
    job.runner_options = options;
    std::filesystem::remove_all(folder() + "/claim");
    std::filesystem::remove(folder() + "/alive");
    std::ofstream(folder() + "/job.sh") << job_script(fork_scheduler, job);
    return run_program({"sh", folder() + "/job.sh"}, "", 20);
  }

  std::string root_, bin_, path_;
};

INSTANTIATE_TEST_SUITE_P(Runners, Boxes, testing::ValuesIn(all_names()));

TEST_P(Boxes, GetEveryWordUnchanged) {
  have("printf '%s\\0' \"$0\" \"$@\"");
  const std::vector<std::string> texts = hostile_texts();
  Request request;
  request.command = {"program"};
  request.command.insert(request.command.end(), texts.begin(), texts.end());
  for (std::size_t i = 0; i < texts.size(); ++i)
    request.environment.emplace_back(format("V{}", i), texts[i]);

  for (const std::string& image : texts) {
    run(request, image, texts);

    std::string expected = bin_ + "/" + std::string(runner().program) + '\0';
    const std::vector<std::string> argv =
        runner().enter({image, texts, folder(), request.environment, request.command});
    for (std::size_t i = 1; i < argv.size(); ++i) expected += argv[i] + '\0';
    ASSERT_EQ(read("stdout"), expected) << image;
  }
}

TEST_P(Boxes, FindTheFolderOfAllJobsWhereTheyAreCalled) {
  have("cd ../../.. && pwd");
  Request request;
  request.command = {"program"};

  EXPECT_EQ(run(request, "x").code, 0);

  EXPECT_EQ(read("stdout"), std::filesystem::canonical(root_).string() + "\n");
}

TEST_P(Boxes, SayWhyAnImageDoesNotRun) {
  have("echo more >&2; echo 'no such image' >&2; exit 125");
  Request request;
  request.command = {"program"};

  EXPECT_EQ(run(request, "a'b").code, 125);

  const std::string why = read_status(read("status")).why;
  EXPECT_TRUE(why.starts_with("image a'b, run by " + GetParam() + " on ")) << why;
  EXPECT_TRUE(why.ends_with(": no such image")) << why;
}

TEST_P(Boxes, AreToldToEndWhateverTheirRunnerSaysOfIt) {
  have("trap 'exit 0' TERM; kill -TERM $PPID; while :; do sleep 0.1; done");
  Request request;
  request.command = {"program"};

  run(request, "x");

  const Status status = read_status(read("status"));
  EXPECT_EQ(status.signal, "TERM");
  EXPECT_EQ(status.code, runner().hides_signals ? 143 : 0);
}

TEST_P(Boxes, SayNothingOfAnImageWhoseCommandFails) {
  // Its trial, which looks for the program, succeeds.
  have("case \"$*\" in *'command -v'*) exit 0;; esac; exit 3");
  Request request;
  request.command = {"program"};

  EXPECT_EQ(run(request, "x").code, 3);

  EXPECT_EQ(read_status(read("status")).why, "");
}

}  // namespace
}  // namespace jetlag::jobs
