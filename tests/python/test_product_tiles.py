"""Products of matrices that are cut into tiles: every element, in every layout, with any workers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jetlag as jl

# Tiles in rows, in columns where there are too few rows, in both; odd numbers; too little for two.
SHAPES = [(700, 300, 901), (2051, 64, 90), (130, 300, 1301), (1025, 40, 1400), (330, 700, 331)]


@jl.jit
def product(a: Any, b: Any) -> Any:
    return np.dot(a, b)


def matrix(shape: tuple[int, int], layout: str, dtype: str) -> np.ndarray:
    """Whole numbers, so that sums are exact in any order."""
    numbers = np.random.default_rng(7).integers(-8, 9, shape).astype(dtype)
    if layout == "columns":
        return np.asfortranarray(numbers)
    if layout == "gaps":
        wide = np.zeros((shape[0] * 2, shape[1] * 2), dtype)
        wide[::2, ::2] = numbers
        return wide[::2, ::2]
    return numbers


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128", "complex64"])
@pytest.mark.parametrize("right", ["rows", "columns", "gaps"])
@pytest.mark.parametrize("left", ["rows", "columns", "gaps"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_element_is_computed(
    shape: tuple[int, int, int], left: str, right: str, dtype: str
) -> None:
    m, k, n = shape
    a, b = matrix((m, k), left, dtype), matrix((k, n), right, dtype)

    np.testing.assert_array_equal(product(a, b), np.dot(a, b))


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
@pytest.mark.parametrize("rows", [200, 449, 901, 1300])
def test_half_of_a_symmetric_result_is_the_other(rows: int, dtype: str) -> None:
    a = matrix((rows, 300), "rows", dtype)

    np.testing.assert_array_equal(product(a, a.T), np.dot(a, a.T))


@pytest.mark.parametrize("shape", [*SHAPES, (901, 300, 901)])
def test_the_bits_do_not_depend_on_the_workers(shape: tuple[int, int, int]) -> None:
    m, k, n = shape
    a = np.random.default_rng(1).standard_normal((m, k))
    b = a.T if m == n else np.random.default_rng(2).standard_normal((k, n))

    results = set()
    for workers in (1, 2, 4):
        jl.threads(workers)
        results.add(product(a, b).tobytes())

    assert len(results) == 1
