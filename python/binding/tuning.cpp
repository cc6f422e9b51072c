// The tuner: spaces, sessions and results as Python sees them. A candidate is a dict of the values
// of the parameters that exist in it; of a choice the value is its name.
#include <nanobind/stl/function.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <bit>
#include <limits>

#include "binding/module.h"
#include "runtime/tune/results.h"
#include "runtime/tune/session.h"
#include "trace/record/record.h"

namespace jetlag::python {

namespace {

using namespace tune;

template <class T>
void read(const nb::dict& row, const char* name, T& to) {
  if (row.contains(name)) to = nb::cast<T>(row[name]);
}

ParameterKind kind_of(const std::string& word) {
  if (word == "integer") return ParameterKind::integer;
  if (word == "real") return ParameterKind::real;
  JETLAG_CHECK(word == "choice" || word == "flag", "no kind {}", word);
  return word == "choice" ? ParameterKind::choice : ParameterKind::flag;
}

Parameter parameter_of(const nb::dict& row) {
  Parameter p;
  std::string kind;
  read(row, "kind", kind);
  p.kind = kind_of(kind);
  read(row, "name", p.name);
  read(row, "low", p.low);
  read(row, "high", p.high);
  read(row, "step", p.step);
  read(row, "log", p.log);
  read(row, "choices", p.choices);
  read(row, "parent", p.parent);
  read(row, "parent_values", p.parent_values);
  return p;
}

nb::dict values_of(const Space& space, const Point& candidate) {
  nb::dict values;
  for (std::size_t i = 0; i < space.size(); ++i) {
    const auto value = space.value(candidate, i);
    if (value) values[space.parameter(i).name.c_str()] = nb::cast(*value);
  }
  return values;
}

using Values = std::vector<std::pair<std::string, tune::Value>>;

Values read_values(const nb::dict& given) {
  Values values;
  for (const auto [name, value] : given)
    values.emplace_back(nb::cast<std::string>(name), nb::cast<tune::Value>(value, false));
  return values;
}

void make_session(Session* self, const Space& space, const std::string& strategy,
                  std::uint64_t seed, std::optional<nb::dict> start,
                  std::optional<nb::callable> where) {
  std::function<bool(const Point&)> allows;
  if (where) {
    allows = [self, where = *where](const Point& point) {
      return nb::cast<bool>(where(values_of(self->space(), point)));
    };
  }
  std::optional<Point> from;
  if (start) from = space.with(read_values(*start));
  new (self) Session(space, strategy, seed, from, std::move(allows));
}

nb::list ask(Session& session, std::int64_t most) {
  nb::list candidates;
  for (const Candidate& c : session.ask(most))
    candidates.append(nb::make_tuple(c.id, values_of(session.space(), c.point)));
  return candidates;
}

// For the trace: each candidate is a site, whose text is its values.
void record_trial(const Session& session, const Candidate& candidate, double cost) {
  if (!trace::recording()) return;
  const trace::SiteId site =
      trace::define({.name = "trial", .text = session.space().text(candidate.point)});
  trace::put(trace::Event::trial, site, trace::current_task(), std::bit_cast<std::uint64_t>(cost));
}

void tell(Session& session, std::int64_t id, double cost) {
  record_trial(session, session.tell(id, cost), cost);
}

void fail(Session& session, std::int64_t id) {
  record_trial(session, session.fail(id), std::numeric_limits<double>::quiet_NaN());
}

nb::object best(const Session& session) {
  if (!session.best()) return nb::none();
  return nb::make_tuple(session.best()->id, session.best_cost());
}

nb::list strategy_rows() {
  const auto text = [](std::string_view t) { return nb::str(t.data(), t.size()); };
  nb::list rows;
  for (const Strategy& s : strategies()) {
    nb::dict row;
    row["name"] = text(s.name);
    row["doc"] = text(s.doc);
    row["source"] = text(s.source);
    row["suits"] = text(suits_name(s.suits));
    rows.append(row);
  }
  return rows;
}

}  // namespace

void add_tuning(nb::module_& m) {
  nb::class_<Space>(m, "Space")
      .def("__init__",
           [](Space* self, const std::vector<nb::dict>& rows) {
             std::vector<Parameter> parameters;
             for (const nb::dict& row : rows) parameters.push_back(parameter_of(row));
             new (self) Space(std::move(parameters));
           })
      .def("count", &Space::count, nb::arg("most"))
      .def(
          "holds",
          [](const Space& space, const nb::dict& values) {
            // Real numbers come back from their coordinates rounded: names are compared.
            const nb::dict candidate = values_of(space, space.with(read_values(values)));
            return nb::set(candidate.keys()).equal(nb::set(values.keys()));
          },
          nb::arg("values"), "Whether these are the values of one of its candidates.");
  nb::class_<Session>(m, "Session")
      .def("__init__", make_session, nb::arg("space"), nb::arg("strategy"), nb::arg("seed"),
           nb::arg("start").none(), nb::arg("where").none())
      .def("ask", ask, nb::arg("most"))
      .def("tell", tell, nb::arg("id"), nb::arg("cost"))
      .def("fail", fail, nb::arg("id"))
      .def("best", best)
      .def_prop_ro("finished", &Session::finished);
  m.def("strategies", strategy_rows, "The table of strategies: one dict a row.");
  m.def("this_machine", &this_machine);
  m.def("results_folder", &results_folder);
  m.def(
      "load_result",
      [](const std::string& machine, const std::string& program, const std::string& shapes) {
        return load_result({machine, program, shapes});
      },
      nb::arg("machine"), nb::arg("program"), nb::arg("shapes"));
  m.def(
      "store_result",
      [](const std::string& machine, const std::string& program, const std::string& shapes,
         const std::string& text) { store_result({machine, program, shapes}, text); },
      nb::arg("machine"), nb::arg("program"), nb::arg("shapes"), nb::arg("text"));
}

}  // namespace jetlag::python
