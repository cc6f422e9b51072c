"""Conversions that NumPy warns of are told under its name for them, wherever they happen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy


@pytest.fixture(params=["off", "always"], autouse=True)
def _mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jl.settings, "jit", request.param)


def to_uint64(x):
    return x.astype(np.uint64)


def to_int8(x):
    return x.astype("int8")


def complex_to_uint64(x):
    return (x + 1j).real.astype(np.uint64)


def made(x):
    return np.array(x, dtype="int32"), np.asarray(x, dtype=np.int64)


def into_a_slice(x):
    y = np.zeros((5, 2), np.int32)
    y[:, 0] = x
    return y


def into_every_element(x):
    y = np.zeros(40_000, np.int32)
    y[:] = np.repeat(x, 8000)
    return y


def in_place(x):
    y = np.zeros(5, np.float32)
    y += x
    return y


def by_an_index(x):
    y = np.zeros(5, np.int32)
    y[[0, 3]] = x[:2]
    return y


def by_a_mask(x):
    y = np.zeros(5, np.int32)
    y[x == x] = x[x == x]
    y[x != x] = x[x != x]
    return y


PROGRAMS = [
    to_uint64,
    to_int8,
    complex_to_uint64,
    made,
    into_a_slice,
    into_every_element,
    in_place,
    by_an_index,
    by_a_mask,
]


@pytest.mark.parametrize("how", ["warn", "raise", "ignore"])
@pytest.mark.parametrize("number", [np.nan, np.inf, -1.0, 1e300, -(2.0**64), 2.0**63, 3.0])
@pytest.mark.parametrize("program", PROGRAMS)
def test_it_is_told_as_by_numpy(program: Callable[..., Any], number: float, how: Any) -> None:
    with np.errstate(all=how):
        same_as_numpy(program, np.full(5, number))


def to_dtype(x, dtype):
    return x.astype(dtype)


LAYOUTS = {
    "dense": lambda x: x,
    "every_other": lambda x: np.repeat(x, 2)[::2],
    "backwards": lambda x: x[::-1],
    "columns_first": lambda x: np.asfortranarray(np.resize(x, (7, x.size))),
    "part_of_rows": lambda x: np.resize(x, (5, x.size + 3))[:, : x.size],
    "turned": lambda x: np.resize(x, (6, x.size)).T,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("odd", [0.0, 1e300, np.nan, -300.5])
@pytest.mark.parametrize("dtype", ["i1", "u1", "i4", "u4", "i8", "u8", "f4", "c8"])
def test_dtypes_of_elements_that_lie_anyhow(layout: str, odd: float, dtype: str) -> None:
    x = np.linspace(0, 100, 37)
    x[20] = odd
    for given in (x, x.astype("f4") if abs(odd) != 1e300 else x):
        # Where a vector is converted, NumPy's own result for a uint32 that is none differs.
        if dtype == "u4" and not 0 <= odd < 2**32:
            continue
        same_as_numpy(to_dtype, LAYOUTS[layout](given), np.dtype(dtype))


@pytest.mark.parametrize("value", [1e-50, 1e-320, 1e50, 0.1, 0.0])
def test_every_condition_of_a_narrower_float_is_told(value: float) -> None:
    def narrowed(x):
        return x.astype(np.float32)

    with np.errstate(all="raise"):
        for n in (1, 9, 40_000):
            same_as_numpy(narrowed, np.full(n, value))
