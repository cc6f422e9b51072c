// A loop as the compiler back end gets it: typed instructions over cells (mutable variables)
// in blocks, with exits. An exit says where the interpreter goes on, and which cells hold
// the variables that it needs.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "compiler/loops/kind.h"
#include "primitives/expr.h"

namespace jetlag::plan {
struct Op;
}

namespace jetlag::loops {

enum class Do : std::uint8_t {
  literal,    // the bits, as dtype
  get,        // cell
  set,        // cell = a
  compute,    // opcode of dtype (that of its operands) on a, b, c; steady: integers cannot overflow
  cast,       // a to dtype
  truncate,   // a (float64) to int64; leaves if it does not fit
  checked,    // add, subtract or multiply on dtype; leaves on overflow
  overflows,  // whether it would
  leave_if,   // a is true
  load,       // of array at byte offset a
  store,      // b to array at byte offset a
  length,     // of array along axis
  stride,     // of array along axis, in bytes
  library,    // a function of the C library on float64; or of ours, then literal is its address
  kernel,     // a loop of the primitives on one element; literal is its address
  vectors,    // a vector function of the C library on axis lanes, all of them the operands
  invoke,     // a function, with the values of a call (index); leaves (axis) if it fails
  imaginary,  // part of what the invocation a gave
  dot,        // the product of two lines (index: of Program::dots); literal is its function
  work,       // on lines (index: of Program::works); literal is its function; leaves (axis) if it
              // meets a condition
  note,       // whether a is true: that a condition was met somewhere
  poll,       // takes a (int64) off the budget; asks the host when it is spent
};

struct Instr {
  Do what = Do::literal;
  Opcode opcode = Opcode::input;
  DType dtype = DType::int64;
  bool steady = false;
  bool fast = false;           // floats: it may be rearranged with others that may
  int a = -1, b = -1, c = -1;  // values: numbers of instructions
  int index = -1;              // cell, array, exit
  int axis = 0;
  std::uint64_t literal = 0;
  const char* name = nullptr;  // of the library
};

// Which way a branch goes nearly always.
enum class Odds : std::uint8_t { unknown, yes, no };

struct Block {
  std::vector<int> instructions;
  enum class End : std::uint8_t { none, jump, branch, exit, give } end = End::none;
  int value = -1, yes = -1, no = -1, exit = -1;
  int imaginary = -1;         // of a complex number that is given
  Odds odds = Odds::unknown;  // of a branch
};

struct Saved {
  int variable;
  Kind kind;
  int cell;       // -1: the kind says all
  int more = -1;  // the cell of a range's stop, of a line's length, of an imaginary part
};

struct Exit {
  int node = -1;
  bool finished = false;  // the loop is over; the node comes after it
  std::vector<Saved> variables;
  std::vector<int> loops;       // for loops under way around the node, outermost first
  std::vector<int> loop_cells;  // start, step, count, position of each
};

// A call of a function of the program, compiled for the kinds of its arguments.
struct Call {
  int function = -1;  // of Program::functions
  std::vector<int> arguments;
};

// Elements of an array along one axis: values that give the first one's place and the step, in
// bytes.
struct Line {
  int array = -1;
  int offset = -1, stride = -1;
};

struct Dot {
  Line a, b;
  int length = -1;  // a value
};

// Elements of a line from those of others and from numbers (primitives/line_work.h).
struct LineWork {
  Line to;
  struct Operand {
    Line line;  // of no array: a number
    int number = -1;
  };
  std::vector<Operand> operands;  // in the order of the code
  std::uint64_t code = 0;
  int length = -1;
  unsigned wanted = 0;  // conditions on which nothing is stored
};

struct ArrayOperand {
  DType dtype = DType::float64;
  int rank = 1;
  bool contiguous_last = false;  // the last axis has stride = item size
  bool written = false;
};

struct Program {
  std::vector<Instr> instructions;
  std::vector<Block> blocks;  // the first is the entry
  std::vector<DType> cells;
  std::vector<Exit> exits;
  std::vector<ArrayOperand> arrays;
  std::vector<Saved> live_in;     // each takes a word for each cell that it has
  std::vector<int> loop_live_in;  // cells of the loop that is entered: start, step, count, position
  std::vector<Call> calls;
  std::vector<Dot> dots;
  std::vector<LineWork> works;
  // Of the program that is entered: the functions that it and they call. A function only
  // computes: where it leaves it fails, and whoever called it begins the call again.
  std::vector<std::shared_ptr<const Program>> functions;
  bool is_function = false;
  Kind result;                              // of a function
  bool disjoint = false;                    // a written array overlaps no other
  bool careful = false;                     // floating-point conditions leave at their operation
  bool noting = false;                      // they are noted (Entry::met), flags are none
  bool meets_conditions = false;            // some operation may meet one that NumPy tells
  std::vector<const plan::Op*> conditions;  // those operations
};

// What compiled code sees.
struct ArrayView {
  std::byte* data = nullptr;
  std::int64_t lengths[8] = {};
  std::int64_t strides[8] = {};
};

struct Entry {
  std::uint64_t* words = nullptr;
  const ArrayView* arrays = nullptr;
  // Asks the host; other than 0: leave. Sets the budget anew.
  int (*poll)(Entry*) = nullptr;
  void* context = nullptr;
  std::int64_t budget = 0;
  std::int64_t depth = 0;  // how many calls may be under way inside
  std::int64_t met = 0;    // what a program notes of conditions
};

using Machine = int (*)(Entry*);  // gives the number of the exit

std::string to_text(const Program& program);

}  // namespace jetlag::loops
