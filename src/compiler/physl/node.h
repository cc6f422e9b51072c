// PhySL as a tree. A node knows where in the user's source it comes from; the
// printer shows that as $line$column behind names.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "array/value.h"
#include "base/error.h"

namespace jetlag::physl {

enum class NodeKind : std::uint8_t {
  integer,  // text holds the digits where 64 bits do not suffice
  real,
  imaginary,  // 2.5j: real holds the factor
  boolean,
  string,
  nil,
  name,   // a variable, a function or a constant such as pi
  call,   // text is the callee's name; children are the arguments
  list,   // '( … )
  array,  // [ … ]: a literal of numbers; value holds the array
};

struct Node;
using NodePtr = std::shared_ptr<const Node>;

struct Node {
  NodeKind kind = NodeKind::nil;
  Place place;
  std::string text;       // name, callee, string, digits
  std::string attribute;  // what stands in {…} behind a callee
  bool quoted = false;    // a user's name that would clash: `e`, `list`
  std::int64_t integer = 0;
  double real = 0;
  bool boolean = false;
  Value value;  // of an array literal
  std::vector<NodePtr> children;

  bool is_call(std::string_view name) const {
    return kind == NodeKind::call && !quoted && text == name;
  }
};

// Builders. What the grammar cannot write is mended where a twin exists: a name
// that is no identifier gets quoted, the names nil, true and false become those
// literals, and a NaN becomes the constant nan.
NodePtr make_integer(std::int64_t value, Place place = {});
NodePtr make_big_integer(std::string digits, Place place = {});
NodePtr make_real(double value, Place place = {});
NodePtr make_imaginary(double factor, Place place = {});
NodePtr make_boolean(bool value, Place place = {});
NodePtr make_string(std::string text, Place place = {});
NodePtr make_nil(Place place = {});
NodePtr make_name(std::string name, Place place = {}, bool quoted = false);
NodePtr make_call(std::string callee, std::vector<NodePtr> arguments, Place place = {},
                  std::string attribute = {}, bool quoted = false);
NodePtr make_list(std::vector<NodePtr> items, Place place = {});
// Of int64, float64 or bool; rank 1 or more. Empty only as [] or [[], []], of float64.
NodePtr make_array(Value value, Place place = {});

// [A-Za-z_][A-Za-z_0-9]*: what needs no backquotes.
bool is_identifier(std::string_view name);

// Same kind, text, payload and children, and the same place on every node that
// can show one in text (names and calls). An unknown place equals any: text
// without tags has no other places than its own.
bool same(const Node& a, const Node& b);

// A program is a sequence of expressions, which ; may separate. A node without
// a tag takes the place of the nearest tagged call around it, else that in the
// text. Throws Error(syntax) with line,
// column and what was expected there. `file` is for the error only.
std::vector<NodePtr> parse(std::string_view text, std::string_view file = {});

struct PrintOptions {
  bool tags = true;    // $line$column behind names
  bool infix = false;  // operators between their operands; only without tags
  int width = 100;     // where lines break
};
std::string print(const Node& node, const PrintOptions& options = {});
std::string print(const std::vector<NodePtr>& program, const PrintOptions& options = {});

// The tree as Newick text, "((a,b)plus)f;", each node once, and as a DOT graph.
// Labels carry the place: "add(12, 4)".
std::string to_newick(const std::vector<NodePtr>& program);
std::string to_dot(const std::vector<NodePtr>& program, std::string_view title);
std::string to_tree_text(const std::vector<NodePtr>& program);  // indented, one node a line

// Checks what the grammar cannot: arity of forms, break outside a loop, return
// outside a function, keywords before positionals, targets that cannot be
// stored to, definitions that would hide a primitive. Throws Error(syntax),
// Error(name) or Error(type) at the node's place.
// `is_primitive` tells which further names (primitives, constants) are taken.
void verify(const std::vector<NodePtr>& program,
            const std::function<bool(std::string_view)>& is_primitive = {});

}  // namespace jetlag::physl
