#include "array/dtype.h"

namespace jetlag {

namespace {

constexpr DTypeInfo table[] = {
    {DType::boolean, "bool", "b1", 'b', 1},
    {DType::int8, "int8", "i8", 'i', 1},
    {DType::uint8, "uint8", "u8", 'u', 1},
    {DType::int16, "int16", "i16", 'i', 2},
    {DType::uint16, "uint16", "u16", 'u', 2},
    {DType::int32, "int32", "i32", 'i', 4},
    {DType::uint32, "uint32", "u32", 'u', 4},
    {DType::int64, "int64", "i64", 'i', 8},
    {DType::uint64, "uint64", "u64", 'u', 8},
    {DType::float32, "float32", "f32", 'f', 4},
    {DType::float64, "float64", "f64", 'f', 8},
    {DType::complex64, "complex64", "c64", 'c', 8},
    {DType::complex128, "complex128", "c128", 'c', 16},
};

DType signed_of(std::int64_t size) {
  return size == 1   ? DType::int8
         : size == 2 ? DType::int16
         : size == 4 ? DType::int32
                     : DType::int64;
}

// The float that holds every value of an integer dtype (or comes closest).
DType float_for(DType d) {
  if (is_float(d)) return d;
  return size_of(d) <= 2 ? DType::float32 : DType::float64;
}

}  // namespace

std::span<const DTypeInfo> dtypes() { return table; }

DType promote(DType a, DType b) {
  if (a == b) return a;
  if (a == DType::boolean) return b;
  if (b == DType::boolean) return a;
  if (is_complex(a) || is_complex(b)) {
    auto part = [](DType d) {
      if (is_complex(d)) return d == DType::complex64 ? DType::float32 : DType::float64;
      return float_for(d);
    };
    return promote(part(a), part(b)) == DType::float32 ? DType::complex64 : DType::complex128;
  }
  if (is_float(a) || is_float(b)) {
    return size_of(float_for(a)) >= size_of(float_for(b)) ? float_for(a) : float_for(b);
  }
  if (kind_of(a) == kind_of(b)) return size_of(a) >= size_of(b) ? a : b;
  const DType i = kind_of(a) == 'i' ? a : b;
  const DType u = kind_of(a) == 'i' ? b : a;
  if (size_of(i) > size_of(u)) return i;
  // int64 with uint64 has no common integer: NumPy takes float64.
  return size_of(u) == 8 ? DType::float64 : signed_of(2 * size_of(u));
}

}  // namespace jetlag
