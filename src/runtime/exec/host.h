// The host: the language around the program. Python's side is in
// python/binding; the command line has a small one of its own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "array/value.h"
#include "base/error.h"

namespace jetlag {
struct Primitive;
}

namespace jetlag::plan {
struct Inlined;
}

namespace jetlag::exec {

// Where in the user's text a call to the host comes from.
struct Site {
  std::string_view file;
  std::string_view function;
  Place place;
};

// A floating-point condition of one operation, to be told in program order.
struct FpReport {
  std::string name;  // NumPy's: "exp", "scalar add", "reduce"
  unsigned anomalies = 0;
  std::string_view file;
  Place place;
  const plan::Inlined* within = nullptr;  // whose function's text holds the place
  // Of an operation that another one computes; -1 - n: n operations before that one.
  std::int64_t sequence = -1;
};

// The name under which NumPy reports a condition: "divide", "scalar add", "reduce".
std::string reported_name(const Primitive& ufunc, bool scalars);

struct BlockOutcome {
  int code = 0;  // 0 go on, 1 return value, 2 break, 3 continue
  Value value;
  std::vector<Value> outputs;  // unbound where the variable is
};

// All calls come from the thread that runs the call (its lane). Arrays handed
// over are ready. What the host throws passes through unchanged.
class Host {
 public:
  virtual ~Host() = default;

  // Native work of some length begins: others may use the host meanwhile.
  // Every other call below takes the host back by itself.
  virtual void let_go() {}
  // Throws if the user wants the call to end.
  virtual void poll() {}

  // Which floating-point conditions are to be told, and whether at once,
  // because telling them may throw.
  struct FpMode {
    unsigned wanted = divide_and_friends;
    bool at_once = false;
    static constexpr unsigned divide_and_friends = 1 | 2 | 8;
  };
  virtual FpMode fp_mode() { return {0, false}; }
  virtual void report(const FpReport&) {}

  // Memory is shared in ways that buffers do not show: nothing may overlap.
  virtual bool serial() { return false; }
  virtual int recursion_limit() { return 1000; }
  virtual Value fetch(int capture);  // unbound if the name is not there
  virtual bool guards_hold() { return true; }

  // A step that was thought native is about to run in the host. May throw
  // (strict). Opaque helpers tell of themselves.
  virtual void opaque_notice(const Site&, std::string_view /*why*/) {}

  // Something that the user should know once, and that changes no result.
  virtual void notice(std::string_view /*text*/) {}

  // Methods of such an object are known to run in the host: random generators.
  virtual bool is_lane_object(const Value&) { return false; }

  // What is called next is called from there: warnings and loggers see that line.
  virtual void stand_at(const Site&) {}

  // The last keywords.size() arguments are keyword arguments.
  using Keywords = const std::vector<std::string>&;
  virtual Value call(const Value& callee, const std::vector<Value>& args, Keywords keywords);
  virtual Value call_named(std::string_view dotted, const std::vector<Value>& args,
                           Keywords keywords);
  // What users call a function: "scipy.special.erf".
  virtual std::string name_of(const Value& callee);
  virtual Value attribute(const Value& object, std::string_view name);
  virtual void set_attribute(const Value& object, std::string_view name, const Value& value);
  virtual Value index(const Value& object, const std::vector<Value>& items);
  virtual void set_index(const Value& object, const std::vector<Value>& items, const Value& value);
  virtual bool truth(const Value& value);
  virtual void print(const std::vector<Value>& values, Keywords keywords, bool separated) = 0;
  virtual Value iterator(const Value& object);
  virtual bool next(const Value& iterator, Value& item);
  virtual std::vector<Value> unpack(const Value& object, int count);
  virtual Value opaque(int helper, const std::vector<Value>& inputs, const Site& site);
  virtual BlockOutcome opaque_block(int helper, const std::vector<Value>& inputs,
                                    const std::vector<std::string>& outputs, const Site& site);
};

// A frame that an error passed through, innermost first.
struct TraceFrame {
  std::string file;
  std::string function;
  Place place;
};

}  // namespace jetlag::exec
