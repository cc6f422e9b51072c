// The builder of plans, split over build.cpp (names, calls, expressions), forms.cpp
// (the forms) and inline.cpp (calls in whose place the function stands).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "compiler/plan/inline.h"
#include "compiler/plan/plan.h"
#include "compiler/plan/scope.h"

namespace jetlag::plan {

struct Builder;

// Appends to a block: operations to the region at its end, and statements.
class Writer {
 public:
  Writer(Builder& builder, Block& out) : builder_(builder), out_(out) {}

  int emit(Op op);
  void set_result(int reg);
  // What comes next begins a region of its own, with registers of its own.
  void close() {
    open_ = false;
    known_.clear();
  }
  Statement& statement(StatementKind kind, const physl::NodePtr& node);
  // The open region is the function's last, and ends with its result.
  void leave(int reg, const physl::NodePtr& node);

  // The register that holds a variable's value, while the region surely knows.
  int known(int slot) const;
  void know(int slot, int reg);
  void forget() { known_.clear(); }

  // What is emitted from here on belongs to the call; null: to the function itself.
  const Inlined* stand_within(const Inlined* call) { return std::exchange(within_, call); }
  const Op& op(int reg) { return region().ops[static_cast<std::size_t>(reg)]; }

 private:
  Region& region();

  Builder& builder_;
  Block& out_;
  bool open_ = false;
  const Inlined* within_ = nullptr;
  std::map<int, int> known_;
};

// A function that all of the program can call.
struct Callee {
  Function* function;
  std::vector<std::string> captures;
};

struct Builder {
  Program& program;
  BigInteger big_integer;
  std::map<std::string, Callee> functions{};
  std::map<std::string, physl::NodePtr> definitions{};  // of the same functions
  Inlining inlining{definitions};
  int inlined_nodes = 0;

  Function* function(Context* outer, const physl::NodePtr& node, std::string name,
                     const std::vector<physl::NodePtr>& params, const physl::NodePtr& body,
                     bool python);
  void fill(Function& f, Context* outer, const std::vector<physl::NodePtr>& params,
            const physl::NodePtr& body, std::vector<std::string> captures);
  void finish();

  int expression(Context& context, const physl::NodePtr& node, Writer& writer);
  void statement(Context& context, const physl::NodePtr& node, Writer& writer);

  // The children from `first` to the one before the last.
  static std::vector<physl::NodePtr> inner(const physl::NodePtr& node, std::size_t first);

 private:
  Region separate(Context& context, const physl::NodePtr& node);
  Block body(Context& context, const physl::NodePtr& node);
  Block scoped(Context& context, const physl::NodePtr& node);

  int read(Context& context, const physl::NodePtr& node, Writer& writer);
  int read_variable(const physl::NodePtr& node, Variable variable, Writer& writer);
  int read_capture(const Function* function, const physl::NodePtr& node, Writer& writer);
  int assign(Context& context, const physl::NodePtr& target, int value, Writer& writer, bool fresh);

  int call(Context& context, const physl::NodePtr& node, Writer& writer);
  void arguments(Context& context, const physl::NodePtr& node, std::size_t first, Op& op,
                 Writer& writer);
  int function_call(Context& context, const physl::NodePtr& node, const Callee& callee,
                    Writer& writer);
  int inlined_call(Context& context, const Op& op, const Callee& callee, Writer& writer);
  int inlined_body(Context& inside, const physl::NodePtr& node, Writer& writer);
  void bind_keywords(Op& op, const Function& f);
  int primitive(Context& context, const physl::NodePtr& node, const Primitive& p, Writer& writer);
  std::string bind(Op& op, const Primitive& p, const physl::NodePtr& node, Writer& writer);
  Value integer_value(const physl::Node& node);
  int collect(Context& context, const physl::NodePtr& node, OpKind kind, Writer& writer);

  // forms.cpp
  int form(Context& context, const physl::NodePtr& node, const Primitive& p, Writer& writer);
  int nested(Context& context, const physl::NodePtr& node, Writer& writer);
  int define(Context& context, const physl::NodePtr& node, Writer& writer);
  int closure(Context& context, const physl::NodePtr& node, std::string name,
              const std::vector<physl::NodePtr>& params, bool python, Writer& writer);
  int store(Context& context, const physl::NodePtr& target, int value, Writer& writer, bool fresh);
  int augment(Context& context, const physl::NodePtr& node, Writer& writer);
  int unpack(Context& context, const physl::NodePtr& targets, int value, Writer& writer);
  int logical(Context& context, const physl::NodePtr& node, OpKind kind, Writer& writer);
  int subscript(Context& context, const physl::NodePtr& node, bool phylanx, Writer& writer);
  std::vector<int> subscript_items(Context& context, const physl::NodePtr& node, bool phylanx,
                                   Writer& writer);
  int phylanx_item(Context& context, const physl::NodePtr& item, Writer& writer);
  int opaque(Context& context, const physl::NodePtr& node, Writer& writer);
  int print_form(Context& context, const physl::NodePtr& node, Writer& writer);
  int with_name(Context& context, const physl::NodePtr& node, OpKind kind, Writer& writer);
  int host_call(Context& context, const physl::NodePtr& node, Writer& writer);
  void branch(Context& context, const physl::NodePtr& node, Writer& writer);
  void loop(Context& context, const physl::NodePtr& node, Writer& writer);
  void for_loop(Context& context, const physl::NodePtr& node, Writer& writer);
  void for_each(Context& context, const physl::NodePtr& node, Writer& writer);
  void leave(Context& context, const physl::NodePtr& node, Writer& writer);
  void opaque_block(Context& context, const physl::NodePtr& node, Writer& writer);
  Variable variable_of(Context& context, const physl::NodePtr& name);
};

}  // namespace jetlag::plan
