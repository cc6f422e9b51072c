#include "jobs/queue/watch.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "jobs/queue/machine.h"
#include "jobs/queue/notify.h"
#include "jobs/transport/process.h"

namespace jetlag::jobs {
namespace {

Job in_state(State state) {
  Job job;
  job.life.state = state;
  return job;
}

Status started() { return read_status("start 100 n1 7\n"); }
Status ended(const std::string& more, int code) {
  return read_status("start 100 n1 7\n" + more + "end 160 " + std::to_string(code) + "\n");
}

TEST(Judge, TheScriptsOwnWordComesFirst) {
  const Request request;
  const Verdict well =
      judge(in_state(State::running), request, ended("", 0), nullptr, true, true, "");
  const Verdict badly =
      judge(in_state(State::running), request, ended("", 3), nullptr, true, true, "");

  EXPECT_EQ(well.event, Event::ended_well);
  EXPECT_EQ(badly.event, Event::ended_badly);
  EXPECT_EQ(badly.detail.reason, "it ended with exit code 3");
}

TEST(Judge, AJobThatWasToldToEndIsStoppedForItsTime) {
  Request request;
  request.seconds = 60;
  const Verdict v = judge(in_state(State::running), request, ended("signal 160 TERM\n", 143),
                          nullptr, true, true, "");

  EXPECT_EQ(v.event, Event::stopped);
  EXPECT_EQ(v.detail.reason, "it reached its time limit of 00:01:00");
}

TEST(Judge, WhoIsGoneIsLostOnlyAfterASecondLook) {
  const Request request;
  const Verdict first =
      judge(in_state(State::running), request, started(), nullptr, true, false, "");
  const Verdict later =
      judge(in_state(State::running), request, started(), nullptr, true, true, "");

  EXPECT_FALSE(first.event);
  EXPECT_TRUE(first.suspicious);
  EXPECT_EQ(later.event, Event::lost);
}

TEST(Judge, ASchedulerThatDoesNotAnswerLosesNobody) {
  const Verdict v = judge(in_state(State::running), Request(), started(), nullptr, false, true, "");

  EXPECT_FALSE(v.event);
  EXPECT_FALSE(v.suspicious);
}

TEST(Judge, WhatTheSchedulerSaysOfAWaitingJobIsItsReason) {
  const Seen seen{Seen::What::waiting, "it waits for free nodes (Resources)"};
  const Verdict v = judge(in_state(State::queued), Request(), {}, &seen, true, false, "");

  EXPECT_FALSE(v.event);
  EXPECT_EQ(v.detail.reason, "it waits for free nodes (Resources)");
}

TEST(Judge, AJobThatNeverBeganTellsWhatItsScriptSaid) {
  const Verdict v = judge(in_state(State::queued), Request(), {}, nullptr, true, true,
                          "job.sh: 3: cd: can't cd to /x\n");

  EXPECT_EQ(v.event, Event::lost);
  EXPECT_EQ(v.detail.reason,
            "it left the queue and never began; its script said: job.sh: 3: cd: can't cd to /x");
}

TEST(Poll, OneCommandBringsTheNewsOfAllFolders) {
  const std::string root = testing::TempDir() + "jetlag poll " + std::to_string(getpid());
  std::filesystem::create_directories(root + "/a");
  std::filesystem::create_directories(root + "/b");
  std::ofstream(root + "/a/status") << "start 100 n1 7\n";
  std::ofstream(root + "/a/stdout") << std::string("one\ntwo\0three", 13);
  std::ofstream(root + "/b/script.log") << "trouble\n";

  const Ran ran =
      run_program(poll_command(fork_scheduler,
                               {{root + "/a", {4, 0, 0}}, {root + "/b", {}}, {root + "/c", {}}}),
                  "", 20);
  const Answer answer = read_poll_answer(fork_scheduler, ran.out, 3);
  std::filesystem::remove_all(root);

  EXPECT_TRUE(answer.scheduler_answered);
  EXPECT_TRUE(answer.seen.contains(std::to_string(getpid())));
  EXPECT_EQ(answer.jobs[0].status, "start 100 n1 7\n");
  EXPECT_EQ(answer.jobs[0].pieces[0], std::string("two\0three", 9));
  EXPECT_EQ(answer.jobs[1].script_log, "trouble\n");
  EXPECT_FALSE(answer.jobs[2].answered);
}

TEST(Machines, ALookSaysWhatThereIsAndWhatIsMissing) {
  const std::string text = read_look(
      "home /home/me\nhost n1\nnow 1000\nroom 500\nwritable yes\nscheduler slurm\n"
      "partition debug*|up|1:00:00|4|2|4000|(null)\npython python3|3.9.2|1.20|-\n"
      "python python3.11|3.11.2|-|-\n",
      1500, 1);

  const std::string schedulers = R"("schedulers":["slurm"])";
  EXPECT_NE(text.find(schedulers), std::string::npos);
  const std::string partition =
      R"j("default":true,"gpus":"(null)","memory":"4000","name":"debug")j";
  EXPECT_NE(text.find(partition), std::string::npos);
  EXPECT_NE(text.find("python3.11 has no NumPy"), std::string::npos);
  EXPECT_NE(text.find("its clock differs by -500 s"), std::string::npos);
  EXPECT_NE(text.find("less than 1 GB is free"), std::string::npos);
  EXPECT_EQ(text.find("3.9.2"), std::string::npos);
}

TEST(Notices, AnAddressIsFilledInAndEncoded) {
  const std::string body = R"({"job": "ab", "state": "failed", "name": "a b&c\n'"})";

  EXPECT_EQ(filled_in("http://h/${JOB_ID}?s=${JOB_STATE}&n=${JOB_NAME}${OTHER}", body),
            "http://h/ab?s=failed&n=a%20b%26c%0A%27${OTHER}");
}

}  // namespace
}  // namespace jetlag::jobs
