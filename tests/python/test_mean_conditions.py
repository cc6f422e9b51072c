"""What the sum of a mean meets is told as NumPy's reduce, what the division meets as its divide."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jetlag as jl


def told(program: Callable[..., Any], x: np.ndarray) -> list[str]:
    """Messages alone: NumPy's name a line of its own."""
    with warnings.catch_warnings(record=True) as met, np.errstate(all="warn"):
        warnings.simplefilter("always")
        program(x)
    return [str(m.message) for m in met]


def of_all(x):
    return x.mean()


def of_columns(x):
    return np.mean(x, axis=0)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("number", [np.inf, -np.inf, np.nan, 3e38, 1.7e308, 5e-324, 2.0])
@pytest.mark.parametrize("shape", [(1,), (3,), (2, 3), (1, 1)])
@pytest.mark.parametrize("program", [of_all, of_columns])
def test_it_is_told_as_by_numpy(
    program: Callable[..., Any], shape: tuple[int, ...], number: float, dtype: str
) -> None:
    with np.errstate(all="ignore"):
        x = np.full(shape, number).astype(dtype)

    assert told(jl.jit(program), x) == told(program, x)


def test_infinities_that_cancel() -> None:
    x = np.array([complex(np.inf, 1), complex(-np.inf, 1), complex(0, 1)])

    assert told(jl.jit(of_all), x) == told(of_all, x) == ["invalid value encountered in reduce"]
