// The forms: names that the planner and the executor treat themselves. Their
// arguments are program text, not values, so a form has no type rule.
#include "primitives/constants.h"
#include "primitives/families.h"

#include <cmath>
#include <limits>

namespace jetlag {

namespace {

constexpr Primitive table[] = {
    {.name = "block", .params = "*expressions", .doc = "Evaluates in order; the value of the last.",
     .example = "block(define(i, 1), store(i, i + 1), i)  #= 2", .form = Form::block},
    {.name = "parallel_block", .params = "*expressions",
     .doc = "As block; independent expressions overlap in both.",
     .example = "parallel_block(1, 2)  #= 2", .form = Form::parallel_block},
    {.name = "define", .params = "name, *rest",
     .doc = "Defines a variable, define(x, value), or a function, define(f, a, b, body).",
     .example = "block(define(twice, x, x * 2), twice(21))  #= 42", .form = Form::define},
    {.name = "define_global", .params = "name, value", .doc = "Defines a variable of the program.",
     .example = "block(define_global(g, 3), g)  #= 3", .form = Form::define},
    {.name = "lambda", .params = "*rest", .doc = "A function value: lambda(a, b, body).",
     .example = "fmap(lambda(x, x * x), '(1, 2, 3))  #= '(1, 4, 9)", .form = Form::lambda},
    {.name = "store", .params = "target, value", .doc = "Assigns to a variable, a slice or an attribute.",
     .example = "block(define(x, 1), store(x, 5), x)  #= 5", .form = Form::store},
    {.name = "augment", .params = "target, operator, value",
     .doc = "In-place operation, as Python's x += v; the target is evaluated once.",
     .example = "block(define(x, 1), augment(x, __add, 2), x)  #= 3", .form = Form::augment},
    {.name = "unpack", .params = "targets, value", .doc = "Assigns the items of a value to a list of targets.",
     .example = "block(unpack('(a, b), tuple(1, 2)), b)  #= 2", .form = Form::unpack},
    {.name = "del", .params = "name", .doc = "Unbinds a variable.", .form = Form::del},
    {.name = "pass", .params = "", .doc = "Does nothing.", .example = "pass()  #= nil", .form = Form::pass},
    {.name = "if", .params = "condition, then, otherwise=nil", .doc = "One of two branches.",
     .example = "if(1 < 2, 10, 20)  #= 10", .form = Form::if_},
    {.name = "while", .params = "condition, body, otherwise=nil",
     .doc = "Runs the body for as long as the condition holds.",
     .example = "block(define(i, 1), while(i < 50, store(i, i * 2)), i)  #= 64", .form = Form::while_},
    {.name = "for", .params = "init, condition, step, body", .doc = "C's loop.",
     .example = "block(define(t, 0), for(define(i, 0), i < 4, store(i, i + 1), store(t, t + i)), t)  #= 6",
     .form = Form::for_},
    {.name = "for_each", .params = "function, sequence, otherwise=nil",
     .doc = "Calls the function with each item in turn.",
     .example = "block(define(t, 0), for_each(lambda(v, store(t, t + v)), range(4)), t)  #= 6",
     .form = Form::for_each},
    {.name = "return", .params = "value=nil", .doc = "Leaves the function.", .form = Form::return_},
    {.name = "break", .params = "", .doc = "Leaves the loop.", .form = Form::break_},
    {.name = "continue", .params = "", .doc = "Goes on with the next round of the loop.",
     .form = Form::continue_},
    {.name = "and", .params = "*operands", .doc = "Python's `and`: the first false operand, or the last.",
     .example = "and(1, 0, 2)  #= 0", .form = Form::and_},
    {.name = "or", .params = "*operands", .doc = "Python's `or`: the first true operand, or the last.",
     .example = "or(0, 3)  #= 3", .form = Form::or_},
    {.name = "tuple", .params = "*items", .doc = "A tuple.", .example = "tuple(1, 2)  #= tuple(1, 2)",
     .form = Form::tuple},
    {.name = "list", .params = "*items", .doc = "A list.", .example = "list(1, 2)  #= '(1, 2)",
     .form = Form::list},
    {.name = "span", .params = "start=nil, stop=nil, step=nil", .doc = "Python's slice object.",
     .example = "index([1, 2, 3, 4], span(1, nil, 2))  #= [2, 4]", .form = Form::span},
    {.name = "index", .params = "a, *items", .doc = "Python's subscript a[items].",
     .example = "index([[1, 2], [3, 4]], 1, 0)  #= 3", .form = Form::index, .can_fail = true},
    {.name = "slice", .params = "a, *items",
     .doc = "Phylanx's subscript: list(start, stop, step) along an axis; nil takes the whole axis.",
     .example = "slice([1, 2, 3, 4], list(1, 3))  #= [2, 3]", .form = Form::slice, .can_fail = true},
    {.name = "method", .params = "object, name, *arguments", .doc = "Calls a method.",
     .example = "method([1, 2], \"sum\")  #= 3", .form = Form::method},
    {.name = "attribute", .params = "object, name", .doc = "Reads an attribute.",
     .example = "attribute([1, 2], \"shape\")  #= tuple(2)", .form = Form::attribute},
    {.name = "opaque", .params = "source, inputs", .doc = "An expression that stays in Python.",
     .form = Form::opaque},
    {.name = "opaque_block", .params = "source, inputs, outputs", .doc = "A statement that stays in Python.",
     .form = Form::opaque},
    {.name = "call_host", .params = "function, *arguments", .doc = "Calls a Python function.",
     .form = Form::call_host},
    {.name = "print", .python = "builtins.print", .params = "*values", .doc = "Python's print.",
     .form = Form::print},
    {.name = "cout", .params = "*values", .doc = "Prints the values, separated by nothing.",
     .form = Form::print},
    {.name = "fmap", .params = "function, *lists", .doc = "A list of the function's values.",
     .example = "fmap(lambda(a, b, a + b), '(1, 2), '(3, 4))  #= '(4, 6)", .form = Form::fmap},
    {.name = "parallel_map", .params = "function, *lists", .doc = "As fmap; calls may overlap.",
     .example = "parallel_map(lambda(a, a + 1), '(1, 2))  #= '(2, 3)", .form = Form::fmap},
    {.name = "filter", .params = "function, items", .doc = "The items for which the function is true.",
     .example = "filter(lambda(a, a > 1), '(1, 2, 3))  #= '(2, 3)", .form = Form::filter},
    {.name = "fold_left", .params = "function, initial, items", .doc = "Reduces from the left.",
     .example = "fold_left(lambda(a, b, a - b), 10, '(1, 2))  #= 7", .form = Form::fold_left},
    {.name = "fold_right", .params = "function, initial, items", .doc = "Reduces from the right.",
     .example = "fold_right(lambda(a, b, a - b), 10, '(1, 2))  #= 9", .form = Form::fold_right},
    {.name = "apply", .params = "function, items", .doc = "Calls the function with the items as arguments.",
     .example = "apply(lambda(a, b, a * b), '(6, 7))  #= 42", .form = Form::apply},
};

struct Constant {
  std::string_view name;
  double value;
};

constexpr Constant reals[] = {
    {"pi", 3.141592653589793},
    {"euler", 2.718281828459045},
    {"euler_gamma", 0.5772156649015329},
    {"inf", std::numeric_limits<double>::infinity()},
    {"ninf", -std::numeric_limits<double>::infinity()},
    {"nan", std::numeric_limits<double>::quiet_NaN()},
    {"NZERO", -0.0},
    {"PZERO", 0.0},
};

}  // namespace

std::span<const Primitive> control_primitives() { return table; }

std::optional<Value> find_constant(std::string_view name) {
  for (const Constant& c : reals) {
    if (c.name == name) return Value::of(c.value);
  }
  if (name == "ellipsis") return Value::ellipsis();
  return std::nullopt;
}

}  // namespace jetlag
