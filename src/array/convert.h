// One element from one dtype to another, as NumPy's casts do on x86.
#pragma once

#include <complex>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace jetlag {

template <class T>
inline constexpr bool is_complex_type = false;
template <class T>
inline constexpr bool is_complex_type<std::complex<T>> = true;

// cvttsd2si: truncation, and the lowest integer for all that does not fit (NaN
// fails both comparisons). C++ leaves those cases undefined.
template <class Int, class Float>
Int truncate_as_x86(Float x) {
  constexpr Float limit = -static_cast<Float>(std::numeric_limits<Int>::min());
  return x >= -limit && x < limit ? static_cast<Int>(x) : std::numeric_limits<Int>::min();
}

// Compilers reach the smaller integers by way of int32 (uint32: of int64), and
// uint64 in two halves; NumPy's results outside the range follow from that. (For
// uint32 NumPy's own vector loop differs from its scalar loop there: this is the
// scalar one.)
template <class To, class Float>
To integer_from_float(Float x) {
  if constexpr (std::is_same_v<To, std::uint64_t>) {
    constexpr Float half = static_cast<Float>(9223372036854775808.0);  // 2**63
    if (!(x >= half)) return static_cast<To>(truncate_as_x86<std::int64_t>(x));
    return static_cast<To>(truncate_as_x86<std::int64_t>(x - half)) ^ (To{1} << 63);
  } else if constexpr (std::is_same_v<To, std::uint32_t> || std::is_same_v<To, std::int64_t>) {
    return static_cast<To>(truncate_as_x86<std::int64_t>(x));
  } else {
    return static_cast<To>(truncate_as_x86<std::int32_t>(x));
  }
}

template <class To, class From>
To convert(From x) {
  if constexpr (std::is_same_v<To, From>) {
    return x;
  } else if constexpr (is_complex_type<From>) {
    if constexpr (is_complex_type<To>) {
      using Part = typename To::value_type;
      return {static_cast<Part>(x.real()), static_cast<Part>(x.imag())};
    } else if constexpr (std::is_same_v<To, bool>) {
      return x.real() != 0 || x.imag() != 0;
    } else {
      return convert<To>(x.real());
    }
  } else if constexpr (is_complex_type<To>) {
    return {convert<typename To::value_type>(x), 0};
  } else if constexpr (std::is_same_v<To, bool>) {
    return x != 0;
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    return integer_from_float<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

}  // namespace jetlag
