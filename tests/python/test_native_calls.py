"""Functions as machine code: recursion, and calls in loops."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy


@pytest.fixture(params=["off", "always"], autouse=True)
def _mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jl.settings, "jit", request.param)


def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


def grow(n):
    if n < 1:
        return 3
    return grow(n - 1) * grow(n - 1)


def count(n):
    if n == 0:
        return 0
    return count(n - 1) + 1


def fail(n):
    if n == 0:
        return 1 / n
    return fail(n - 1) + fail(n - 1)


def digits(n):
    s = 0
    while n % 10 > 5:
        s += n % 10
        n //= 10
    if n < 10:
        return s + n
    return s + digits(n // 10) * digits(n // 100)


def halves(x, n):
    if x < 0.001:
        return math.sqrt(x) / n
    return halves(x / 2, n) + halves(x / 3, n - 1)


def point(x, y):
    return x * x + y * y


def test_recursion_on_scalars() -> None:
    same_as_numpy(fib, 12)
    same_as_numpy(fib, 12.0)
    same_as_numpy(fib, np.float64(9))
    same_as_numpy(fib, True)


def test_recursion_that_outgrows_64_bits_or_wraps() -> None:
    same_as_numpy(grow, 7)
    same_as_numpy(fib, np.int8(14))


def test_recursion_has_pythons_limit_and_errors() -> None:
    same_as_numpy(count, 50)
    same_as_numpy(count, 5000)
    same_as_numpy(fail, 6)


def test_recursion_after_a_loop() -> None:
    same_as_numpy(digits, 123456789876543)
    same_as_numpy(digits, 7)


def test_recursion_whose_end_can_fail() -> None:
    same_as_numpy(halves, 1.0, 20)
    same_as_numpy(halves, 1.0, 3)


def test_calls_of_functions_in_a_loop() -> None:
    def work(a):
        for i in range(len(a)):
            a[i] = point(a[i], i) + fib(i % 7)
        return a

    same_as_numpy(work, np.arange(6.0))
    same_as_numpy(work, np.array([1, 1e200, 3.0]))


def test_recursion_becomes_hot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jl.settings, "jit", "auto")
    same_as_numpy(fib, 17)


def test_lines_of_errors_in_helper_functions() -> None:
    assert inspect.isfunction(helper)

    def outer(a, n):
        return helper(a, n)

    same_as_numpy(outer, np.zeros(4), 3)
    same_as_numpy(outer, np.zeros(4), 7)


def helper(a, n):
    for i in range(n):
        a[i] = math.pi * i
    return a


def is_even(n):
    if n == 0:
        return True
    return is_odd(n - 1)


def is_odd(n):
    if n == 0:
        return False
    return is_even(n - 1)


def ackermann(m, n):
    if m == 0:
        return n + 1
    if n == 0:
        return ackermann(m - 1, 1)
    return ackermann(m - 1, ackermann(m, n - 1))


def test_functions_that_call_each_other() -> None:
    same_as_numpy(is_even, 31)
    same_as_numpy(is_odd, 31)
    same_as_numpy(ackermann, 2, 3)


@pytest.mark.parametrize("below", range(0, 60, 7))
def test_calls_near_the_limit_of_recursion(below: int) -> None:
    depth = sys.getrecursionlimit() - below

    def work(n):
        s = 0
        for i in range(2):
            s += count(n) + i
        return s

    def outcome(f: Callable[[int], int]) -> int | str:
        try:
            return f(depth)
        except RecursionError as error:
            return str(error)

    # Python's own frames reach deeper or less deep, by those around the call.
    found = outcome(jl.jit(work))
    if isinstance(found, str):
        assert found.startswith("maximum recursion depth exceeded")
    else:
        assert below > 0
        assert found == 2 * depth + 1
