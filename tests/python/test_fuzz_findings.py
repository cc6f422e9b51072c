"""What the fuzzer found, each as small as it got: these stay as NumPy has them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy

FORTRAN = np.asfortranarray(np.arange(12.0).reshape(3, 4))


def one_operation(x):
    return x + 1, np.sqrt(x), x > 3, np.where(x > 2, x, 0)


def a_chain(x):
    return (x * 2 + 1) / (x + 3) - x


def two_layouts(x):
    return x + x.copy(), x.copy(order="C") * x


def a_row_and_a_matrix(x):
    return x - x[0], x[:, :1] * x


def of_a_fancy_index(x):
    return x[:, [0, -1]] < 5, x[[0, 1]], x[[]]


def like_it(x):
    return np.zeros_like(x), np.ones_like(x), np.full_like(x, 2)


@pytest.mark.parametrize(
    "function",
    [one_operation, a_chain, two_layouts, a_row_and_a_matrix, of_a_fancy_index, like_it],
)
@pytest.mark.parametrize(
    "x",
    [
        FORTRAN,
        np.arange(24.0).reshape(4, 3, 2).transpose(1, 0, 2)[:, :, 0],
        np.arange(24.0).reshape(4, 3, 2).transpose(2, 0, 1),
        np.zeros((4, 3, 0)).transpose(2, 0, 1).reshape(0, 4),
        np.broadcast_to(np.arange(3.0)[:, None], (3, 4)),
        np.arange(12.0).reshape(3, 4)[::-1],
        np.asfortranarray(np.arange(60_000.0).reshape(300, 200)),
    ],
    ids=["fortran", "slice", "cube", "empty", "repeated", "reversed", "large"],
)
def test_results_lie_as_their_operands_do(function, x) -> None:
    same_as_numpy(function, x)


def square_of_bools(x):
    return x**2, (x > 0) ** 2


def test_a_bool_squared_is_an_int8() -> None:
    same_as_numpy(square_of_bools, np.array([True, False]))


def remainder_in_place(x, y):
    x %= y
    return x


def remainder_of_a_view(x):
    x[::-1] %= x
    return x


def test_an_operation_in_place_that_raises_has_not_written_where_operands_overlap() -> None:
    with np.errstate(all="raise"):
        same_as_numpy(remainder_of_a_view, np.array([3, 5, 0, 7], np.int16))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_an_operation_in_place_that_raises_has_written(dtype) -> None:
    x, y = np.array([3, 5, 0], dtype), np.array([2, 0, 0], dtype)
    jitted = x.copy()

    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        remainder_in_place(x, y)
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        jl.jit(remainder_in_place)(jitted, y)

    np.testing.assert_array_equal(jitted, x)


def product_in_place(x, y):
    x @= y


@pytest.mark.parametrize("y", [np.ones((4, 4)), np.ones((3, 3))])
def test_a_product_in_place_asks_for_dtypes_before_shapes(y) -> None:
    same_as_numpy(product_in_place, np.ones((3, 3), np.int32), y)
    same_as_numpy(product_in_place, np.ones((3, 3)), y * 1j)


def test_an_operation_in_place_names_its_target_twice() -> None:
    same_as_numpy(remainder_in_place, np.zeros((1, 4, 4)), np.zeros(0))


def mean_of_nothing(x):
    y = x + 1
    return y.mean(axis=0)


def variance_of_nothing(x):
    return x.var()


def real_part_stored(x, y):
    x[:2] = y
    return x


def attribute_stored(x, y):
    x.real = y
    return x


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (mean_of_nothing, (np.zeros((0, 3)),)),
        (variance_of_nothing, (np.zeros(0, "u8"),)),
        (real_part_stored, (np.zeros(3), np.array([1j, 2]))),
        (attribute_stored, (np.zeros(3, np.float32), np.array(1e300))),
    ],
)
def test_a_warning_of_what_runs_in_python_has_the_users_line(function, args) -> None:
    seen = []
    for call in (function, jl.jit(function)):
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            call(*(a.copy() for a in args))
        kept = [w for w in found if not issubclass(w.category, jl.OpaqueWarning)]
        seen.append({(w.category, str(w.message), w.filename, w.lineno) for w in kept})

    assert seen[0]
    assert seen[1] == seen[0]


def by_an_array_of_one_number(x, i, m):
    m[i] -= i
    return x[i], x[i, ...], m


def test_a_0d_index_is_a_number() -> None:
    same_as_numpy(by_an_array_of_one_number, np.arange(3.0), np.array(1), np.zeros(3, bool))


def by_places(x, i):
    return x[i], x[i, i]


def test_elements_lie_as_their_indices_do() -> None:
    same_as_numpy(
        by_places, np.arange(16.0).reshape(4, 4), np.asfortranarray([[0, 1, 2], [3, 0, 1]])
    )


def nothing_to_squeeze(x):
    return np.squeeze(x), x.squeeze()


def test_squeezing_nothing_gives_the_array_itself() -> None:
    same_as_numpy(nothing_to_squeeze, np.arange(3.0))


def a_bool_divides(n, b):
    return n // (b > 1)


def test_bools_have_no_scalar_arithmetic_of_their_own() -> None:
    same_as_numpy(a_bool_divides, 3, np.float64(0))


def a_bool_times(b, x):
    return (b > 1) * x, x * (b > 1)


def test_a_bool_on_the_left_works_as_arrays_do() -> None:
    same_as_numpy(a_bool_times, np.float64(0), np.float64(np.inf))


def rolled(x):
    return np.roll(x, 1, axis=0), np.roll(x, -1)


def test_rolled_along_an_axis_lies_as_before() -> None:
    same_as_numpy(rolled, np.arange(12.0).reshape(3, 4))
    same_as_numpy(rolled, FORTRAN, opaque=True)


def finite_remainders(k):
    return np.isinf(k % k), np.isnan(1 / k > 1), np.isfinite(k // k) | (k > 0)


def test_conditions_of_what_nobody_reads_are_told() -> None:
    same_as_numpy(finite_remainders, np.arange(-2, 3))


def powers(x, y, two):
    return (
        (x + y) ** 2 - x**0.5,
        np.exp(-(x**3)) * y,
        1 - x**-1 + y**1,
        (x - y) ** 2.5 + x**y,
        np.power(x, 2) + np.power(x - y, -1),
        x**2.0 * y,
        x ** (2 == 2) * y + x**two,
    )


def test_powers_within_expressions() -> None:
    x = np.array([-2.0, -0.0, 0.0, 0.5, 3.0, 1e200, 1e-200, np.inf, np.nan])
    two = np.float64(2)
    same_as_numpy(powers, np.abs(x), x[::-1].copy(), two, rtol=1e-15)
    same_as_numpy(powers, x, np.full(9, 2.0), two, rtol=1e-15)
    same_as_numpy(powers, x[:5] + 1j, x[4::-1] - 2j, two, rtol=1e-14)
    single = np.abs(x[:5]).astype(np.float32), np.linspace(0, 2, 5, dtype=np.float32)
    same_as_numpy(powers, *single, np.float32(2), rtol=1e-6)


def whole_powers(k, n):
    return (k + 1) ** 2 - k, (k * 2) ** n + 1, (k + 1) ** 0.5 * 2, k**2.0 + k


def test_powers_of_integers_within_expressions() -> None:
    same_as_numpy(whole_powers, np.arange(5), 3)
    same_as_numpy(whole_powers, np.arange(5, dtype=np.int8), 0)
    same_as_numpy(whole_powers, np.arange(5), -1)


def powers_by_turns(x):
    total = x * 0
    for e in [2, 2, 2, 2, 3, 0.5, 2, 2.0, -1, 1, 2]:
        total = total + x**e * 2
    return total


def test_each_round_has_the_power_of_its_exponent() -> None:
    # NumPy's own powers differ in the last place from processor to processor.
    same_as_numpy(powers_by_turns, np.linspace(0.5, 3, 7), rtol=1e-14)
    same_as_numpy(powers_by_turns, np.linspace(0.5, 3, 7, dtype=np.float32), rtol=1e-6)
    same_as_numpy(powers_by_turns, np.arange(1, 6) + 1j, rtol=1e-14)


def an_integer_scalar_and_a_float(n):
    return 0.25 // n


def test_an_integer_scalar_with_a_python_float_is_named_as_the_ufunc():
    with pytest.warns(RuntimeWarning, match="divide by zero encountered in floor_divide"):
        jl.jit(an_integer_scalar_and_a_float)(np.int64(0))


def signs(x):
    return np.signbit(x.real), np.signbit(x.imag)


def a_product_with_one_number(x, y):
    z = np.dot(x, y)
    return z, np.signbit(np.real(z)), np.signbit(np.imag(z))


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
@pytest.mark.parametrize(
    ("left", "right"),
    [((1,), (1,)), ((1, 1), (1,)), ((), (3,)), ((2, 2), ()), ((1,), (1, 3)), ((3, 1), (1, 1))],
)
def test_a_product_with_one_number_has_numpys_zeros(left, right, dtype) -> None:
    same_as_numpy(a_product_with_one_number, np.zeros(left, dtype), np.full(right, -4, dtype))
    same_as_numpy(a_product_with_one_number, np.full(left, -0.0, dtype), np.ones(right, dtype))
    same_as_numpy(a_product_with_one_number, np.full(left, 2.0, dtype), np.ones(right, dtype))


def inner_product_with_one_number(x, y):
    z = np.inner(x, y)
    return z, np.signbit(z)


def test_an_inner_product_with_one_number_has_numpys_zeros() -> None:
    same_as_numpy(inner_product_with_one_number, np.zeros(1), np.full(1, -4.0))
    same_as_numpy(inner_product_with_one_number, np.array([[3.0]]), np.full((3, 1), -0.0))


def clipped(x):
    return np.signbit(np.clip(x, 0, 2)), np.signbit(x.clip(-0.0, 0.0)), np.clip(x, np.nan, 1)


def test_a_clipped_zero_keeps_its_sign() -> None:
    same_as_numpy(clipped, np.array([-0.0, 0.0, -1.0, 3.0, np.nan]))


def two_in_one_pass(x):
    y = np.reciprocal(x)
    return np.bitwise_and(y, 1)


def test_a_condition_that_raises_has_the_line_of_its_statement() -> None:
    with np.errstate(all="raise"):
        same_as_numpy(two_in_one_pass, np.zeros(3, np.uint16))


def shifted_in_place(n):
    n >>= n
    return n


def joined_in_place(n, m):
    n |= m
    return n


def test_an_operator_in_place_is_named_as_such() -> None:
    same_as_numpy(shifted_in_place, 2.0)
    same_as_numpy(joined_in_place, 0, 1000.0)


def chosen(x, n, y):
    return np.where(x > 0, n, y)


def after_a_division(x, y):
    z = 1 / x
    return z + y


def test_shapes_that_do_not_fit_are_all_named() -> None:
    same_as_numpy(chosen, np.ones(3), 2, np.ones(5))
    same_as_numpy(chosen, np.ones((2, 3)), np.ones(3), np.ones(5))
    same_as_numpy(after_a_division, np.zeros(3), np.ones(5))


def stored_by_index(x, i, v):
    x[i] = v
    return x


@pytest.mark.parametrize("index", [np.zeros(0, int), np.zeros(0, bool), np.array([0, 99])])
@pytest.mark.parametrize("shape", [(3, 0), (2,), (0,), (1, 1), (2, 2)])
def test_a_store_by_arrays_is_refused_as_in_numpy(index, shape) -> None:
    same_as_numpy(stored_by_index, np.zeros(3), index, np.ones(shape))
    same_as_numpy(stored_by_index, np.zeros((3, 2)), index, np.ones(shape))


def sums_and_products(x, y):
    return x + y, x - y, x * y, x * x


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_a_part_of_a_complex_number_meets_conditions_alone(dtype) -> None:
    inf, nan = np.inf, np.nan
    values = [complex(a, b) for a in (inf, -inf, nan, 1.0) for b in (inf, nan, 0.0)]
    for left in values:
        same_as_numpy(sums_and_products, np.array([left], dtype), np.array(values, dtype))


@pytest.mark.parametrize("value", [np.complex128(1 + 2j), 1 + 2j])
@pytest.mark.parametrize("x", [np.zeros(3), np.zeros(3, int)])
def test_a_complex_number_is_refused_by_a_real_element(x, value) -> None:
    same_as_numpy(stored_by_index, x, 0, value, opaque=True)


def complex_powers(x, e):
    z = x**e
    return z, signs(z)


@pytest.mark.parametrize("e", [-1.0, -2.0, -3.0, 2.0, 3.0, np.float64(-1), 1.0])
def test_powers_of_complex_numbers_have_numpys_zeros(e) -> None:
    numbers = np.array([complex(a, b) for a in (1, -1, 2, -2.5) for b in (0.0, -0.0, 1, -2)])
    same_as_numpy(complex_powers, numbers, e, rtol=1e-15)


def reduced(x):
    return np.sum(x), x.mean(axis=0), np.prod(x, axis=1), np.trace(x), np.outer(x, x), np.ptp(x)


def test_a_condition_of_a_reduction_is_named_as_numpy_does() -> None:
    x = np.array([[np.inf, 1e308], [-np.inf, 1e308]])
    seen = []
    for call in (reduced, jl.jit(reduced)):
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            call(x)
        seen.append({str(w.message) for w in found})

    assert seen[1] == seen[0]
    assert "invalid value encountered in reduce" in seen[1]


def filled(x, n):
    y = x + 1
    x.fill(n)
    return x, y


@pytest.mark.parametrize("x", [np.arange(6.0), np.arange(6)[::2], np.zeros((0, 2)), np.ones(())])
@pytest.mark.parametrize("n", [3, np.float32(2), True])
def test_an_array_is_filled_natively(x, n) -> None:
    same_as_numpy(filled, x, n)


def test_filling_with_what_does_not_fit_is_refused() -> None:
    frozen = np.broadcast_to(np.zeros(1), (3,))
    same_as_numpy(filled, np.zeros(3, np.int8), 300)
    same_as_numpy(filled, frozen, 1, opaque=True)


def typed_numbers(x, n):
    return np.float32(n) * x, np.int8(3) + x, np.uint8(200), np.float64(n) / 3, np.int64(n)


def test_numbers_of_numpys_types_are_native() -> None:
    same_as_numpy(typed_numbers, np.arange(3, dtype=np.float32), 2)
    same_as_numpy(typed_numbers, np.arange(3), 2.5)
    same_as_numpy(typed_numbers, np.arange(3), np.float32(7.5))


def an_int8(n):
    return np.int8(n)


@pytest.mark.parametrize("n", [300, -129, 127.9, -128.5, 1e300, np.nan, np.int64(300), 2j, "7"])
def test_numbers_that_do_not_fit_a_type_are_left_to_numpy(n) -> None:
    same_as_numpy(an_int8, n)


def enumerated(x):
    total = 0
    for i, row in enumerate(x):
        if i == 1:
            continue
        total = total + row * i
    for i, _ in enumerate(range(3)):
        total = total - i
    else:
        i = i * 10
    return total, i


def test_enumerated_loops_are_native() -> None:
    same_as_numpy(enumerated, np.arange(12.0).reshape(4, 3))
    same_as_numpy(enumerated, np.arange(4))
    same_as_numpy(enumerated, [1, 2.5, 3])
    same_as_numpy(enumerated, np.zeros((0, 3)))


def enumerated_into_an_array(x, n):
    for x[0], n[0] in enumerate(x):  # noqa: B020
        print(x, n)
    return x, n


def test_an_enumeration_assigns_from_left_to_right() -> None:
    same_as_numpy(enumerated_into_an_array, np.arange(4.0), np.zeros(2))
    same_as_numpy(enumerated_into_an_array, 5, np.zeros(2), opaque=False)


def sums_around_a_fill(x):
    row, total = x[0], 0.0
    for k in range(5):
        before = np.sum(x * 2)
        row.fill(k)
        total += before - np.sum(x * 2)
    return total, x


def test_what_is_filled_is_computed_anew() -> None:
    same_as_numpy(sums_around_a_fill, np.ones((4, 3)))


def rows_filled_in_rounds(x):
    for u in range(x.shape[0]):
        row = np.zeros(x.shape[1])
        row.fill(u)
        x[u].fill(u + 1)
        x[u, :] = row * 2 + x[u - 1]
    return x


@pytest.mark.parametrize("workers", [1, 4])
def test_fills_in_rounds_are_made_in_order(workers) -> None:
    same_as_numpy(rows_filled_in_rounds, np.zeros((40, 5000)), workers=workers)


def masked_by_itself(x):
    y = x[::-1]
    y[y > 0] = x
    return x, y


def masked_with_gaps(x, mask):
    x[1:][mask] = x[: np.sum(mask)]
    return x


def masked_by_its_rows(x):
    x[x[::-1]] = False
    return x


def masked_by_itself_in_its_order(x):
    x[x] = False
    return x


def test_a_store_under_a_mask_that_it_changes_is_left_to_numpy() -> None:
    masks = np.random.default_rng(3).random((40, 7)) > 0.5
    same_as_numpy(masked_by_its_rows, masks, opaque=True)
    same_as_numpy(masked_by_itself_in_its_order, masks)


@pytest.mark.parametrize("n", [3, 6, 100])
def test_a_masked_store_of_the_array_itself_is_left_to_numpy(n) -> None:
    same_as_numpy(masked_by_itself, np.arange(1.0, n + 1), opaque=True)
    same_as_numpy(masked_with_gaps, np.arange(float(n)), np.arange(n - 1) % 3 < 2, opaque=True)


def taken_and_stored(x, mask):
    taken = x[mask]
    x[mask] = 2
    return taken, x


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0), (0, 2), (1, 0), (3, 0), (0, 0)])
def test_an_axis_without_elements_of_a_mask_fits_any(shape) -> None:
    same_as_numpy(taken_and_stored, np.ones((2, 3)), np.zeros(shape, bool))


def one_row_in_two_variables(x):
    for i in range(len(x)):
        a = b = x[i % 1]
        c = b
        d = x[i % 1]
    return a, b, c, d


def test_one_row_in_two_variables_is_one_object(monkeypatch) -> None:
    monkeypatch.setattr(jl.settings, "jit", "always")

    a, b, c, d = same_as_numpy(one_row_in_two_variables, np.ones((2, 3)))

    assert a is b
    assert b is c
    assert a is not d


ORDERS = ((0, 1, 2, 3), (1, 0, 2, 3), (2, 0, 1, 3), (3, 2, 1, 0), (0, 2, 1, 3), (1, 2, 3, 0))


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_products_of_many_matrices_lie_as_their_operands_do(order) -> None:
    a = np.arange(120.0).reshape(2, 3, 4, 5).transpose(order)
    square = np.arange(81.0).reshape(3, 3, 3, 3).transpose(order)
    k, m = a.shape[-1], a.shape[-2]

    def products(a, matrix, vector, left, square):
        return a @ matrix, a @ vector, left @ a, square @ square.T, square[0] @ square

    same_as_numpy(products, a, np.ones((k, 6)), np.ones(k), np.ones(m), square)
    same_as_numpy(lambda a: a[:, ::-1] @ a[::-1, :, :1].swapaxes(2, 3), a)
    repeated = np.broadcast_to(np.arange(3), (3, 3, 3))
    same_as_numpy(lambda x: x @ np.add(1, x[None]).T, repeated)


def rows_by_a_condition(x):
    for n in range(3):
        y = x[n] if n < 5 else x[1]
    for m in range(4):
        z = x[m] if m % 2 else 3
    return n, y, z


def a_row_that_stays(x):
    z = x[1]
    for n in range(4):
        z = x[n] if x[n, 0] > 5 else z
        z[0] += 1
    return z


def elements_of_rows_by_a_condition(x):
    s = 0.0
    for n in range(4):
        s += (x[n] if n % 2 else x[0])[1]
        z = (x[n] if n % 2 else x[0]) if n < 3 else x[n]
    return z, s


@pytest.mark.parametrize("dtype", ["float64", "uint16"])
def test_a_condition_chooses_a_row(dtype, jit_mode) -> None:
    x = np.arange(12).reshape(4, 3).astype(dtype)
    for f in (rows_by_a_condition, a_row_that_stays, elements_of_rows_by_a_condition):
        same_as_numpy(f, x)
