#include "primitives/scalars.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "primitives/loop_rules.h"

namespace jetlag {

const Primitive* order_of_scalars(const Primitive& row, std::span<const Operand> operands) {
  constexpr std::array<std::array<std::string_view, 2>, 4> orders{{
      {"less", "__scalar_less"},
      {"less_equal", "__scalar_less_equal"},
      {"greater", "__scalar_greater"},
      {"greater_equal", "__scalar_greater_equal"},
  }};
  const auto is_its_own = [](const Operand& o) { return !o.weak && is_complex(o.dtype); };
  if (std::none_of(operands.begin(), operands.end(), is_its_own)) return nullptr;
  const DType common = common_dtype(operands);
  if (std::none_of(operands.begin(), operands.end(),
                   [&](const Operand& o) { return is_its_own(o) && o.dtype == common; }))
    return nullptr;
  const auto found = std::find_if(orders.begin(), orders.end(),
                                  [&](const auto& order) { return order[0] == row.ufunc; });
  return found == orders.end() ? nullptr : find_primitive((*found)[1]);
}

}  // namespace jetlag
