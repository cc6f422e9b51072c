"""Steps that follow each other row by row go through memory together: same bits, less traffic."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy
from test_stores import numbers, rules

ROWS, COLUMNS = 3000, 130  # three megabytes: more than a second-level cache holds at a time


@pytest.fixture(params=[1, 2, 4])
def workers(request):
    return request.param


def softmax(x):
    largest = np.max(x, axis=-1, keepdims=True)
    powers = np.exp(x - largest)
    return powers / np.sum(powers, axis=-1, keepdims=True)


def nearest(points, centres):
    apart = points[:, None, :] - centres[None, :, :]
    distances = np.sum(apart * apart, axis=2)
    return np.argmin(distances, axis=1), np.min(distances, axis=1)


def chained(x, y):
    a = x * y + 1
    b = np.sqrt(np.abs(a))
    c = b - a
    return a, c * b


def twice_read(x):
    return x.sum(axis=1), x.max(axis=1), (x > 0.5).any(axis=1)


def small_between(x):
    s = np.sum(x * x, axis=1)
    s = np.sqrt(s) + 1
    return x / s[:, None]


def shifted(x):
    # Row i reads row i + 1 of what the step before wrote.
    y = x * 2.0
    z = y[1:] - y[:-1]
    return z, y


def turned(x):
    y = x + 1.0
    return y.T * 2.0 + y.T, y[::-1] * y


def stored(x):
    y = x * 3.0
    z = np.zeros(y.shape)
    z[:] = y - 1.0
    y[5] = -1.0
    return y, z * 2


def means(x):
    y = np.exp(-x)
    return y.mean(axis=0), y.mean(axis=1), y.mean()


def columns(x):
    y = x * 2.0
    return y[:, :7] + 1.0, np.sum(y[:, 3:], axis=1), y


def blocked(x):
    # The first axes count together: 30 * 100 rows of one, 30 of the other.
    y = x.reshape(30, 100, 130) * 1.5
    z = np.sum(y, axis=2)
    return np.max(z, axis=1), z, y


def broadcast(x):
    # What has length 1 in between is no row of the result.
    y = x.reshape(30, 100, 130)[:, :1, :] * np.ones((30, 100, 130))
    z = y + y[:, :1, :]
    return z, np.sum(z, axis=2)


def reused(x):
    for _ in range(3):
        y = x * 2.0
        y = y + 1.0
        y = y * y
        x = y / np.sum(y, axis=1, keepdims=True)
    return x


PROGRAMS = [softmax, twice_read, small_between, shifted, turned, stored, means, columns, blocked,
            broadcast, reused]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_values_are_those_of_numpy(program, workers) -> None:
    same_as_numpy(program, numbers(ROWS, COLUMNS), workers=workers, rtol=1e-12)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_bits_are_those_without_the_rule(program) -> None:
    x = numbers(ROWS, COLUMNS)
    found = jl.jit(program)(x)
    before = jl.settings.rules
    jl.settings.rules = "-row-tiles"
    try:
        expected = jl.jit(program)(x)
    finally:
        jl.settings.rules = before
    one = found if isinstance(found, tuple) else (found,)
    other = expected if isinstance(expected, tuple) else (expected,)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["float32", "complex128", "int32"])
def test_other_dtypes(dtype, workers) -> None:
    x = (9 * numbers(ROWS, COLUMNS)).astype(dtype)
    same_as_numpy(chained, x, x[::-1], workers=workers, rtol=1e-5)


def test_empty_and_tiny_steps_between(workers) -> None:
    def f(x):
        y = x * 2.0
        none = y[:0] + 1.0
        one = np.sqrt(y[0, 0]) + np.zeros(())
        return np.sum(y, axis=1), none, one, y[:0].sum(axis=1)

    same_as_numpy(f, numbers(ROWS, COLUMNS), workers=workers, rtol=1e-12)


@pytest.mark.parametrize("rounds", [1, 2, 5, 12])
def test_rows_within_a_loop_that_may_be_tiled_in_time(rounds, workers) -> None:
    def f(x, n):
        y = x * 1.0
        total = 0.0
        for _ in range(n):
            s = np.max(np.abs(y - 0.5), axis=1)
            y = y * 0.5 + s[:, None]
            if y[7, 3] > 0.1:
                total += y[-1, -1]
        return y, total

    same_as_numpy(f, numbers(ROWS, COLUMNS), rounds, workers=workers, rtol=1e-12)


def test_two_arguments_that_are_one(workers) -> None:
    x = numbers(ROWS, COLUMNS)
    same_as_numpy(chained, x, x, workers=workers, rtol=1e-12)


def test_short_rows_and_searches(workers) -> None:
    points, centres = numbers(30000, 8), numbers(16, 8, seed=1)
    same_as_numpy(nearest, points, centres, workers=workers, rtol=1e-12)
    assert "row-tiles" in rules(nearest, points, centres)


@pytest.mark.parametrize("program", [softmax, small_between, twice_read])
def test_the_rule_is_used(program) -> None:
    assert "row-tiles" in rules(program, numbers(ROWS, COLUMNS))


def test_what_crosses_rows_is_not_collected() -> None:
    assert "row-tiles" not in rules(shifted, numbers(ROWS, COLUMNS))


def test_small_arrays_are_left_alone() -> None:
    assert "row-tiles" not in rules(softmax, numbers(30, 40))


def test_conditions_are_told_at_their_lines() -> None:
    def f(x):
        y = 1.0 / x
        z = np.log(y - 2.0)
        return z, np.sum(z, axis=1)

    x = numbers(ROWS, COLUMNS) + 0.5
    x[7, 3] = 0.0
    with warnings.catch_warnings(record=True) as plain:
        warnings.simplefilter("always")
        f(x)
    with warnings.catch_warnings(record=True) as ours:
        warnings.simplefilter("always")
        jl.jit(f)(x)
    assert [(str(w.message), w.lineno) for w in ours] == [(str(w.message), w.lineno) for w in plain]


def test_what_raises_at_once_stops_at_its_line() -> None:
    def f(x):
        y = 1.0 / x
        return y * 2.0

    x = numbers(ROWS, COLUMNS)
    x[7, 3] = 0.0
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError, match="divide by zero"):
        jl.jit(f)(x)


def test_memory_is_no_more_than_numpys() -> None:
    from jetlag import _core

    f = jl.jit(reused)
    x = numbers(ROWS, COLUMNS)
    f(x)
    before = _core.allocated(reset=True)["now"]
    f(x)
    # NumPy holds the last x, and y with what it is being made into.
    assert _core.allocated()["peak"] - before <= 3 * x.nbytes + 2**20


def test_a_pending_call_is_independent_of_the_next() -> None:
    f = jl.jit(softmax)
    x = numbers(ROWS, COLUMNS)
    futures = [f.submit(x + k) for k in range(4)]
    expected = softmax(x)
    for future in futures:
        np.testing.assert_allclose(future.result(), expected, rtol=1e-9)
