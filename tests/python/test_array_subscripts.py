"""Subscripts by index arrays and masks: whatever lies where, the elements are NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy

RNG = np.random.default_rng(11)
INTEGERS = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]
ELEMENTS = ["?", "i1", "u2", "f4", "f8", "c8", "c16"]
LARGE = 300_000  # more than one task copies
Program = Callable[..., Any]


def load(a, i):
    return a[i]


def load_pairs(a, i, j):
    return a[i, j]


def load_columns(a, i):
    return a[:, i]


def load_between(a, i):
    return a[:, i, 1:]


def load_reversed(a, i):
    return a[::-2][i]


def store(a, i, v):
    a[i] = v
    return a


def store_pairs(a, i, j, v):
    a[i, j] = v
    return a


def store_columns(a, i, v):
    a[:, i] = v
    return a


def add_to(a, i, v):
    a[i] += v
    return a


def move(a, i, b):
    a[i] = b[i]
    return a


def numbers(shape: Any, dtype: str = "f8") -> Any:
    values = RNG.integers(0, 100, shape)
    return (values > 40) if dtype == "?" else values.astype(dtype)


def strided(a: Any) -> Any:
    return np.repeat(a, 2, axis=-1)[..., ::2]


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "rows": np.ascontiguousarray,
    "columns": np.asfortranarray,
    "backwards": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "strided": strided,
}


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_index_arrays_of_all_kinds(dtype: str, layout: str) -> None:
    low = 0 if dtype.startswith("u") else -7
    for shape in [(40,), (600,), (3, 5), (2, 0), (2, 3, 4)]:
        i = LAYOUTS[layout](RNG.integers(low, 7, shape).astype(dtype))
        j = LAYOUTS[layout](RNG.integers(low, 7, shape).astype(dtype))
        same_as_numpy(load, numbers(7), i)
        same_as_numpy(load, numbers((7, 3)), i)
        same_as_numpy(load_pairs, numbers((7, 9)), i, j)
        same_as_numpy(load_pairs, numbers((7, 9, 2)), i, j)
        same_as_numpy(load_columns, numbers((4, 7)), i)
        same_as_numpy(store, numbers(7), i, numbers(shape))
        same_as_numpy(store, numbers((7, 3)), i, 2.5)
        same_as_numpy(store_pairs, numbers((7, 9)), i, j, numbers(shape))
        same_as_numpy(store_columns, numbers((4, 7)), i, 1)
        same_as_numpy(add_to, numbers(7), i, 1.5)


@pytest.mark.parametrize("dtype", ELEMENTS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_elements_of_all_kinds(dtype: str, layout: str) -> None:
    a = LAYOUTS[layout](numbers((31, 6, 5), dtype))
    line = LAYOUTS[layout](numbers(900, dtype))
    i = RNG.integers(-31, 31, 70)
    same_as_numpy(load, a, i)
    same_as_numpy(load_between, a, i % 6)
    same_as_numpy(load_reversed, a, i % 16)
    same_as_numpy(store, a, i, numbers((70, 6, 5), dtype))
    same_as_numpy(store, a, i, numbers(5, dtype))
    same_as_numpy(store, a, i, numbers((6, 1), dtype))
    for share in (0.0, 0.02, 0.5, 1.0):
        for shape in [(31,), (31, 6), (31, 6, 5)]:
            m = RNG.random(shape) < share
            count = int(m.sum())
            same_as_numpy(load, a, m)
            same_as_numpy(store, a, m, numbers((count, *a.shape[len(shape) :]), dtype))
            same_as_numpy(store, a, m, 1)
        m = RNG.random(900) < share
        same_as_numpy(load, line, m)
        same_as_numpy(store, line, m, numbers(int(m.sum()), dtype))
        same_as_numpy(store, line, m, numbers(1, dtype))
        same_as_numpy(store, line, strided(m), 0)
        same_as_numpy(move, line, m, numbers(900, dtype))
        same_as_numpy(store, a, m[:31], numbers(5, dtype))
        same_as_numpy(store, a, m[:31], numbers((6, 1), dtype))


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("dtype", ["u1", "f4", "f8", "c16"])
def test_many_elements(workers: int, dtype: str) -> None:
    jl.threads(workers)
    a, b = numbers(LARGE, dtype), numbers(LARGE, dtype)
    rows = numbers((3000, 100), dtype)
    i = RNG.integers(-LARGE, LARGE, LARGE)
    j = RNG.integers(0, 100, LARGE).astype("i2")
    same_as_numpy(load, a, i)
    same_as_numpy(load, a, i.reshape(100, -1).T)
    same_as_numpy(load, rows, i % 3000)
    same_as_numpy(load_columns, rows, j[:5000])
    same_as_numpy(load_pairs, rows, i % 3000, j)
    same_as_numpy(store, a, i, b)
    same_as_numpy(store, a, i % 1000, b)
    same_as_numpy(store, a, i.reshape(100, -1).T, b.reshape(-1, 100))
    same_as_numpy(store, rows, i % 3000, rows[0])
    same_as_numpy(store_pairs, rows, i % 3000, j, a)
    same_as_numpy(add_to, a, i, 1)
    for share in (0.001, 0.3, 1.0):
        m = RNG.random(LARGE) < share
        same_as_numpy(load, a, m)
        same_as_numpy(store, a, m, 7)
        same_as_numpy(store, a, m, b[: int(m.sum())])
        same_as_numpy(move, a, m, b)
        same_as_numpy(add_to, a, m, 1)
        same_as_numpy(load, rows, m[:3000])
        same_as_numpy(store, rows, m[:3000], rows[0])
        same_as_numpy(store, rows, m[:3000], 3)
        same_as_numpy(store, rows, m.reshape(rows.shape), 3)


@pytest.mark.parametrize("dtype", ["u2", "f4", "f8", "c16"])
def test_results_that_no_cache_holds(dtype: str) -> None:
    jl.threads(2)
    a = numbers(1001, dtype)
    n = (17 << 20) // a.itemsize + 3
    i = RNG.integers(-1001, 1001, n).astype("i2")
    same_as_numpy(load, a, i)
    for row in (512, 60, 13):
        same_as_numpy(load, numbers((1001, row), dtype), i[: n // row + 1])
    i[n // 3] = 1001
    same_as_numpy(load, a, i)


def test_arrays_that_share_memory() -> None:
    def into_its_own_index(i):
        i[i] = i[::-1]
        return i

    def by_a_view_of_itself(i):
        i[i[::2]] = 3
        return i

    def by_its_own_truth(m):
        m[m] = False
        return m

    def by_another_part(m):
        m[1:][m[:-1]] = True
        return m

    def of_itself(a, i):
        a[i] = a
        return a

    def of_another_part(a, i):
        a[1:][i] = a[:-1]
        return a

    for n in (6, 5000, LARGE):
        i = RNG.integers(0, n, n)
        same_as_numpy(into_its_own_index, i)
        same_as_numpy(by_a_view_of_itself, i)
        same_as_numpy(by_its_own_truth, i % 2 == 0)
        same_as_numpy(by_another_part, i % 3 == 0, opaque=True)
        same_as_numpy(of_itself, i * 1.0, i)
        same_as_numpy(of_another_part, i * 1.0, i[1:] % (n - 1))


def test_elements_that_share_memory() -> None:
    def into_windows(a, i, v):
        np.lib.stride_tricks.sliding_window_view(a, 3, writeable=True)[i] = v
        return a

    same_as_numpy(into_windows, np.zeros(9), np.array([4, 3, 2, 5]), numbers((4, 3)), opaque=True)


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("n", [5, LARGE])
def test_indices_out_of_bounds(workers: int, n: int) -> None:
    jl.threads(workers)
    a = numbers(n)
    for wrong in (n, -n - 1, 2**62, -(2**63)):
        i = RNG.integers(0, n, n)
        i[n // 2] = wrong
        i[-1] = n + 7
        for index in (i, strided(i)):
            same_as_numpy(load, a, index)
            same_as_numpy(store, a, index, 1.0)
            same_as_numpy(store, a, index, a)
        same_as_numpy(load_pairs, a[:, None], i * 0, i)
        same_as_numpy(load_pairs, a[:, None], i, i)
        same_as_numpy(store_pairs, a[:, None], i, i * 0, 0.5)
    same_as_numpy(load, a, np.full(3, 2**64 - 1, dtype="u8"))
    same_as_numpy(load, a, np.full(3, 2**63, dtype="u8"))
    same_as_numpy(load, a, (np.arange(12).reshape(3, 4) + n - 6).T)
    same_as_numpy(load, a.reshape(-1, 5), (np.arange(12).reshape(3, 4) + n // 5 - 6).T)
    same_as_numpy(load, a[:0], i)
    same_as_numpy(load, a[:0], i[:0])


def test_an_error_comes_before_what_follows() -> None:
    def stores_later(a, i, b):
        x = a[i]
        b[0] = 1.0
        return x

    i = np.zeros(LARGE, dtype=int)
    i[-1] = LARGE
    for workers in (1, 4):
        same_as_numpy(stores_later, numbers(LARGE), i, numbers(3), workers=workers)


def test_what_does_not_fit() -> None:
    m = np.array([True, False, True])
    same_as_numpy(store, numbers(3), m, np.arange(3.0))
    same_as_numpy(store, numbers(3), m, np.ones((1, 2)))
    same_as_numpy(store, numbers((3, 2)), m, np.ones(3))
    same_as_numpy(store, numbers(3), np.array([0, 1]), np.ones(3))
    same_as_numpy(load, numbers(3), np.array([True, False]))
    read_only = numbers(3)
    read_only.flags.writeable = False
    same_as_numpy(store, read_only, m, 1.0)
    same_as_numpy(store, read_only, np.array([1]), 1.0)


def test_memory_that_is_written_later() -> None:
    def overwritten(a, i, m):
        x, y = a[i], a[m]
        a[:] = 0.0
        i[:] = 0
        m[:] = False
        return x, y, a[i], a[m]

    def in_a_loop(a, i, m):
        for _ in range(5):
            a[m] *= 2
            b = a[i] + 1
            a[i] = b
            a[m] = b[m]
        return a

    for workers in (1, 2, 4):
        jl.threads(workers)
        i = RNG.integers(0, LARGE, LARGE)
        same_as_numpy(overwritten, numbers(LARGE), i, i % 3 == 0)
        same_as_numpy(in_a_loop, numbers(LARGE), i, i % 3 == 0)


def test_bools_that_are_no_bits() -> None:
    m = np.array([0, 1, 2, 255, 0, 128] * 500, dtype="u1").view(bool)
    same_as_numpy(load, numbers(3000), m)
    same_as_numpy(store, numbers(3000), m, 5)


def test_explain_tells_what_is_moved() -> None:
    jl.threads(4)
    a, i = numbers(LARGE), RNG.integers(0, LARGE, LARGE)
    stores = [(store, (a, i > 9, 1.0)), (store, (a, i, 1.0))]
    for program, args in [(load, (a, i)), (load, (a, i > 9)), *stores]:
        rows = [r for r in jl.explain(jl.jit(program), *args).rows if r["kind"] == "copy"]
        assert [(r["tasks"] > 1, r["bytes"] > 8 * LARGE) for r in rows] == [(True, True)]
