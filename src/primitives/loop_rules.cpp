#include "primitives/loop_rules.h"

#include <algorithm>
#include <optional>

namespace jetlag {

namespace {

int category(DType d) {
  switch (kind_of(d)) {
    case 'b': return 0;
    case 'f': return 2;
    case 'c': return 3;
    default: return 1;
  }
}

// A weak scalar brings its category only; what that lacks in the others is
// added at their precision, integers counting as double.
DType with_weak(DType strong, DType weak) {
  if (category(weak) <= category(strong)) return strong;
  if (is_complex(weak) && strong == DType::float32) return DType::complex64;
  return weak;
}

bool fill(std::span<DType> loop, DType d) {
  std::fill(loop.begin(), loop.end(), d);
  return true;
}

DType widen_bool(DType d) { return d == DType::boolean ? DType::int8 : d; }

// The float that NumPy computes functions of this dtype in; false if half.
bool to_inexact(DType& d) {
  if (category(d) >= 2) return true;
  if (size_of(d) == 1) return false;
  d = size_of(d) == 2 ? DType::float32 : DType::float64;
  return true;
}

// Where several operands choose among float loops only, each asks for the
// float that holds it: int8 with uint16 is content with float32.
bool to_common_float(std::span<const Operand> operands, DType& d) {
  d = common_dtype(operands);
  if (category(d) == 2 || operands.size() == 1) return to_inexact(d);
  const bool all_strong =
      std::none_of(operands.begin(), operands.end(), [](const Operand& o) { return o.weak; });
  if (category(d) > 2 || !all_strong) return to_inexact(d);
  std::int64_t widest = 0;
  for (const Operand& o : operands) widest = std::max(widest, size_of(o.dtype));
  if (widest == 1) return false;
  d = widest == 2 ? DType::float32 : DType::float64;
  return true;
}

[[noreturn]] void no_boolean(std::string_view name, std::string_view symbol,
                             std::string_view instead) {
  throw Error(Kind::type, format("{}, the `{}` operator, is not supported, use the {} instead.",
                                 name, symbol, instead));
}

}  // namespace

namespace {

// Beginning with the highest category: among uint16, int16 and float32 the
// integers alone would meet in int32, which asks for float64.
std::optional<DType> joint(std::span<const Operand> operands, bool weak) {
  std::optional<DType> sum;
  for (int level = 3; level >= 0; --level) {
    for (const Operand& o : operands) {
      if (o.weak == weak && category(o.dtype) == level)
        sum = sum ? promote(*sum, o.dtype) : o.dtype;
    }
  }
  return sum;
}

}  // namespace

DType common_dtype(std::span<const Operand> operands) {
  const auto strong = joint(operands, false), weak = joint(operands, true);
  if (!strong) return *weak;
  return weak ? with_weak(*strong, *weak) : *strong;
}

namespace rules {

bool same(std::span<const Operand> operands, std::span<DType> loop) {
  return fill(loop, common_dtype(operands));
}

bool number(std::span<const Operand> operands, std::span<DType> loop) {
  return fill(loop, widen_bool(common_dtype(operands)));
}

bool signed_number(std::span<const Operand> operands, std::span<DType> loop) {
  const DType d = common_dtype(operands);
  return d != DType::boolean && fill(loop, d);
}

bool real_number(std::span<const Operand> operands, std::span<DType> loop) {
  const DType d = widen_bool(common_dtype(operands));
  return !is_complex(d) && fill(loop, d);
}

bool integer(std::span<const Operand> operands, std::span<DType> loop) {
  const DType d = widen_bool(common_dtype(operands));
  return is_integer(d) && fill(loop, d);
}

bool true_integer(std::span<const Operand> operands, std::span<DType> loop) {
  const DType d = common_dtype(operands);
  return is_integer(d) && fill(loop, d);
}

bool bits(std::span<const Operand> operands, std::span<DType> loop) {
  const DType d = common_dtype(operands);
  return category(d) < 2 && fill(loop, d);
}

bool real_or_bool(std::span<const Operand> operands, std::span<DType> loop) {
  const DType d = common_dtype(operands);
  return !is_complex(d) && fill(loop, d);
}

bool inexact(std::span<const Operand> operands, std::span<DType> loop) {
  DType d = common_dtype(operands);
  return to_inexact(d) && fill(loop, d);
}

bool real_inexact(std::span<const Operand> operands, std::span<DType> loop) {
  DType d;
  return to_common_float(operands, d) && !is_complex(d) && fill(loop, d);
}

bool quotient(std::span<const Operand> operands, std::span<DType> loop) {
  const DType d = common_dtype(operands);
  return fill(loop, category(d) < 2 ? DType::float64 : d);
}

bool real_part(std::span<const Operand> operands, std::span<DType> loop) {
  const DType d = common_dtype(operands);
  return !is_complex(d) && fill(loop, is_float(d) ? d : DType::float64);
}

bool widest(std::span<const Operand> operands, std::span<DType> loop) {
  return fill(loop, is_complex(common_dtype(operands)) ? DType::complex128 : DType::float64);
}

// int64 against uint64 would meet in float64, and a Python int may lie outside
// the other's dtype: both keep their own, and the formula knows (exact_order).
bool compare(std::span<const Operand> operands, std::span<DType> loop) {
  const DType d = common_dtype(operands);
  const bool whole = std::all_of(operands.begin(), operands.end(),
                                 [](const Operand& o) { return category(o.dtype) < 2; });
  const bool weak = operands[0].weak || operands[1].weak;
  if (!whole || (!weak && is_integer(d)) || d == DType::boolean) return fill(loop, d);
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const bool is_uint64 = operands[i].dtype == DType::uint64;
    loop[i] = is_uint64 ? DType::uint64 : DType::int64;
  }
  return true;
}

// numpy.clip makes an array of its first operand before it promotes.
bool clip(std::span<const Operand> operands, std::span<DType> loop) {
  const Operand all[] = {{operands[0].dtype}, operands[1], operands[2]};
  const DType d = common_dtype(all);
  fill(loop, d);
  for (std::size_t i = 1; i < operands.size(); ++i) {
    // A bound that does not fit is an error on one side only: NumPy knows which.
    if (operands[i].weak && is_integer(d) && d != DType::int64) return false;
  }
  return !is_complex(d);
}

bool truth(std::span<const Operand>, std::span<DType> loop) { return fill(loop, DType::boolean); }

bool choice(std::span<const Operand> operands, std::span<DType> loop) {
  const DType d = common_dtype(operands.subspan(1));
  loop[0] = DType::boolean;
  for (std::size_t i = 1; i < operands.size(); ++i) {
    loop[i] = operands[i].weak && is_integer(d) ? DType::int64 : d;
  }
  return true;
}

bool scale(std::span<const Operand> operands, std::span<DType> loop) {
  const bool fits = category(operands[1].dtype) < 2 && operands[1].dtype != DType::uint64;
  // A Python int has to fit a C int there.
  loop[1] = operands[1].weak ? DType::int32 : DType::int64;
  // A Python int as the float would be a half.
  if (operands[0].weak && is_integer(operands[0].dtype)) return false;
  return fits && real_inexact(operands.first(1), loop.first(1));
}

bool subtract(std::span<const Operand> operands, std::span<DType> loop) {
  if (signed_number(operands, loop)) return true;
  no_boolean("numpy boolean subtract", "-",
             "bitwise_xor, the `^` operator, or the logical_xor function");
}

bool negative(std::span<const Operand> operands, std::span<DType> loop) {
  if (signed_number(operands, loop)) return true;
  no_boolean("The numpy boolean negative", "-", "`~` operator or the logical_not function");
}

}  // namespace rules

}  // namespace jetlag
