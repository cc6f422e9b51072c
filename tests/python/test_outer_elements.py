"""Differences of all pairs, and products with a vector, without the matrices between."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy
from test_stores import numbers, rules


def attraction(pos, mass, softening):
    x, y = pos[:, 0], pos[:, 1]
    dx = x[None, :] - x[:, None]
    dy = y[None, :] - y[:, None]
    near = (dx**2 + dy**2 + softening**2) ** (-1.5)
    ax = np.dot(dx * near, mass)
    ay = np.dot(dy * near, mass)
    return ax, ay


@pytest.mark.parametrize("mode", ["off", "auto", "always"])
@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("n", [1, 2, 7, 150, 601])
def test_attraction_is_that_of_numpy(n, workers, mode) -> None:
    before = jl.settings.jit
    jl.settings.jit = mode
    try:
        same_as_numpy(attraction, numbers(n, 2), numbers(n), 0.1, workers=workers, rtol=1e-11)
    finally:
        jl.settings.jit = before


def test_explain_names_the_rules_and_no_matrix_is_read_but_once() -> None:
    used = rules(attraction, numbers(400, 2), numbers(400), 0.1)

    assert {"outer-elements", "fused-reduction", "power-of-constant"} <= used


def test_the_bits_are_those_without_the_rules() -> None:
    args = numbers(300, 2), numbers(300), 0.1
    found = jl.jit(attraction)(*args)
    before = jl.settings.rules
    jl.settings.rules = "-outer-elements,-fused-reduction"
    try:
        expected = jl.jit(attraction)(*args)
    finally:
        jl.settings.rules = before
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int8", "complex128"])
def test_readers_of_every_kind(dtype) -> None:
    def f(x, y, flag):
        d = x[None, :] - y[:, None]
        e = x[:, None] * y
        total = d * d + d
        if flag:
            total = total + d
        a = np.abs(e) + e * 2
        b = np.sum(d * e, axis=1)
        c = np.dot(d + e, x)
        return total, a, b, c

    x, y = ((numbers(200, seed=k) * 50).astype(dtype) for k in range(2))
    same_as_numpy(f, x, y, True, rtol=1e-5 if dtype == "float32" else 1e-12)
    same_as_numpy(f, x, y, False, rtol=1e-5 if dtype == "float32" else 1e-12)


def test_operands_that_are_written_meanwhile() -> None:
    def f(a, x, y):
        d = x[None, :] - y[:, None]
        a[...] = d * 2.0 + a
        x += 1.0
        b = d * d - 1.0
        y[:] = b[0] * 2.0 + 1.0
        c = np.abs(d) + d
        return a, b, c

    def g(a):
        d = a[0][None, :] - a[:, 0][:, None]
        a[...] = d * d + d
        return a

    same_as_numpy(f, numbers(200, 200), numbers(200), numbers(200, seed=1))
    same_as_numpy(g, numbers(200, 200))


@pytest.mark.parametrize("spoil", [np.nan, np.inf, 1e308])
def test_a_condition_is_told_once_at_the_line_of_the_difference(spoil) -> None:
    def f(x, v):
        d = x[None, :] - x[:, None]
        p = d * 0.5 + d
        q = d * d
        r = np.dot(p + 1.0, v)
        return r, q

    x = numbers(200)
    x[7] = spoil
    x[9] = -spoil
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        same_as_numpy(f, x, numbers(200, seed=1), rtol=1e-12)
    with np.errstate(all="raise"):
        same_as_numpy(f, x, numbers(200, seed=1), rtol=1e-12)


def test_a_condition_before_an_error_is_told() -> None:
    def f(x, y):
        d = x[None, :] - x[:, None]
        p = d * d
        z = x + y
        q = np.abs(d) + d
        return p, q, z

    x = numbers(200)
    x[7], x[9] = 1e308, -1e308
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        same_as_numpy(f, x, numbers(3))


POWERS = [3, 3.0, 1.5, -0.5, -1.5]
ODD = [0.0, -0.0, np.inf, -np.inf, np.nan, -2.0, 1e-300, 1e300, 5e-324, 4.0, 1e103, 1e-110]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("exponent", POWERS)
def test_powers_by_constants_are_within_4_ulp(exponent, dtype) -> None:
    def power(x, k):
        return x**k

    def fused(x, k):
        return (x * 1) ** k * 1

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        odd = np.array(ODD, dtype=dtype)
        wide = 10.0 ** np.linspace(-300, 300, 40_001) if dtype == "float64" else odd[:0]
        x = np.concatenate([odd, wide.astype(dtype), numbers(40_000).astype(dtype) * 9])
        for f in (power, fused):
            expected, found = f(x, exponent), jl.jit(f)(x, exponent)
            assert found.dtype == expected.dtype
            odd_ones = ~np.isfinite(expected) | (expected == 0)
            np.testing.assert_array_equal(found[odd_ones], expected[odd_ones])
            assert (np.signbit(found) == np.signbit(expected))[~np.isnan(expected)].all()
            usual = ~odd_ones
            apart = np.abs(found[usual] - expected[usual])
            assert (apart <= 4 * np.spacing(np.abs(expected[usual]))).all()


@pytest.mark.parametrize("exponent", POWERS)
@pytest.mark.parametrize("value", ODD)
def test_conditions_of_powers_have_numpys_names(value, exponent) -> None:
    def power(x, k):
        return x**k

    for n in (3, 20_000):
        x = np.full(n, 2.0)
        x[1] = value
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            same_as_numpy(power, x, exponent, rtol=1e-15)
