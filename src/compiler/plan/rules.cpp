#include "compiler/plan/rules.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>

#include "base/settings.h"

namespace jetlag::plan {

namespace {

constexpr Rule table[] = {
    {.name = "fuse-elementwise",
     .before = "f(g(a), b)",
     .after = "h(a, b)",
     .guard = "nobody else reads the inner result, which is as large as the outer one",
     .why = "one pass over memory, and no array between",
     .test = "block(define(a, [1.0, 4.0]), sqrt(a) * a + 1)  #= [2.0, 9.0]"},
    {.name = "several-results",
     .before = "block(define(y, f(x)), define(z, g(y)), list(y, z))",
     .after = "one pass that stores y and z",
     .guard = "as fuse-elementwise, but y may be assigned and read later; not beside two products "
              "of matrices; decided when the program is lowered",
     .why = "what is wanted as well is stored on the way, and not read again",
     .test = "define{python}(main, block(define(y, sqrt([1.0, 4.0]) * 2), define(z, y + 1),"
             " return(concatenate(list(y, z)))))"
             "  #= [2.0, 4.0, 3.0, 5.0]"},
    {.name = "inline-calls",
     .before = "block(define(f, x, g(x)), f(a) + b)",
     .after = "g(a) + b",
     .guard = "a function of the program that is a few assignments to its own variables and one "
              "return, and calls only such; decided when the program is lowered",
     .why = "work on arrays before, in and after a call becomes one pass",
     .test = "define{python}(main, return(f([1.0, 4.0]) + 1))"
             " define{python}(f, x, block(define(y, sqrt(x)), return(y * y + y)))"
             "  #= [3.0, 7.0]"},
    {.name = "where-select",
     .before = "where(c, f(a), g(b))",
     .after = "a select between registers",
     .guard = "as fuse-elementwise; conditions of both arms are told, as both arrays are made",
     .why = "the arms of a choice are not written to memory",
     .test = "block(define(a, [4.0, -4.0]), where(a > 0, a + 1, 2 - a))  #= [5.0, 6.0]"},
    {.name = "store-in-place",
     .before = "store(slice(b, list(1, 3)), f(a))",
     .after = "f(a), written into b",
     .guard = "nobody else reads the result, no operand lies in the way, no condition raises",
     .why = "a result is not written twice",
     .test = "block(define(b, zeros(4)), store(slice(b, list(1, 3)), [1.0, 2.0] * 2 + 1), b)"
             "  #= [0.0, 3.0, 5.0, 0.0]"},
    {.name = "delayed-store",
     .before = "store(slice(u, list(1, nil)), f(slice(u, list(nil, -1))))",
     .after = "f(slice(u, …)), written into u some rows behind what is read",
     .guard = "as store-in-place, but operands may be the target, shifted by few of its rows",
     .why = "a result is aside for some rows only, which stay in the cache",
     .test = "block(define(u, arange(9000.0)), store(slice(u, list(1, nil)),"
             " slice(u, list(nil, -1)) * 2 + 1),"
             " slice(u, list(0, 3)))  #= [0.0, 1.0, 3.0]"},
    {.name = "fused-augment",
     .before = "augment(t, __add, f(a))",
     .after = "t + f(a), written into t",
     .guard =
         "an array in rows, of the shape of f(a) and the dtype of the sum; what lies in the way "
         "can be stored behind or is small; no condition raises at once",
     .why = "one pass over memory, and no array between",
     .test = "block(define(t, ones(4)), augment(t, __add, [1.0, 2.0, 3.0, 4.0] * 2 + 1), t)"
             "  #= [4.0, 6.0, 8.0, 10.0]"},
    {.name = "time-tiles",
     .before = "for_each(lambda(t, block(store(slice(b, nil), f(a)), store(slice(a, nil), f(b)))),"
               " range(n))",
     .after = "some rounds at once, a few rows of all of them at a time",
     .guard = "rounds of elementwise work on more memory than a cache holds, at least four; nobody "
              "waits for a result; no condition raises at once",
     .why = "rows are used by several rounds while they are in the cache",
     .test = "block(define(a, zeros(1000000)),"
             " for_each(lambda(t, store(slice(a, list(0, nil)), a * 0.5 + 1)), range(16)),"
             " slice(a, list(0, 2)))  #= [1.999969482421875, 1.999969482421875]"},
    {.name = "row-tiles",
     .before = "block(define(e, f(x)), define(s, sum(e, 1)))",
     .after = "some rows of e and s at a time",
     .guard =
         "steps one after another, on memory that the second-level cache does not hold, of which "
         "row i needs nothing but rows i of the others; no condition raises at once",
     .why = "rows are used by the next steps while they are in the cache",
     .test = "block(define(x, ones('(2000, 300))), define(e, x * 2), define(s, sum(e, 1)),"
             " max(s) + min(e))  #= 602.0"},
    {.name = "last-use",
     .before = "define(w, f(w))",
     .after = "f(w), written over w",
     .guard = "nobody else can see the old value",
     .why = "a buffer that dies is at hand, and in the cache",
     .test = "sqrt(ones(4000))  #= ones(4000)"},
    {.name = "share-pass",
     .before = "block(define(s, dot(x, w)), dot(transpose(x), s))",
     .after = "one pass over the rows of x",
     .guard =
         "one matrix, in rows, of more than 256 kB; a row's second use needs no other row of the "
         "first",
     .why = "x comes from memory once",
     .test = "block(define(x, ones('(300, 200))), define(s, dot(x, ones(200))),"
             " sum(dot(transpose(x), s + 1)))  #= 12060000.0"},
    {.name = "common-subexpressions",
     .before = "block(define(p, f(x) + 1), define(q, dot(f(x) + 1, y)))",
     .after = "block(define(p, f(x) + 1), define(q, dot(p, y)))",
     .guard =
         "pure calls on the same arrays; nothing written into them or the result and no Python "
         "between; no floating-point condition met; a result that may be kept or written is "
         "copied",
     .why = "what was computed is not computed again",
     .test = "block(define(x, [1.0, 4.0]), define(p, sqrt(x) + 1),"
             " slice(p, 0) + dot(sqrt(x) + 1, x))  #= 16.0"},
    {.name = "hoist",
     .before = "while(c, block(a, f(x)))",
     .after = "block(define(t, f(x)), while(c, block(a, t)))",
     .guard = "pure calls whose operands no round changes, made where the first round makes them; "
              "no floating-point condition met",
     .why = "an invariant of a loop is computed once",
     .test = "block(define(x, [1.0, 4.0]), define(s, 0.0), define(k, 0),"
             " while(k < 3, block(store(s, s + sum(sqrt(x))), store(k, k + 1))), s)  #= 9.0"},
    {.name = "fused-reduction",
     .before = "sum(square(x - y), 1)",
     .after = "sums of what is computed stretch by stretch",
     .guard = "an elementwise result of 8 kB and more that only this reduction reads; no condition "
              "raises at once",
     .why = "the result of the elementwise work is never stored, and has the same bits",
     .test = "block(define(x, ones('(40, 50))), sum(x * 2 + 1, 1))  #= constant(150.0, '(40))"},
    {.name = "masked-reduction",
     .before = "sum(slice(x, mask))",
     .after = "sums of what the mask takes, stretch by stretch",
     .guard = "a mask of 8 kB and more over the leading axes, without gaps; only this reduction "
              "reads what it takes",
     .why = "what a mask takes is not copied, and folded in the order of the copy",
     .test = "block(define(x, ones(9000)), sum(slice(x, x > 0)))  #= 9000.0"},
    {.name = "outer-product",
     .before = "m + outer(u, v)",
     .after = "m + slice(u, list(nil, nil), nil) * v",
     .guard = "vectors of real numbers; only elementwise work reads the product",
     .why = "a product of a column and a row is not built",
     .test = "1 + outer([1.0, 2.0], [3.0, 4.0])  #= [[4.0, 5.0], [7.0, 9.0]]"},
    {.name = "outer-elements",
     .before = "block(define(d, x - y), list(f(d), g(d)))",
     .after = "list(f(x - y), g(x - y))",
     .guard = "x and y together are an eighth of d, which has 64 kB and more and is cheap; only "
              "elementwise work reads d; no condition raises at once",
     .why = "what costs less than its reading is computed where it is read, and never stored",
     .test = "define{python}(main, block(define(x, arange(200.0)),"
             " define(d, index(x, nil, span(nil, nil, nil)) - index(x, span(nil, nil, nil), nil)),"
             " define(s, sum(d * d + 1)), define(t, sum(absolute(d) + 1)), return(s + t)))"
             "  #= 269406600.0"},
    {.name = "fused-gather",
     .before = "slice(x, i) * w",
     .after = "one pass that takes elements of x by the indices",
     .guard = "an index array of 32 kB and more for the axis of x; both without gaps, and all "
              "indices within bounds; only one elementwise pass reads what they take",
     .why = "what an index array takes is not stored, and read again",
     .test = "block(define(x, arange(6000.0)), define(i, arange(5999, -1, -1)),"
             " max(slice(x, i) * 2 + x))  #= 11998.0"},
    {.name = "masked-select",
     .before = "store(slice(c, m), 0)",
     .after = "where(m, 0, c), written into c",
     .guard = "a mask of the array's shape, in rows, that is true for some in 32 of 8192 elements "
              "and more; a number, stored or in c[m] op= number (+ - * / & | ^); the result has "
              "the dtype of c; no condition raises at once",
     .why = "a choice in registers is quicker than to look for places",
     .test = "block(define(c, arange(9000.0)), store(slice(c, c > 2), 1), sum(c))  #= 9000.0"},
    {.name = "diagonal",
     .before = "diag(c) + identity(n)",
     .after = "diag(c + 1)",
     .guard = "real numbers; +, -, * and / between diagonals, or by a number that keeps zeros "
              "positive zeros",
     .why = "a matrix of zeros beside its diagonal is not built",
     .test = "diag([1.0, 2.0]) + identity(2)  #= [[2.0, 0.0], [0.0, 3.0]]"},
    {.name = "scaled",
     .before = "dot(dot(m, diag(c)), v)",
     .after = "dot(m, c * v)",
     .guard = "real floats; m, c and v finite, and their products too: a zero would hide an inf or "
              "NaN",
     .why = "the scaled matrix is not built, and columns with a factor of zero are not read",
     .test = "block(define(m, [[1.0, 2.0], [3.0, 4.0]]),"
             " dot(dot(m, diag([2.0, 0.0])), [1.0, 1.0]))  #= [2.0, 6.0]"},
    {.name = "weighted-gram",
     .before = "dot(dot(transpose(y), diag(c)), y)",
     .after = "the sum over k of c[k] * outer(y[k], y[k]), half of it",
     .guard = "real floats, y and the result finite",
     .why = "neither the diagonal nor the scaled matrix is built; rows with a weight of zero are "
            "not read",
     .test = "block(define(y, [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),"
             " dot(dot(transpose(y), diag([1.0, 0.0, 2.0])), y))  #= [[51.0, 62.0], [62.0, 76.0]]"},
    {.name = "inverse-by-cholesky",
     .before = "inv(a)",
     .after = "cholesky(a)",
     .guard = "wanted as first factor of a product; doubles, symmetric, positive definite, and not "
              "so close to singular that rounding decides",
     .why = "a third of the work of an inverse is a factorisation",
     .test = "dot(inv([[4.0, 2.0], [2.0, 3.0]]), [8.0, 7.0])  #= [1.25, 1.5]"},
    {.name = "inverse-by-lu",
     .before = "inv(a)",
     .after = "lu(a)",
     .guard = "wanted as first factor of a product; doubles, and not so close to singular that "
              "rounding decides",
     .why = "a third of the work of an inverse is a factorisation",
     .test = "dot(inv([[2.0, 1.0], [0.0, 4.0]]), [4.0, 8.0])  #= [1.0, 2.0]"},
    {.name = "solve",
     .before = "dot(inv(a), b)",
     .after = "solve(a, b)",
     .guard = "b finite and real, the solution finite; the first two products with this inverse",
     .why = "a system is solved without its inverse, and more exactly",
     .test = "dot(inv([[2.0, 1.0], [0.0, 4.0]]), [4.0, 8.0])  #= [1.0, 2.0]"},
    {.name = "dot-chain",
     .before = "dot(dot(a, b), v)",
     .after = "dot(a, dot(b, v))",
     .guard = "one dtype; integers, or finite floats so small that no order overflows; sides of 32 "
              "and more; a quarter of the work is saved; nobody else reads a product inside",
     .why = "of the orders of a chain of products the cheapest is taken",
     .test = "block(define(a, ones('(40, 40))), dot(dot(a, a), ones(40)))"
             "  #= constant(1600.0, '(40))"},
    {.name = "dot-transposed",
     .before = "dot(transpose(a), b)",
     .after = "dot{tn}(a, b)",
     .guard = "any strides",
     .why = "a transpose is never copied for a product",
     .test = "dot(transpose([[1.0, 2.0], [3.0, 4.0]]), [5.0, 6.0])  #= [23.0, 34.0]",
     .has_switch = false},
    {.name = "symmetric-product",
     .before = "dot(a, transpose(a))",
     .after = "syrk(a)",
     .guard = "floats and complex numbers",
     .why = "one half of a symmetric product is the mirror of the other",
     .test = "block(define(a, [[1.0, 2.0], [3.0, 4.0]]), dot(a, transpose(a)))"
             "  #= [[5.0, 11.0], [11.0, 25.0]]",
     .has_switch = false},
    {.name = "power-of-constant",
     .before = "__pow(x, 2)",
     .after = "square(x)",
     .guard = "an array; exponents 2, 1, 0.5 and -1, where NumPy does the same; 3, 1.5, -0.5 and "
              "-1.5 of floats, within 4 ulp",
     .why = "a multiplication or a root instead of a power",
     .test = "__pow([1.0, 3.0], 2)  #= [1.0, 9.0]",
     .has_switch = false},
    {.name = "compiled-loop",
     .before = "while(k < n, block(store(s, s + slice(x, k)), store(k, k + 1)))",
     .after = "machine code for all rounds",
     .guard = "a loop over numbers and elements that has run for some rounds; what the code cannot "
              "do as Python does leaves it, in the middle of a round",
     .why = "a number in a register costs nothing to look up, and a check is made once",
     .test = "define{python}(main, block(define(s, 0), for_each(lambda(k, store(s, s + k)),"
             " range(30000)), return(s)))  #= 449985000"},
    {.name = "compiled-call",
     .before = "define(f, n, if(n < 2, n, f(n - 1) + f(n - 2)))",
     .after = "machine code for the function and those that it calls",
     .guard = "functions of numbers alone, called often",
     .why = "a call between functions of numbers is a call in machine code",
     .test = "define{python}(main, return(f(16)))"
             " define{python}(f, n, return(if(n < 2, n, f(n - 1) + f(n - 2))))  #= 987"},
    {.name = "independent-iterations",
     .before = "for_each(lambda(i, store(slice(x, i), f(i))), range(n))",
     .after = "rounds as tasks, their stores in order",
     .guard = "no round reads what another one writes; two workers and more; rounds that take long "
              "enough; arrays apart in memory",
     .why = "rounds that do not depend on each other need not wait",
     .test = "block(define(x, zeros('(60, 30000))),"
             " for_each(lambda(i, store(slice(x, i), sqrt(slice(x, i) + i * i))), range(60)),"
             " slice(x, nil, 7))  #= arange(60.0)"},
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
  for_each_switch(words, [&](std::string_view name, bool yes) {
    if (name == rule || name == "all") on = yes;
  });
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
  return row && is_on(*row);
}

bool is_on(const Rule& rule) { return (switches() >> (&rule - table) & 1) != 0; }

}  // namespace jetlag::plan
