#include "binding/python_host.h"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "primitives/primitive.h"
#include "trace/record/record.h"

namespace jetlag::python {

namespace {

Hooks& known_hooks() {
  // Never destroyed: the interpreter may be gone by then.
  static Hooks* h = new Hooks;
  return *h;
}

}  // namespace

void set_hooks(Hooks hooks) { known_hooks() = std::move(hooks); }

Hooks& hooks() {
  Hooks& h = known_hooks();
  // The module may be used before the package has set them.
  if (!h.locate.is_valid() && !std::exchange(h.asked, true))
    nb::module_::import_("jetlag.engine").attr("core")();
  return h;
}

namespace {

nb::object checked(PyObject* object) {
  if (!object) nb::raise_python_error();
  return nb::steal(object);
}

nb::str text(std::string_view s) { return nb::str(s.data(), s.size()); }

// "numpy.linalg.inv": the longest module, then attributes.
nb::object resolve(std::string_view dotted) {
  static auto* known = new std::unordered_map<std::string, nb::object>;
  const std::string name(dotted);
  if (auto at = known->find(name); at != known->end()) return at->second;
  const std::size_t dot = name.rfind('.');
  nb::object parent;
  try {
    parent = nb::module_::import_(name.substr(0, dot).c_str());
  } catch (nb::python_error&) {
    parent = resolve(name.substr(0, dot));
  }
  nb::object found = nb::getattr(parent, name.substr(dot + 1).c_str());
  known->emplace(name, found);
  return found;
}

// What np.geterr() asks for. Anything but a warning must be told at once.
exec::Host::FpMode asked_mode() {
  constexpr std::pair<const char*, unsigned> kinds[] = {
      {"divide", divide_by_zero}, {"over", overflow}, {"under", underflow}, {"invalid", invalid}};
  const nb::object modes = resolve("numpy.geterr")();
  exec::Host::FpMode mode{0, false};
  for (const auto& [kind, bit] : kinds) {
    const std::string how = nb::cast<std::string>(nb::object(modes[kind]));
    if (how != "ignore") mode.wanted |= bit;
    if (how != "ignore" && how != "warn") mode.at_once = true;
  }
  return mode;
}

}  // namespace

namespace {

trace::SiteId waiting_for_python() {
  static const trace::Site site{.name = "wait for the GIL", .category = trace::Category::wait};
  return trace::define(site);
}

}  // namespace

PythonHost::PythonHost(const PythonSide& side) : side_(side) {
  static const unsigned long main_id = [] {
    nb::object threading = nb::module_::import_("threading");
    return nb::cast<unsigned long>(threading.attr("main_thread")().attr("ident"));
  }();
  main_thread_ = PyThread_get_thread_ident() == main_id;
}

void PythonHost::take() {
  if (!saved_) return;
  {
    trace::Span span;
    if (trace::recording()) [[unlikely]]
      span.begin(waiting_for_python());
    PyEval_RestoreThread(saved_);
  }
  saved_ = nullptr;
  release_dropped();
}

void PythonHost::let_go() {
  if (!saved_) saved_ = PyEval_SaveThread();
}

void PythonHost::poll() {
  // Signals are the main thread's; others only let each other run.
  if (!main_thread_) return;
  take();
  if (PyErr_CheckSignals() != 0) nb::raise_python_error();
}

namespace {

// Whether the filters of warnings make an error of one. They are asked once, too: a filter is a
// tuple, which stays what it is, so the same ones in the same order say the same.
bool warnings_raise() {
  static PyObject* module = nb::module_::import_("warnings").release().ptr();
  static PyObject* name = PyUnicode_InternFromString("filters");
  static auto& known = *new std::vector<nb::object>;  // the interpreter may be gone by the end
  static bool raise = false;
  const nb::object filters = nb::steal(PyObject_GetAttr(module, name));
  if (!filters.is_valid()) nb::raise_python_error();
  if (!PyList_Check(filters.ptr())) return true;
  const auto count = static_cast<std::size_t>(PyList_GET_SIZE(filters.ptr()));
  PyObject** items = &PyList_GET_ITEM(filters.ptr(), 0);
  const auto same = [](const nb::object& a, PyObject* b) { return a.ptr() == b; };
  if (std::equal(known.begin(), known.end(), items, items + count, same)) return raise;
  std::vector<nb::object> seen;
  bool found = false;
  for (PyObject* filter : std::span(items, count)) {
    seen.push_back(nb::borrow(filter));
    const bool is_filter = PyTuple_Check(filter) && PyTuple_GET_SIZE(filter) > 0;
    PyObject* action = is_filter ? PyTuple_GET_ITEM(filter, 0) : nullptr;
    if (action && PyUnicode_Check(action))
      found = found || PyUnicode_CompareWithASCIIString(action, "error") == 0;
  }
  known = std::move(seen);
  raise = found;
  return raise;
}

}  // namespace

exec::Host::FpMode PythonHost::fp_mode() {
  take();
  // The state of np.errstate is one object per state: what was asked of it once holds.
  static PyObject* variable = [] {
    nb::object umath = nb::module_::import_("numpy._core.umath");
    return nb::object(umath.attr("_extobj_contextvar")).release().ptr();
  }();
  static PyObject* seen = nullptr;
  static FpMode mode;
  PyObject* now = nullptr;
  if (PyContextVar_Get(variable, nullptr, &now) < 0) nb::raise_python_error();
  const nb::object keep = nb::steal(now);
  if (!seen || now != seen) {
    mode = asked_mode();
    Py_XDECREF(seen);
    seen = Py_XNewRef(now);
  }
  FpMode result = mode;
  if (result.wanted && !result.at_once) result.at_once = warnings_raise();
  return result;
}

void PythonHost::report(const exec::FpReport& r) {
  take();
  hooks().warn_fp(text(r.name), r.anomalies, text(r.file), r.place.line);
}

int PythonHost::recursion_limit() { return Py_GetRecursionLimit(); }

Value PythonHost::fetch(int capture) {
  take();
  const CaptureSource& source = side_.resolved[static_cast<std::size_t>(capture)];
  PyObject* holder = source.holder.ptr();
  if (!holder) return {};
  if (PyDict_Check(holder)) {
    PyObject* found = PyDict_GetItemWithError(holder, source.key.ptr());
    if (!found && PyErr_Occurred()) nb::raise_python_error();
    return found ? border_.from_python(found) : Value();
  }
  if (PyCell_Check(holder)) {
    PyObject* found = PyCell_GET(holder);
    return found ? border_.from_python(found) : Value();
  }
  return border_.from_python(source.key.ptr());
}

bool PythonHost::guards_hold() {
  take();
  return side_.guards.hold();
}

void PythonHost::opaque_notice(const exec::Site& site, std::string_view why) {
  take();
  hooks().warn_opaque(text(site.file), site.place.line, site.place.column, text(why), side_.strict);
}

void PythonHost::stand_at(const exec::Site& site) { site_ = site; }

void PythonHost::notice(std::string_view words) {
  take();
  if (PyErr_WarnEx(PyExc_RuntimeWarning, std::string(words).c_str(), 1) < 0)
    nb::raise_python_error();
}

bool PythonHost::is_lane_object(const Value& object) {
  if (!object.is(ValueKind::object)) return false;
  const std::string_view type = Py_TYPE(static_cast<PyHandle*>(object.object())->get())->tp_name;
  return type.starts_with("numpy.random.");
}

nb::object PythonHost::out(const Value& v) { return checked(border_.to_python(v)); }

nb::object PythonHost::from_site() {
  return hooks().call_at(text(site_.file), site_.place.line, text(site_.function));
}

Value PythonHost::invoke(const nb::object& callable, const std::vector<Value>& args,
                         Keywords keywords) {
  const std::size_t positional = args.size() - keywords.size() + 1;
  const nb::object caller = from_site();
  std::vector<nb::object> objects;
  std::vector<PyObject*> pointers{callable.ptr()};
  for (const Value& v : args) {
    objects.push_back(out(v));
    pointers.push_back(objects.back().ptr());
  }
  nb::object names;
  if (!keywords.empty()) {
    names = checked(PyTuple_New(static_cast<Py_ssize_t>(keywords.size())));
    for (std::size_t i = 0; i < keywords.size(); ++i) {
      PyTuple_SET_ITEM(names.ptr(), static_cast<Py_ssize_t>(i), text(keywords[i]).release().ptr());
    }
  }
  return in(checked(PyObject_Vectorcall(caller.ptr(), pointers.data(), positional, names.ptr())));
}

Value PythonHost::call(const Value& callee, const std::vector<Value>& args, Keywords keywords) {
  take();
  return invoke(out(callee), args, keywords);
}

Value PythonHost::call_named(std::string_view dotted, const std::vector<Value>& args,
                             Keywords keywords) {
  take();
  return invoke(resolve(dotted), args, keywords);
}

std::string PythonHost::name_of(const Value& callee) {
  take();
  return nb::cast<std::string>(hooks().name_of(out(callee)));
}

Value PythonHost::attribute(const Value& object, std::string_view name) {
  take();
  return in(nb::getattr(out(object), text(name)));
}

void PythonHost::set_attribute(const Value& object, std::string_view name, const Value& value) {
  take();
  from_site()(resolve("builtins.setattr"), out(object), text(name), out(value));
}

nb::object PythonHost::subscript(const std::vector<Value>& items) {
  if (items.size() == 1) return out(items[0]);
  return out(Value::tuple(items));
}

Value PythonHost::index(const Value& object, const std::vector<Value>& items) {
  take();
  return in(checked(PyObject_GetItem(out(object).ptr(), subscript(items).ptr())));
}

void PythonHost::set_index(const Value& object, const std::vector<Value>& items,
                           const Value& value) {
  take();
  from_site()(resolve("operator.setitem"), out(object), subscript(items), out(value));
}

bool PythonHost::truth(const Value& value) {
  take();
  const int yes = PyObject_IsTrue(out(value).ptr());
  if (yes < 0) nb::raise_python_error();
  return yes != 0;
}

void PythonHost::print(const std::vector<Value>& values, Keywords keywords, bool separated) {
  take();
  const nb::object builtin = resolve("builtins.print");
  if (separated) {
    invoke(builtin, values, keywords);
    return;
  }
  std::vector<Value> all = values;
  all.push_back(Value::of(std::string()));
  invoke(builtin, all, {"sep"});
}

Value PythonHost::iterator(const Value& object) {
  take();
  return Value::object(make<PyHandle>(checked(PyObject_GetIter(out(object).ptr())).ptr()));
}

bool PythonHost::next(const Value& iterator, Value& item) {
  take();
  PyObject* o = PyIter_Next(static_cast<PyHandle*>(iterator.object())->get());
  if (!o && PyErr_Occurred()) nb::raise_python_error();
  if (!o) return false;
  item = in(nb::steal(o));
  return true;
}

std::vector<Value> PythonHost::unpack(const Value& object, int count) {
  take();
  const nb::object source = out(object);
  const nb::object iterator = nb::steal(PyObject_GetIter(source.ptr()));
  if (!iterator.is_valid()) {
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) nb::raise_python_error();
    PyErr_Clear();
    throw Error(Kind::type,
                format("cannot unpack non-iterable {} object", Py_TYPE(source.ptr())->tp_name));
  }
  std::vector<Value> items;
  while (PyObject* o = PyIter_Next(iterator.ptr())) {
    const nb::object item = nb::steal(o);
    if (static_cast<int>(items.size()) == count) {
      throw Error(Kind::value, format("too many values to unpack (expected {})", count));
    }
    items.push_back(in(item));
  }
  if (PyErr_Occurred()) nb::raise_python_error();
  if (static_cast<int>(items.size()) < count) {
    throw Error(Kind::value,
                format("not enough values to unpack (expected {}, got {})", count, items.size()));
  }
  return items;
}

// ---- helpers -----------------------------------------------------------------

nb::object PythonHost::run_helper(int index, const std::vector<Value>& inputs,
                                  const exec::Site& site) {
  take();
  const Helper& helper = side_.helpers[static_cast<std::size_t>(index)];
  if (!helper.lane) {
    hooks().warn_opaque(text(site.file), helper.line, helper.column, text(helper.description),
                        side_.strict);
  }
  std::vector<nb::object> objects;
  std::vector<PyObject*> pointers;
  for (const Value& v : inputs) {
    objects.push_back(v.bound() ? out(v) : nb::borrow(unbound_object()));
    pointers.push_back(objects.back().ptr());
  }
  return checked(
      PyObject_Vectorcall(helper.callable.ptr(), pointers.data(), pointers.size(), nullptr));
}

Value PythonHost::opaque(int helper, const std::vector<Value>& inputs, const exec::Site& site) {
  return in(run_helper(helper, inputs, site));
}

exec::BlockOutcome PythonHost::opaque_block(int helper, const std::vector<Value>& inputs,
                                            const std::vector<std::string>& outputs,
                                            const exec::Site& site) {
  const nb::tuple answer = nb::cast<nb::tuple>(run_helper(helper, inputs, site));
  exec::BlockOutcome outcome;
  outcome.code = nb::cast<int>(answer[0]);
  outcome.value = border_.from_python(nb::object(answer[1]).ptr());
  const nb::object variables = answer[2];
  for (const std::string& name : outputs) {
    PyObject* found = PyDict_GetItemString(variables.ptr(), name.c_str());
    outcome.outputs.push_back(found ? border_.from_python(found) : Value());
  }
  return outcome;
}

// ---- errors --------------------------------------------------------------------

namespace {

nb::list frame_list(const std::vector<exec::TraceFrame>& frames) {
  nb::list list;
  for (const exec::TraceFrame& f : frames)
    list.append(nb::make_tuple(f.file, f.place.line, f.function));
  return list;
}

[[noreturn]] void raise_object(const nb::object& exception) {
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception.ptr())), exception.ptr());
  nb::raise_python_error();
}

}  // namespace

void raise(const Error& error, const std::vector<exec::TraceFrame>& frames) {
  nb::object exception = resolve(format(
      "{}{}", describe(error.kind()).python.find('.') == std::string_view::npos ? "builtins." : "",
      describe(error.kind()).python))(error.message());
  if (!error.hint().empty()) exception.attr("add_note")(error.hint());
  raise_object(hooks().locate(exception, frame_list(frames)));
}

void raise_located(nb::python_error& error, const std::vector<exec::TraceFrame>& frames) {
  nb::object exception = nb::borrow(error.value());
  raise_object(hooks().locate(exception, frame_list(frames)));
}

}  // namespace jetlag::python
