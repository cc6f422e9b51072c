// Values: what a program computes with. Python's scalars and NumPy's are kept
// apart, because they promote differently (NEP 50) and fail differently.
#pragma once

#include <complex>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "array/array.h"

namespace jetlag {

enum class ValueKind : std::uint8_t {
  unbound,  // a variable that nothing was assigned to; an optional argument left out
  nil,      // None
  boolean,  // Python's bool, int (64 bits), float, complex: weak in promotion
  integer,
  real,
  complex,
  scalar,  // a NumPy scalar: what a[i] gives
  array,
  string,
  tuple,
  list,   // native lists only: a Python list stays an object
  range,  // Python's range
  span,   // Python's slice(start, stop, step)
  ellipsis,
  dtype,
  function,  // a function of the program (runtime/exec knows what is inside)
  object,    // any other Python object, by handle
};

class Value;

struct Text : Shared {
  explicit Text(std::string t) : text(std::move(t)) {}
  std::string text;
  // The host object that it came from: it is the same string over there.
  Ref<Handle> handle;
};

// Items of a tuple or a list. A tuple keeps the host object made for it, so
// that it is one object over there too.
struct Items : Shared {
  std::vector<Value> items;
  Ref<Handle> handle;
};

struct Range : Shared {
  std::int64_t start = 0, stop = 0, step = 1;
  std::int64_t size() const;
  std::int64_t at(std::int64_t i) const { return start + i * step; }
};

struct Span;  // defined below: three values

class Value {
 public:
  Value() = default;
  static Value nil() { return Value(ValueKind::nil); }
  static Value of(bool b);
  static Value of(std::int64_t i);
  static Value of(double d);
  static Value of(std::complex<double> c);
  static Value of(std::string text);
  // Without this a literal would become a bool.
  static Value of(const char* text) { return of(std::string(text)); }
  static Value of(Ref<Array> array);
  static Value of(DType dtype);
  // A dtype that the host has an object for: numpy.float32, or the type float.
  static Value of(DType dtype, Ref<Handle> object);
  static Value ellipsis() { return Value(ValueKind::ellipsis); }
  static Value tuple(std::vector<Value> items);
  static Value list(std::vector<Value> items);
  static Value range(std::int64_t start, std::int64_t stop, std::int64_t step);
  static Value span(Value start, Value stop, Value step);
  static Value function(Ref<Shared> function);
  static Value object(Ref<Handle> handle);
  // A NumPy scalar; bytes points to one element.
  static Value scalar(DType dtype, const void* bytes);
  template <class T>
  static Value scalar_of(T value) {
    return scalar(dtype_of<T>(), &value);
  }

  ValueKind kind() const { return kind_; }
  bool is(ValueKind kind) const { return kind_ == kind; }
  bool bound() const { return kind_ != ValueKind::unbound; }
  bool is_nil() const { return kind_ == ValueKind::nil; }
  bool is_array() const { return kind_ == ValueKind::array; }
  // A Python bool, int, float or complex.
  bool is_python_scalar() const {
    return kind_ >= ValueKind::boolean && kind_ <= ValueKind::complex;
  }
  // What a ufunc can take natively: Python scalars, NumPy scalars, arrays.
  bool is_numeric() const { return kind_ >= ValueKind::boolean && kind_ <= ValueKind::array; }

  // The payloads; each asks for its own kind.
  bool boolean() const { return payload_.boolean; }
  std::int64_t integer() const { return payload_.integer; }
  double real() const { return payload_.real; }
  std::complex<double> complex() const { return {payload_.pair[0], payload_.pair[1]}; }
  DType dtype() const { return dtype_; }  // of a scalar, or the dtype itself
  const void* scalar_bytes() const { return &payload_; }
  const Ref<Array>& array() const { return reinterpret_cast<const Ref<Array>&>(target_); }
  Text& text_object() const { return *static_cast<Text*>(target_.get()); }
  const std::string& text() const { return static_cast<Text*>(target_.get())->text; }
  Items& items_object() const { return *static_cast<Items*>(target_.get()); }
  const std::vector<Value>& items() const { return static_cast<Items*>(target_.get())->items; }
  const Range& range() const { return *static_cast<Range*>(target_.get()); }
  const Span& span() const;
  const Ref<Shared>& function() const { return target_; }
  Handle* object() const { return static_cast<Handle*>(target_.get()); }
  const Ref<Shared>& target() const { return target_; }

 private:
  explicit Value(ValueKind kind) : kind_(kind) {}

  ValueKind kind_ = ValueKind::unbound;
  DType dtype_ = DType::boolean;
  union {
    bool boolean;
    std::int64_t integer;
    double real;
    double pair[2];
  } payload_ = {.pair = {0, 0}};
  Ref<Shared> target_;
};

struct Span : Shared {
  Value start, stop, step;
};

inline const Span& Value::span() const { return *static_cast<Span*>(target_.get()); }

// The dtype that a numeric value has for NumPy: that of an array or scalar;
// bool, int64, float64, complex128 for Python's.
DType dtype_of_value(const Value& v);
// The shape of a numeric value: () unless it is an array.
Dims shape_of_value(const Value& v);

// A Python bool or int, or a NumPy integer (or bool) scalar or 0-d array of
// integers, as an index; nothing otherwise.
std::optional<std::int64_t> as_index(const Value& v);
// As double, for any real scalar; nothing otherwise.
std::optional<double> as_real(const Value& v);
// An int, or a tuple or list of ints: a shape argument. Throws Error(type).
std::optional<Dims> as_shape(const Value& v);

// A numeric value as an array of the dtype: itself if it fits, else a 0-d or
// converted copy.
Ref<Array> as_array(const Value& v, DType dtype);
// Reads the element of a 0-d array: a NumPy scalar.
Value element(const Array& a);

// A number as Python's repr: the shortest digits that read back the same, "1.0",
// "1e-05", "inf".
std::string repr(double x);
std::string repr(float x);
std::string repr(std::complex<double> z);
// A string as PhySL text, in double quotes with escapes.
std::string quote(std::string_view text);

// How the value looks in a plan or an error: "f64[3,4]", "int 5", "'abc'".
std::string describe(const Value& v);
// The PhySL text of a value, as `jetlag run` prints it: "[1, 2, 3]", "'(1, 2)".
std::string to_text(const Value& v);

}  // namespace jetlag
