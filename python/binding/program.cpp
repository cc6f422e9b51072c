// The class Program: functions lowered from Python, ready to be called.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "binding/module.h"
#include "binding/python_host.h"
#include "runtime/exec/lane.h"

namespace jetlag::python {

namespace {

using physl::NodePtr;

class Program {
 public:
  Program(nb::list functions, nb::list opaques, bool /*fastmath*/, bool strict) {
    side_.strict = strict;
    std::vector<plan::Source> sources;
    for (nb::handle f : functions) {
      const nb::tuple t = nb::cast<nb::tuple>(f);
      plan::Source source;
      source.node = nb::cast<NodeBox&>(t[0]).node;
      source.file = nb::cast<std::string>(t[1]);
      source.name = nb::cast<std::string>(t[2]);
      add_captures(source, nb::cast<nb::list>(t[4]));
      sources.push_back(std::move(source));
    }
    for (nb::handle o : opaques) {
      const nb::tuple t = nb::cast<nb::tuple>(o);
      side_.helpers.push_back({t[0], nb::cast<std::string>(t[1]), nb::cast<int>(t[2]),
                               nb::cast<int>(t[3]), nb::cast<bool>(t[4])});
    }
    program_ = plan::build(sources, [](const std::string& digits) {
      const nb::object value = nb::steal(PyLong_FromString(digits.c_str(), nullptr, 10));
      return Value::object(make<PyHandle>(value.ptr()));
    });
    resolve_captures();
  }

  void set_guards(nb::list guards) {
    side_.guards.clear();
    for (nb::handle g : guards) {
      const nb::tuple t = nb::cast<nb::tuple>(g);
      side_.guards.push_back({nb::cast<nb::dict>(t[0]), t[1], t[2]});
    }
  }

  bool guards_hold() const { return PythonHost(side_).guards_hold(); }

  nb::object run(nb::tuple arguments) const { return run_profiled(arguments, nullptr); }

  nb::tuple explain(nb::tuple arguments) const {
    exec::Profile profile(program_->ids);
    nb::object result = run_profiled(arguments, &profile);
    nb::list rows;
    for (const exec::ExplainRow& row : exec::explain_rows(*program_, profile))
      rows.append(row_dict(row));
    return nb::make_tuple(result, rows);
  }

  std::string physl(bool tags) const {
    return physl::print(program_->nodes, {.tags = tags, .infix = !tags});
  }

  std::string tree(const std::string& form) const {
    if (form == "dot") return physl::to_dot(program_->nodes, program_->file);
    if (form == "newick") return physl::to_newick(program_->nodes);
    if (form == "text") return physl::to_tree_text(program_->nodes);
    throw nb::value_error("the form of a tree is text, dot or newick");
  }

  std::string plan() const { return plan::print(*program_); }
  bool may_write() const { return program_->may_write; }
  bool has_opaque() const { return program_->has_opaque; }

 private:
  void add_captures(plan::Source& source, const nb::list& captures) {
    auto& known = side_.captures.emplace_back();
    for (nb::handle c : captures) {
      const nb::tuple t = nb::cast<nb::tuple>(c);
      CaptureSource capture;
      if (nb::isinstance<nb::str>(t[1])) {
        // The object itself: it is fetched from no holder.
        capture.holder = nb::none();
        capture.key = t[2];
      } else {
        capture.holder = t[1];
        capture.key = t[2];
      }
      source.captures.push_back(nb::cast<std::string>(t[0]));
      known.emplace_back(source.captures.back(), std::move(capture));
    }
  }

  // The plan knows captures by function and name.
  void resolve_captures() {
    for (const plan::Capture& wanted : program_->captures) {
      CaptureSource source;
      for (std::size_t f = 0; f < program_->functions.size() && f < side_.captures.size(); ++f) {
        if (program_->functions[f].get() != wanted.function) continue;
        for (const auto& [name, capture] : side_.captures[f]) {
          if (name == wanted.name) source = capture;
        }
      }
      side_.resolved.push_back(std::move(source));
    }
  }

  nb::object run_profiled(const nb::tuple& arguments, exec::Profile* profile) const {
    PythonHost host(side_);
    std::vector<Value> values;
    for (nb::handle argument : arguments)
      values.push_back(host.border().from_python(argument.ptr()));
    exec::Lane lane(host, *program_, caches_, profile);
    Value result;
    try {
      result = lane.run(values);
    } catch (const Error& error) {
      host.take();
      raise(error, lane.frames());
    } catch (nb::python_error& error) {
      host.take();
      raise_located(error, lane.frames());
    } catch (const std::bad_alloc&) {
      host.take();
      raise(Error(Kind::memory, "out of memory"), lane.frames());
    }
    host.take();
    PyObject* object = host.border().to_python(result);
    if (!object) nb::raise_python_error();
    return nb::steal(object);
  }

  static nb::dict row_dict(const exec::ExplainRow& row) {
    nb::dict d;
    d["depth"] = row.depth;
    d["kind"] = row.kind;
    d["text"] = row.text;
    d["file"] = row.file;
    d["line"] = row.line;
    const std::size_t bracket = row.result.find('[');
    d["dtype"] = row.result.substr(0, bracket);
    d["shape"] = bracket == std::string::npos
                     ? ""
                     : row.result.substr(bracket + 1, row.result.size() - bracket - 2);
    d["native"] = row.native;
    d["calls"] = row.figures.calls;
    d["tasks"] = row.figures.tasks;
    d["time"] = static_cast<double>(row.figures.ns) * 1e-9;
    d["bytes"] = row.figures.bytes;
    d["flops"] = row.figures.flops;
    d["rule"] = row.figures.rule;
    nb::list refused, compiled;
    for (const exec::Refusal& r : row.figures.refused)
      refused.append(nb::make_tuple(r.rule, r.why));
    for (const exec::Compilation& c : row.figures.compiled)
      compiled.append(nb::make_tuple(c.what, static_cast<double>(c.ns) * 1e-9));
    d["refused"] = refused;
    d["compiled"] = compiled;
    return d;
  }

  PythonSide side_;
  std::unique_ptr<plan::Program> program_;
  mutable exec::Caches caches_;
};

}  // namespace

void add_program(nb::module_& m) {
  nb::class_<Program>(m, "Program", "Functions lowered from Python; the first is the entry.")
      .def(nb::init<nb::list, nb::list, bool, bool>(), nb::arg("functions"), nb::arg("opaques"),
           nb::arg("fastmath") = false, nb::arg("strict") = false)
      .def("set_guards", &Program::set_guards, nb::arg("guards"),
           "Guards (dict, key, expected): the program is right while dict.get(key, MISSING) is "
           "expected.")
      .def("guards_hold", &Program::guards_hold)
      .def("run", &Program::run, nb::arg("arguments"),
           "Calls the entry. Raises what Python would raise.")
      .def("explain", &Program::explain, nb::arg("arguments"),
           "Calls the entry; the result and the rows.")
      .def("physl", &Program::physl, nb::arg("tags") = true)
      .def("tree", &Program::tree, nb::arg("form") = "text")
      .def("plan", &Program::plan)
      .def("may_write", &Program::may_write, "Whether memory of an argument may be written.")
      .def("has_opaque", &Program::has_opaque);
}

}  // namespace jetlag::python
