#include "trace/policy/policy.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "../error_of.h"
#include "trace/record/record.h"
#include "trace/store/trace.h"

namespace jetlag::policy {
namespace {

constexpr std::int64_t soon_ns = 1'000'000;
constexpr std::int64_t long_ns = 20'000'000'000;

class Policies : public testing::Test {
 protected:
  ~Policies() override {
    for (const Status& s : list()) remove(s.name);
    stop();
  }

  static Policy policy(const std::string& name, Trigger trigger = Trigger::user) {
    Policy p;
    p.name = name;
    p.trigger = trigger;
    p.every_ns = soon_ns;
    p.act = [](const Cause&) { return "acted"; };
    return p;
  }
  // The firings of the policy, once there are so many.
  static std::vector<Firing> firings(const std::string& name, std::size_t wanted) {
    std::vector<Firing> found;
    for (int looks = 0; looks < 20'000 && found.size() < wanted; ++looks) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      found.clear();
      for (Firing& f : log()) {
        if (f.policy == name) found.push_back(std::move(f));
      }
    }
    EXPECT_GE(found.size(), wanted);
    return found;
  }
};

TEST_F(Policies, ActWhenTheUserFiresThemOnAThreadOfTheirOwn) {
  std::thread::id where;
  Policy p = policy("by hand");
  p.act = [&](const Cause& c) {
    where = std::this_thread::get_id();
    return format("saw {}", c.value);
  };
  add(std::move(p));

  fire("by hand", 2.5);

  ASSERT_TRUE(wait(long_ns));
  const Firing firing = log().back();
  EXPECT_EQ(firing.did, "saw 2.5");
  EXPECT_EQ(firing.cause.trigger, Trigger::user);
  EXPECT_NE(where, std::this_thread::get_id());
  EXPECT_EQ(list()[0].fired, 1);
}

TEST_F(Policies, ThatNobodyKnowsCannotBeFired) {
  add(policy("one"));

  EXPECT_EQ(error_of([] { fire("two", 0); }),
            "name: there is no policy 'two'\n    hint: there are one");
  EXPECT_FALSE(remove("two"));
  EXPECT_TRUE(remove("one"));
  EXPECT_EQ(error_of([] { fire("one", 0); }),
            "name: there is no policy 'one'\n    hint: there is none at all");
}

TEST_F(Policies, OfOneNameTakeEachOthersPlace) {
  add(policy("same"));
  Policy other = policy("same");
  other.act = [](const Cause&) { return "the other"; };
  add(std::move(other));

  fire("same", 0);

  ASSERT_TRUE(wait(long_ns));
  EXPECT_EQ(log().back().did, "the other");
  EXPECT_EQ(list().size(), 1u);
}

TEST_F(Policies, WithAPeriodActAgainAndAgain) {
  add(policy("tick", Trigger::period));

  EXPECT_EQ(firings("tick", 5)[4].cause.trigger, Trigger::period);
}

TEST_F(Policies, OnAWindowActWhenItHolds) {
  std::atomic<int> read{0};
  Policy p = policy("rising", Trigger::window);
  p.window = 3;
  p.counter = [&] { return static_cast<double>(read++); };
  p.when = [](std::span<const double> values) {
    return values[0] + 1 == values[1] && values[2] == 7;
  };
  add(std::move(p));

  const Firing firing = firings("rising", 1)[0];

  EXPECT_EQ(firing.cause.value, 7);
  EXPECT_EQ(list()[0].fired, 1);
}

TEST_F(Policies, HearEventsWhetherOrNotATraceIsRecorded) {
  Policy p = policy("marks", Trigger::event);
  p.event = trace::Event::mark;
  p.of = "mine";
  add(std::move(p));
  const trace::SiteId mine = trace::define({.name = "mine"});
  const trace::SiteId other = trace::define({.name = "other"});
  EXPECT_EQ(trace::recording_path(), "");

  trace::put(trace::Event::mark, other, 0, 0);
  trace::put(trace::Event::mark, mine, 0, 0);
  const Firing quiet = firings("marks", 1)[0];

  EXPECT_EQ(quiet.cause.name, "mine");
  EXPECT_EQ(quiet.cause.count, 1);
  std::string folder = testing::TempDir() + "policy-XXXXXX";
  const std::string file = std::string(mkdtemp(folder.data())) + "/run.jlt";
  trace::start_recording(file);
  trace::put(trace::Event::mark, mine, 0, 0);
  EXPECT_EQ(firings("marks", 2).size(), 2u);
  EXPECT_EQ(trace::stop_recording().path, file);
  // After it as before.
  trace::put(trace::Event::mark, mine, 0, 0);
  EXPECT_EQ(firings("marks", 3).size(), 3u);
  const trace::Trace t = trace::load(file);
  std::filesystem::remove_all(folder);
  const auto fired = std::find_if(t.points.begin(), t.points.end(), [](const trace::Point& q) {
    return q.event == trace::Event::fire;
  });
  ASSERT_NE(fired, t.points.end());
  EXPECT_EQ(t.sites[static_cast<std::size_t>(fired->site)].name, "policy marks");
}

TEST_F(Policies, ThatThrowAreOffAndSayWhy) {
  Policy p = policy("bad");
  p.act = [](const Cause&) -> std::string { throw std::runtime_error("no such knob"); };
  add(std::move(p));
  Policy window = policy("bad counter", Trigger::window);
  window.counter = []() -> double { throw std::runtime_error("gone"); };
  window.when = [](std::span<const double>) { return true; };
  add(std::move(window));
  add(policy("good"));

  fire("bad", 0);
  fire("bad", 0);
  fire("good", 0);

  ASSERT_TRUE(wait(long_ns));
  EXPECT_EQ(log().back().policy, "good");
  for (int looks = 0; looks < 20'000 && list()[1].on; ++looks)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const std::vector<Status> rows = list();
  EXPECT_FALSE(rows[0].on);
  EXPECT_EQ(rows[0].fired, 1);
  EXPECT_EQ(rows[0].trouble, "no such knob");
  EXPECT_FALSE(rows[1].on);
  EXPECT_EQ(rows[1].trouble, "gone");
}

TEST_F(Policies, WhosePartsDoNotFitAreRefused) {
  const auto refused = [](Policy p) { return error_of([&] { add(std::move(p)); }); };

  EXPECT_EQ(refused(policy("")), "value: a policy needs a name");
  Policy fast = policy("fast", Trigger::period);
  fast.every_ns = 10;
  EXPECT_EQ(refused(fast), "value: policy 'fast': its period must be a millisecond or more");
  EXPECT_EQ(refused(policy("deaf", Trigger::event)), "value: policy 'deaf': it names no event");
}

TEST_F(Policies, ThatAreAddedWhileAnotherIsLookedAtNeedNotWaitForIt) {
  std::atomic<int> fired{0}, looks{0}, fired_at_second_look{-1};
  // Long enough for a machine that is busy.
  Policy slow = policy("slow", Trigger::window);
  slow.every_ns = 1'000'000'000;
  slow.counter = [&] {
    if (++looks == 1) {
      Policy quick = policy("quick", Trigger::period);
      quick.act = [&](const Cause&) { return format("{}", ++fired); };
      add(std::move(quick));
    } else if (looks == 2) {
      fired_at_second_look = fired.load();
    }
    return 0.0;
  };
  slow.when = [](std::span<const double>) { return false; };

  add(std::move(slow));

  while (fired_at_second_look < 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_GT(fired_at_second_look, 0);
}

TEST_F(Policies, MayAddAndRemovePoliciesThemselves) {
  Policy p = policy("parent");
  p.act = [](const Cause&) {
    add(policy("child"));
    fire("child", 1);
    remove("parent");
    return "";
  };
  add(std::move(p));

  fire("parent", 0);

  EXPECT_EQ(firings("child", 1)[0].did, "acted");
  ASSERT_EQ(list().size(), 1u);
  EXPECT_EQ(list()[0].name, "child");
}

}  // namespace
}  // namespace jetlag::policy
