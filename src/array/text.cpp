// Values as text: PhySL for programs and their answers, a short form for plans
// and errors.
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "array/value.h"

namespace jetlag {

namespace {

// Python shows exponents outside these bounds: 1e-05, 1e+16.
constexpr int lowest_plain_exponent = -4;
constexpr int first_big_exponent = 16;

// to_chars finds the shortest digits; Python's layout of them is our own work,
// because C++ chooses between the two notations by length.
template <class T>
std::string shortest(T x) {
  if (std::isnan(x)) return "nan";
  if (std::isinf(x)) return x < 0 ? "-inf" : "inf";
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, x, std::chars_format::scientific);
  const std::string_view text(buffer, static_cast<std::size_t>(end.ptr - buffer));
  const std::size_t mark = text.find('e');
  const int exponent = std::atoi(std::string(text.substr(mark + 1)).c_str());
  // Python writes exponents as C does: a sign and two digits, as to_chars did.
  if (exponent < lowest_plain_exponent || exponent >= first_big_exponent) return std::string(text);

  std::string digits;
  for (const char c : text.substr(0, mark)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  const std::string_view sign = text.front() == '-' ? "-" : "";
  if (exponent < 0) return format("{}0.{:0<{}}{}", sign, "", -exponent - 1, digits);
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() < whole + 1) digits.resize(whole + 1, '0');
  return format("{}{}.{}", sign, digits.substr(0, whole), digits.substr(whole));
}

// 2.0 -> "2": the parts of a complex number go without ".0".
std::string part_text(std::string text) {
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

template <class T>
std::string complex_text(std::complex<T> z) {
  const std::string imaginary = part_text(shortest(z.imag())) + "j";
  if (z.real() == 0 && !std::signbit(z.real())) return imaginary;
  const bool signed_already = imaginary.front() == '-';
  return format("({}{}{})", part_text(shortest(z.real())), signed_already ? "" : "+", imaginary);
}

std::string element_text(DType dtype, const void* bytes) {
  return visit(dtype, [&](auto tag) -> std::string {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, bool>) {
      return *static_cast<const std::uint8_t*>(bytes) != 0 ? "true" : "false";
    } else {
      T value;
      std::memcpy(&value, bytes, sizeof value);
      if constexpr (std::is_integral_v<T>) return format("{}", value);
      else if constexpr (std::is_floating_point_v<T>) return shortest(value);
      else return complex_text(value);
    }
  });
}

void append_axis(const Array& a, const std::byte* data, std::int64_t axis, std::string& text) {
  if (axis == a.rank()) {
    text += element_text(a.dtype(), data);
    return;
  }
  text += '[';
  for (std::int64_t i = 0; i < a.shape()[axis]; ++i) {
    if (i > 0) text += ", ";
    append_axis(a, data + i * a.strides()[axis], axis + 1, text);
  }
  text += ']';
}

std::string joined(const std::vector<Value>& items, std::string (*word)(const Value&)) {
  std::string text;
  for (const Value& item : items) {
    if (!text.empty()) text += ", ";
    text += word(item);
  }
  return text;
}

std::string span_text(const Span& s) {
  return format("span({}, {}, {})", to_text(s.start), to_text(s.stop), to_text(s.step));
}

std::string range_text(const Range& r) {
  if (r.step == 1) return format("range({}, {})", r.start, r.stop);
  return format("range({}, {}, {})", r.start, r.stop, r.step);
}

}  // namespace

std::string repr(double x) { return shortest(x); }
std::string repr(float x) { return shortest(x); }
std::string repr(std::complex<double> z) { return complex_text(z); }

std::string quote(std::string_view text) {
  constexpr std::string_view plain = "\a\b\f\n\r\t\v\\\"";
  constexpr std::string_view letters = "abfnrtv\\\"";
  std::string result = "\"";
  for (const char c : text) {
    const std::size_t at = plain.find(c);
    const auto code = static_cast<unsigned char>(c);
    if (at != std::string_view::npos) result += {'\\', letters[at]};
    // Bytes above 127 are UTF-8 and stay readable.
    else if (code < 0x20 || code == 0x7f) result += format("\\x{:02x}", code);
    else result += c;
  }
  return result + '"';
}

std::string describe(const Value& v) {
  switch (v.kind()) {
    case ValueKind::boolean: return format("bool {}", to_text(v));
    case ValueKind::integer: return format("int {}", v.integer());
    case ValueKind::real: return format("float {}", repr(v.real()));
    case ValueKind::complex: return format("complex {}", repr(v.complex()));
    case ValueKind::scalar: return format("{} {}", info(v.dtype()).letter, to_text(v));
    case ValueKind::array:
      return format("{}[{}]", info(v.array()->dtype()).letter, join(v.array()->shape(), ","));
    case ValueKind::string: {
      std::string text = quote(v.text());
      text.front() = text.back() = '\'';
      return text;
    }
    case ValueKind::tuple: return format("tuple({})", joined(v.items(), describe));
    case ValueKind::list: return format("list({})", joined(v.items(), describe));
    case ValueKind::dtype: return format("dtype {}", info(v.dtype()).name);
    default: return to_text(v);
  }
}

std::string to_text(const Value& v) {
  switch (v.kind()) {
    case ValueKind::unbound: return "unbound";
    case ValueKind::nil: return "nil";
    case ValueKind::boolean: return v.boolean() ? "true" : "false";
    case ValueKind::integer: return format("{}", v.integer());
    case ValueKind::real: return repr(v.real());
    case ValueKind::complex: return repr(v.complex());
    case ValueKind::scalar: return element_text(v.dtype(), v.scalar_bytes());
    case ValueKind::array: {
      std::string text;
      append_axis(*v.array(), v.array()->data(), 0, text);
      return text;
    }
    case ValueKind::string: return quote(v.text());
    case ValueKind::tuple: return format("tuple({})", joined(v.items(), to_text));
    case ValueKind::list: return format("'({})", joined(v.items(), to_text));
    case ValueKind::range: return range_text(v.range());
    case ValueKind::span: return span_text(v.span());
    case ValueKind::ellipsis: return "ellipsis";
    case ValueKind::dtype: return std::string(info(v.dtype()).name);
    case ValueKind::function: return "function";
    case ValueKind::object: return "object";
  }
  return {};
}

}  // namespace jetlag
