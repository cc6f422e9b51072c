// Element types: those of NumPy that a native step can work on.
#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.h"

namespace jetlag {

enum class DType : std::uint8_t {
  boolean,
  int8,
  uint8,
  int16,
  uint16,
  int32,
  uint32,
  int64,
  uint64,
  float32,
  float64,
  complex64,
  complex128,
};

inline constexpr int dtype_count = 13;

struct DTypeInfo {
  DType dtype;
  std::string_view name;    // NumPy's: "bool", "float64"
  std::string_view letter;  // ours, in plans: "b1", "f64"
  char kind;                // NumPy's: b i u f c
  std::int64_t size;        // bytes
};

std::span<const DTypeInfo> dtypes();
inline const DTypeInfo& info(DType dtype) { return dtypes()[static_cast<std::size_t>(dtype)]; }
inline std::int64_t size_of(DType dtype) { return info(dtype).size; }
inline char kind_of(DType dtype) { return info(dtype).kind; }
inline bool is_integer(DType d) { return kind_of(d) == 'i' || kind_of(d) == 'u'; }
inline bool is_float(DType d) { return kind_of(d) == 'f'; }
inline bool is_complex(DType d) { return kind_of(d) == 'c'; }

// The smallest dtype that holds both: numpy.promote_types.
DType promote(DType a, DType b);

template <class T>
struct Tag {
  using type = T;
};

template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, bool>) return DType::boolean;
  else if constexpr (std::is_same_v<T, std::int8_t>) return DType::int8;
  else if constexpr (std::is_same_v<T, std::uint8_t>) return DType::uint8;
  else if constexpr (std::is_same_v<T, std::int16_t>) return DType::int16;
  else if constexpr (std::is_same_v<T, std::uint16_t>) return DType::uint16;
  else if constexpr (std::is_same_v<T, std::int32_t>) return DType::int32;
  else if constexpr (std::is_same_v<T, std::uint32_t>) return DType::uint32;
  else if constexpr (std::is_same_v<T, std::int64_t>) return DType::int64;
  else if constexpr (std::is_same_v<T, std::uint64_t>) return DType::uint64;
  else if constexpr (std::is_same_v<T, float>) return DType::float32;
  else if constexpr (std::is_same_v<T, double>) return DType::float64;
  else if constexpr (std::is_same_v<T, std::complex<float>>) return DType::complex64;
  else return DType::complex128;
}

// Calls f(Tag<T>{}) with the C++ type of the dtype: the one place where a
// dtype becomes a template argument.
template <class F>
decltype(auto) visit(DType dtype, F&& f) {
  switch (dtype) {
    case DType::boolean: return f(Tag<bool>{});
    case DType::int8: return f(Tag<std::int8_t>{});
    case DType::uint8: return f(Tag<std::uint8_t>{});
    case DType::int16: return f(Tag<std::int16_t>{});
    case DType::uint16: return f(Tag<std::uint16_t>{});
    case DType::int32: return f(Tag<std::int32_t>{});
    case DType::uint32: return f(Tag<std::uint32_t>{});
    case DType::int64: return f(Tag<std::int64_t>{});
    case DType::uint64: return f(Tag<std::uint64_t>{});
    case DType::float32: return f(Tag<float>{});
    case DType::float64: return f(Tag<double>{});
    case DType::complex64: return f(Tag<std::complex<float>>{});
    default: return f(Tag<std::complex<double>>{});
  }
}

}  // namespace jetlag
