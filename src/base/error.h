// Errors: what happened, where in the user's file, and what to do.
#pragma once

#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <string_view>

#include "base/text.h"

namespace jetlag {

// A kind is one row of error_kinds(): its name, the Python class it becomes,
// its exit code and its HTTP status.
enum class Kind : std::uint8_t {
  syntax,
  shape,
  value,
  type,
  name,
  unbound,
  attribute,
  index,
  axis,
  key,
  zero_division,
  overflow,
  floating_point,
  linalg,
  memory,
  recursion,
  io,
  cancelled,
  runtime,
  internal,
};

struct ErrorKind {
  Kind kind;
  std::string_view name;
  std::string_view python;  // dotted class, such as "numpy.linalg.LinAlgError"
  int exit_code;
  int http_status;
};

std::span<const ErrorKind> error_kinds();
const ErrorKind& describe(Kind kind);

// A place in the user's source. Lines and columns count from 1; 0 is unknown.
struct Place {
  std::int32_t line = 0;
  std::int32_t column = 0;
  bool known() const { return line > 0; }
  bool operator==(const Place&) const = default;
};

// The message is what Python or NumPy would say, where they have a word for
// it; operands and advice go into the hint.
class Error : public std::exception {
 public:
  Error(Kind kind, std::string message, std::string hint = {})
      : kind_(kind), message_(std::move(message)), hint_(std::move(hint)) {}
  Error(Kind kind, Place place, std::string message, std::string hint = {})
      : kind_(kind), place_(place), message_(std::move(message)), hint_(std::move(hint)) {}

  Kind kind() const { return kind_; }
  Place place() const { return place_; }
  const std::string& file() const { return file_; }
  const std::string& message() const { return message_; }
  const std::string& hint() const { return hint_; }
  const char* what() const noexcept override { return message_.c_str(); }

  // Only the innermost place is kept: the first one that is told.
  void locate(Place place) {
    if (!place_.known()) place_ = place;
  }
  void locate_file(std::string_view file) {
    if (file_.empty()) file_ = file;
  }

  // "file:line:column: kind: message", with the hint on a line of its own.
  std::string report() const;

 private:
  Kind kind_;
  Place place_;
  std::string file_;
  std::string message_;
  std::string hint_;
};

[[noreturn]] void check_failed(std::string_view condition, std::string message);

// For what can only be our own mistake; a user's mistake is an Error.
#define JETLAG_CHECK(condition, ...)                                                     \
  do {                                                                                   \
    if (!(condition)) ::jetlag::check_failed(#condition, ::jetlag::format(__VA_ARGS__)); \
  } while (false)

}  // namespace jetlag
