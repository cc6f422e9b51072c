// Loops as machine code: which loops are worth it, what was compiled for them, and how the
// lane enters and leaves it. The interpreter stays the truth: compiled code leaves at any
// operation that it cannot do exactly, and the interpreter goes on from that very operation.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>

#include "compiler/jit/loop_source.h"
#include "compiler/loops/specialise.h"

namespace jetlag::exec {

class Lane;
struct Frame;
enum class Flow : std::uint8_t { next, leave, break_, continue_ };

// A loop compiled for certain kinds of variables.
struct NativeCode {
  // Null if it was declined. Another one from one moment to the next, but never null again.
  loops::Machine machine() const { return code ? code->best() : nullptr; }

  std::shared_ptr<const loops::Program> program;
  std::shared_ptr<const jit::LoopCode> code;
  std::vector<bool> stored;  // which arrays it writes
  std::string why_not;
};

// What is known of one loop of the text.
struct LoopRecord {
  std::shared_ptr<const loops::Flat> flat;
  int loop = -1;
  std::atomic<std::int64_t> rounds{0};
  std::atomic<std::int64_t> exits{0};
  std::atomic<bool> compiled{false};
  std::atomic<bool> met{false};  // a condition, or what may be one: it may meet more
  std::atomic<int> declined{0};
  std::mutex mutex;
  std::unordered_map<std::string, std::shared_ptr<const NativeCode>> codes;  // by kinds
};

// What is known of one function that may be called as machine code.
struct FunctionRecord {
  std::atomic<std::int64_t> calls{0};
  std::atomic<std::int64_t> failures{0};
  std::atomic<bool> declined{false};
  std::mutex mutex;
  std::unordered_map<std::string, std::shared_ptr<const NativeCode>> codes;  // by kinds
};

// The loops and functions of a program. Shared by all its lanes.
class NativeLoops {
 public:
  LoopRecord& record(const plan::Program& program, const plan::Function& function,
                     const plan::Statement& statement);
  FunctionRecord& record(const plan::Function& function);

 private:
  std::mutex mutex_;
  std::unordered_map<const plan::Function*, std::shared_ptr<const loops::Flat>> flats_;
  std::unordered_map<const plan::Statement*, std::unique_ptr<LoopRecord>> records_;
  std::unordered_map<const plan::Function*, std::unique_ptr<FunctionRecord>> functions_;
};

// At once: code that was made in a hurry will do until there is better.
enum class When : std::uint8_t { at_once, as_good_as_can_be };
std::shared_ptr<const NativeCode> machine_code(loops::Outcome outcome, When when);
// The words of a number: two of a complex one.
void add_words(const Value& v, std::vector<std::uint64_t>& words);
Value number_of(const loops::Kind& k, const std::uint64_t*& word);

// A call as machine code, if the function only computes with numbers and is called often; else
// unbound, and nothing happened.
Value call_native(Lane& lane, const plan::Op& op, std::span<const Value> args);

// One run of a loop statement by the interpreter, which may hand it over.
class LoopRun {
 public:
  LoopRun(Lane& lane, const plan::Statement& statement);
  ~LoopRun();
  LoopRun(const LoopRun&) = delete;
  LoopRun& operator=(const LoopRun&) = delete;

  // Whether the next round should be tried as machine code.
  bool is_hot() const;
  enum class After : std::uint8_t {
    declined,  // nothing happened; do not ask again in this run
    round,     // go on with the round at `position`
    over,      // the statement is done; `flow` says how
  };
  // Runs from the round at `position` (of a range) on.
  After enter(Frame& frame, const Range* range, std::int64_t& position, Value& last);
  Flow flow = Flow::next;  // of a statement that is over

 private:
  Lane& lane_;
  const plan::Statement& statement_;
  LoopRecord* record_ = nullptr;
  std::int64_t begin_ = 0;
  bool counts_ = false;  // as a loop around others
  bool tried_ = false;
};

}  // namespace jetlag::exec
