"""Loops as machine code: products of slices along one axis."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jetlag as jl
from same import same_as_numpy


@pytest.fixture(params=["off", "always"], autouse=True)
def _mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jl.settings, "jit", request.param)


def whole(*shape: int, dtype: str = "float64") -> np.ndarray:
    """Whole numbers, whose products are the same in any order of addition."""
    return np.random.default_rng(7).integers(-4, 5, shape).astype(dtype)


def decompose(a):
    for i in range(a.shape[0]):
        for j in range(i):
            a[i, j] -= np.dot(a[i, :j], a[:j, j])
        for j in range(i, a.shape[0]):
            a[i, j] -= np.dot(a[i, :i], a[:i, j])
    return a


def test_products_of_slices_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jl.settings, "jit", "always")

    text = str(jl.explain(jl.jit(decompose), whole(5, 5)))

    assert "compiled-loop" in text
    assert "refused" not in text


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "complex128"])
@pytest.mark.parametrize("n", [0, 1, 2, 6])
def test_rows_and_columns(dtype: str, n: int) -> None:
    same_as_numpy(decompose, whole(n, n, dtype=dtype))


def test_any_layout() -> None:
    wide = whole(12, 12)

    for a in (wide.T, wide[::-1], wide[:, ::-2], wide[1:9:2, 2:6], np.asfortranarray(wide)):
        same_as_numpy(decompose, a[:4, :4])


def test_bits_are_those_of_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    a = np.random.default_rng(1).random((40, 40)) / 40
    results = []

    for mode in ("off", "always"):
        monkeypatch.setattr(jl.settings, "jit", mode)
        results.append(jl.jit(decompose)(a.copy()).tobytes())

    assert results[0] == results[1]


bounds = st.one_of(st.none(), st.integers(-9, 9), st.just(-(2**63)), st.just(2**63 - 1))


@settings(max_examples=30, deadline=None)
@given(starts=st.lists(bounds, min_size=4, max_size=4), stops=st.lists(bounds, min_size=1))
def test_bounds_from_either_end_and_beyond(starts: list[Any], stops: list[Any]) -> None:
    def products(a, b, first, out):
        for i in range(4):
            out[i] = np.dot(a[i, first:], b[first:])
        for i in range(4):
            out[i] += np.dot(a[i][:i], b[:i]) + np.dot(b[i:4:1], a[-1, i:4])
        return out

    for bound in (*starts, *stops):
        same_as_numpy(products, whole(4, 5), whole(5), bound, np.zeros(4))


def test_bounds_of_numpys_ints() -> None:
    def products(a, ends, out):
        for i in range(len(ends)):
            out[i] = np.dot(a[: ends[i]], a[: ends[i]])
        return out

    for dtype in ("int64", "int8", "uint16", "uint64"):
        same_as_numpy(products, whole(5), np.array([0, 2, 5, 9, 1], dtype=dtype), np.zeros(5))
    same_as_numpy(products, whole(5), np.array([1.0]), np.zeros(5))


def test_a_slice_that_ends_before_it_begins_is_empty() -> None:
    def products(a, out):
        for i in range(4):
            out[i] = np.dot(a[3:i], a[3:i]) - np.dot(a[7:], a[9:])
        return out

    same_as_numpy(products, whole(5), np.ones(4))


def test_different_lengths_are_an_error_at_their_line() -> None:
    def products(a, b, out):
        for i in range(4):
            out[i] = np.dot(a[:i], b[:i])
        return out

    same_as_numpy(products, whole(4), whole(2), np.zeros(4))


def test_an_index_behind_a_slice_may_fail() -> None:
    def products(a, out):
        for i in range(9):
            out[i] = np.dot(a[i, 1:3], a[i + 1, 1:3])
        return out

    same_as_numpy(products, whole(4, 4), np.zeros(9))


def test_conditions_of_a_product_are_told() -> None:
    def products(a, b, out):
        total = 0.0
        for i in range(4):
            out[i] = np.dot(a[:i], b[:i])
            total += i / 3
        return total

    for first in ([np.inf, 0.0, 1.0], [0.0, 1e300, 1.0], [np.nan, 2.0, np.inf], [1.0, 2.0, 3.0]):
        a, b = np.array(first), np.array([0.0, 1e300, np.inf])
        same_as_numpy(products, a, b, np.zeros(5))
        with np.errstate(all="raise"):
            same_as_numpy(products, a[::-1], b, np.zeros(5))


def test_a_condition_is_told_where_much_was_overwritten() -> None:
    def products(a, b, out):
        for i in range(4):
            out[i] = np.dot(a[:i], b[:i])
        return out

    for last in (np.inf, 1e300):
        b = np.array([1.0, 1.0, 0.0 if np.isinf(last) else last])
        same_as_numpy(products, np.array([1.0, 2.0, last]), b, np.zeros(300_000))


def test_conditions_beside_a_product_are_told() -> None:
    def products(a, out):
        for i in range(4):
            out[i] = np.dot(a[:i], a[:i]) / a[i]
        return out

    same_as_numpy(products, np.array([1.0, 0.0, 2.0, 0.0]), np.zeros(4))


def test_long_lines() -> None:
    def products(a, out):
        for i in range(4):
            out[i] = np.dot(a[i:], a[i:])
        return out

    same_as_numpy(products, whole(70_000), np.zeros(4))
    same_as_numpy(products, whole(1400)[::2], np.zeros(4))


def test_slices_that_are_kept_or_stepped_stay_with_the_interpreter() -> None:
    def products(a, out):
        for i in range(4):
            part = a[:i]
            out[i] = np.dot(part, a[:i]) + np.dot(a[::2], a[::2])
        return out

    same_as_numpy(products, whole(5), np.zeros(4))


def test_a_slice_of_a_condition() -> None:
    def products(a, out):
        for i in range(4):
            out[i] = np.dot(a[:i] if i % 2 else a[:2], a[:i] if i % 2 else a[1:3])
        return out

    same_as_numpy(products, whole(5), np.zeros(4))


def test_stores_into_what_a_product_reads() -> None:
    def sums(a):
        for i in range(1, len(a)):
            a[i] = np.dot(a[:i], a[:i]) % 7
        return a

    same_as_numpy(sums, whole(12))
