"""Products that share a matrix are done in one pass over its rows, with NumPy's results.

Matrices of 256 kB and less are in the cache anyway; here most are larger.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy

RTOL = 1e-12


def numbers(*shape: int, dtype: str = "float64") -> np.ndarray:
    values = np.random.default_rng(len(shape)).standard_normal(shape)
    return values.astype(dtype)


def rules(function: Callable[..., Any], *args: Any) -> list[str]:
    """The kinds of those steps that the rule shaped."""
    rows = jl.explain(function, *args).rows
    return [row["kind"] for row in rows if "share-pass" in (row.get("rule") or "")]


def descent(x, w, y):
    p = 1.0 / (1.0 + np.exp(-np.dot(x, w)))
    err = p - y
    grad = np.dot(x.T, err)
    return w - 0.1 * grad


def rounds(x, w, y, n):
    xt = np.transpose(x)
    for _ in range(n):
        err = 1.0 / (1.0 + np.exp(-(x @ w))) - y
        w = w - 0.01 * (xt @ err)
    return w, err


def both_sides(a, p, r):
    return r @ a, a @ p


def there_and_back(a, x):
    return (a @ x) @ a


def by_methods(a, x):
    return a.T.dot(a.dot(x) * 2.0)


def two_of_one_side(a, p, q):
    s = a @ p
    t = a @ q
    return s - t


def column_after_column(a, p):
    return a.T @ p, p @ a


def square_of_a_matrix(a, x):
    return a @ (a @ x)


def between_is_read(a, x):
    s = a @ x
    first = s[0]
    return first, s @ a


def between_is_written(a, x):
    s = a @ x
    a[0] = 0.0
    return s, s @ a


@pytest.mark.parametrize(
    "shape",
    [
        (1269, 30),
        (3, 5),
        (2, 2),
        (1, 7),
        (7, 1),
        (1, 1),
        (331, 129),
        (4, 9000),
        (9000, 4),
        (20001, 2),
        (2, 20001),
        (569, 30),
    ],
)
def test_a_descent_is_as_in_numpy(shape: tuple[int, int]) -> None:
    m, n = shape

    same_as_numpy(descent, numbers(m, n), numbers(n), numbers(m), rtol=RTOL)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_empty_matrices_are_as_in_numpy(shape: tuple[int, int]) -> None:
    m, n = shape

    same_as_numpy(descent, np.zeros(shape), np.zeros(n), np.zeros(m))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "complex128"])
def test_any_dtype_is_as_in_numpy(dtype: str) -> None:
    a = (10 * numbers(400, 200)).astype(dtype)
    p, r = (10 * numbers(200)).astype(dtype), (10 * numbers(400)).astype(dtype)

    same_as_numpy(both_sides, a, p, r, rtol=1e-3 if dtype == "float32" else RTOL)


def test_operands_of_two_dtypes_are_as_in_numpy() -> None:
    same_as_numpy(
        both_sides, numbers(400, 200), np.arange(200), numbers(400, dtype="float32"), rtol=RTOL
    )


@pytest.mark.parametrize(
    "function", [both_sides, there_and_back, by_methods, two_of_one_side, column_after_column]
)
@pytest.mark.parametrize("layout", ["C", "F", "columns", "rows", "backwards", "every other"])
def test_any_layout_is_as_in_numpy(function: Callable[..., Any], layout: str) -> None:
    n = 190
    wide = numbers(2 * n, 2 * n)
    a = {
        "C": wide[:n, :n].copy(),
        "F": np.asfortranarray(wide[:n, :n]),
        "columns": wide[:n, 5 : n + 5],
        "rows": wide[5 : n + 5, :n],
        "backwards": wide[n - 1 :: -1, :n],
        "every other": wide[::2, ::2],
    }[layout]
    vectors = [numbers(n), numbers(n) + 1.0][: function.__code__.co_argcount - 1]

    same_as_numpy(function, a, *vectors, rtol=RTOL)


@pytest.mark.parametrize("function", [both_sides, there_and_back, by_methods, two_of_one_side])
def test_products_of_one_matrix_are_one_stream(function: Callable[..., Any]) -> None:
    arguments = [numbers(200, 200), numbers(200), numbers(200)][: function.__code__.co_argcount]

    kinds = rules(function, *arguments)

    assert kinds.count("stream") == 2


@pytest.mark.parametrize("function", [square_of_a_matrix, between_is_read, between_is_written])
def test_what_needs_a_whole_result_waits_for_it(function: Callable[..., Any]) -> None:
    same_as_numpy(function, numbers(200, 200), numbers(200), rtol=RTOL)

    assert rules(function, numbers(200, 200), numbers(200)) == []


def test_products_of_two_matrices_are_not_joined() -> None:
    def two(a, b, x):
        return a @ x, x @ b

    same_as_numpy(two, numbers(200, 200), numbers(200, 200) + 1.0, numbers(200), rtol=RTOL)

    assert rules(two, numbers(200, 200), numbers(200, 200), numbers(200)) == []


def test_a_third_product_begins_the_next_stream() -> None:
    def four(a, b, x):
        return a @ x, x @ a, b @ x, x @ b

    same_as_numpy(four, numbers(200, 200), numbers(200, 200) + 1.0, numbers(200), rtol=RTOL)

    kinds = rules(four, numbers(200, 200), numbers(200, 200), numbers(200))
    assert kinds.count("stream") == 4


def test_rounds_keep_what_is_read_after_them() -> None:
    same_as_numpy(rounds, numbers(900, 40), np.zeros(40), numbers(900), 25, rtol=1e-10)


@pytest.mark.parametrize("shape", [(1269, 30), (2000, 300), (700, 2500)])
def test_the_bits_do_not_depend_on_workers_or_runs(shape: tuple[int, int]) -> None:
    m, n = shape
    x, w, y = numbers(m, n), np.zeros(n), numbers(m)
    function = jl.jit(rounds)
    results = []

    for workers in (1, 2, 4, 2):
        jl.threads(workers)
        results.append(function(x, w, y, 5))

    for weights, error in results[1:]:
        assert np.array_equal(weights, results[0][0])
        assert np.array_equal(error, results[0][1])


def test_the_vector_may_be_part_of_the_matrix() -> None:
    def overlapping(a):
        w = a[3]
        s = a @ w
        return s, (s + a[:, 2]) @ a

    same_as_numpy(overlapping, numbers(200, 200), rtol=RTOL)


def test_the_matrix_may_be_given_twice() -> None:
    def twice(a, b, x):
        return a @ x, b.T @ x

    a = numbers(200, 200)

    same_as_numpy(twice, a, a, numbers(200), rtol=RTOL)
    assert rules(twice, a, a, numbers(200)).count("stream") == 2


def test_a_mismatch_is_raised_where_python_raises_it() -> None:
    def wrong(x, w, y):
        s = np.dot(x, w)
        e = np.sqrt(s) - y
        return np.dot(x, e)

    same_as_numpy(wrong, -(numbers(300, 200) ** 2), numbers(200) ** 2, numbers(300))


def test_an_unbound_name_in_between_is_raised_where_python_raises_it() -> None:
    def unbound(x, w, flag):
        if flag:
            y = 1.0
        s = x @ w
        e = s - y
        return e @ x

    same_as_numpy(unbound, numbers(300, 200), numbers(200), False)


@pytest.mark.parametrize("function", [descent, rounds])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -1e308, 1e5])
def test_conditions_are_told_with_their_line(function: Callable[..., Any], bad: float) -> None:
    x = numbers(1269, 31)
    x[300, 7] = bad
    arguments = [x, np.full(31, 3.0), numbers(1269), 1][: function.__code__.co_argcount]

    same_as_numpy(function, *arguments, rtol=1e-9)


def test_infinity_in_the_vector_raises_no_condition_of_its_own() -> None:
    def outward(a, e):
        return a.T @ e, e @ a

    e = numbers(900)
    e[3] = np.inf

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        jl.jit(outward)(abs(numbers(900, 39)) + 1.0, e)


def test_conditions_can_be_made_errors() -> None:
    with np.errstate(over="raise"), pytest.raises(FloatingPointError, match="overflow"):
        jl.jit(descent)(np.full((300, 200), -1e3), np.ones(200), np.ones(300))


def test_a_foreign_object_may_have_a_dot_of_its_own() -> None:
    class Matrix:
        def __init__(self) -> None:
            self.log: list[str] = []

        @property
        def T(self) -> Matrix:  # noqa: N802
            self.log.append("T")
            return self

        def dot(self, x):  # noqa: ANN001, ANN202
            self.log.append("dot")
            return x + 1

    def foreign(a, m, x):
        s = a.dot(x)
        t = m.T.dot(s)
        return a.T.dot(t)

    a, x = numbers(200, 200), numbers(200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jl.OpaqueWarning)
        result = jl.jit(foreign)(a, Matrix(), x)

    np.testing.assert_allclose(result, a.T @ (a @ x + 1), rtol=RTOL)


def test_dot_and_inner_tell_of_overflow() -> None:
    def products(a, v):
        return np.dot(a, v), np.dot(v, v), np.inner(a, v), a.dot(a), v @ v

    same_as_numpy(products, np.full((4, 4), 1e308), np.full(4, 1e308))


@pytest.mark.parametrize("factor", [2, 2.0, np.float64(2), np.array([2.0])])
def test_a_factor_that_is_no_array_waits_for_the_product_before_it(factor: object) -> None:
    def descend(x, w, factor, n):
        for _ in range(n):
            e = (factor + 1.0) * np.dot(x, w)
            w = w - np.dot(x.T, e)
        return w

    x = numbers(1400, 30) / 100
    same_as_numpy(descend, x, np.ones(30), factor, 1, rtol=1e-9)
    same_as_numpy(descend, x, np.ones(30), factor, 6, rtol=1e-9)
