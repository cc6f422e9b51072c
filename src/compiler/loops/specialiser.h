// The specialiser's state, split over specialise.cpp (control), operators.cpp (arithmetic),
// subscripts.cpp (arrays) and ranges.cpp (checks made once before a loop).
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>

#include "compiler/loops/specialise.h"

namespace jetlag::loops {

struct Declined {
  std::string why;
};

// Conditions can be seen only at their operation.
struct NeedsCare {};

// Conditions can be seen, but not by the processor's flags.
struct NeedsNotes {};

// A value at hand: a register of the program and what is known of it.
struct Val {
  Kind kind;
  int value = -1;
  int imaginary = -1;  // of a complex number
};

// The parts of a number as a complex one.
struct Parts {
  int re = -1, im = -1;
};

// How the rounds of an innermost for loop run: not decided yet, with all checks made before
// it, or with each check in its place.
enum class Mode : std::uint8_t { open, checked_before, checked_each };

// The result of a called function is not known yet.
struct Postponed {};

class Functions;

struct State {
  std::vector<Kind> kinds;
  Mode mode = Mode::open;
  int check = -1;  // the one made before
};

// An int of a loop's round as a function of the loop's variable.
struct Symbol {
  enum class Form : std::uint8_t { constant, variable, loop, add, subtract, multiply } form;
  std::int64_t a = 0, b = 0;
  bool varies = false;
  auto operator<=>(const Symbol&) const = default;
};

struct Requirement {
  int symbol;
  int array = -1;  // the symbol is an index of this axis; -1: it must not overflow
  int axis = 0;
  auto operator<=>(const Requirement&) const = default;
};

// What must hold before the rounds run unchecked; filled in at the end. They run in parts, so
// that the host can be asked between them: `part` is where the next one begins.
struct Check {
  int block, loop, part, no;
  State state;
  std::set<Requirement> requirements;
};

// Elements of lines and numbers that are computed where they are stored.
struct Pending {
  int first;  // the node that they begin with
  DType dtype;
  std::vector<LineWork::Operand> operands;
  std::vector<std::uint8_t> code;
  int length;  // a value
};

class Specialiser {
 public:
  Specialiser(const Flat& flat, const Request& request, Functions& functions);
  // Of a function: the kinds are those of its arguments.
  Specialiser(const Flat& flat, const Request& request, Functions& functions, const Kind& none);
  // Does what can be done now; tells whether that was anything.
  bool advance();
  bool waits() const { return !waiting_.empty(); }
  // Once nothing waits.
  std::shared_ptr<Program> finish();
  const std::optional<Kind>& result_kind() const { return result_; }

 private:
  // specialise.cpp: control
  int version(int node, State state);
  void normalise(int node, State& state) const;
  void fill(int node, State state, int block);
  bool step(int& node);  // false: the block has ended
  bool leave_here();
  bool give();
  void start(int head);
  void next_round();
  void begin();
  void open_check();
  int part_of_rounds(int loop, int round);
  int exit_here();
  int exit_at_node();
  int beginning_of_pending() const;
  void save(Exit& exit, int variable, const Kind& k);
  void finish_exit(int node);
  void test();
  const Node& node() const { return flat_.nodes[static_cast<std::size_t>(node_)]; }
  void end_jump(int to);
  void end_branch(int value, int yes, int no, Odds odds = Odds::unknown);
  int new_block();
  int cell(int variable, DType dtype, int part = 0);
  int fresh_cell(DType dtype);
  int number_cell(int variable, const Kind& k) { return cell(variable, part_of(k)); }
  int imaginary_cell(int variable, const Kind& k);  // -1 if it has no such part
  int loop_cell(int loop, int part) { return cell(flat_.variables + loop, DType::int64, part); }
  bool is_row(const Kind& k) const {
    return k.is(ValueKind::array) && k.rank < out_->arrays[static_cast<std::size_t>(k.array)].rank;
  }
  [[noreturn]] void decline(std::string why) const { throw Declined{std::move(why)}; }

  // instructions
  int emit(Instr i);
  int integer(std::int64_t v);
  int real(double v);
  int literal(DType dtype, std::uint64_t bits);
  int get(int cell);
  void set(int cell, int value);
  int compute(Opcode opcode, DType dtype, int a, int b = -1, int c = -1, bool steady = false);
  // For its life, what is computed is the user's own arithmetic: with fastmath, it may be
  // rearranged.
  class Arithmetic {
   public:
    Arithmetic(Specialiser& in, bool users) : in_(in) {
      in_.fast_ = users && in_.request_.plan && in_.request_.plan->fastmath;
    }
    ~Arithmetic() { in_.fast_ = false; }
    Arithmetic(const Arithmetic&) = delete;
    Arithmetic& operator=(const Arithmetic&) = delete;

   private:
    Specialiser& in_;
  };
  int cast(int value, DType from, DType to);
  int checked(Opcode opcode, DType dtype, int a, int b);
  int truncated(int value);  // a float64 as int64
  void leave_if(int condition);
  int both(int a, int b) { return compute(Opcode::bit_and, DType::boolean, a, b); }
  int either(int a, int b) { return compute(Opcode::bit_or, DType::boolean, a, b); }
  int negated(int a) { return compute(Opcode::bit_not, DType::boolean, a); }
  Val read(int variable);
  void write(int variable, const Val& v);
  Val argument(int k) { return read(node().base + node().op->args[static_cast<std::size_t>(k)]); }
  void result(const Val& v) { write(node().dst, v); }
  void operation();
  void unpack_item();
  void attribute();
  int truth(const Val& v);

  // operators.cpp
  void call();
  void call_function();
  Val binary(const Primitive& p, const Val& a, const Val& b);
  Val python_binary(const Primitive& p, const Val& a, const Val& b);
  Val python_integers(std::string_view name, const Val& a, const Val& b);
  Val python_reals(std::string_view name, const Val& a, const Val& b);
  Val python_compare(std::string_view name, const Val& a, const Val& b);
  Val python_unary(std::string_view name, const Val& a);
  Val ufunc(const Primitive& ufunc, std::span<const Val> args, bool operator_form);
  int by_loop(const Primitive& p, Opcode opcode, DType d, DType to,
              const std::array<int, 3>& operands);
  Val evaluate(const Primitive& ufunc, std::span<const Val> args);
  std::optional<double> constant(int value) const;
  int plain_power(const Operation& o, DType dtype, int x, int y);
  int converted(const Val& v, DType dtype, bool weak);
  void check_conditions(std::span<const int> results, DType dtype, std::span<const int> operands);
  Val wrapping(const Primitive& ufunc, std::span<const Val> args, DType dtype);
  void check_integer_division(DType dtype, int a, int b);
  int as_int64(const Val& v);
  int as_real(const Val& v);
  Val extremum(bool largest, std::span<const Val> args);
  Val to_int(const Val& v);
  Val math(const Primitive& p, std::span<const Val> args);
  int finite(int value, DType dtype);
  Val make_range();
  std::vector<Val> arguments();

  // complex_numbers.cpp
  Parts parts_of(const Val& v);
  Parts sum(Opcode opcode, const Parts& a, const Parts& b);
  Parts product(const Parts& a, const Parts& b);
  std::pair<Parts, int> reduced(const Parts& a, const Parts& b);
  int equals(const Parts& a, const Parts& b);
  int is_infinite(int value);
  Val python_complexes(std::string_view name, const Val& a, const Val& b);
  Val complex_power(const Parts& base, const Val& exponent);
  Val complex_unary(std::string_view name, const Val& a);
  Val number_attribute(const Val& v, std::string_view name);
  Val make_complex(std::span<const Val> args);
  Parts complex_operation(const Code& code, const Operation& o, std::span<const Parts> operands);

  // lines.cpp
  bool selects_a_line(std::size_t first_item) const;
  bool is_reversal(std::size_t item) const;
  void take_line(const Kind& array, int base_var, std::size_t first_item);
  int bound(const Val& v, int size, int least, int most, int otherwise);
  std::pair<Line, int> line_of(int argument, const Val& v);
  int stride_of(const Kind& line);
  void take_flipped(int argument, const Val& v);
  Val dot(std::span<const Val> args);

  // line_work.cpp
  static bool is_on_lines(std::span<const Val> args);
  Pending elements(int argument, const Val& v, DType dtype);
  Pending combined(const Primitive& p, std::span<const Val> args, std::span<const int> numbers);
  void work_on_lines(const Primitive& p, std::span<const Val> args);
  bool stores_a_line(const Kind& array, std::size_t first_item) const;
  void store_line(const Kind& array, int base_var, std::size_t first_item);
  void augment_line(const Val& old, const Val& value);
  bool is_stored_again() const;
  void store_elements(const Line& to, int array, int length, Pending elements);
  int stride_of(int array, int axis);

  // subscripts.cpp
  struct Element {
    Kind array;
    int offset = -1;
    int axes = 0;  // left
  };
  Element locate(const Kind& array, int base_var, std::size_t first_item);
  int index_value(const Val& v, const Kind& array, int axis);
  std::optional<int> found_before(std::size_t first_item) const;
  void index();
  void store(const Kind& array, int base_var, std::size_t first_item, const Val& value);
  void store_index();
  void augment();
  int stored_as(const Val& v, DType dtype);
  int imaginary_offset(int offset);
  int length(const Kind& array, int axis);

  // ranges.cpp
  int symbol(Symbol s);
  int symbol_of(const Val& v);
  void require(int symbol, int array = -1, int axis = 0);
  Val symbolic(Opcode opcode, const Val& a, const Val& b);  // unbound kind: not here
  void close_check(const Check& check);
  int evaluate_symbol(const State& state, int symbol, int loop_value, int& ok);

  const Flat& flat_;
  const Request& request_;
  Functions& functions_;
  LoopSpan loop_;  // of a function: all of it
  bool is_function_ = false;
  std::optional<Kind> result_;
  std::shared_ptr<Program> out_ = std::make_shared<Program>();
  std::vector<int> entries_;  // how many ways lead to a node
  std::map<std::string, int> versions_;
  std::map<std::string, int> exits_;
  std::map<std::tuple<int, DType, int>, int> cells_;
  struct Work {
    int node;
    State state;
    int block;
  };
  std::deque<Work> work_;
  std::vector<Work> waiting_;
  std::size_t known_before_ = 0;  // results known when the waiting began
  std::vector<Symbol> symbols_;
  std::map<Symbol, int> symbol_numbers_;
  std::vector<Check> checks_;
  std::map<int, int> parts_;  // by the block where their rounds begin
  std::vector<Pending> pending_;
  std::map<int, const plan::Op*> found_;  // registers of elements, by what they were read with
  bool fast_ = false;                     // set by Arithmetic
  std::vector<int> watched_;  // values whose conditions flags tell of, unless they are not seen

  // where the work is
  int node_ = 0;
  State state_;
  int block_ = 0;
};

// The functions that a program calls, each for the kinds of its arguments.
class Functions {
 public:
  explicit Functions(const Request& request) : request_(request) {}

  // Its number; it is made when first asked for.
  int find(const plan::Function& function, const std::vector<Kind>& arguments);
  const std::optional<Kind>& result(int number) const {
    return made_[static_cast<std::size_t>(number)]->maker->result_kind();
  }
  std::size_t known() const;
  // Works on all, and on `main`, until all is done.
  void complete(Specialiser* main);
  std::vector<std::shared_ptr<const Program>> finish();

 private:
  struct Version {
    const plan::Function* function;
    std::vector<Kind> arguments;
    std::shared_ptr<const Flat> flat;
    Request request;
    std::unique_ptr<Specialiser> maker;
  };
  const Request& request_;
  std::vector<std::unique_ptr<Version>> made_;
};

}  // namespace jetlag::loops
