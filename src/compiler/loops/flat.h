// A function's plan laid flat: one list of nodes with jumps, for the loop compiler. Every
// node knows its path in the plan, so that the interpreter can go on from any of them.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "compiler/plan/plan.h"

namespace jetlag::loops {

enum class NodeKind : std::uint8_t {
  op,      // an operation, into its register
  move,    // dst = src; src -1: None
  test,    // truth of src: yes or no
  jump,    // to yes
  begin,   // a for loop takes its sequence (src)
  next,    // the next item: yes; none left: no
  leave,   // return src
  finish,  // the end of the body
  other,   // a statement that is never native
};

// Where a statement stands: in a block of the statement (or of one of its operations) above.
struct Where {
  int parent = -1;
  int op = -1;  // of the parent's region; -1: the parent's own block
  int block = 0;
  int index = 0;
  const plan::Statement* statement = nullptr;
};

struct Node {
  NodeKind kind = NodeKind::jump;
  const plan::Op* op = nullptr;
  const plan::Statement* statement = nullptr;
  int base = 0;  // the variable that is the region's first register
  int dst = -1, src = -1;
  int yes = -1, no = -1;
  int where = -1;
  int at = 0;             // the next operation of the region; its size: the end is reached
  bool resumable = true;  // the interpreter can begin here
  int loop = -1;          // of begin and next: which for loop
  int branches = 0;       // how many branches of the innermost loop are around it
};

// A for or while loop: nodes [first, last) and the way in.
struct LoopSpan {
  const plan::Statement* statement = nullptr;
  int first = 0, last = 0;
  int head = 0;       // where a round begins
  int parent = -1;    // the loop around it
  bool inner = true;  // holds no other loop
  bool counted = false;
  int variable = -1;
  std::vector<bool> assigned;  // by slot
};

// Variables are numbered: slots, then captures, then the registers of all regions.
struct Flat {
  const plan::Function* function = nullptr;
  int slots = 0;
  int captures = 0;
  int variables = 0;
  bool usable = false;  // no nested function sees its variables
  std::vector<Node> nodes;
  std::vector<Where> wheres;
  std::vector<LoopSpan> loops;
  std::map<const plan::Statement*, int> loop_of;
  std::map<const plan::Region*, int> base_of;
  std::vector<std::vector<bool>> live;  // variables that are still read from a node on

  int capture(int index) const { return slots + index; }
  int enclosing(int node) const;  // the innermost loop around a node; -1: none
};

std::shared_ptr<const Flat> flatten(const plan::Program& program, const plan::Function& function);

}  // namespace jetlag::loops
