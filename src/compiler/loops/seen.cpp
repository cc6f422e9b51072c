#include "compiler/loops/seen.h"

#include <algorithm>
#include <array>
#include <utility>

namespace jetlag::loops {

namespace {

std::size_t at(int i) { return static_cast<std::size_t>(i); }

// What an instruction reads in any case: of a choice, only what decides it.
std::vector<int> operands_of(const Program& p, const Instr& i) {
  std::vector<int> all;
  if (i.what == Do::invoke) return p.calls[at(i.index)].arguments;
  if (i.what == Do::dot) {
    const Dot& d = p.dots[at(i.index)];
    return {d.a.offset, d.a.stride, d.b.offset, d.b.stride, d.length};
  }
  if (i.what == Do::work) {
    const LineWork& w = p.works[at(i.index)];
    std::vector<int> all{w.to.offset, w.to.stride, w.length};
    for (const LineWork::Operand& o : w.operands) {
      if (o.number >= 0) all.push_back(o.number);
      else all.insert(all.end(), {o.line.offset, o.line.stride});
    }
    return all;
  }
  const bool chooses = i.what == Do::compute && i.opcode == Opcode::select;
  for (int o : chooses ? std::array{i.a, -1, -1} : std::array{i.a, i.b, i.c}) {
    if (o >= 0) all.push_back(o);
  }
  return all;
}

// Which values hang on what is known only at run time: forwards over the blocks, greatest fixpoint,
// so that a number which is multiplied round after round is as its beginning is.
std::vector<bool> known_late(const Program& p) {
  std::vector<bool> late(p.instructions.size());
  std::vector<std::vector<bool>> cells(p.blocks.size(), std::vector<bool>(p.cells.size(), true));
  const auto is_late = [&](const Instr& i, const std::vector<bool>& now) {
    switch (i.what) {
      case Do::literal: return false;
      case Do::get: return static_cast<bool>(now[at(i.index)]);
      case Do::compute:
      case Do::cast:
      case Do::truncate:
      case Do::checked:
      case Do::library: {
        const std::vector<int> from = operands_of(p, i);
        return std::any_of(from.begin(), from.end(), [&](int o) { return late[at(o)]; });
      }
      default: return true;
    }
  };
  bool changed = true;
  const auto go_on = [&](int block, const std::vector<bool>& now) {
    if (block < 0) return;
    for (std::size_t c = 0; c < now.size(); ++c) {
      if (now[c] || !cells[at(block)][c]) continue;
      cells[at(block)][c] = false;
      changed = true;
    }
  };
  while (std::exchange(changed, false)) {
    for (std::size_t b = 0; b < p.blocks.size(); ++b) {
      std::vector<bool> now = cells[b];
      for (const int number : p.blocks[b].instructions) {
        const Instr& i = p.instructions[at(number)];
        late[at(number)] = is_late(i, now);
        if (i.what == Do::set) now[at(i.index)] = late[at(i.a)];
      }
      go_on(p.blocks[b].yes, now);
      go_on(p.blocks[b].no, now);
    }
  }
  return late;
}

// For each place in a program the values and cells that are surely read from there on: backwards
// over the blocks, greatest fixpoint, so that what goes round a loop counts as read where it is
// read in the end.
class Reads {
 public:
  explicit Reads(const Program& p)
      : p_(p), before_(p.blocks.size(), Set(p.instructions.size() + p.cells.size(), true)) {
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t b = p.blocks.size(); b-- > 0;) {
        Set now = walk(p.blocks[b], [](int, const Set&) {});
        if (now == before_[b]) continue;
        before_[b] = std::move(now);
        changed = true;
      }
    }
  }

  std::vector<bool> values() const {
    std::vector<bool> read(p_.instructions.size(), true);
    for (const Block& b : p_.blocks)
      walk(b, [&](int value, const Set& after) { read[at(value)] = after[at(value)]; });
    return read;
  }

 private:
  using Set = std::vector<bool>;

  std::size_t cell(int c) const { return p_.instructions.size() + at(c); }

  // What the interpreter goes on with. Values are within an operation, which it begins again.
  void leave(int exit, Set& read) const {
    Set kept(p_.cells.size());
    const auto keep = [&](int c) {
      if (c >= 0) kept[at(c)] = true;
    };
    for (const Saved& s : p_.exits[at(exit)].variables) keep(s.cell), keep(s.more);
    for (int c : p_.exits[at(exit)].loop_cells) keep(c);
    for (std::size_t c = 0; c < kept.size(); ++c) {
      if (!kept[c]) read[p_.instructions.size() + c] = false;
    }
  }

  Set after(const Block& b) const {
    switch (b.end) {
      case Block::End::jump: return before_[at(b.yes)];
      case Block::End::branch: {
        Set read = before_[at(b.yes)];
        const Set& other = before_[at(b.no)];
        for (std::size_t i = 0; i < read.size(); ++i) read[i] = read[i] && other[i];
        read[at(b.value)] = true;
        return read;
      }
      case Block::End::exit: {
        Set read(p_.instructions.size() + p_.cells.size(), true);
        leave(b.exit, read);
        return read;
      }
      case Block::End::give: {
        Set read(p_.instructions.size() + p_.cells.size());
        read[at(b.value)] = true;
        if (b.imaginary >= 0) read[at(b.imaginary)] = true;
        return read;
      }
      case Block::End::none: break;  // nothing comes here
    }
    return Set(p_.instructions.size() + p_.cells.size(), true);
  }

  // From the end of a block to its beginning; `tell` gets each value with what is read after it.
  template <class Tell>
  Set walk(const Block& b, const Tell& tell) const {
    Set read = after(b);
    for (std::size_t k = b.instructions.size(); k-- > 0;) {
      const int number = b.instructions[k];
      const Instr& i = p_.instructions[at(number)];
      tell(number, read);
      bool stays = read[at(number)];
      switch (i.what) {
        case Do::set:
          stays = read[cell(i.index)];
          read[cell(i.index)] = false;
          break;
        case Do::truncate:
        case Do::checked:
        case Do::leave_if:
        case Do::poll:
          leave(i.index, read);
          stays = true;
          break;
        case Do::invoke:
        case Do::work:
          leave(i.axis, read);
          stays = true;
          break;
        case Do::store:
        case Do::note:
        case Do::kernel:
        case Do::dot:
        case Do::vectors: stays = true; break;
        default: break;
      }
      read[at(number)] = false;
      if (!stays) continue;
      if (i.what == Do::get) read[cell(i.index)] = true;
      for (int o : operands_of(p_, i)) read[at(o)] = true;
    }
    return read;
  }

  const Program& p_;
  std::vector<Set> before_;
};

}  // namespace

bool are_seen(const Program& program, std::span<const int> values) {
  if (values.empty()) return true;
  const std::vector<bool> late = known_late(program), read = Reads(program).values();
  return std::all_of(values.begin(), values.end(),
                     [&](int v) { return late[at(v)] && read[at(v)]; });
}

}  // namespace jetlag::loops
