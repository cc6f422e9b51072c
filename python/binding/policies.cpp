// Policies, for Python. The engine's thread calls what Python gave with the GIL taken.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cmath>

#include "binding/convert.h"
#include "binding/policies.h"
#include "runtime/policies/policies.h"
#include "trace/policy/policy.h"

namespace jetlag::python {

namespace {

// A callable that any thread may let go of.
class Callback {
 public:
  explicit Callback(const nb::object& callable) : callable_(make<PyHandle>(callable.ptr())) {}

  // `use` sees what it returned. What it raised was told in Python; here are its words.
  template <class Use, class... Given>
  auto operator()(const Use& use, const Given&... given) const {
    const nb::gil_scoped_acquire gil;
    try {
      return use(nb::borrow(callable_->get())(given...));
    } catch (nb::python_error& error) {
      throw Error(Kind::runtime, nb::cast<std::string>(nb::str(error.value())));
    }
  }

 private:
  Ref<PyHandle> callable_;
};

trace::Event event_named(const std::string& name) {
  std::string names;
  for (const trace::EventKind& kind : trace::event_kinds()) {
    if (kind.event == trace::Event::none) continue;
    if (kind.name == name) return kind.event;
    names += format("{}{}", names.empty() ? "" : ", ", kind.name);
  }
  throw Error(Kind::value, format("there is no event '{}'", name), format("there are {}", names));
}

void add(const std::string& name, const std::string& on, const std::string& of,
         const nb::object& counter, std::size_t window, const nb::object& when, double every,
         const nb::object& act, const std::string& file, int line) {
  policy::Policy p;
  p.name = name;
  p.of = of;
  p.window = window;
  p.every_ns = std::llround(every * 1e9);
  p.file = file;
  p.line = line;
  p.act = [call = Callback(act)](const policy::Cause& c) {
    return call([](const nb::object& did) { return nb::cast<std::string>(did); },
                policy::trigger_name(c.trigger).data(), c.value, c.count, c.name);
  };
  if (!on.empty()) {
    p.trigger = policy::Trigger::event;
    p.event = event_named(on);
  } else if (!counter.is_none()) {
    p.trigger = policy::Trigger::window;
    p.counter = [read = Callback(counter)] {
      return read([](const nb::object& value) { return nb::cast<double>(value); });
    };
    p.when = [call = Callback(when)](std::span<const double> values) {
      return call([](const nb::object& holds) { return nb::cast<bool>(holds); },
                  std::vector<double>(values.begin(), values.end()));
    };
  } else if (every > 0) {
    p.trigger = policy::Trigger::period;
  }
  const nb::gil_scoped_release others;
  policy::add(std::move(p));
}

nb::list firings() {
  nb::list rows;
  for (const policy::Firing& f : policy::log()) {
    const policy::Cause& c = f.cause;
    rows.append(nb::make_tuple(
        static_cast<double>(f.ns) * 1e-9, f.policy,
        nb::make_tuple(policy::trigger_name(c.trigger).data(), c.value, c.count, c.name), f.did,
        static_cast<double>(f.took_ns) * 1e-9, f.trouble));
  }
  return rows;
}

}  // namespace

void add_policies(nb::module_& m) {
  m.def("policy_add", &add, nb::kw_only(), nb::arg("name"), nb::arg("on"), nb::arg("of"),
        nb::arg("counter").none(), nb::arg("window"), nb::arg("when").none(), nb::arg("every"),
        nb::arg("act"), nb::arg("file"), nb::arg("line"));
  m.def(
      "policy_remove", [](const std::string& name) { return policy::remove(name); },
      nb::arg("name"), nb::call_guard<nb::gil_scoped_release>());
  m.def(
      "policy_fire", [](const std::string& name, double value) { policy::fire(name, value); },
      nb::arg("name"), nb::arg("value"));
  m.def(
      "policy_wait", [](double seconds) { return policy::wait(std::llround(seconds * 1e9)); },
      nb::arg("seconds"), nb::call_guard<nb::gil_scoped_release>());
  m.def("policy_log", &firings);
  m.def("policy_list", [] {
    nb::list rows;
    for (const policy::Status& s : policy::list())
      rows.append(
          nb::make_tuple(s.name, policy::trigger_name(s.trigger).data(), s.fired, s.on, s.trouble));
    return rows;
  });
  m.def("policy_stop", &policy::stop, nb::call_guard<nb::gil_scoped_release>());
  m.def(
      "policy_apply_setting", [] { policy::apply_setting(); },
      nb::call_guard<nb::gil_scoped_release>(), "Switches built-in policies as the setting says.");
  m.def("built_in_policies", [] {
    nb::list rows;
    for (const policy::Row& row : policy::built_in()) {
      nb::dict d;
      d["name"] = nb::str(row.name.data(), row.name.size());
      d["setting"] = nb::str(row.setting.data(), row.setting.size());
      d["doc"] = nb::str(row.doc.data(), row.doc.size());
      rows.append(d);
    }
    return rows;
  });
}

}  // namespace jetlag::python
