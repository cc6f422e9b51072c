#include <gtest/gtest.h>

#include <random>
#include <set>

#include "jobs/job.h"

namespace jetlag::jobs {
namespace {

Event random_event(std::mt19937& random) { return static_cast<Event>(random() % event_count); }

TEST(Transitions, EveryStateStandsAtItsOwnRow) {
  ASSERT_EQ(states().size(), static_cast<std::size_t>(state_count));
  for (std::size_t i = 0; i < states().size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(states()[i].state), i);
    EXPECT_EQ(state_named(states()[i].name), states()[i].state);
  }
}

TEST(Transitions, AStateHasAnActionUnlessItIsFinal) {
  for (const StateRow& row : states())
    EXPECT_EQ(row.action == Action::nothing, row.final) << row.name;
}

TEST(Transitions, OneStateAndEventHaveOneRow) {
  std::set<std::pair<State, Event>> seen;
  for (const Transition& t : transitions())
    EXPECT_TRUE(seen.emplace(t.from, t.event).second)
        << describe(t.from).name << " " << event_name(t.event);
}

TEST(Transitions, NothingLeavesAFinalState) {
  for (const StateRow& row : states()) {
    if (!row.final) continue;
    for (int e = 0; e < event_count; ++e)
      EXPECT_FALSE(next({row.state, Outcome::good, 1, 3}, static_cast<Event>(e)));
  }
}

TEST(Transitions, EveryUnfinishedStateCanBeLeftAndReachesAnEnd) {
  // Backwards from the final states, until nothing is added.
  std::set<State> ends;
  for (const StateRow& row : states())
    if (row.final) ends.insert(row.state);
  ends.insert(State::fetching);  // Event::fetched leads to the outcome
  for (std::size_t before = 0; before != ends.size();) {
    before = ends.size();
    for (const Transition& t : transitions())
      if (ends.contains(t.to)) ends.insert(t.from);
  }
  EXPECT_EQ(ends.size(), states().size());
}

TEST(Transitions, AnyEventsLeaveALifeThatMakesSense) {
  std::mt19937 random(1);
  for (int run = 0; run < 2000; ++run) {
    Life life;
    life.attempts = 1 + static_cast<int>(random() % 4);
    bool cancelled = false;
    for (int i = 0; i < 60; ++i) {
      const Event event = random_event(random);
      const std::optional<Life> after = next(life, event);
      if (!after) continue;
      EXPECT_GE(after->attempt, life.attempt);
      EXPECT_LE(after->attempt, after->attempts);
      EXPECT_EQ(after->attempts, life.attempts + (event == Event::vanished ? 1 : 0));
      if (after->attempt != life.attempt) {
        EXPECT_EQ(after->state, State::staging);
      }
      cancelled |= event == Event::cancel;
      // After the user's word no attempt begins any more.
      if (cancelled) {
        EXPECT_EQ(after->attempt, life.attempt);
      }
      life = *after;
      if (life.state == State::finished) {
        EXPECT_EQ(life.outcome, Outcome::good);
      }
      if (life.state == State::cancelled) {
        EXPECT_EQ(life.outcome, Outcome::cancelled);
      }
      if (life.state == State::failed) {
        EXPECT_EQ(life.outcome, Outcome::bad);
      }
    }
  }
}

TEST(Transitions, ALostJobIsBegunAgainAsOftenAsItMay) {
  Life life{State::running, Outcome::unknown, 1, 2};

  life = *next(life, Event::lost);
  EXPECT_EQ(life, (Life{State::staging, Outcome::unknown, 2, 2}));
  life.state = State::running;
  life = *next(life, Event::lost);

  EXPECT_EQ(life, (Life{State::fetching, Outcome::bad, 2, 2}));
}

TEST(Transitions, AJobThatTheSchedulerForgotHasAllItsAttempts) {
  const Life life{State::queued, Outcome::unknown, 1, 1};

  EXPECT_EQ(next(life, Event::vanished), (Life{State::staging, Outcome::unknown, 2, 2}));
}

TEST(Transitions, AWithdrawalThatComesLateMeansNothing) {
  EXPECT_EQ(next({State::cancelling, Outcome::unknown, 1, 1}, Event::withdrawn)->state,
            State::cancelled);
  EXPECT_FALSE(next({State::fetching, Outcome::cancelled, 1, 1}, Event::withdrawn));
}

TEST(Transitions, AJobThatEndedBeforeItWasStoppedHasEndedAsItEnded) {
  const Life life{State::cancelling, Outcome::unknown, 1, 1};

  EXPECT_EQ(next(life, Event::ended_well)->outcome, Outcome::good);
  EXPECT_EQ(next(life, Event::ended_badly)->outcome, Outcome::cancelled);
}

}  // namespace
}  // namespace jetlag::jobs
