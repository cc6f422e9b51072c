#include "jobs/queue/store.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/crypto/digest.h"
#include "base/error.h"
#include "hostile.h"

namespace jetlag::jobs {
namespace {

class Stores : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove_all(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static Request request(const std::string& name = "a") {
    Request r;
    r.name = name;
    r.command = {"true"};
    return r;
  }
  static Job add(Store& store, const std::string& json = R"({"command": ["true"]})") {
    return store.add(read_request(json), json);
  }
  std::string folder_ = testing::TempDir() + "jetlag-store-" + std::to_string(getpid());
};

TEST_F(Stores, KeepJobsFromOneDaemonToTheNext) {
  std::string id;
  {
    Store store(folder_);
    id = add(store).id;
    store.apply(id, 1, Event::ready, {});
  }
  Store store(folder_);

  EXPECT_EQ(store.get(id).life.state, State::staging);
  EXPECT_EQ(store.unfinished().size(), 1u);
  EXPECT_EQ(store.history(id).size(), 2u);
}

TEST_F(Stores, ASecondDaemonIsRefusedWithTheNumberOfTheFirst) {
  const Store first(folder_);
  try {
    const Store second(folder_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "another jetlag serve (process " + std::to_string(getpid()) +
                                   ") has the store " + folder_ + " open");
  }
}

TEST_F(Stores, OneOfALaterVersionIsRefused) {
  {
    const Store store(folder_);
  }
  {
    sql::Database(folder_ + "/jobs.sqlite").set_version(99);
  }
  try {
    const Store store(folder_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("was written by a later version of jetlag (layout 99"),
              std::string::npos);
  }
}

TEST_F(Stores, AnEventOfAnEarlierAttemptIsDropped) {
  Store store(folder_);
  const std::string id = add(store, R"({"command": ["true"], "attempts": 2})").id;
  for (const Event e : {Event::ready, Event::staged, Event::submitted, Event::started, Event::lost})
    ASSERT_TRUE(store.apply(id, 1, e, {}));

  EXPECT_FALSE(store.apply(id, 1, Event::staged, {}));
  EXPECT_EQ(store.get(id).life, (Life{State::staging, Outcome::unknown, 2, 2}));
}

TEST_F(Stores, AMessageIsStoredWithTheTransitionThatCausesIt) {
  Store store(folder_);
  const std::string id =
      add(store, R"({"command": ["true"], "notify": [{"target": "http://h/"}]})").id;

  store.apply(id, 1, Event::ready, {});
  EXPECT_TRUE(store.messages(id).empty());
  store.apply(id, 1, Event::cancel, {});

  ASSERT_EQ(store.due_messages(unix_time()).size(), 1u);
  const Message message = store.due_messages(unix_time())[0];
  EXPECT_NE(message.body.find("\"state\":\"cancelled\""), std::string::npos);
  store.not_sent(message.number, "refused", unix_time() + 100, false);
  EXPECT_TRUE(store.due_messages(unix_time()).empty());
  store.not_sent(message.number, "refused", 0, true);
  EXPECT_EQ(store.messages(id)[0].state, "dead");
}

TEST_F(Stores, AnyTextIsKeptAsItIs) {
  Store store(folder_);
  for (const std::string& text : hostile_texts()) {
    Request r = request(text);
    const Job job = store.add(r, R"({"command": ["true"]})");
    EXPECT_EQ(store.get(job.id).name, text);
  }
}

TEST_F(Stores, AnIdMayBeAbbreviatedWhereThatIsClear) {
  Store store(folder_);
  const std::string id = add(store).id;

  EXPECT_EQ(store.get(id.substr(0, 6)).id, id);
  EXPECT_THROW(store.get("zzzzzz"), Error);
  EXPECT_THROW(store.get("%"), Error);
}

// A process that is killed between any two transitions leaves a store that the
// next one opens, with each transition whole: state, history and message.
TEST_F(Stores, AKilledWriterLeavesWholeTransitions) {
  for (int round = 0; round < 12; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      Store store(folder_);
      while (true) {
        const std::string id =
            add(store, R"({"command": ["true"], "notify": [{"target": "http://h/"}]})").id;
        for (const Event e :
             {Event::ready, Event::staged, Event::submitted, Event::ended_well, Event::fetched})
          store.apply(id, 1, e, {});
      }
    }
    usleep(20'000 + 3'000 * round);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);

    Store store(folder_);
    Filter all;
    all.limit = 10'000;
    for (const Job& job : store.list(all)) {
      const std::vector<HistoryRow> history = store.history(job.id);
      ASSERT_FALSE(history.empty());
      EXPECT_EQ(history.back().state, job.life.state);
      EXPECT_EQ(static_cast<std::int64_t>(history.size()), job.changes);
      EXPECT_EQ(store.messages(job.id).size(), describe(job.life.state).final ? 1u : 0u);
    }
  }
}

TEST(Digests, AreThoseOfTheStandard) {
  EXPECT_EQ(crypto::sha256("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(crypto::from_base64("aGVsbG8="), "hello");
  EXPECT_EQ(crypto::from_base64(""), "");
  EXPECT_EQ(crypto::random_hex(8).size(), 16u);
  EXPECT_NE(crypto::random_hex(8), crypto::random_hex(8));
}

}  // namespace
}  // namespace jetlag::jobs
