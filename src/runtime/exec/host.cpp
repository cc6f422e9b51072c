#include "runtime/exec/host.h"

#include "primitives/primitive.h"

namespace jetlag::exec {

namespace {

// What a program asks of Python when there is none.
[[noreturn]] void missing(std::string_view what) {
  throw Error(Kind::type, format("{} needs Python", what),
              "run the program from Python with jetlag");
}

std::string_view last_part(std::string_view dotted) {
  const std::size_t dot = dotted.rfind('.');
  return dot == std::string_view::npos ? dotted : dotted.substr(dot + 1);
}

}  // namespace

std::string reported_name(const Primitive& ufunc, bool scalars) {
  if (!ufunc.reports.empty()) return std::string(ufunc.reports);
  const std::string_view name = last_part(ufunc.python.empty() ? ufunc.name : ufunc.python);
  return scalars ? format("scalar {}", name) : std::string(name);
}

Value Host::fetch(int) { return {}; }
Value Host::call(const Value& callee, const std::vector<Value>&, Keywords) {
  throw Error(Kind::type, format("{} is not a function", describe(callee)));
}
Value Host::call_named(std::string_view dotted, const std::vector<Value>& args, Keywords) {
  std::string kinds;
  for (const Value& v : args) {
    if (v.bound()) kinds += (kinds.empty() ? "" : ", ") + describe(v);
  }
  throw Error(Kind::type, format("{} is not defined for ({})", dotted, kinds));
}
std::string Host::name_of(const Value& callee) { return describe(callee); }
Value Host::attribute(const Value& object, std::string_view name) {
  throw Error(Kind::attribute, format("{} has no attribute '{}'", describe(object), name));
}
void Host::set_attribute(const Value& object, std::string_view name, const Value&) {
  throw Error(Kind::attribute,
              format("attribute '{}' of {} cannot be set", name, describe(object)));
}
Value Host::index(const Value& object, const std::vector<Value>&) {
  throw Error(Kind::type, format("{} cannot be indexed", describe(object)));
}
void Host::set_index(const Value& object, const std::vector<Value>&, const Value&) {
  throw Error(Kind::type, format("items of {} cannot be assigned", describe(object)));
}
bool Host::truth(const Value& value) {
  throw Error(Kind::type, format("{} is neither true nor false", describe(value)));
}
Value Host::iterator(const Value& object) {
  throw Error(Kind::type, format("{} cannot be iterated over", describe(object)));
}
bool Host::next(const Value&, Value&) { return false; }
std::vector<Value> Host::unpack(const Value& object, int) {
  throw Error(Kind::type, format("cannot unpack {}", describe(object)));
}
Value Host::opaque(int, const std::vector<Value>&, const Site&) { missing("an opaque step"); }
BlockOutcome Host::opaque_block(int, const std::vector<Value>&, const std::vector<std::string>&,
                                const Site&) {
  missing("an opaque step");
}

}  // namespace jetlag::exec
