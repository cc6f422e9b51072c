// Rounds of a compiled loop at the same time: those of a loop whose every round stores to rows of
// its own. A few rounds in order tell what one costs. The others run in parts; the rows of a part
// are copied before, so that a round that leaves finds all later ones undone.
#include <algorithm>
#include <atomic>

#include "compiler/loops/rows.h"
#include "compiler/plan/rules.h"
#include "primitives/loops.h"
#include "primitives/storing.h"
#include "runtime/exec/iterations.h"
#include "runtime/exec/native_entry.h"

namespace jetlag::exec {

namespace {

constexpr double worth_ns = 200'000;  // less is not worth the hand-over
constexpr double piece_ns = 40'000;
constexpr std::int64_t pieces_for_worker = 4;
constexpr std::int64_t tried_first = 16;  // one of so many rounds
constexpr std::int64_t most_copied_bytes = 1 << 20;
constexpr std::size_t count_word = 2, position_word = 1;  // from the end

// Rounds from one on up to another.
std::vector<std::uint64_t> with_rounds(std::vector<std::uint64_t> words, std::int64_t begin,
                                       std::int64_t end) {
  words[words.size() - count_word] = static_cast<std::uint64_t>(end);
  words[words.size() - position_word] = static_cast<std::uint64_t>(begin);
  return words;
}

struct Piece {
  std::vector<std::uint64_t> words;
  int exit = -1;
  unsigned flags = 0;
};

// The rows of an array from one on up to another, those that it has.
Ref<Array> rows(const Ref<Array>& a, std::int64_t begin, std::int64_t end) {
  Dims shape = a->shape();
  begin = std::min(begin, shape[0]);
  shape[0] = std::min(end, shape[0]) - begin;
  return view_of(a, a->data() + begin * a->strides()[0], shape, a->strides());
}

int stop_if_wanted(loops::Entry* entry) {
  entry->budget = work_between_polls;
  return static_cast<const std::atomic<bool>*>(entry->context)->load(std::memory_order_relaxed);
}

}  // namespace

bool NativeEntry::may_split(const Range* range, std::int64_t position) const {
  static const plan::Rule& rule = *plan::find_rule("independent-iterations");
  const loops::Program& program = *code_->program;
  if (!plan::is_on(rule) || !range || !operands_.ascending || !operands_.disjoint ||
      program.careful || program.noting)
    return false;
  if (range->size() - position < 2 * tried_first || !program.functions.empty()) return false;
  if (lane_.holding_ || tasks::workers() < 2 || tasks::inline_only() || lane_.host_.serial())
    return false;
  for (std::size_t i = 0; i < operands_.arrays.size(); ++i) {
    if (code_->stored[i] && !elements_are_apart(*operands_.arrays[i])) return false;
  }
  return loops::has_rows_of_its_own(flat_, record_.loop, operands_.kinds);
}

// How many rounds store to no more than may be copied.
std::int64_t NativeEntry::rounds_of_copies() const {
  std::int64_t bytes = 0;
  for (std::size_t i = 0; i < operands_.arrays.size(); ++i) {
    const Array& a = *operands_.arrays[i];
    if (code_->stored[i] && a.shape()[0] > 0) bytes += a.size() / a.shape()[0] * size_of(a.dtype());
  }
  return most_copied_bytes / std::max<std::int64_t>(bytes, 1);
}

void NativeEntry::call_rounds(const std::vector<std::uint64_t>& words, const Range* range,
                              std::int64_t position) {
  if (!may_split(range, position)) return call(*code_, words);
  std::int64_t done = position + (rounds_ - position) / tried_first;
  const std::int64_t begin_ns = now_ns();
  call(*code_, with_rounds(words, position, done));
  unsigned flags = flags_;
  const double ns = static_cast<double>(now_ns() - begin_ns) / static_cast<double>(done - position);
  while (exit().finished && done < rounds_) {
    const std::int64_t part = std::min(rounds_ - done, rounds_of_copies());
    const double part_ns = ns * static_cast<double>(part);
    const auto pieces = std::min({pieces_for_worker * tasks::workers(), part,
                                  static_cast<std::int64_t>(part_ns / piece_ns)});
    if (part_ns < worth_ns || pieces < 2) {
      call(*code_, with_rounds(words, done, rounds_));
      done = rounds_;
    } else {
      run_part(words, done, done + part, pieces);
      done += part;
    }
    flags |= flags_;
  }
  flags_ = flags;
}

// Ends as the last piece did, or as the first that left in the middle.
void NativeEntry::run_part(const std::vector<std::uint64_t>& words, std::int64_t begin,
                           std::int64_t end, std::int64_t pieces) {
  std::vector<std::pair<Ref<Array>, Ref<Array>>> copies;  // of rows, and they
  for (std::size_t i = 0; i < operands_.arrays.size(); ++i) {
    if (!code_->stored[i]) continue;
    const Ref<Array> from = rows(operands_.arrays[i], first_row_ + begin, first_row_ + end);
    copies.emplace_back(new_array(from->dtype(), from->shape()), operands_.arrays[i]);
    copy_elements(*from, *copies.back().first);
  }
  const auto first_round = [&](std::int64_t piece) {
    return begin + (end - begin) * piece / pieces;
  };
  std::vector<Piece> done(static_cast<std::size_t>(pieces));
  const std::vector<loops::ArrayView> arrays = views();
  std::atomic<std::int64_t> left{pieces};  // the first piece that left
  std::atomic<bool> stopped{false};

  tasks::Work work;
  work.blocks = pieces;
  if (trace::recording()) [[unlikely]] {
    const int id = flat_.loops[static_cast<std::size_t>(record_.loop)].statement->id;
    work.site = lane_.caches_.sites.of(lane_.program_, id);
  }
  work.body = [&](std::int64_t number) {
    if (left.load() < number || stopped) return;
    Piece& piece = done[static_cast<std::size_t>(number)];
    piece.words = with_room(with_rounds(words, first_round(number), first_round(number + 1)));
    loops::Entry entry;
    entry.words = piece.words.data();
    entry.arrays = arrays.data();
    entry.poll = stop_if_wanted;
    entry.context = &stopped;
    entry.budget = work_between_polls;
    clear_flags();
    piece.exit = code_->machine()(&entry);
    piece.flags = read_flags() & lane_.fp().wanted;
    clear_flags();
    if (code_->program->exits[static_cast<std::size_t>(piece.exit)].finished) return;
    for (std::int64_t before = left.load();
         number < before && !left.compare_exchange_weak(before, number);) {
    }
  };
  lane_.flight_->depart(0, false);
  work.done = [flight = lane_.flight_](const tasks::Task&) { flight->arrive(0, false); };
  const tasks::TaskPtr task = tasks::Task::start(std::move(work), {});
  try {
    lane_.wait([&] { return task->finished(); });
  } catch (...) {
    // It uses what lies here.
    stopped = true;
    lane_.drain();
    throw;
  }
  if (task->failed()) std::rethrow_exception(task->error());

  const std::int64_t last = std::min(left.load(), pieces - 1);
  flags_ = 0;
  for (std::int64_t k = 0; k <= last; ++k) flags_ |= done[static_cast<std::size_t>(k)].flags;
  words_ = std::move(done[static_cast<std::size_t>(last)].words);
  exit_ = done[static_cast<std::size_t>(last)].exit;
  if (lane_.profile_) {
    lane_.profile_->apply(flat_.loops[static_cast<std::size_t>(record_.loop)].statement->id,
                          "independent-iterations");
  }
  if (left.load() == pieces) return;
  const std::int64_t undone = first_round(last + 1);
  for (const auto& [copy, array] : copies) {
    const Ref<Array> kept = rows(copy, undone - begin, end - begin);
    copy_elements(*kept, *rows(array, first_row_ + undone, first_row_ + end));
  }
}

}  // namespace jetlag::exec
