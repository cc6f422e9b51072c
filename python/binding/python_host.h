// Python as the host of a program.
#pragma once

#include "binding/convert.h"
#include "binding/guards.h"
#include "runtime/exec/host.h"

namespace jetlag::python {

// A name that a program takes from outside: a dict and its key, a closure's
// cell, or the object itself.
struct CaptureSource {
  nb::object holder;
  nb::object key;
};

struct Helper {
  nb::object callable;
  std::string description;
  int line = 0;
  int column = 0;
  bool lane = false;
};

// What a program needs of Python, shared by its calls.
struct PythonSide {
  std::vector<std::vector<std::pair<std::string, CaptureSource>>> captures;  // by function
  std::vector<CaptureSource> resolved;                                       // by capture index
  std::vector<Helper> helpers;
  Guards guards;
  bool strict = false;
};

// Functions of jetlag.engine that the engine calls.
struct Hooks {
  nb::object locate, warn_fp, warn_opaque, call_at, name_of;
  bool asked = false;
};
Hooks& hooks();
void set_hooks(Hooks hooks);

// Sentinels.
PyObject* unbound_object();
PyObject* missing_object();

class PythonHost : public exec::Host {
 public:
  explicit PythonHost(const PythonSide& side);
  ~PythonHost() override { take(); }

  Border& border() { return border_; }
  // Holds the GIL again.
  void take();

  void let_go() override;
  void poll() override;
  FpMode fp_mode() override;
  void report(const exec::FpReport& report) override;
  int recursion_limit() override;
  Value fetch(int capture) override;
  bool guards_hold() override;
  void stand_at(const exec::Site& site) override;
  void opaque_notice(const exec::Site& site, std::string_view why) override;
  void notice(std::string_view text) override;
  Value call(const Value& callee, const std::vector<Value>& args, Keywords keywords) override;
  Value call_named(std::string_view dotted, const std::vector<Value>& args,
                   Keywords keywords) override;
  std::string name_of(const Value& callee) override;
  Value attribute(const Value& object, std::string_view name) override;
  void set_attribute(const Value& object, std::string_view name, const Value& value) override;
  Value index(const Value& object, const std::vector<Value>& items) override;
  void set_index(const Value& object, const std::vector<Value>& items, const Value& value) override;
  bool truth(const Value& value) override;
  void print(const std::vector<Value>& values, Keywords keywords, bool separated) override;
  Value iterator(const Value& object) override;
  bool next(const Value& iterator, Value& item) override;
  std::vector<Value> unpack(const Value& object, int count) override;
  Value opaque(int helper, const std::vector<Value>& inputs, const exec::Site& site) override;
  exec::BlockOutcome opaque_block(int helper, const std::vector<Value>& inputs,
                                  const std::vector<std::string>& outputs,
                                  const exec::Site& site) override;
  bool is_lane_object(const Value& object) override;
  bool serial() override { return border_.tangled(); }

 private:
  nb::object out(const Value& v);  // throws what Python raised
  Value in(const nb::object& o) { return border_.from_python(o.ptr()); }
  // A function that calls its first argument from the place where the program stands.
  nb::object from_site();
  Value invoke(const nb::object& callable, const std::vector<Value>& args, Keywords keywords);
  nb::object subscript(const std::vector<Value>& items);
  nb::object run_helper(int helper, const std::vector<Value>& inputs, const exec::Site& site);

  const PythonSide& side_;
  Border border_;
  PyThreadState* saved_ = nullptr;
  bool main_thread_;
  exec::Site site_;
};

// The program's error as a Python exception, with the frames that it passed
// through. Does not return.
[[noreturn]] void raise(const Error& error, const std::vector<exec::TraceFrame>& frames);
[[noreturn]] void raise_located(nb::python_error& error,
                                const std::vector<exec::TraceFrame>& frames);

}  // namespace jetlag::python
