"""Rounds of a loop keep what earlier ones prepared, and still do what Python and NumPy do.

Where results are collected in a list, its append is Python's own.
"""

from __future__ import annotations

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy


def test_operands_may_change_their_kind_between_rounds() -> None:
    def changing(a, others):
        total = []
        for other in others:
            total.append((a + other) * 2.0 - other)
        return total

    others = [1, 2, 3, 4, 2.5, np.float32(3), np.arange(5.0), 7, np.arange(5), np.arange(5), True]

    same_as_numpy(changing, np.arange(5.0), others, opaque=True)


def test_shapes_and_strides_may_change_between_rounds() -> None:
    def shrinking(a):
        results = []
        for k in range(8):
            part = a[k:, ::2]
            results.append(part * 2.0 + part)
            results.append(part[::-1] * 2.0 + 1.0)
        return results

    same_as_numpy(shrinking, np.arange(100.0).reshape(10, 10), opaque=True)


def test_results_that_are_kept_are_not_overwritten() -> None:
    def collected(a, n):
        seen = []
        last = None
        for k in range(n):
            b = a * 2.0 + k
            if k % 3 == 0:
                seen.append(b)
            if k % 4 == 0:
                last = b[1:3]
        return seen, last

    same_as_numpy(collected, np.arange(6.0), 40, opaque=True)


def test_a_carried_value_is_not_overwritten_while_it_is_read() -> None:
    def fibonacci(a, b, n):
        for _ in range(n):
            a, b = b, a * 1.0 + b * 1.0
        return a, b

    same_as_numpy(fibonacci, np.ones(4), np.ones(4), 30)


def test_a_region_that_calls_itself_prepares_for_itself() -> None:
    def descend(a, n):
        if n == 0:
            return a * 1.0 + 1.0
        total = a * 2.0 + descend(a - 1.0, n - 1) * 3.0
        for _ in range(4):
            total = total * 0.5 + descend(a * 0.5 + 1.0, 0)
        return total

    same_as_numpy(descend, np.arange(4.0), 6)


def test_conditions_of_a_late_round_have_their_line() -> None:
    def growing(a, n):
        for _ in range(n):
            a = np.exp(a * 1.5) - 1.0
        return a

    same_as_numpy(growing, np.array([0.001, 0.5, -1.0]), 12, rtol=1e-12)


def test_an_error_of_a_late_round_has_its_line() -> None:
    def mismatched(a, parts):
        total = a * 0.0
        for part in parts:
            total = (total + part) * 2.0 - part
        return total

    parts = [np.ones(3)] * 6 + [np.ones(4)] + [np.ones(3)]

    same_as_numpy(mismatched, np.ones(3), parts)


def test_a_number_that_no_longer_fits_is_an_error() -> None:
    def adding(a, numbers):
        results = []
        for number in numbers:
            results.append((a + number) * a)
        return results

    same_as_numpy(adding, np.ones(3, "int8"), [1, 2, 3, 4, 5, 300], opaque=True)


def test_streams_of_changing_matrices_are_as_in_numpy() -> None:
    def passing(matrices, w):
        for x in matrices:
            e = np.tanh(x @ w) - 1.0
            w = w - 0.01 * (x.T @ e)
        return w, e

    random = np.random.default_rng(0)
    square = random.standard_normal((30, 30))
    matrices = [square] * 4 + [square.T] * 3 + [random.standard_normal((50, 30))] * 4
    matrices += [random.standard_normal((400, 30)), np.asfortranarray(square), square[::-1]]

    same_as_numpy(passing, matrices, np.zeros(30), rtol=1e-10)


@pytest.mark.parametrize("bad", [np.inf, -1e300])
def test_conditions_of_a_stream_in_a_late_round_have_their_line(bad: float) -> None:
    def passing(x, ys):
        w = np.zeros(x.shape[1])
        for y in ys:
            e = 1.0 / (1.0 + np.exp(-(x @ w))) - y
            w = w - 10.0 * (x.T @ e)
        return w

    ys = [np.ones(40)] * 6 + [np.full(40, bad)] + [np.ones(40)] * 3

    same_as_numpy(passing, abs(np.random.default_rng(0).standard_normal((40, 7))), ys, rtol=1e-9)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_bits_are_those_of_rounds_that_prepare_nothing(workers: int) -> None:
    def step(x, y, w):
        e = 1.0 / (1.0 + np.exp(-np.dot(x, w))) - y
        return w - 0.01 * np.dot(x.T, e)

    def loop(x, y, w, n):
        for _ in range(n):
            w = step(x, y, w)
        return w

    random = np.random.default_rng(0)
    x, y, w = random.standard_normal((569, 30)), random.standard_normal(569), np.zeros(30)
    jl.threads(workers)

    together = jl.jit(loop)(x, y, w, 20)

    single = jl.jit(step)
    for _ in range(20):
        w = single(x, y, w)
    assert np.array_equal(together, w)
