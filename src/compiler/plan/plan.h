// The plan: what a program does, step by step, with names resolved.
//
// A function's body is a Block: control statements around regions. A region is
// a straight line of operations, each with one result (its register), in the
// order in which Python would do them. Types are decided when a region runs;
// what was decided is kept at the operation, by dtypes, ranks and layout.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "array/value.h"
#include "compiler/physl/node.h"
#include "primitives/primitive.h"

namespace jetlag::plan {

struct Function;
struct Block;
struct Independent;  // independent.h

enum class OpKind : std::uint8_t {
  constant,
  variable,       // read; unbound is an error
  capture,        // a name from outside the program
  call,           // a primitive
  function_call,  // a function of the program
  value_call,     // whatever function args[0] is
  host_call,      // a Python callable: args[0]
  method,
  attribute,
  opaque,
  print,
  tuple,
  list,
  span,
  index,
  closure,  // makes a function value
  nested,   // a block inside an expression; its last value
  all,      // Python's `and`: args[0], then one block for each further operand
  any,      // `or`
  fmap,
  filter,
  fold_left,
  fold_right,
  apply,
  assign,  // statements from here on; their value is what was stored
  store_index,
  store_attribute,
  augment_variable,
  augment_index,
  augment_attribute,
  unpack,  // args[0] into args.size() - 1 items, made readable as item registers
  item,    // of an unpack: index
  unbind,
};

// A variable: how many functions out, and which slot there.
struct Variable {
  int depth = 0;
  int slot = -1;
};

// A call whose result may stand for that of an equal call, if nothing changed
// meanwhile.
struct Recall {
  int first = -1;       // register of the first such call in the region
  int loop = -1;        // the result is kept for the rounds of this statement; -1: for the region
  bool shared = false;  // it is only read: the array itself will do
  bool copied = false;  // it may be worth a copy
  bool last = false;    // nobody asks for it again
};

// A call in whose place stands what the function does.
struct Inlined {
  const Function* function;
  Place call;
  const Inlined* outer;  // the call whose function makes this one; null: the plan's own makes it
};

struct Op {
  OpKind kind = OpKind::constant;
  int id = -1;  // unique in the program: where explain counts
  Place place;
  const Inlined* within = nullptr;  // whose function's text holds the place
  const Primitive* primitive = nullptr;
  std::vector<int> args;              // registers; -1: left out
  std::vector<std::string> keywords;  // names of the last arguments of a host call
  Value constant;
  Variable variable;
  int index = -1;     // of a capture, a helper, an item; the slot of a dropped assignment
  bool lane = false;  // known to run in Python: no warning
  bool last = false;  // of a variable: nothing reads it again before it is assigned
  std::string name;   // of an attribute, method, variable
  const Primitive* member = nullptr;  // what an attribute or method of that name is of an array
  const Function* function = nullptr;
  std::vector<Block> blocks;
  std::vector<int> dying;        // registers that nothing reads after this operation
  int group = -1;                // the fused group that computes or assigns it, if any
  int tail_of = -1;              // the group whose result this in-place operation alone reads
  int stream = -1;               // the stream, if it may be part of one
  bool feeds_product = false;    // an inverse that a product reads as its first factor
  bool feeds_reduction = false;  // a subscript whose result one reduction alone reads
  bool feeds_elements = false;   // a subscript whose result one group alone reads
  bool feeds_augment = false;    // a subscript of the in-place operation that comes next
  int invariant = -1;            // the outermost loop around that leaves its operands as they are
  std::optional<Recall> recall;
  bool read_by_elements = false;  // only by elementwise work, more than once
  bool repeated = false;          // costly, and computed in several groups: made by itself
  physl::NodePtr node;            // for explain

  Op() = default;
  Op(Op&&) = default;
  Op& operator=(Op&&) = default;
};

// Elementwise operations that make one pass: all but the last and the outputs have
// no other reader than a member of the group. Each is read by another one, or is an output.
struct Group {
  std::vector<int> members = {};  // registers, in order; the last is the result
  std::vector<int> outputs = {};  // members that are results as well
  std::vector<int> assigns = {};  // of outputs, which are done once these are there
  int reduction = -1;        // the operation that alone reads the result, and reduces it
  int tail = -1;             // the in-place operation that alone reads it, and comes next
  bool stored = false;       // a store alone reads it, and comes next but for its bounds
  bool gathers = false;      // a single operation, for the subscripts that it alone reads
};

// Products that may have a matrix in common, with the elementwise work between
// them: put off until the last of them, and done in one pass if they have.
// Nothing in between reads their results, writes memory or runs the user's code.
struct Stream {
  int first, last;  // registers
};

struct Region {
  std::vector<Op> ops;
  std::vector<Group> groups;
  std::vector<Stream> streams;
  int result = -1;  // the register of the region's value
};

enum class StatementKind : std::uint8_t {
  region,
  branch,
  loop,
  for_each,
  leave,
  break_,
  continue_,
  opaque_block
};

struct Statement {
  StatementKind kind = StatementKind::region;
  int id = -1;
  Place place;
  Region region;              // the code, the condition, the sequence, the returned value
  std::vector<Block> blocks;  // then, else; body, else
  Variable variable;          // of for_each
  int index = -1;             // helper of an opaque block
  std::vector<Variable> inputs, outputs;
  std::vector<std::string> output_names;
  std::shared_ptr<const Independent> independent;  // of a loop: whether rounds may run ahead
  physl::NodePtr node;

  Statement() = default;
  Statement(Statement&&) = default;
  Statement& operator=(Statement&&) = default;
};

struct Block {
  std::vector<Statement> statements;
};

struct Param {
  std::string name;
  int slot = -1;
  bool optional = false;
  Region otherwise;  // the default, evaluated in the defining scope
};

struct Function {
  int id = 0;  // numbered as steps are
  std::string name;
  std::string file;
  Place place;
  bool python = false;       // function-level scope
  bool needs_frame = false;  // its variables are seen by nested functions
  int depth = 0;
  std::vector<Param> params;
  std::vector<std::string> slots;  // names, by slot
  Block body;
  bool returns_last = true;  // PhySL: the value of the body; Python: nil
  physl::NodePtr node;
};

// A name that the program takes from outside.
struct Capture {
  const Function* function;  // whose text reads it
  std::string name;
};

struct Program {
  std::vector<std::unique_ptr<Function>> functions;  // functions[0] runs
  std::vector<Capture> captures;
  std::vector<std::unique_ptr<Inlined>> inlined;
  std::vector<physl::NodePtr> nodes;
  std::string file;
  int ids = 0;              // operations, statements and functions are numbered below this
  bool has_opaque = false;  // some step surely runs in Python
  bool may_write = false;   // some step may write into memory it did not make
  bool fastmath = false;    // machine code may rearrange the user's arithmetic
};

struct Source {
  physl::NodePtr node;  // define{python}(…)
  std::string file;
  std::string name;  // shown in tracebacks
  std::vector<std::string> captures;
};

// Makes the value of an integer literal that 64 bits do not hold.
using BigInteger = std::function<Value(const std::string& digits)>;

// The plan of functions lowered from Python; sources[0] is the entry.
std::unique_ptr<Program> build(const std::vector<Source>& sources, const BigInteger& big_integer);
// The plan of a PhySL text: its expressions in order. `inputs` are variables
// bound from outside (sys_argv).
std::unique_ptr<Program> build(const std::vector<physl::NodePtr>& text, std::string file,
                               const std::vector<std::string>& inputs);

// Passes over a function, each a row of passes(): found and switched off by name.
struct Pass {
  std::string_view name;
  void (*run)(Program&, Function&);
  std::string_view why;
};
std::span<const Pass> passes();

std::string print(const Program& program);
std::string_view name_of(OpKind kind);

}  // namespace jetlag::plan
