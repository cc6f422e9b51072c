"""Loops as machine code: what Python and NumPy raise or warn of, at every operation that leaves it."""

from __future__ import annotations

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy


@pytest.fixture(params=["off", "always"], autouse=True)
def _mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jl.settings, "jit", request.param)


def test_an_index_out_of_range_deep_in_the_loop() -> None:
    def beyond(a, b, n):
        done = 0
        for i in range(n):
            for j in range(n):
                b[i, j] = 1.0
                done += 1
                b[i, j] += a[i + j]
        return done

    same_as_numpy(beyond, np.arange(6.0), np.zeros((5, 5)), 5)
    same_as_numpy(beyond, np.arange(6.0), np.zeros((3, 3)), 3)
    same_as_numpy(beyond, np.arange(6.0), np.zeros((3, 3)), 4)


def test_a_store_out_of_range() -> None:
    def beyond(a, n):
        for i in range(n):
            a[2 * i - 3] = i
        return a

    same_as_numpy(beyond, np.zeros(6), 3)
    same_as_numpy(beyond, np.zeros(6), 6)
    same_as_numpy(beyond, np.zeros(2), 6)


def test_an_int_outgrows_64_bits_in_the_middle() -> None:
    def grow(a, n):
        x = 3
        for i in range(n):
            a[i] = 1
            x = x * x + i
            a[i] = 2
        return x

    same_as_numpy(grow, np.zeros(9), 9)


def test_an_int_outgrows_64_bits_in_an_inner_loop() -> None:
    def grow(a, n):
        x = 1
        for i in range(n):
            y = 0
            for j in range(n):
                x = x * 7
                y += 1
                a[i, j] = x % 1000
            x = x + y
        return x

    same_as_numpy(grow, np.zeros((9, 9)), 9)


def test_a_sum_of_ints_overflows_by_one() -> None:
    def count(n):
        x = 9223372036854775800
        while n > 0:
            x += 1
            n -= 1
        return x

    same_as_numpy(count, 7)
    same_as_numpy(count, 8)
    same_as_numpy(count, 20)


def test_numpy_integers_wrap_and_tell() -> None:
    def hash_all(a):
        h = a[0]
        for i in range(1, len(a)):
            h = h * a[i] + a[i]
        return h

    same_as_numpy(hash_all, np.array([200, 3, 100, 7, 9], dtype=np.uint8))
    same_as_numpy(hash_all, np.array([2**62, 3, 100], dtype=np.int64))
    same_as_numpy(hash_all, np.array([-128, 1, 1], dtype=np.int8))


def test_negation_of_the_least_integer() -> None:
    def turn(a):
        for i in range(len(a)):
            a[i] = abs(-a[i])
        return a

    same_as_numpy(turn, np.array([1, -128, 5], dtype=np.int8))


def test_division_by_zero_of_pythons_numbers() -> None:
    def divide(a, n):
        for i in range(n):
            a[i] = 10 / (3 - i)
        return a

    same_as_numpy(divide, np.zeros(6), 6)

    def floor(a, n):
        for i in range(n):
            a[i] = 10 // (3 - i) + 10 % (3 - i)
        return a

    same_as_numpy(floor, np.zeros(6), 6)

    def real(a, x, n):
        for i in range(n):
            a[i] = 1.0 // x + 7.5 % x
            x -= 0.5
        return a

    same_as_numpy(real, np.zeros(6), 1.5, 6)


def test_division_by_zero_of_numpys_numbers_warns() -> None:
    def divide(a, b):
        for i in range(len(a)):
            a[i] = b[i] / a[i]
        return a

    same_as_numpy(divide, np.array([1.0, 0.0, 2.0]), np.array([1.0, 3.0, 2.0]))
    same_as_numpy(divide, np.array([1.0, 0.0, 2.0]), np.array([1.0, 0.0, 2.0]))

    def floor(a, b):
        for i in range(len(a)):
            a[i] = b[i] // a[i] + b[i] % a[i]
        return a

    same_as_numpy(floor, np.array([2.0, -3.0, 2.5]), np.array([7.0, 7.0, -7.0]))
    same_as_numpy(floor, np.array([2, -3, 0, 4]), np.array([7, 7, 1, -7]))


def test_overflow_and_invalid_are_told_at_their_lines() -> None:
    def odd(a, b):
        for i in range(len(a)):
            x = a[i] * a[i]
            y = x - x
            b[i] = x + y
        return b

    same_as_numpy(odd, np.array([1.0, 1e200, 2.0, np.inf]), np.zeros(4))
    same_as_numpy(odd, np.array([1.0, np.nan, 2.0]), np.zeros(3))


def test_conditions_of_large_arrays_name_the_operation() -> None:
    def square(a, b):
        for i in range(len(a)):
            b[i] = a[i] * a[i]
        return b

    large = np.ones(200_000)
    large[777] = 1e300
    same_as_numpy(lambda a, b: square(a, b)[777], large[:1000], np.zeros(1000))

    def warns(f):
        with pytest.warns(RuntimeWarning, match="overflow encountered in scalar multiply"):
            return f(large.copy(), np.zeros_like(large))

    np.testing.assert_array_equal(warns(jl.jit(square)), large * large)


def test_errstate_raises_at_the_operation() -> None:
    def square(a):
        with np.errstate(over="raise"):
            return run(a)

    def run(a):
        for i in range(len(a)):
            a[i] = a[i] * a[i]
        return a

    jitted = jl.jit(run)
    a = np.array([2.0, 1e200, 3.0])
    with np.errstate(over="raise"), pytest.raises(FloatingPointError, match="overflow"):
        jitted(a)
    np.testing.assert_array_equal(a, [4.0, 1e200, 3.0])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(jitted(a), [16.0, np.inf, 9.0])


def test_a_python_int_that_does_not_fit_a_dtype() -> None:
    def store(a, n):
        for i in range(n):
            a[i] = i * 60
        return a

    same_as_numpy(store, np.zeros(6, dtype=np.int8), 6)

    def add(a, n):
        for i in range(n):
            a[i] = a[i] + (i * 60)
        return a

    same_as_numpy(add, np.zeros(6, dtype=np.uint8), 6)


def test_floats_stored_as_integers() -> None:
    def store(a, b):
        for i in range(len(a)):
            a[i] = b[i] * 1.5
        return a

    same_as_numpy(store, np.zeros(3, dtype=np.int64), np.array([1.0, -2.6, 1e10]))
    same_as_numpy(store, np.zeros(3, dtype=np.int64), np.array([1.0, np.nan, 2.0]), opaque=True)
    same_as_numpy(store, np.zeros(3, dtype=np.int32), np.array([1.0, 1e12, 2.0]), opaque=True)


def test_a_swap_that_fails_half_way() -> None:
    def swap(a, n):
        for i in range(n):
            a[i], a[2 * i + 1] = a[2 * i + 1], a[i] + 1
        return a

    same_as_numpy(swap, np.arange(6.0), 6)

    def store(a, n):
        for i in range(n):
            a[i], a[3 * i] = i + 0.5, i
        return a

    same_as_numpy(store, np.arange(6.0), 6)


def test_infinite_loops_end_by_an_error() -> None:
    def run(a):
        i = 0
        while True:
            a[i] = i
            i += 1

    same_as_numpy(run, np.zeros(100))


NO_INTS = [np.nan, np.inf, -np.inf, 2.0**63, -(2.0**63), -1e300]


@pytest.mark.parametrize("odd", [*NO_INTS, 2.0**63 - 1024, -0.5])
def test_floats_that_64_bits_hold_or_not(odd: float) -> None:
    def convert(a, b):
        s = 0
        for i in range(a.shape[0]):
            s += int(a[i])
            b[i] = int(a[i]) % 7
        return s

    a = np.arange(40.0) * 1e4
    a[31] = odd
    same_as_numpy(convert, a, np.zeros(40))


@pytest.mark.parametrize("odd", [*NO_INTS, 2.0**31, -(2.0**31) - 1])
def test_stores_of_floats_that_integers_do_not_hold(odd: float) -> None:
    def store(a, wide, narrow):
        for i in range(a.shape[0]):
            wide[i] = a[i]
            narrow[i] = a[i]
        return wide, narrow

    a = np.arange(40.0) - 19.7
    same_as_numpy(store, a, np.zeros(40, np.int64), np.zeros(40, np.int32))
    a[31] = odd
    same_as_numpy(store, a, np.zeros(40, np.int64), np.zeros(40, np.int32), opaque=True)


def test_a_float_that_is_no_int_is_no_condition() -> None:
    def share(a, b):
        for i in range(a.shape[0]):
            b[i] = a[i] / 3.0 + int(a[i])
        return b

    a = np.ones(200_000)
    a[-1] = np.nan
    same_as_numpy(share, a, np.zeros(200_000))
