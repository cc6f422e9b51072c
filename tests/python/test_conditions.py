"""Floating-point conditions inside reductions of several steps are told in NumPy's words."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jetlag as jl

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "var": lambda a: np.var(a),
    "var of rows": lambda a: np.var(a, axis=-1, ddof=1),
    "std": lambda a: np.std(a),
    "std of columns": lambda a: a.std(axis=0),
    "norm": lambda a: np.linalg.norm(a),
    "norm of rows": lambda a: np.linalg.norm(a, axis=-1),
    "norm of order 1": lambda a: np.linalg.norm(a, 1),
}
ARRAYS = {
    "plain": np.array([1.0, 2.0, 4.0]),
    "infinite": np.array([1.0, np.inf, 3.0]),
    "huge": np.array([1e308, -1e308, 1e308]),
    "nan": np.array([1.0, np.nan]),
    "infinite in a row": np.array([[1.0, np.inf], [3.0, 4.0]]),
    "huge in a row": np.array([[1e200, -1e200], [3.0, 4.0]]),
}


@pytest.mark.parametrize("array", ARRAYS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_conditions_of_spreads_and_norms_are_those_of_numpy(function: str, array: str) -> None:
    plain = FUNCTIONS[function]
    a = ARRAYS[array]

    assert told(jl.jit(plain, strict=True), a) == told(plain, a)


def told(function: Callable[..., Any], a: np.ndarray) -> list[str]:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        function(a)
    return [str(w.message) for w in seen]


def test_an_overflow_in_a_spread_raises_where_the_caller_asks() -> None:
    spread = jl.jit(lambda a: np.var(a), strict=True)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError, match="in square"):
        spread(ARRAYS["huge in a row"])
