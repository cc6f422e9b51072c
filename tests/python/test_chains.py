"""Chains of products: the cheapest order, where nobody can tell but by rounding."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jetlag as jl
from same import same_as_numpy

RNG = np.random.default_rng(3)


def matrix(*shape: int, dtype: Any = np.float64) -> np.ndarray:
    """Small whole numbers: every order of a chain gives the same bits."""
    return RNG.integers(-3, 4, shape).astype(dtype)


A, B, C = matrix(40, 50), matrix(50, 60), matrix(60, 33)
V = matrix(60)


def rows(function: Callable[..., Any], *args: Any) -> list[dict[str, Any]]:
    return jl.explain(jl.jit(function), *args).rows


def uses_chain(function: Callable[..., Any], *args: Any) -> bool:
    return any(row.get("rule") == "dot-chain" for row in rows(function, *args))


def refusals(function: Callable[..., Any], *args: Any) -> list[str]:
    found = [r for row in rows(function, *args) for r in row.get("refused") or ()]
    return [why for rule, why in found if rule == "dot-chain"]


def by_dots(a, b, v):
    return np.dot(np.dot(a, b), v)


def by_operators(a, b, v):
    return a @ b @ v


def by_methods(a, b, v):
    return a.dot(b).dot(v)


def from_the_left(a, b, v):
    return v @ (b.T @ a.T)


def of_four(a, b, v):
    return a @ b @ b.T @ b @ v


def twice(a, b, v):
    return (a @ b @ v) + (a @ b) @ v


CHAINS = [by_dots, by_operators, by_methods, from_the_left, of_four, twice]


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int8])
def test_the_cheapest_order_is_taken(chain: Callable[..., Any], dtype: Any) -> None:
    args = [x.astype(dtype) for x in (A, B, V)]
    same_as_numpy(chain, *args)
    assert uses_chain(chain, *args)


@pytest.mark.parametrize("layout", [np.asfortranarray, lambda a: a[::-1], lambda a: a[:, ::-1]])
def test_any_layout(layout: Callable[[np.ndarray], np.ndarray]) -> None:
    same_as_numpy(by_operators, layout(A), layout(B), V)


def test_matrices_only() -> None:
    def f(a, b, c):
        return a @ b @ c

    wide, tall, row = matrix(400, 40), matrix(40, 400), matrix(400, 50)
    same_as_numpy(f, wide, tall, row)
    assert uses_chain(f, wide, tall, row)
    assert not uses_chain(f, tall, wide, matrix(40, 40))
    assert "the order of the text costs least" in refusals(f, tall, wide, matrix(40, 40))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_numbers_that_show_the_order_keep_it(bad: float, which: int) -> None:
    args = [A.copy(), B.copy(), V.copy()]
    args[which].flat[7] = bad
    if bad == 1e200:
        for x in args:
            x.flat[7] = bad
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same_as_numpy(by_operators, *args)
        assert not uses_chain(by_operators, *args)
        assert any("finite" in why for why in refusals(by_operators, *args))


def test_mixed_dtypes_and_complex_numbers_keep_the_order() -> None:
    same_as_numpy(by_operators, A, B, V.astype(np.int64))
    assert not uses_chain(by_operators, A, B, V.astype(np.float32))
    same_as_numpy(by_operators, A + 1j, B + 0j, V + 0j, rtol=1e-14)
    assert not uses_chain(by_operators, A + 1j, B + 0j, V + 0j)


def test_a_product_with_another_reader_keeps_the_order() -> None:
    def kept(a, b, v):
        p = a @ b
        return p @ v, p

    same_as_numpy(kept, A, B, V)
    assert not uses_chain(kept, A, B, V)


def test_errors_stand_at_the_product_of_the_text() -> None:
    def lines(a, b, v):
        return np.dot(
            np.dot(a, b),
            v,
        )

    same_as_numpy(lines, A, A, V)
    same_as_numpy(lines, A, B, V[:-1])


def test_factors_written_meanwhile() -> None:
    def f(a, b, v):
        return (a @ b) @ clear(b, v)

    def clear(b, v):
        b[:] = 0.0
        return v

    args = [A.copy(), B.copy(), V.copy()]
    expected = (A @ B) @ V
    clear_jit = jl.jit(f)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.array_equal(clear_jit(*args), expected)
    assert not args[1].any()


def test_the_same_matrix_over_and_over() -> None:
    def power(a, v):
        for _ in range(4):
            v = a @ a @ v
            v = v / np.max(np.abs(v))
        return v

    square = matrix(40, 40)
    same_as_numpy(power, square, matrix(40), rtol=1e-10)


def test_the_same_bits_with_any_number_of_workers() -> None:
    a, b, v = RNG.random((300, 200)), RNG.random((200, 400)), RNG.random(400)
    f = jl.jit(by_operators)
    results, before = [], jl.threads()
    for workers in (1, 2, 4):
        jl.threads(workers)
        results.append(f(a, b, v).tobytes())
    jl.threads(before)
    assert len(set(results)) == 1


SIDES = st.sampled_from([0, 1, 2, 31, 32, 40, 90])


@settings(max_examples=60, deadline=None)
@given(
    sides=st.tuples(SIDES, SIDES, SIDES, SIDES),
    dtype=st.sampled_from(["f8", "f4", "i8", "i4", "b1", "c16"]),
    special=st.sampled_from([None, np.nan, np.inf]),
    shared=st.booleans(),
)
def test_values_are_numpys(
    sides: tuple[int, int, int, int], dtype: str, special: float | None, shared: bool
) -> None:
    m, k, n, p = sides
    a, b, c = matrix(m, k), matrix(k, n), matrix(n, p)
    # The kernels of BLAS for small floats may multiply an infinity by a zero of their own.
    floats = ("f8",) if special == np.inf else ("f8", "f4")
    if special is not None and b.size and dtype in floats:
        b.flat[b.size // 2] = special
    a, b, c = a.astype(dtype), b.astype(dtype), c.astype(dtype)
    if shared and m == n:
        c = a[:, : min(k, p)]

    def f(a, b, c):
        return a @ b @ c

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same_as_numpy(f, a, b, c)


@pytest.mark.parametrize("dtype", ["f8", "f4", "c16", "c8"])
@pytest.mark.parametrize(("m", "p"), [(5, 3), (31, 31), (2, 90), (90, 40)])
def test_a_column_times_a_row(m: int, p: int, dtype: str) -> None:
    rng = np.random.default_rng(m)
    a, b = rng.integers(-3, 4, (m, 1)) * 1.1, rng.integers(-3, 4, (1, p)) * 0.7
    a, b = (x * (1 + 0.3j) if dtype[0] == "c" else x for x in (a, b))
    a, b = a.astype(dtype), b.astype(dtype)
    same_as_numpy(lambda a, b: a @ b, a, b)
    same_as_numpy(lambda a, b: np.dot(a, b), a, b)
    b[0, 1] = np.inf
    same_as_numpy(lambda a, b: a @ b, a[1:], b)
