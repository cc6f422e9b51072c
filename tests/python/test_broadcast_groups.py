"""Fused groups whose shapes grow: columns that meet rows, and outer products.

A member that a larger one reads is computed alone, once; an outer product is read as a column
times a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy

OUTER = "outer-product"


@pytest.fixture(autouse=True)
def settings() -> Iterator[None]:
    rules = jl.settings.rules
    yield
    jl.settings.rules = rules


@pytest.fixture
def x() -> np.ndarray:
    return np.linspace(-1.0, 2.0, 60 * 50).reshape(60, 50)


def rules_of(function: Any, *args: Any) -> list[str]:
    rows = jl.explain(jl.jit(function), *args).to_dict()["steps"]
    return [rule for row in rows for rule in row["rules"]]


def test_a_column_that_meets_a_row_is_computed_once(x: np.ndarray) -> None:
    def apart(x: Any) -> Any:
        column, row = x[:, :1], x[:1, :]
        return (column * 2.0 + 1.0) * (row - 0.5) + x

    same_as_numpy(apart, x)
    assert "fuse-elementwise" in rules_of(apart, x)


def test_a_member_may_be_read_small_and_large(x: np.ndarray) -> None:
    def both(x: Any) -> Any:
        column = x[:, :1] * 2.0
        return (column + 1.0) * column + column * x[:1] - x

    same_as_numpy(both, x)


def test_shapes_grow_twice(x: np.ndarray) -> None:
    def grown(x: Any) -> Any:
        a = x[0, 0:1] + 1.0
        b = a * x[:1]
        return b - x * b

    same_as_numpy(grown, x)


@pytest.mark.parametrize("dtype", ["complex128", "float32", "int16"])
def test_planes_of_other_dtypes(dtype: str) -> None:
    def plane(x: Any, y: Any) -> Any:
        return x + y[:, None] * 2 - (x * x)

    a = (np.arange(80) % 7).astype(dtype)
    same_as_numpy(plane, a, a[:60])


def test_growing_groups_in_rounds_of_a_loop(x: np.ndarray) -> None:
    def rounds(x: Any, n: int) -> Any:
        for k in range(n):
            x = (x[:, :1] + k) * 0.5 + x * 0.25
            if k == 3:
                x = x[:, ::2]
        return x

    same_as_numpy(rounds, x, 6)


def test_conditions_of_small_members_are_told_once() -> None:
    def told(x: Any) -> Any:
        column = 1.0 / x[:, :1]
        return column + np.sqrt(
            x - 1.0,
        )

    x = np.ones((40, 30))
    x[3, 0] = 0.0
    same_as_numpy(told, x)


def test_shapes_that_do_not_fit_raise_in_their_line(x: np.ndarray) -> None:
    def wrong(x: Any) -> Any:
        a = x[:, :1] * 2.0
        return (
            a * x[:1]
            + x[:, 1:]
        )  # fmt: skip

    same_as_numpy(wrong, x)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "bool", "uint8"])
def test_outer_products_are_read_as_columns_and_rows(dtype: str) -> None:
    def update(a: Any, u: Any, v: Any) -> Any:
        return a + np.outer(u, v) + np.outer(v[:40], u[:50]) * 2

    a = (np.arange(2000) % 5).astype(dtype).reshape(40, 50)
    u, v = (np.arange(90) % 3).astype(dtype)[:40], (np.arange(90) % 4).astype(dtype)[::-1][:50]

    def fits(a: Any, u: Any, v: Any) -> Any:
        return a + np.outer(u, v) + np.outer(u, v) * 2

    same_as_numpy(fits, a, u, v)
    same_as_numpy(update, a, u, v)
    assert OUTER in rules_of(fits, a, u, v)
    jl.settings.rules = "-" + OUTER
    assert OUTER not in rules_of(fits, a, u, v)
    same_as_numpy(fits, a, u, v)


def test_outer_products_of_one_vector_and_of_expressions(x: np.ndarray) -> None:
    u = x[:50, 0]
    same_as_numpy(lambda u: np.outer(u, u) - np.outer(u * 2.0, u + 1.0) / 3.0, u)
    same_as_numpy(lambda u: np.sum(np.outer(u, u) * 2.0, axis=1), u, rtol=1e-12)


def test_outer_products_of_other_things(x: np.ndarray) -> None:
    for u, v in ((x, x), (x[0] * 1j, x[1]), (x[0, :0], x[0]), (x[:3], x[0])):
        same_as_numpy(lambda u, v: np.outer(u, v) * 2.0 + 1.0, u, v, rtol=1e-12)
    refused = jl.explain(jl.jit(lambda u: np.outer(u, u) * 2.0), x[0] * 1j).to_dict()["steps"]
    whys = [r["why"] for row in refused for r in row["refused"] if r["rule"] == OUTER]
    assert whys == ["the factors are not vectors of real numbers"]


def test_an_outer_product_that_overflows_is_a_multiply() -> None:
    u = np.full(60, 1e200)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError, match="in multiply"):
        jl.jit(lambda u: np.outer(u, u) + 1.0)(u)


def test_rounds_of_a_loop_take_new_vectors(x: np.ndarray) -> None:
    def rounds(a: Any, u: Any, n: int) -> Any:
        for k in range(n):
            a = a * 0.5 + np.outer(u, u + k)
            u = u[::-1] * 0.9
        return a

    same_as_numpy(rounds, x[:50].copy(), x[:50, 3].copy(), 5)


def test_rounds_of_a_loop_take_longer_lists() -> None:
    def rounds(u: Any, n: int) -> Any:
        items = [1.0, 2.0]
        total = np.zeros(2)
        for _ in range(n):
            total = (np.outer(items, u) * 2.0 + 1.0).sum()
            items = [*items, 3.0]
        return total, np.outer(items, u) * 2.0 + 1.0

    same_as_numpy(rounds, np.arange(3.0), 5, opaque=True)


def test_numbers_among_arrays_are_made_once_and_apart() -> None:
    def f(x, y, n, k):
        total = x * 0.0
        for i in range(n):
            total = total + (x**2 + k**2 - 1) ** (k * 0.5) * (2 ** (1 - i)) + y ** (i - k)
        return total

    jitted = jl.jit(f)
    for dtype in ("float64", "float32"):
        x, y = (np.random.default_rng(s).random(40_000).astype(dtype) + 1 for s in range(2))
        for k in (1, 2, 4):
            same_as_numpy(f, x, y, 6, k, rtol=1e-6 if dtype == "float32" else 1e-13)
            np.testing.assert_allclose(jitted(x, y, 6, k), f(x, y, 6, k), rtol=1e-5)
    assert "fuse-elementwise" in {
        r for row in jl.explain(f, x, y, 6, 2).rows for r in str(row["rule"]).split(", ")
    }
