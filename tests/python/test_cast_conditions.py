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
