"""One pass stores several results: the same bits, warnings and memory as one by one."""

from __future__ import annotations

import traceback
import warnings

import numpy as np
import pytest

import jetlag as jl
from same import PACKAGE, same_as_numpy
from test_memory import peak_of
from test_stores import numbers, rules


def chain(a, b):
    y = np.sqrt(np.abs(a)) * 2
    z = y + b
    w = z * y - a
    return y, z, w


def without(function, *args):
    """The results when every result has a pass of its own."""
    before = jl.settings.rules
    jl.settings.rules = "-several-results"
    try:
        return jl.jit(function)(*args)
    finally:
        jl.settings.rules = before


@pytest.mark.usefixtures("jit_mode")
@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("shape", [(0,), (1,), (7,), (50_000,), (300, 200)])
def test_results_are_those_of_numpy(shape, workers) -> None:
    same_as_numpy(chain, numbers(*shape), numbers(*shape, seed=1), workers=workers, rtol=1e-15)


@pytest.mark.usefixtures("jit_mode")
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int8", "complex128", "bool"])
def test_the_bits_are_those_of_single_passes(dtype) -> None:
    def f(a, b):
        large = a > b
        c = np.where(large, a, b)
        d = c + 1
        return large, c, d, d * 2 + c

    a = (numbers(20_000) * 100).astype(dtype)
    b = (numbers(20_000, seed=1) * 100).astype(dtype)
    for one, other in zip(jl.jit(f)(a, b), without(f, a, b), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    same_as_numpy(f, a, b)


def test_explain_shows_one_pass() -> None:
    explained = jl.explain(jl.jit(chain), numbers(9000), numbers(9000))

    assert [row["kind"] for row in explained.rows] == ["function", "value", "value", "fused"]
    assert "several-results" in explained.rows[3]["rule"]


@pytest.mark.parametrize("order", ["C", "F"])
def test_layouts_are_those_of_numpy(order) -> None:
    a, b = np.asarray(numbers(60, 50), order=order), numbers(60, 50)
    for args in ((a, b), (b, a), (a.T[:50, :50], b[:50]), (a[::2], b[::-2])):
        same_as_numpy(chain, *args, rtol=1e-15)


def test_results_of_other_shapes_are_made_alone() -> None:
    def f(row, column, number):
        y = row * 2 + number
        n = number * 3
        z = y + column * n
        return y, z, n, z * y

    same_as_numpy(f, numbers(90), numbers(80, 1), 1.5)
    same_as_numpy(f, numbers(90), numbers(1, 90), np.float32(1.5))
    same_as_numpy(f, np.float64(2.0), np.float64(1.0), 3)


def test_results_are_arrays_of_their_own() -> None:
    def f(a):
        y = a + 1
        z = y * 2
        y[0] = 7
        z += y
        return y, z, a

    same_as_numpy(f, numbers(40_000))


def test_variables_that_are_assigned_again() -> None:
    def f(a, b):
        y = a * b
        z = y + 1
        y = z * 2
        z = y - z
        x = y
        y = 5
        return x, y, z

    same_as_numpy(f, numbers(30_000), numbers(30_000))


@pytest.mark.usefixtures("jit_mode")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("n", [3, 500, 200_000])
def test_rounds_of_a_loop(n, workers) -> None:
    def f(x, v, rounds):
        for k in range(rounds):
            v = v * 0.999 - x * 0.01
            x = x + v * 0.1 + k
        return x, v

    same_as_numpy(f, numbers(n), numbers(n, seed=2), 30, workers=workers)


def test_operands_that_change_from_round_to_round() -> None:
    def f(n):
        total = 0.0
        for k in range(n):
            x = np.ones(k % 7 + 1) * k
            y = x + 1
            z = y * x
            total = total + np.sum(z) + np.sum(y)
        return total

    same_as_numpy(f, 200)


@pytest.mark.parametrize("n", [5, 200_000])
@pytest.mark.parametrize("workers", [1, 2])
def test_warnings_come_in_order_from_their_lines(n, workers) -> None:
    def f(x):
        y = np.log(x)
        z = 1 / x + y
        w = np.sqrt(x - 1) * z
        return y, z, w

    same_as_numpy(f, np.zeros(n), workers=workers)


@pytest.mark.parametrize("n", [5, 200_000])
def test_memory_that_is_written_over_is_looked_at_before(n) -> None:
    def f(x):
        a = np.abs(x[::-1] * 2)
        b = np.cos(x[::-1]) - 1
        c = np.log(a[::-1].copy()) + b.T.copy()
        d = np.sqrt(c) + 1 / c
        return c, d

    same_as_numpy(f, np.zeros(n), rtol=1e-10)
    same_as_numpy(f, numbers(n) - 0.5, rtol=1e-10)


@pytest.mark.parametrize("n", [5, 200_000])
def test_conditions_that_raise_come_from_their_line(n) -> None:
    def f(x):
        y = np.sqrt(x) + 1
        z = np.log(x) * y
        return y, z

    def line(function):
        with np.errstate(all="raise"), pytest.raises(FloatingPointError) as caught:
            function(np.zeros(n))
        frames = traceback.extract_tb(caught.value.__traceback__)
        return str(caught.value), [g.lineno for g in frames if not g.filename.startswith(PACKAGE)]

    assert line(jl.jit(f)) == line(f)


@pytest.mark.parametrize("n", [50, 100_000])
def test_an_error_in_between_is_told_after_what_came_before(n) -> None:
    def several(x, y):
        a = np.log(x)
        c = 1 / x
        b = y[9]
        c = a + b * c
        return a, c

    def one(x, y):
        a = np.log(x)
        d = np.sqrt(y - 1)
        b = y[9]
        return a + b + d[0]

    for f in (several, one):
        same_as_numpy(f, np.zeros(n), numbers(5))
        with np.errstate(all="raise"):
            same_as_numpy(f, np.zeros(n), numbers(5))


def test_a_condition_that_raises_has_the_line_of_the_first_statement() -> None:
    def equal(x, y):
        a = np.remainder(x, y)
        b = np.remainder(x, y)
        c = a > 0
        return b, c

    with np.errstate(all="raise"):
        for n in (5, 50, 100_000):
            same_as_numpy(equal, np.ones(n), np.zeros(n))


@pytest.mark.parametrize("n", [400_000])
def test_it_takes_no_more_memory_than_before(n) -> None:
    def f(x):
        a = np.dot(x, x) + x
        b = a * 2 + 1
        c = b - a
        return np.sum(np.sqrt(c)) + b[0]

    x = numbers(n)
    jl.threads(1)
    before = jl.settings.rules
    peaks = []
    for words in ("", "-several-results"):
        jl.settings.rules = words
        jitted = jl.jit(f)
        jitted(x)
        peaks.append(peak_of(jitted, x))
    jl.settings.rules = before

    assert peaks[0] <= peaks[1] <= 3 * x.nbytes


def test_an_operand_that_dies_is_taken_over() -> None:
    def f(x):
        a = np.concatenate((x, x))
        b = np.concatenate((x, x + 1))
        c = np.log(a - 0.5) * b
        d = c + a
        return c, d

    x = numbers(100_000)
    jl.threads(1)
    jitted = jl.jit(f)
    same_as_numpy(f, x, rtol=1e-9)
    jitted(x)
    assert peak_of(jitted, x) <= 5 * x.nbytes
    assert "last-use" in rules(f, x)


def test_two_products_keep_their_stream() -> None:
    def f(x, y, w):
        p = 1 / (1 + np.exp(-np.dot(x, w)))
        e = p - y
        g = np.dot(x.T, e)
        return g, np.sum(p)

    args = numbers(3000, 40), numbers(3000), numbers(40)
    same_as_numpy(f, *args, rtol=1e-11)
    assert "share-pass" in rules(f, *args)


def test_rounds_that_run_ahead() -> None:
    def f(x):
        for i in range(x.shape[0]):
            y = x[i] * 2
            z = y + 1
            x[i, :] = z * y + np.sum(y)
        return x

    for workers in (1, 4):
        same_as_numpy(f, numbers(40, 2000), workers=workers, rtol=1e-14)


@pytest.mark.parametrize("workers", [1, 2])
def test_rounds_through_the_cache_store_both(workers) -> None:
    def f(x, v, rounds):
        for _ in range(rounds):
            v = v * 0.999 - x * 0.01
            x = x + v * 0.1
        return x, v

    args = numbers(1_500_000), numbers(1_500_000, seed=1), 24
    same_as_numpy(f, *args, workers=workers)
    assert {"several-results", "time-tiles"} <= rules(f, *args)


def siblings(a, b):
    y = np.abs(a) + 1
    z = np.where(y < 1.5, a, b)
    w = np.sqrt(y) * b
    v = (w - y) * 2
    return z, w, v


@pytest.mark.usefixtures("jit_mode")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("shape", [(0,), (1,), (9,), (50_000,), (300, 200)])
def test_results_need_not_read_each_other(shape, workers) -> None:
    same_as_numpy(siblings, numbers(*shape), numbers(*shape, seed=1), workers=workers, rtol=1e-15)


def test_what_only_results_read_is_not_stored() -> None:
    explained = jl.explain(jl.jit(siblings), numbers(9000), numbers(9000))

    assert [row["kind"] for row in explained.rows] == ["function", "value", "value", "fused"]


@pytest.mark.usefixtures("jit_mode")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("n", [5, 300])
def test_planes_that_are_made_anew_each_round(n, workers) -> None:
    def f(c, rounds, horizon):
        counts = np.zeros(c.shape, dtype=np.int64)
        z = np.zeros(c.shape, dtype=np.complex128)
        for k in range(rounds):
            inside = np.abs(z) < horizon
            counts = np.where(inside, k, counts)
            z = np.where(inside, z * z + c, z)
        return counts, z

    x = np.linspace(-2.25, 0.75, n)
    plane = x + x[:, None] * 1j
    same_as_numpy(f, plane, 20, 2.0, workers=workers, rtol=1e-10)
    for c, horizon in ((plane, np.inf), (plane * 1e200, 2.0)):  # squares overflow
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            found = jl.jit(f)(c, 20, horizon)
        with warnings.catch_warnings(record=True) as wanted:
            warnings.simplefilter("always")
            expected = without(f, c, 20, horizon)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)
        assert [(w.lineno, str(w.message)) for w in told] == [
            (w.lineno, str(w.message)) for w in wanted
        ]


def test_results_of_two_shapes_that_read_the_same() -> None:
    def f(a, column, row):
        y = np.sqrt(a)
        z = y + column
        w = 1 / y - row
        return z, w

    for a in (numbers(70), numbers(70, 1), numbers(70, 70), np.zeros(70), np.float64(0.5)):
        for n in (1, 70):
            same_as_numpy(f, a, numbers(n, 1), np.zeros(70))
            same_as_numpy(f, a, numbers(70), numbers(n, 1))


def test_results_that_others_want_meanwhile() -> None:
    def f(a, b):
        y = a * b + 1
        total = np.sum(y - a)
        z = y * 2
        s = np.dot(z, b)
        w = y * s
        b[1:] = y[1:] - 3
        y += a
        return z, w, total, b

    for n in (6, 40_000):
        same_as_numpy(f, numbers(n), numbers(n, seed=1), rtol=1e-11)


@pytest.mark.parametrize("n", [5, 300])
@pytest.mark.parametrize("workers", [1, 2])
def test_warnings_of_what_is_made_alone_come_in_order(n, workers) -> None:
    def f(column, matrix):
        b = 1 / matrix
        a = np.log(column)
        c = b + a
        d = np.sqrt(-1 - a)
        e = np.arccos(b) + c
        return c, d, e

    same_as_numpy(f, np.zeros((n, 1)), np.zeros((n, n)), workers=workers)
    matrix = np.zeros((n, n))
    matrix[0] = 3
    same_as_numpy(f, np.zeros((n, 1)), matrix, workers=workers)


@pytest.mark.parametrize("n", [5, 100_000])
def test_conditions_of_results_raise_in_order(n) -> None:
    def f(x):
        y = np.abs(x)
        z = 1 / y
        w = np.log(y) + 1
        return z, w

    for errors in ("raise", "warn", "ignore"):
        with np.errstate(all=errors):
            same_as_numpy(f, np.zeros(n))
            same_as_numpy(f, numbers(n) - 0.5, rtol=1e-10)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("columns", [1, 7, 1000])
def test_both_results_go_over_what_dies(columns, workers) -> None:
    def f(x, v, rounds):
        for k in range(rounds):
            far = np.abs(x - v) > 0.25
            v = np.where(far, v * 0.5 + k, v)
            x = np.where(far, x, x * x * 1e50)
        return x, v

    args = numbers(70_000 // columns, columns), numbers(70_000 // columns, columns, seed=1), 12
    same_as_numpy(f, *args, workers=workers)
    assert {"several-results", "last-use"} <= rules(f, *args)
