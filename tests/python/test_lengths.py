"""Lengths against bounds, np.abs(z) < r: no root is taken, and nobody can tell."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import jetlag as jl

ODD = [
    0.0,
    -0.0,
    1.0,
    -3.0,
    4.0,
    1e-300,
    5e-324,
    1e-160,
    1e154,
    1e200,
    1.7e308,
    np.inf,
    -np.inf,
    np.nan,
]


def length(z):
    return np.abs(z)


def less(z, bound):
    return np.abs(z) < bound


def less_equal(z, bound):
    return np.abs(z) <= bound


def greater(z, bound):
    return np.abs(z) > bound


def greater_equal(z, bound):
    return bound <= np.abs(z)


def of_parts(z, bound):
    return np.hypot(z.real, z.imag) < bound


def both(z, bound):
    size = np.abs(z)
    return size < bound, size * 2


COMPARISONS = {
    less: np.less,
    less_equal: np.less_equal,
    greater: np.greater,
    greater_equal: np.greater_equal,
    of_parts: np.less,
}


def odd_numbers(dtype) -> np.ndarray:
    with np.errstate(over="ignore"):
        parts = np.array(ODD, np.float64).astype(np.dtype(dtype).type(0).real.dtype)
    z = np.empty((len(parts), len(parts)), dtype)
    z.real, z.imag = parts[:, None], parts
    return z.ravel()


def on_a_circle(dtype) -> np.ndarray:
    return (2 * np.exp(1j * np.random.default_rng(1).uniform(0, 7, 999))).astype(dtype)


@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize("numbers", [odd_numbers, on_a_circle])
def test_a_comparison_agrees_with_the_length(jit_mode, comparison, dtype, numbers) -> None:
    z = numbers(dtype)
    with np.errstate(all="ignore"):
        lengths = jl.jit(length)(z)
        assert lengths.dtype == z.real.dtype
        around = [np.nextafter(lengths, lengths.dtype.type(to)) for to in (-1, 9)]
        bounds = [lengths, *around, *map(lengths.dtype.type, ODD)]
        for bound in bounds:
            found = jl.jit(comparison)(z, bound)
            np.testing.assert_array_equal(found, COMPARISONS[comparison](lengths, bound))


def test_an_overflow_of_a_length_that_is_only_compared_is_told(jit_mode) -> None:
    f = jl.jit(less)
    with pytest.warns(RuntimeWarning, match="overflow encountered in absolute"):
        f(np.full(99, 1.7e308 + 1.7e308j), 2.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not f(np.full(99, 1e200 + 1e-200j), 2.0).any()
        assert not f(np.full(99, complex("nan")), 2.0).any()


def test_a_length_that_is_read_elsewhere_is_computed_too(jit_mode) -> None:
    z = on_a_circle(np.complex128)
    found, doubled = jl.jit(both)(z, 2.0)
    lengths = jl.jit(length)(z)
    np.testing.assert_array_equal(found, lengths < 2)
    np.testing.assert_array_equal(doubled, 2 * lengths)
