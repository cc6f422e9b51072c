"""Loops as machine code whose rounds run at the same time, as each stores to rows of its own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy

N, M = 96, 4000  # long enough to be worth it


@pytest.fixture(params=[1, 2, 4], autouse=True)
def _workers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(jl.settings, "jit", "always")
    before = jl.threads()
    jl.threads(request.param)
    yield
    jl.threads(before)


def rows(a, b, m):
    for i in range(a.shape[0]):
        x = 0.5
        for j in range(m):
            x = x * 0.999 + b[i, j % 4]
        a[i, 0] = x
        a[i, 1] += x * i
    return a


def test_the_rounds_run_at_the_same_time() -> None:
    explained = jl.explain(jl.jit(rows), np.zeros((N, 3)), np.ones((N, 4)), M)

    rules = [rule for step in explained.to_dict()["steps"] for rule in step["rules"]]
    assert "compiled-loop" in rules
    assert ("independent-iterations" in rules) == (jl.threads() > 1)


@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_and_elements(order: str) -> None:
    b = np.random.default_rng(0).random((N, 4))
    same_as_numpy(rows, np.zeros((N, 3), order=order), b, M)
    same_as_numpy(rows, np.ones((2 * N, 3), order=order)[::2], b, M)
    same_as_numpy(rows, np.ones((N, 3), order=order)[::-1], b, M)


def test_an_index_out_of_range_undoes_what_came_after() -> None:
    b = np.ones((N, 4))
    for short in (2, 30, N - 1):
        same_as_numpy(rows, np.zeros((N, 3)), b[:short], M)
        same_as_numpy(rows, np.zeros((N, 3), order="F"), b[:short], M)


def test_an_error_in_one_round() -> None:
    def divide(a, by):
        for i in range(a.shape[0]):
            x = 1
            for j in range(4000):
                x = (x * 7 + j) % 1000003
            a[i] = x // by + 1 / (i - 60)
        return a

    same_as_numpy(divide, np.zeros(N), 3)
    same_as_numpy(divide, np.zeros(50), 3)


def test_an_int_outgrows_64_bits_in_one_round() -> None:
    def grow(a, start):
        for i in range(a.shape[0]):
            x = start
            for j in range(4000):
                x = x + 1 - (j % 3)
            for _ in range(i // 40):
                x = x * 3
            a[i] = x % 1000
        return a

    same_as_numpy(grow, np.zeros(N), 10)
    same_as_numpy(grow, np.zeros(N), 2**62)


def test_conditions_are_told_once() -> None:
    def scale(a, b):
        for i in range(a.shape[0]):
            x = 0.0
            for j in range(4000):
                x += b[j % 8] * 0.5
            a[i] = b[i % 8] / (b[(i + 1) % 8] - 3.0) + x
        return a

    same_as_numpy(scale, np.zeros(N), np.arange(8.0))
    same_as_numpy(scale, np.zeros(N), np.arange(8.0) + 0.5)


def test_what_rounds_hand_on_stays_in_order() -> None:
    def running(a):
        x = 0.0
        for i in range(1, a.shape[0]):
            for j in range(4000):
                x = x * 0.5 + j
            a[i] = a[i - 1] + x
        return a, x

    def last(a):
        k = -1
        for i in range(a.shape[0]):
            y = 0.0
            for j in range(4000):
                y = y * 0.5 + j
            a[i] = y
            k = i
        return a, k, i

    same_as_numpy(running, np.zeros(N))
    same_as_numpy(last, np.zeros(N))


def test_a_neighbour_is_read() -> None:
    def smear(a, far):
        for i in range(a.shape[0] - 1):
            y = 0.0
            for j in range(4000):
                y = y * 0.5 + j
            a[i] = a[i + far] + y
        return a

    same_as_numpy(smear, np.arange(float(N)), 1)
    same_as_numpy(smear, np.arange(float(N)), -1)


def test_arrays_that_are_one() -> None:
    def copy(a, b):
        for i in range(a.shape[0] - 1):
            y = 0.0
            for j in range(4000):
                y = y * 0.5 + j
            a[i] = b[i + 1] + y
        return a

    a = np.arange(float(N))
    same_as_numpy(copy, a, a)
    whole = np.arange(2.0 * N)
    same_as_numpy(copy, whole[:N], whole[1 : N + 1])


def test_leaving_in_the_middle() -> None:
    def until(a, stop):
        for i in range(a.shape[0]):
            y = 0.0
            for j in range(4000):
                y = y * 0.5 + j
            if i == stop:
                break
            a[i] = y
        else:
            a[0] = -1
        return a, i

    same_as_numpy(until, np.zeros(N), 70)
    same_as_numpy(until, np.zeros(N), -1)


def test_large_outputs_run_in_several_parts() -> None:
    def fill(a, m):
        for i in range(a.shape[0]):
            x = 1.0
            for j in range(m):
                x = x * 0.99 + j
            a[i, 0] = x
            a[i, -1] = i
        return a

    same_as_numpy(fill, np.zeros((100, 3000)), 12_000)
