// Reading the arguments of a call the way NumPy reads them. What only NumPy
// itself can judge is "nothing" here; the rule that asked then declines.
#pragma once

#include <optional>

#include "array/value.h"

namespace jetlag {

// What is known of an array-like argument without looking at its data.
struct Outline {
  DType dtype;
  Dims shape;
  std::int64_t rank() const { return shape.size(); }
  std::int64_t size() const { return element_count(shape); }
};

// Of an array, a scalar, a range, or tuples and lists of those, nested. Nothing
// for objects, ragged lists and strings.
std::optional<Outline> outline(const Value& v);

// The dtype that holds all: floats meet each integer by itself, so that uint16,
// int8 and float32 are float32 together.
DType promote_all(std::span<const DType> dtypes);

// The argument as an array: itself, or a fresh one holding the numbers of
// scalars and lists. Null where outline() gives nothing, and for lists that
// hold arrays, whose data may still be computing.
Ref<Array> operand(const Value& v);

// Writes the elements of a list of any nesting (arrays included, ready by now)
// into `to`, which has the list's outline but any dtype.
void fill_from(const Value& v, const Ref<Array>& to);

// A dtype, or its name; `otherwise` for None. Nothing for other things.
std::optional<DType> as_dtype(const Value& v, DType otherwise);
std::optional<DType> find_dtype(std::string_view name);

// A flag such as keepdims. Nothing for None and for objects.
std::optional<bool> as_flag(const Value& v);

// None, or left out.
inline bool absent(const Value& v) { return !v.bound() || v.is_nil(); }

// A string argument with one of its usual values, such as order='C'.
bool is_text(const Value& v, std::string_view text);

// An index of an axis, counted from the end if negative. Throws AxisError with
// NumPy's message, after the prefix ("source: ").
std::int64_t normal_axis(std::int64_t axis, std::int64_t rank, std::string_view prefix = {});

// A set of axes, one bit each: NumPy allows 64 axes.
using AxisSet = std::uint64_t;
inline bool contains(AxisSet axes, std::int64_t axis) { return (axes >> axis & 1) != 0; }
inline AxisSet all_axes(std::int64_t rank) {
  return rank >= 64 ? ~AxisSet{0} : (AxisSet{1} << rank) - 1;
}

// axis=None (all), an int or a tuple of ints. Throws for axes that do not exist
// or come twice; nothing for other things.
// Most functions let a number have an axis 0; those that count its elements do not.
std::optional<AxisSet> as_axes(const Value& v, std::int64_t rank, bool numbers_have_axes = true);

// An int, or a tuple or list of ints, negative ones kept as they are.
std::optional<Dims> as_integers(const Value& v);

// "(3,4)": as NumPy's C code prints shapes, -1 as newaxis.
std::string tight_shape(std::span<const std::int64_t> shape);

}  // namespace jetlag
