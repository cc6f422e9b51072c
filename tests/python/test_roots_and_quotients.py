"""Powers of one half and complex quotients of zeros, infinities and NaN: values and conditions."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jetlag as jl

REALS = [-np.inf, -2.0, -0.0, 0.0, 5e-324, 2.0, np.inf, np.nan]


def each_in_a_loop(a):
    b = np.zeros_like(a)
    for i in range(a.shape[0]):
        b[i] = a[i] ** 0.5
    return b


def each_by_a_number(a):
    b = np.zeros_like(a)
    half = 0.5
    for i in range(a.shape[0]):
        b[i] = a[i] ** half
    return b


def each_by_name(a):
    b = np.zeros_like(a)
    for i in range(a.shape[0]):
        b[i] = np.power(a[i], 0.5)
    return b


def of_a_scalar(a):
    return np.max(a) ** 0.5


def of_an_array(a):
    return a**0.5


def by_name(a):
    return np.power(a, 0.5)


def by_name_in_a_group(a):
    return np.power(a * 1.0, 0.5) * 2


def by_a_numpy_number(a):
    return a ** np.float32(0.5)


def by_an_array(a):
    return a ** np.full(a.shape, 0.5, a.dtype)


def in_float64(a):
    return np.float_power(a, 0.5)


def told(program: Callable[..., Any], *args: Any) -> tuple[Any, list[str]]:
    with warnings.catch_warnings(record=True) as met, np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("always")
        value = program(*args)
    return value, sorted({str(m.message) for m in met})


@pytest.mark.parametrize("length", [1, 9, 200])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "program",
    [
        each_in_a_loop,
        each_by_a_number,
        each_by_name,
        of_a_scalar,
        of_an_array,
        by_name,
        by_name_in_a_group,
        by_a_numpy_number,
        by_an_array,
        in_float64,
    ],
)
def test_a_power_of_one_half_is_a_root_only_where_numpy_takes_one(
    program: Callable[..., Any], dtype: str, length: int
) -> None:
    """The power of -0.0 is 0 and that of minus infinity infinity; their roots are neither."""
    jitted = jl.jit(program)
    for number in REALS:
        with np.errstate(all="ignore"):
            a = np.full(length, number, dtype)

        value, conditions = told(jitted, a)
        expected, wanted = told(program, a)
        np.testing.assert_allclose(value, expected, rtol=1e-6)
        zeros = np.equal(expected, 0)
        assert np.array_equal(np.signbit(value) & zeros, np.signbit(expected) & zeros), number
        assert conditions == wanted, number


def reciprocal(a):
    return np.reciprocal(a)


def power(a):
    return a**-1


def power_of_some(a):
    c = a.copy()
    m = np.ones(c.shape, bool)
    c[m] = c[m] ** -1
    return c


def one_over(a):
    return 1 / a


def zero_over(a):
    return np.zeros_like(a) / a


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("program", [reciprocal, power, power_of_some, one_over, zero_over])
def test_complex_quotients_tell_of_what_their_steps_meet(
    program: Callable[..., Any], dtype: str
) -> None:
    """The size of the divisor may overflow though no part of the quotient does."""
    jitted = jl.jit(program)
    for re, im in itertools.product([*REALS, 1e308, 3e38], repeat=2):
        a = np.empty(3, dtype)
        with np.errstate(all="ignore"):
            a.real, a.imag = re, im

        value, conditions = told(jitted, a)
        expected, wanted = told(program, a)
        np.testing.assert_allclose(value, expected, rtol=1e-6)
        assert conditions == wanted, (re, im)


def of_two(a, b):
    return a**b


def of_two_by_name(a, b):
    return np.power(a, b)


def of_two_in_float64(a, b):
    return np.float_power(a, b)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "bool"])
@pytest.mark.parametrize("program", [of_two, of_two_by_name, of_two_in_float64])
def test_zero_to_the_power_of_minus_infinity(program: Callable[..., Any], dtype: str) -> None:
    """Whether that is a pole hangs on who computes it: NumPy's vectors or the C library."""
    jitted = jl.jit(program)
    zeros = np.zeros(3, dtype)
    for base in (zeros, zeros[0], 0, -0.0):
        for power in (np.full(3, -np.inf), np.full(3, -np.inf, np.float32)):
            for exponent in (power, power[0], -power, np.ones_like(power)):
                value, conditions = told(jitted, base, exponent)
                expected, wanted = told(program, base, exponent)
                np.testing.assert_array_equal(value, expected)
                assert conditions == wanted, (base, exponent)


@pytest.mark.filterwarnings("ignore::jetlag.OpaqueWarning")
def test_what_is_no_number_is_no_exponent() -> None:
    power = jl.jit(of_two)
    for base in (np.ones(3), np.ones(3)[0]):
        with pytest.raises(TypeError, match="unsupported operand type"):
            power(base, np)
