#include <algorithm>
#include <array>

#include "jobs/job.h"

namespace jetlag::jobs {

namespace {

constexpr StateRow state_table[] = {
    {State::pending, "pending", Action::wait, false, "waits for the jobs that it comes after"},
    {State::staging, "staging", Action::stage, false, "its files are brought to the machine"},
    {State::submitting, "submitting", Action::submit, false, "it is handed to the scheduler"},
    {State::queued, "queued", Action::watch, false, "the scheduler has it"},
    {State::running, "running", Action::watch, false, "its script runs"},
    {State::fetching, "fetching", Action::fetch, false, "it has ended, and its files come back"},
    {State::cancelling, "cancelling", Action::stop, false, "it is being stopped"},
    {State::finished, "finished", Action::nothing, true, "it ended well, and its files are here"},
    {State::failed, "failed", Action::nothing, true, "it did not end well; the reason says why"},
    {State::cancelled, "cancelled", Action::nothing, true, "the user stopped it"},
};

constexpr std::array<std::string_view, event_count> event_names = {
    "ready",   "hopeless", "staged",   "submitted", "started", "ended_well", "ended_badly",
    "stopped", "lost",     "vanished", "withdrawn", "refused", "fetched",    "cancel"};

using enum State;
constexpr auto as_it_was = Outcome::unknown;

constexpr Transition table[] = {
    {pending, Event::ready, staging, as_it_was, false},
    {pending, Event::hopeless, failed, Outcome::bad, false},
    {pending, Event::cancel, cancelled, Outcome::cancelled, false},

    {staging, Event::staged, submitting, as_it_was, false},
    {staging, Event::refused, failed, Outcome::bad, false},
    {staging, Event::cancel, cancelled, Outcome::cancelled, false},

    // A job that runs at once may be seen running, or ended, before the answer
    // of the scheduler has been stored.
    {submitting, Event::submitted, queued, as_it_was, false},
    {submitting, Event::started, running, as_it_was, false},
    {submitting, Event::ended_well, fetching, Outcome::good, false},
    {submitting, Event::ended_badly, fetching, Outcome::bad, false},
    {submitting, Event::refused, failed, Outcome::bad, false},
    {submitting, Event::cancel, cancelling, as_it_was, false},

    {queued, Event::started, running, as_it_was, false},
    {queued, Event::ended_well, fetching, Outcome::good, false},
    {queued, Event::ended_badly, fetching, Outcome::bad, false},
    {queued, Event::stopped, fetching, Outcome::bad, false},
    {queued, Event::lost, fetching, Outcome::bad, true},
    {queued, Event::vanished, staging, as_it_was, true},
    {queued, Event::refused, failed, Outcome::bad, false},
    {queued, Event::cancel, cancelling, as_it_was, false},

    {running, Event::ended_well, fetching, Outcome::good, false},
    {running, Event::ended_badly, fetching, Outcome::bad, false},
    {running, Event::stopped, fetching, Outcome::bad, false},
    {running, Event::lost, fetching, Outcome::bad, true},
    {running, Event::refused, failed, Outcome::bad, false},
    {running, Event::cancel, cancelling, as_it_was, false},

    // The answer of the scheduler came after the user's word: now it is known whom to stop.
    {cancelling, Event::submitted, cancelling, as_it_was, false},
    // Whoever ended before the word reached it has ended as it ended.
    {cancelling, Event::ended_well, fetching, Outcome::good, false},
    {cancelling, Event::ended_badly, fetching, Outcome::cancelled, false},
    {cancelling, Event::stopped, fetching, Outcome::cancelled, false},
    {cancelling, Event::lost, fetching, Outcome::cancelled, false},
    {cancelling, Event::vanished, cancelled, Outcome::cancelled, false},
    {cancelling, Event::withdrawn, cancelled, Outcome::cancelled, false},
    {cancelling, Event::refused, cancelled, Outcome::cancelled, false},

    {fetching, Event::refused, failed, Outcome::bad, false},
};

State last_state(Outcome outcome) {
  if (outcome == Outcome::good) return finished;
  return outcome == Outcome::cancelled ? cancelled : failed;
}

}  // namespace

std::span<const StateRow> states() { return state_table; }

const StateRow& describe(State state) { return state_table[static_cast<std::size_t>(state)]; }

std::optional<State> state_named(std::string_view name) {
  for (const StateRow& row : state_table)
    if (row.name == name) return row.state;
  return {};
}

std::string_view event_name(Event event) { return event_names[static_cast<std::size_t>(event)]; }

std::span<const Transition> transitions() { return table; }

std::optional<Life> next(const Life& life, Event event) {
  Life after = life;
  if (life.state == fetching && event == Event::fetched) {
    after.state = last_state(life.outcome);
    return after;
  }
  const auto* row = std::find_if(std::begin(table), std::end(table), [&](const Transition& t) {
    return t.from == life.state && t.event == event;
  });
  if (row == std::end(table)) return {};
  // What never began was no beginning.
  if (event == Event::vanished) ++after.attempts;
  if (row->again && life.attempt < after.attempts) {
    after.state = staging;
    after.attempt = life.attempt + 1;
    return after;
  }
  after.state = row->to;
  if (row->outcome != Outcome::unknown) after.outcome = row->outcome;
  return after;
}

}  // namespace jetlag::jobs
