#include "base/error.h"

#include <array>

namespace jetlag {

namespace {

constexpr ErrorKind kinds[] = {
    {Kind::syntax, "syntax", "SyntaxError", 2, 400},
    {Kind::shape, "shape", "ValueError", 3, 400},
    {Kind::value, "value", "ValueError", 3, 400},
    {Kind::type, "type", "TypeError", 3, 400},
    {Kind::name, "name", "NameError", 3, 404},
    {Kind::unbound, "name", "UnboundLocalError", 3, 400},
    {Kind::attribute, "attribute", "AttributeError", 3, 400},
    {Kind::index, "index", "IndexError", 3, 400},
    {Kind::axis, "axis", "numpy.exceptions.AxisError", 3, 400},
    {Kind::key, "key", "KeyError", 3, 404},
    {Kind::zero_division, "zero_division", "ZeroDivisionError", 3, 400},
    {Kind::overflow, "overflow", "OverflowError", 3, 400},
    {Kind::floating_point, "floating_point", "FloatingPointError", 3, 400},
    {Kind::linalg, "linalg", "numpy.linalg.LinAlgError", 3, 400},
    {Kind::memory, "memory", "MemoryError", 4, 507},
    {Kind::recursion, "recursion", "RecursionError", 4, 400},
    {Kind::io, "io", "OSError", 5, 500},
    {Kind::cancelled, "cancelled", "KeyboardInterrupt", 130, 499},
    {Kind::runtime, "runtime", "RuntimeError", 6, 500},
    {Kind::internal, "internal", "SystemError", 70, 500},
};

}  // namespace

std::span<const ErrorKind> error_kinds() { return kinds; }

const ErrorKind& describe(Kind kind) { return kinds[static_cast<std::size_t>(kind)]; }

std::string Error::report() const {
  std::string text;
  if (!file_.empty()) text += file_ + ":";
  if (place_.known()) text += format("{}:{}:", place_.line, place_.column);
  if (!text.empty()) text += " ";
  text += format("{}: {}", describe(kind_).name, message_);
  if (!hint_.empty()) text += "\n    hint: " + hint_;
  return text;
}

void check_failed(std::string_view condition, std::string message) {
  throw Error(Kind::internal, format("{} ({} does not hold)", message, condition),
              "this is a mistake in jetlag, not in your program; please report it");
}

}  // namespace jetlag
