// What a run did, by operation of the plan: the figures of explain.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "compiler/plan/plan.h"

namespace jetlag::exec {

enum class StepKind : std::uint8_t { none, value, fused, call, view, copy, stream, opaque, lane };

// A rule that would have been worth trying, and what stood in its way.
struct Refusal {
  std::string rule;
  std::string why;
  bool operator==(const Refusal&) const = default;
};

// Machine code made for a step.
struct Compilation {
  std::string what;
  std::int64_t ns = 0;
};

struct StepFigures {
  StepKind kind = StepKind::none;
  std::int64_t calls = 0;
  std::int64_t tasks = 0;  // blocks that ran as tasks
  std::int64_t ns = 0;
  double bytes = 0;   // moved, as far as the kernels know
  double needed = 0;  // of operands and results, each once: no step could move less
  double flops = 0;
  std::string result;  // "f64[3,4]", of the last call
  std::string rule;    // those that shaped the step, "a, b"
  std::vector<Refusal> refused;
  std::vector<Compilation> compiled;
};

// Steps are numbered as in the plan. All may be called from any thread.
class Profile {
 public:
  explicit Profile(int ids) : figures_(static_cast<std::size_t>(ids)) {}

  void add(int id, StepKind kind, std::int64_t ns, std::int64_t tasks, double bytes, double flops);
  void describe(int id, StepKind kind, std::string result, std::string_view rule);
  // The same, of a call that is counted already.
  void rename(int id, std::string result, std::string_view rule);
  void count(int id);
  // What a run of the step must read and write. Memory that the caller can see
  // counts for the whole call as well: the first use of each byte of it.
  void need(int id, std::span<const Ref<Array>> reads, const Ref<Array>& write);
  // What the call gives back, which it must have written.
  void give(const Value& result);
  // A rule shaped the step. Said again, it is noted once; so is a refusal.
  void apply(int id, std::string_view rule);
  void refuse(int id, std::string_view rule, std::string_view why);
  // Machine code for the step was made in so much time, in this call or beside it.
  void compiled(int id, std::string_view what, std::int64_t ns);
  std::int64_t total_ns = 0;  // of the whole call
  // What the whole call had to read and write, had it kept all else in registers.
  double needed() const;
  const StepFigures& operator[](int id) const { return figures_[static_cast<std::size_t>(id)]; }

 private:
  StepFigures& at(int id) { return figures_[static_cast<std::size_t>(id)]; }

  mutable std::mutex mutex_;
  std::vector<StepFigures> figures_;
  std::unordered_map<const std::byte*, double> seen_;  // memory of the caller, bytes used of it
  double given_ = 0;
};

struct ExplainRow {
  int depth = 0;
  std::string kind;  // function, loop, branch, fused, call, stream, view, copy, value, opaque, lane
  std::string text;
  std::string node;  // as the trees name it (physl::label); empty: not in the trees
  std::string file;
  int line = 0;
  std::string result;
  bool native = true;
  StepFigures figures;
};

// The plan with its figures, in the order of the text. Steps that did not run
// are left out, and so are mere reads and constants.
std::vector<ExplainRow> explain_rows(const plan::Program& program, const Profile& profile);

}  // namespace jetlag::exec
