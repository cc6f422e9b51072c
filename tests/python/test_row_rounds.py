"""Rounds of a loop that read a few rows across go through memory row by row, with NumPy's bits."""

from __future__ import annotations

import signal
import threading
import time
import warnings

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy
from test_stores import numbers, rules

# Beyond the third-level cache, as far as that counts.
WIDE, TALL = (2050, 2100), (8200, 520)
ROUNDS = 26


@pytest.fixture(params=[1, 2, 4])
def workers(request):
    return request.param


def matrix(shape: tuple[int, int], dtype: str, seed: int = 0) -> np.ndarray:
    made = numbers(*shape, seed=seed)
    return (made * 1000).astype(dtype) if dtype.startswith("int") else made.astype(dtype)


def shortest(path, rounds, first, step):
    for t in range(rounds):
        k = first + t * step
        path[:] = np.minimum(path, path[:, k][:, None] + path[k, :])
    return path


def eliminated(a, rounds, first, step):
    for t in range(rounds):
        k = first + t * step
        a[:, :] = a - a[:, k : k + 1] * a[k] * 0.001
    return a


def eliminated_by_outer(a, rounds, first, step):
    for t in range(rounds):
        k = first + t * step
        a -= np.outer(a[:, k], a[k, :]) * 0.001
    return a


def outside(a, rounds, first, step):
    """The pivots are no part of what is stored."""
    for t in range(rounds):
        k = first + t * step
        a[64:, 1:] = np.minimum(a[64:, 1:], a[64:, k + 1][:, None] * a[k % 64, 1:])
    return a


def two_arrays(a, b, rounds, first, step):
    for t in range(rounds):
        k = first + t * step
        a[:] = a * 0.5 + b[k, :] * 0.25
        b[:] = b * 0.5 + a[k, :] * a[:, :1]
    return a, b


def touched_between(a, rounds, first, step):
    """What is stored in between lies where earlier rounds still read, and where later ones do."""
    for t in range(rounds):
        k = first + t * step
        a[:] = np.maximum(a * 0.75, a[:, k][:, None] * a[k, :])
        a[k, 3] = k
        a[5] = a[k] * 0.5
        a[:, 7] = a[9, 11] * 0.5
    return a


def kept(a, rounds, first, step):
    rows = np.zeros((rounds, a.shape[1]))
    for t in range(rounds):
        k = first + t * step
        row = a[k] * 2.0
        rows[t] = row
        a[:] = np.minimum(a, row + a[:, k][:, None])
    return a, rows


def fresh(a, rounds, first, step):
    a = a * 1.0
    for t in range(rounds):
        k = first + t * step
        a = np.minimum(a, a[:, k][:, None] + a[k, :])
    return a


ORDERS = {  # the first pivot, and how far it is to the next
    "forwards": (0, 1),
    "backwards": (ROUNDS - 1, -1),
    "scattered": (3, 19),
    "the same": (17, 0),
    "from the end": (-1, -1),
}
FORWARDS = (ROUNDS, 0, 1)
PROGRAMS = [shortest, eliminated, eliminated_by_outer, touched_between, kept, fresh]


@pytest.mark.parametrize("order", ORDERS)
def test_orders_of_the_pivots(order, workers) -> None:
    same_as_numpy(shortest, matrix(WIDE, "float64"), ROUNDS, *ORDERS[order], workers=workers)
    if order != "from the end":
        same_as_numpy(outside, matrix(TALL, "float64"), ROUNDS, *ORDERS[order], workers=workers)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_programs(program, workers) -> None:
    same_as_numpy(program, matrix(TALL, "float64"), ROUNDS, *ORDERS["scattered"], workers=workers)


def test_ways_in_which_machine_code_comes_in(jit_mode) -> None:
    same_as_numpy(shortest, matrix(TALL, "float64"), *FORWARDS, workers=2)


def test_two_arrays(workers) -> None:
    same_as_numpy(two_arrays, matrix(TALL, "float64"), matrix(TALL, "float64", 1), *FORWARDS,
                  workers=workers)  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "int32", "int64", "complex128"])
def test_other_dtypes(dtype) -> None:
    shape = {"complex128": (2100, 1050)}.get(dtype, (4200, 2100))
    program = eliminated if dtype == "complex128" else shortest
    same_as_numpy(program, matrix(shape, dtype), *FORWARDS, workers=2)


def test_orders_in_memory() -> None:
    a = matrix((2200, 2200), "float64")
    same_as_numpy(shortest, np.asfortranarray(a), *FORWARDS, workers=2)
    for view in (np.s_[:, 3:], np.s_[::-1], np.s_[50:-20, :-7]):
        expected, got = a.copy(), a.copy()
        shortest(expected[view], *FORWARDS)
        jl.jit(shortest)(got[view], *FORWARDS)
        np.testing.assert_array_equal(got, expected)


def test_nan_and_infinity_spread_as_numpys(workers) -> None:
    a = matrix(WIDE, "float64") - 0.5
    a[3, 5], a[20, 20], a[7], a[:, 11] = np.nan, -np.inf, np.inf, -0.0
    same_as_numpy(shortest, a, *FORWARDS, workers=workers)


def test_explain_names_the_rule() -> None:
    for program in (shortest, eliminated, eliminated_by_outer):
        assert "row-tiles" in rules(program, matrix(WIDE, "float64"), *FORWARDS)
        small = rules(program, matrix((100, 100), "float64"), *FORWARDS)
        assert "row-tiles" not in small


def test_conditions_are_told_at_their_lines(workers) -> None:
    a = matrix(WIDE, "float64")
    a[30, 40] = np.finfo(float).max
    with np.errstate(all="warn"):
        same_as_numpy(eliminated, a * 1e3, 14, 20, 1, workers=workers)


def test_what_raises_at_once_leaves_what_was_before() -> None:
    a, scales = matrix(WIDE, "float64") + 2.0, np.ones(ROUNDS)
    scales[18] = 1e308
    got, expected = a.copy(), a.copy()

    def scaled(a, scales):
        for k in range(scales.shape[0]):
            a[:] = np.minimum(a, (a[:, k][:, None] + a[k, :]) * scales[k]) - 1e-3
        return a

    for program, array in ((scaled, expected), (jl.jit(scaled), got)):
        with np.errstate(over="raise"), pytest.raises(FloatingPointError):
            program(array, scales)
    np.testing.assert_array_equal(got, expected)


def test_what_came_before_an_error_is_done(workers) -> None:
    jl.threads(workers)
    got, expected = matrix(WIDE, "float64"), matrix(WIDE, "float64")
    with pytest.raises(IndexError):
        shortest(expected, ROUNDS, 0, 84)
    with pytest.raises(IndexError, match="out of bounds"):
        jl.jit(shortest)(got, ROUNDS, 0, 84)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_leaves_what_some_round_left(workers) -> None:
    jl.threads(workers)
    rounds = 150
    a = matrix(WIDE, "float64") - 0.25  # every round changes something
    program = jl.jit(shortest)
    program(a.copy(), 8, 0, 1)
    got = a.copy()

    def until_the_alarm() -> None:
        program(got, rounds, 0, 1)
        time.sleep(5)  # the machine was faster

    alarm = threading.Timer(0.1, signal.raise_signal, (signal.SIGINT,))
    alarm.start()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(KeyboardInterrupt):
            until_the_alarm()
        alarm.join()
        for k in range(rounds):
            if np.array_equal(got[::97], a[::97]) and np.array_equal(got, a):
                return
            shortest(a, 1, k, 1)
    assert np.array_equal(got, a), "the array is that of no moment of the loop"
