// Goes on in the middle of a loop, where compiled code left it.
#pragma once

#include <unordered_map>

#include "runtime/exec/lane.h"
#include "runtime/exec/native.h"

namespace jetlag::exec {

// Where compiled code left, and what it held: registers by variable, and for
// each for loop under way its range and the round that comes next.
struct Left {
  int node = -1;
  std::unordered_map<int, Value> registers;
  struct Position {
    Value range;
    std::int64_t next = 0;
  };
  std::unordered_map<const plan::Statement*, Position> positions;
};

class Resume {
 public:
  Resume(Lane& lane, const loops::Flat& flat, const Left& left, Frame& frame);

  // Does what is left of the round of the loop, or of its else. `over` tells
  // that the statement is done; else the loop goes on with its next round.
  Flow finish_round(const plan::Statement& loop, Value& last, bool& over);

 private:
  Flow statement(std::size_t level, Value& last);
  Flow unguarded(std::size_t level, Value& last);
  Flow block(std::size_t level, const plan::Block& b, Value& last);
  Value region(std::size_t level);
  Value inside(const plan::Op& op, std::size_t level);
  Flow body(const plan::Statement& s, std::size_t level, Value& last, bool& over);
  const loops::Where& where(std::size_t level) const {
    return flat_.wheres[static_cast<std::size_t>(path_[level])];
  }
  bool is_last(std::size_t level) const { return level + 1 == path_.size(); }
  // Whether the way goes on in a block of the statement (not of its region).
  bool descends(std::size_t level) const { return !is_last(level) && where(level + 1).op < 0; }

  Lane& lane_;
  const loops::Flat& flat_;
  const Left& left_;
  Frame& frame_;
  std::vector<int> path_;  // from the function's body inwards
};

}  // namespace jetlag::exec
