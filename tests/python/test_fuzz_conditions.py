"""What the fuzzer found of conditions, each as small as it got: they are told of as NumPy tells."""

from __future__ import annotations

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy


def quotients_that_are_replaced(n, ks):
    q = 0.0
    for k in ks:
        q = np.divide(n, k)
    return q


def quotients_that_nobody_reads(n, ks):
    for k in ks:
        q = np.divide(n, k)
        q = k
    return q


def quotients_that_are_read_at_times(x, ks):
    total = 0.0
    for i in range(len(x)):
        q = x[i] / ks[i]
        if ks[i] > 0:
            total += q
    return total


def quotients_of_constants(n):
    total = 0.0
    for _ in range(n):
        for k in range(3):
            total = total + np.divide(1.0, k)
    return total


@pytest.mark.parametrize("jit", ["off", "always"])
def test_conditions_are_told_of_what_nobody_reads(jit, monkeypatch) -> None:
    monkeypatch.setattr(jl.settings, "jit", jit)
    for n in (0, 1, 2.0):
        same_as_numpy(quotients_that_are_replaced, n, range(2))
        same_as_numpy(quotients_that_nobody_reads, n, range(3))
    same_as_numpy(quotients_that_are_read_at_times, np.ones(4), np.arange(4.0))
    same_as_numpy(quotients_of_constants, 2)


def arms(x, y):
    return (
        np.where(y > 0, x / y, 0.0),
        np.where(x > 0, np.sqrt(x), 0.0),
        np.where(y > 0, np.log2(1 + np.sqrt(x - y) * 2), y),
    )


def an_arm_of_integers(x):
    return np.where(x, x / 0, 0)


def a_quotient_that_is_always_true(x, y):
    return np.logical_or(np.divide(x, x), y)


def an_overflow_that_is_chosen_nowhere(x):
    return np.where(x < 1e200, x * x, 1.0)


def parts_that_nobody_reads(z):
    return (z + z).real + 1


@pytest.mark.parametrize("n", [2, 37, 5000])
def test_conditions_where_nothing_is_chosen_are_told(n) -> None:
    x, zeros = np.linspace(-3, 3, n), np.zeros(n)
    before = jl.settings.jit
    jl.settings.jit = "always"
    try:
        same_as_numpy(arms, x, np.floor(x), rtol=1e-14)
        same_as_numpy(an_arm_of_integers, np.arange(n) % 2)
        same_as_numpy(a_quotient_that_is_always_true, zeros, zeros)
        same_as_numpy(an_overflow_that_is_chosen_nowhere, np.full(n, 1e300))
        same_as_numpy(parts_that_nobody_reads, np.full(n, 1 + 1e308j))
    finally:
        jl.settings.jit = before


def quotients(x, y):
    z = x / y
    return np.isnan(z.real), np.isnan(z.imag)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_a_complex_quotient_protests_although_a_part_is_nan(dtype) -> None:
    parts = [np.nan, np.inf, -np.inf, 0.0, 1.5]
    numbers = [complex(a, b) for a in parts for b in parts]
    for x in numbers:
        for y in numbers:
            same_as_numpy(quotients, np.array([x], dtype), np.array([y], dtype))


def test_what_comes_after_a_condition_that_raises_is_not_computed() -> None:
    def grows(x, y):
        return np.heaviside(x % 0 * 2, y)

    with np.errstate(all="raise"):
        same_as_numpy(grows, np.ones(1), np.ones((1, 1)))
        same_as_numpy(grows, np.ones(9), np.ones((5, 9)))


def test_conditions_that_a_compiler_foresees_are_met(jit_mode) -> None:
    def cancels(x):
        a = x - x
        return a / a, np.sqrt((x ^ x) - 1.0), 1.0 / (x * 0)

    for n in (2, 20_000):
        same_as_numpy(cancels, np.arange(1, n + 1))


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_a_complex_power_protests_where_the_exponent_is_nan(dtype, jit_mode) -> None:
    nan, inf = np.nan, np.inf
    of_nan = [0, 1, 3, -1, -2, 100, 0.5, -0.5, inf, -inf, 1 + 1j, complex(2, nan), complex(nan, 1)]
    for x in (1 + 2j, 0j, 1 + 0j, complex(nan, 0), complex(1, nan)):
        for y in (complex(nan, 0), 0.5, 2, *(of_nan if x != x else ())):
            a, b = np.array([x, x], dtype), np.array([y, y], dtype)
            same_as_numpy(lambda a, b: a**b, a, b, rtol=1e-5)
            same_as_numpy(lambda a, b: a**b, a[0], b[1], rtol=1e-5)


def products_of_scalars(t, u):
    first = t[()] * u[()]
    return first, first * 0, t[()] * 2, u[()] * t[()] * 1


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize(
    "number", [np.inf, complex(np.inf, np.nan), complex(np.nan, 1), 1e30 + 1e30j, 2 - 1j]
)
def test_parts_of_complex_scalars_are_multiplied_one_by_one(
    number: complex, dtype: str, jit_mode: None
) -> None:
    """A NaN in one part hides nothing of the other, as it does in NumPy's arrays."""
    same_as_numpy(products_of_scalars, np.array(number, dtype), np.array(0, dtype))
    same_as_numpy(products_of_scalars, np.array(number, dtype), np.array(number, dtype))


POWERS = [
    -np.inf,
    np.inf,
    2.0,
    0.0,
    -1.5,
    1e30,
    9.3e18,
    99.0,
    -100.0,
    complex(np.inf, 1),
    np.nan,
    2j,
]


def power(x, y):
    return np.power(x, y)


def power_in_place(x, y):
    x **= y
    return x


@pytest.mark.parametrize("program", [power, power_in_place])
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("exponent", POWERS)
def test_complex_powers_meet_what_the_c_library_meets(exponent, dtype, program) -> None:
    for base in POWERS:
        arguments = np.array([base], dtype), np.array([exponent], dtype)
        same_as_numpy(program, *arguments, rtol=1e-5)


@pytest.mark.parametrize("other", [np.float64(0), np.float32(2), np.int8(3), np.True_, 1j, 2, True])
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_scalars_times_others(dtype: str, other: object, jit_mode: None) -> None:
    def products(t, other):
        return t[()] * other, other * t[()]

    same_as_numpy(products, np.array(1 - 2j, dtype), other)
