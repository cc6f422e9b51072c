// What a job is: what was asked for, and the life it leads.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jetlag::jobs {

// ---- life

enum class State : std::uint8_t {
  pending,     // waits for the jobs that it comes after
  staging,     // its files are brought to the machine
  submitting,  // it is handed to the scheduler there
  queued,
  running,
  fetching,  // it has ended; its files come back
  cancelling,
  finished,
  failed,
  cancelled,
};
constexpr int state_count = 10;

enum class Event : std::uint8_t {
  ready,       // nothing it comes after is unfinished
  hopeless,    // what it comes after failed
  staged,      // its files are there
  submitted,   // the scheduler has it
  started,     // its script runs
  ended_well,  // with exit code 0
  ended_badly,
  stopped,    // the scheduler ended it: time, memory, an operator
  lost,       // it is gone, and its script said nothing: a node died, or the machine
  vanished,   // the scheduler has forgotten it before it began
  withdrawn,  // its attempt will never begin: the claim is ours
  refused,    // what cannot be staged, submitted or fetched, now or later
  fetched,
  cancel,  // the user's word
};
constexpr int event_count = 14;

// What must be done in a state, until an event tells that it is done. Each may
// be done twice, as happens when the daemon is killed after it and before the
// event was stored.
enum class Action : std::uint8_t { nothing, wait, stage, submit, watch, fetch, stop };

// How the run itself ended; known from then on, while files come back.
enum class Outcome : std::uint8_t { unknown, good, bad, cancelled };

struct Life {
  State state = State::pending;
  Outcome outcome = Outcome::unknown;
  int attempt = 1;
  int attempts = 1;  // how often it may be begun at most
  bool operator==(const Life&) const = default;
};

// One row of the table of states.
struct StateRow {
  State state;
  std::string_view name;
  Action action;
  bool final;
  std::string_view doc;
};
std::span<const StateRow> states();
const StateRow& describe(State state);
std::optional<State> state_named(std::string_view name);

std::string_view event_name(Event event);

// One row of the table of transitions.
struct Transition {
  State from;
  Event event;
  State to;
  Outcome outcome;  // unknown: as it was
  bool again;       // a new attempt if one is left, else `to`
};
std::span<const Transition> transitions();

// The life after an event; nothing if the event means nothing in this state:
// it comes late, and is dropped. Depends on nothing else.
std::optional<Life> next(const Life& life, Event event);

// ---- request

// A file that a job begins with: where it lies in the job's folder, and what is in it.
struct Input {
  std::string path;
  std::string digest;  // crypto::FileDigest; the file with this name in the store's blobs
};

struct Notice {
  std::string target;  // http(s)://… or mailto:…
  std::vector<State> on;
};

struct Request {
  std::string id;  // of the client's choosing, so that what is asked twice is one job; or empty
  std::string name;
  std::string machine = "local";
  bool is_function = false;  // of Python: on `local`, a resident Python runs it
  std::vector<std::string> command;
  std::optional<std::string>
      image;  // in which the command runs; empty: none; absent: the machine's
  std::vector<Input> inputs;
  std::vector<std::string> outputs;  // patterns of names in the job's folder
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<std::string> after;  // ids of jobs
  std::vector<Notice> notify;
  int attempts = 1;
  std::string key;  // equal for equal calls; empty: never answered from an earlier one
  // Jobs of one group, so many, differ in their files alone: a scheduler may take them at once.
  std::string group;
  std::int64_t group_size = 0;

  std::int64_t nodes = 1;
  std::int64_t tasks = 0;    // processes a node; 0: the machine's word
  std::int64_t cores = 0;    // of a process
  std::int64_t memory = 0;   // MB of a node
  std::int64_t gpus = 0;     // of a node
  std::int64_t seconds = 0;  // of wall time
  std::string account;
  std::string partition;
  std::string reservation;
  std::vector<std::string> directives;  // for the scheduler, as the user wrote them

  std::string note;  // JSON of the client's own
};

// Throws Error(value) if JSON is nested so deep that writing it out again would use up the stack.
void check_depth(std::string_view json);

// Reads what a client sends; throws Error(value) with the field that is wrong.
Request read_request(std::string_view json);

}  // namespace jetlag::jobs
