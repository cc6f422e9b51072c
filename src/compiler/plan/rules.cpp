#include "compiler/plan/rules.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>

#include "base/settings.h"

namespace jetlag::plan {

namespace {

constexpr Rule table[] = {
    {"diagonal", "diag(c) + identity(n)", "diag(c + 1)",
     "real numbers; +, -, * and / between diagonals, or by a number that keeps zeros positive "
     "zeros",
     "a matrix of zeros beside its diagonal is not built"},
    {"scaled", "dot(dot(m, diag(c)), v)", "the sum over k of v[k] * c[k] * m[:, k]",
     "real floats; m, c and v finite, and their products too: a zero would hide an inf or NaN",
     "the scaled matrix is not built, and columns with a factor of zero are not read"},
    {"weighted-gram", "dot(dot(transpose(y), diag(c)), y)",
     "the sum over k of c[k] * outer(y[k], y[k]), half of it",
     "real floats, y and the result finite",
     "neither the diagonal nor the scaled matrix is built; rows with a weight of zero are not "
     "read"},
    {"inverse-by-cholesky", "inv(a)", "cholesky(a)",
     "wanted as first factor of a product; doubles, symmetric, positive definite, and not so close "
     "to singular that rounding decides",
     "a third of the work of an inverse is a factorisation"},
    {"inverse-by-lu", "inv(a)", "lu(a)",
     "wanted as first factor of a product; doubles, and not so close to singular that rounding "
     "decides",
     "a third of the work of an inverse is a factorisation"},
    {"solve", "dot(inv(a), b)", "solve(a, b)",
     "b finite and real, the solution finite; the first two products with this inverse",
     "a system is solved without its inverse, and more exactly"},
    {"dot-chain", "dot(dot(a, b), v)", "dot(a, dot(b, v))",
     "one dtype; integers, or finite floats so small that no order overflows; sides of 32 and "
     "more; "
     "a quarter of the work is saved; nobody else reads a product inside",
     "of the orders of a chain of products the cheapest is taken"},
    {"common-subexpressions", "block(define(p, exp(x) + 1), define(q, 2 * dot(exp(x), y)))",
     "block(define(t, exp(x)), …)",
     "pure calls on the same arrays; nothing written into them or the result and no Python "
     "between; "
     "no floating-point condition met; a result that may be kept or written is copied",
     "what was computed is not computed again"},
    {"hoist", "while(c, block(…, exp(x), …))", "block(define(t, exp(x)), while(c, block(…, t, …)))",
     "pure calls whose operands no round changes, made where the first round makes them; no "
     "floating-point condition met",
     "an invariant of a loop is computed once"},
    {"dot-transposed", "dot(transpose(a), b)", "gemm with a flag", "any strides",
     "a transpose is never copied for a product", false},
    {"symmetric-product", "dot(a, transpose(a))", "syrk", "floats and complex numbers",
     "one half of a symmetric product is the mirror of the other", false},
    {"power-of-constant", "__pow(x, 2)", "square(x)",
     "an array; exponents 2, 1, 0.5 and -1, where NumPy does the same",
     "a multiplication or a root instead of a power", false},
};

}  // namespace

std::span<const Rule> rules() { return table; }

const Rule* find_rule(std::string_view name) {
  const auto at = std::find_if(std::begin(table), std::end(table),
                               [&](const Rule& r) { return r.name == name; });
  return at == std::end(table) ? nullptr : at;
}

namespace {

// The last word about a rule holds.
bool is_on(std::string_view rule, std::string_view words) {
  bool on = true;
  while (!words.empty()) {
    const std::size_t comma = std::min(words.find(','), words.size());
    const std::string_view word = words.substr(0, comma);
    words.remove_prefix(std::min(comma + 1, words.size()));
    if (word.substr(1) == rule || word.substr(1) == "all") on = word[0] == '+';
  }
  return on;
}

static_assert(std::size(table) <= 32);

// A bit for each row, as the setting says now.
std::uint32_t switches() {
  // The version of the settings that the bits are of, and the bits.
  static std::atomic<std::uint64_t> known{~std::uint64_t{0}};
  const std::uint32_t version = settings_version();
  std::uint64_t both = known.load(std::memory_order_relaxed);
  if (both >> 32 == version) return static_cast<std::uint32_t>(both);
  const std::string words = rule_switches();
  both = std::uint64_t{version} << 32;
  for (std::size_t i = 0; i < std::size(table); ++i) {
    if (is_on(table[i].name, words)) both |= std::uint64_t{1} << i;
  }
  known.store(both, std::memory_order_relaxed);
  return static_cast<std::uint32_t>(both);
}

}  // namespace

bool is_on(std::string_view rule) {
  const Rule* row = find_rule(rule);
  return row && (switches() >> (row - table) & 1) != 0;
}

}  // namespace jetlag::plan
