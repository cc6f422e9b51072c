"""Loops as machine code: elements and rows of arrays of all layouts."""

from __future__ import annotations

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy


@pytest.fixture(params=["off", "always"], autouse=True)
def _mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jl.settings, "jit", request.param)


def test_stores_over_two_axes() -> None:
    def table(a):
        for i in range(a.shape[0]):
            for j in range(a.shape[1]):
                a[i, j] = i * 10 + j
        return a

    same_as_numpy(table, np.zeros((3, 4)))
    same_as_numpy(table, np.zeros((0, 4)))
    same_as_numpy(table, np.zeros((3, 4), dtype=np.int16))


def test_negative_indices() -> None:
    def shift(a):
        for i in range(-len(a), 0):
            a[i] = a[i] + a[-1] + a[i - i]
        return a

    same_as_numpy(shift, np.arange(6.0))


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "uint16", "int32", "uint64", "float32", "float64", "complex128"]
)
def test_every_dtype(dtype: str) -> None:
    def mix(a, b):
        for i in range(len(a)):
            b[i] = a[i] + b[i]
            if a[i] != b[i]:
                b[i] = a[i] * a[i]
        return b

    a = np.array([1, 0, 3, 5, 0, 9]).astype(dtype)
    same_as_numpy(mix, a, a[::-1].copy())


def test_mixed_dtypes_promote() -> None:
    def mix(a, b, c):
        for i in range(len(a)):
            x = a[i] + b[i] * 2
            y = x / 3 - b[i]
            c[i] = y + 1.5 * a[i]
            if x > y and a[i] != 2:
                c[i] -= a[i] // 2
        return c

    a = np.arange(1, 6, dtype=np.int32)
    same_as_numpy(mix, a, np.arange(5, dtype=np.float32), np.zeros(5))
    same_as_numpy(mix, a, np.arange(5, dtype=np.float32), np.zeros(5, dtype=np.float32))
    same_as_numpy(mix, np.arange(1, 6, dtype=np.int8), np.arange(5.0), np.zeros(5))


def test_layouts() -> None:
    def work(a, b):
        for i in range(a.shape[0]):
            for j in range(a.shape[1]):
                a[i, j] += b[i, j] * (i - j)
        return a

    big = np.arange(48.0).reshape(6, 8)
    same_as_numpy(work, big.copy().T, big.copy().T)
    same_as_numpy(work, big.copy()[::2, ::-2], big.copy()[1::2, ::2])
    same_as_numpy(work, np.asfortranarray(big), big.copy())


def test_arrays_that_overlap() -> None:
    def shift(a, b):
        for i in range(len(a)):
            a[i] = b[i] + 1
        return a

    def overlapping(x):
        return shift(x[1:], x[:-1])

    def same(x):
        return shift(x, x)

    def backwards(x):
        return shift(x, x[::-1])

    for f in (overlapping, same, backwards):
        x = np.arange(9.0)
        y = x.copy()
        expected = f(x)
        jitted = jl.jit(shift)
        views = {overlapping: (y[1:], y[:-1]), same: (y, y), backwards: (y, y[::-1])}
        np.testing.assert_array_equal(jitted(*views[f]), expected)
        np.testing.assert_array_equal(x, y)


def test_a_read_only_array() -> None:
    def write(a):
        for i in range(len(a)):
            a[i] = a[i] + 1
        return a

    a = np.arange(4.0)
    a.flags.writeable = False
    same_as_numpy(write, a)


def test_swapping_arrays_between_rounds() -> None:
    def relax(a, b, n):
        for _ in range(n):
            for i in range(1, len(a) - 1):
                b[i] = (a[i - 1] + a[i + 1]) / 2
            a, b = b, a
        return a, b

    same_as_numpy(relax, np.arange(7.0) ** 2, np.zeros(7), 5)
    same_as_numpy(relax, np.arange(7.0) ** 2, np.zeros(7), 4)


def test_swapping_elements() -> None:
    def bubble(a):
        n = len(a)
        for i in range(n):
            for j in range(n - 1 - i):
                if a[j] > a[j + 1]:
                    a[j], a[j + 1] = a[j + 1], a[j]
        return a

    same_as_numpy(bubble, np.array([5.0, 2.0, 9.0, -1.0, 3.0]))
    same_as_numpy(bubble, np.array([5, 2, 9, -1, 3], dtype=np.int16))


def test_rows_are_views() -> None:
    def rows(a, b):
        for i in range(a.shape[0]):
            row = a[i]
            for j in range(len(row)):
                row[j] += b[j]
            b[0] = row[-1]
        return a

    same_as_numpy(rows, np.arange(12.0).reshape(3, 4), np.arange(4.0))


def test_a_row_outlives_the_loop() -> None:
    def last_row(a):
        row = a[0]
        for i in range(a.shape[0]):
            row = a[i]
            row[0] = 7
        row[1] = 9
        return row, a

    same_as_numpy(last_row, np.arange(12.0).reshape(3, 4))


def test_zero_sized_arrays() -> None:
    def work(a):
        s = 0.0
        for i in range(a.shape[0]):
            for j in range(a.shape[1]):
                s += a[i, j]
        return s

    for shape in ((0, 0), (0, 3), (3, 0)):
        same_as_numpy(work, np.zeros(shape))


def test_indices_from_an_array() -> None:
    def gather(a, at):
        s = 0.0
        for i in range(len(at)):
            s += a[at[i]]
            a[at[i]] = -i
        return s

    a = np.arange(6.0)
    for dtype in (np.int64, np.int8, np.uint16):
        same_as_numpy(gather, a, np.array([3, 0, 3, 5], dtype=dtype))
    same_as_numpy(gather, a, np.array([-1, 2, -6, 0]))
    same_as_numpy(gather, a, np.array([1, -7, 2]))
    same_as_numpy(gather, a, np.array([1, 4, 6, 0]))


def test_ranges_that_begin_anywhere() -> None:
    def work(a, first, last):
        for i in range(first, last):
            a[i] += i
            for j in range(i, last, -1):
                a[j] -= 1
        for i in range(3, first, -2):
            a[i] *= 2
        return a

    same_as_numpy(work, np.arange(8.0), -3, 4)
    same_as_numpy(work, np.arange(8.0), 2, 7)
    same_as_numpy(work, np.arange(8.0), 5, 9)
    same_as_numpy(work, np.arange(8.0), -9, 4)


def test_more_rounds_than_run_in_one_part() -> None:
    def total(a, n):
        s = 0.0
        for i in range(n):
            s += a[i]
        return s

    a = np.arange(1_100_000.0)
    same_as_numpy(total, a, len(a))
    same_as_numpy(total, a, len(a) + 1)


def test_computed_indices_may_be_negative_and_may_fail() -> None:
    def count(a, v):
        for i in range(v.shape[0]):
            k = int(v[i] * 2.0)
            a[k] += 1
            a[k - 1] += a[k]
        return a

    same_as_numpy(count, np.zeros(6, np.int64), np.linspace(-2.5, 2.5, 40))
    same_as_numpy(count, np.zeros(6, np.int64), np.array([0.0, -3.0, 2.9, 3.0, 1.0]))
    same_as_numpy(count, np.zeros(6, np.int64), np.array([0.0, -2.9, -3.5, 1.0]))


@pytest.mark.parametrize("odd", [2.0, -1.0, -5.0, 5.0, -6.0, np.nan, 1e18])
def test_elements_in_place_at_places_that_are_computed(odd: float) -> None:
    def count(x, counts, weights, m):
        for i in range(x.shape[0]):
            k = int(x[i])
            counts[k] += 1 if i % 3 else m[k, -k - 1]
            weights[k] *= 0.5
            m[k, i % 5] -= k
            counts[i % 5 - 2] += k
        return counts

    x = np.arange(20.0) % 5
    x[13] = odd
    counts = np.arange(5, dtype=np.int8)
    same_as_numpy(count, x, np.zeros(5, np.int64), np.ones(5), np.ones((5, 5), np.int64))
    same_as_numpy(count, x, counts, np.ones(5, np.float32), np.ones((5, 5), np.int64))
    same_as_numpy(count, x, counts[::-1], np.ones(10)[::2], np.ones((5, 5)))


def test_an_element_in_place_overflows_after_its_place_was_found() -> None:
    def count(places, counts):
        for i in range(len(places)):
            counts[places[i]] += 1
        return counts

    for least in (0, -4):
        places = np.arange(least, least + 8) % 4 + min(least, 0)
        counts = np.zeros(4, np.int64)
        counts[2] = np.iinfo(np.int64).max - 1
        same_as_numpy(count, places, counts, opaque=jl.settings.jit == "off")
