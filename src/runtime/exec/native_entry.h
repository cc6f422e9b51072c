// One entry into compiled code: what it is given, and what it leaves behind.
#pragma once

#include <span>

#include "runtime/exec/native.h"
#include "runtime/exec/resume.h"

namespace jetlag::exec {

// The variables that a loop reads, as its compiler sees them.
struct Operands {
  std::vector<loops::Kind> kinds;
  std::vector<Ref<Array>> arrays;
  std::vector<loops::ArrayOperand> described;
  bool disjoint = true;
  bool ascending = false;
};

// Calls of the host are this far apart, in work that compiled code counts.
inline constexpr std::int64_t work_between_polls = std::int64_t{1} << 21;

// What it takes to run compiled code once, and to put back what it leaves.
class NativeEntry {
 public:
  NativeEntry(Lane& lane, LoopRecord& record, Frame& frame)
      : lane_(lane), record_(record), flat_(*record.flat), frame_(frame) {}
  ~NativeEntry();
  NativeEntry(const NativeEntry&) = delete;
  NativeEntry& operator=(const NativeEntry&) = delete;

  // `range`: what the loop is over, if it counts.
  bool prepare(bool may_compile, const plan::Statement& s, const Range* range);
  Left run(const Range* range, std::int64_t position);
  const loops::Exit& exit() const { return code_->program->exits[static_cast<std::size_t>(exit_)]; }
  std::exception_ptr interrupted() const { return interrupted_; }

 private:
  Value& variable(int v) {
    return v < flat_.slots ? frame_.slots[static_cast<std::size_t>(v)]
                           : lane_.captures_[static_cast<std::size_t>(v - flat_.slots)];
  }
  bool gather();
  std::shared_ptr<const NativeCode> code_for(bool careful, bool may_compile,
                                             const plan::Statement& s);
  When when() const;
  void wait_for_arrays();
  std::int64_t stored_bytes() const;
  void keep_arrays();
  void restore_arrays();
  std::vector<loops::ArrayView> views() const;
  std::vector<std::uint64_t> with_room(std::vector<std::uint64_t> words) const;
  void call(const NativeCode& code, const std::vector<std::uint64_t>& words);
  // native_rounds.cpp: rounds at the same time
  void call_rounds(const std::vector<std::uint64_t>& words, const Range* range,
                   std::int64_t position);
  bool may_split(const Range* range, std::int64_t position) const;
  std::int64_t rounds_of_copies() const;
  void run_part(const std::vector<std::uint64_t>& words, std::int64_t begin, std::int64_t end,
                std::int64_t pieces);
  void tell(unsigned flags);
  Left write_back();
  Value saved(const loops::Saved& s, const std::uint64_t*& word);
  static int poll(loops::Entry* entry);

  Lane& lane_;
  LoopRecord& record_;
  const loops::Flat& flat_;
  Frame& frame_;
  Operands operands_;
  std::shared_ptr<const NativeCode> code_;
  std::vector<std::uint64_t> words_;
  std::vector<std::span<std::byte>> kept_places_;
  std::vector<std::byte> kept_;
  bool keeps_ = false;
  std::int64_t first_row_ = 0;  // that the range begins with
  std::int64_t rounds_ = 0;     // of the range
  loops::Machine running_ = nullptr;
  int exit_ = -1;
  unsigned flags_ = 0;
  std::exception_ptr interrupted_;
};

}  // namespace jetlag::exec
