"""What reads and moves large arrays: copies, also into gaps of each other, places, counts, norms.

What moves elements is one mechanism (src/primitives/moves.cpp, src/array/copy.cpp); the sizes here
leave rests in all of its stretches.
"""

from __future__ import annotations

import numpy as np
import pytest

from same import same_as_numpy

DTYPES = ("float64", "float32", "int16", "bool", "complex128")


def drawn(shape: tuple[int, ...], dtype: str, seed: int = 1) -> np.ndarray:
    numbers = np.random.default_rng(seed).integers(0, 100, shape)
    return numbers > 50 if dtype == "bool" else numbers.astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_arrays_are_stacked_along_every_axis(dtype: str, workers: int) -> None:
    def stacked(a, b, c):
        return np.stack([a, b, c]), np.stack([a, b], axis=1), np.stack([b, c, a], axis=-1)

    a, b, c = (drawn((701, 333), dtype, seed) for seed in range(3))

    same_as_numpy(stacked, a, b, c, workers=workers)
    same_as_numpy(stacked, a.T, b.T, c.T, workers=workers)
    same_as_numpy(stacked, a[::-2, ::3], b[::2, ::3], c[::2, ::-3], workers=workers)


@pytest.mark.parametrize("workers", [1, 2])
def test_vectors_become_columns_beside_converted_ones(workers: int) -> None:
    def columns(a, b, c):
        return np.column_stack([a, b, c]), np.stack([c, a], axis=1)

    a, b, c = drawn((200_003,), "float64"), drawn((200_003,), "int16"), drawn((200_003,), "bool")

    same_as_numpy(columns, a, b, c, workers=workers)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_elements_are_repeated(dtype: str, count: int) -> None:
    def repeated(a, n):
        return np.repeat(a, n), np.repeat(a, n, axis=0), np.repeat(a, n, axis=1)

    same_as_numpy(repeated, drawn((301, 257), dtype), count)


@pytest.mark.parametrize("dtype", DTYPES)
def test_transposed_arrays_are_copied(dtype: str) -> None:
    def turned(a):
        return a.T.copy(), a[:, ::-1].T.copy(), a.transpose(2, 0, 1).copy()

    for shape in ((65, 33, 3), (3, 130, 67), (1, 9, 2000)):
        same_as_numpy(turned, drawn(shape, dtype))


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8", "complex128"])
def test_places_of_extremes_are_the_first_ones(dtype: str) -> None:
    def places(a):
        return np.argmin(a, axis=0), np.argmax(a, axis=0), np.argmin(a, axis=1), a.argmax(axis=-1)

    a = (np.random.default_rng(4).integers(0, 13, (700, 531))).astype(dtype)
    same_as_numpy(places, a)
    same_as_numpy(places, a[::2, ::-3])
    if dtype.startswith("float"):
        odd = np.where(a == 5, -0.0, a - 5).astype(dtype)
        same_as_numpy(places, odd)
        odd[np.random.default_rng(5).random(a.shape) < 0.002] = np.nan
        same_as_numpy(places, odd)
        same_as_numpy(places, odd.T)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("workers", [1, 2])
def test_true_elements_are_counted_in_every_layout(dtype: str, workers: int) -> None:
    def counted(a, b):
        return (
            np.count_nonzero(a),
            np.count_nonzero(a, axis=0),
            np.count_nonzero(a, axis=1),
            np.count_nonzero(a == b),
            np.count_nonzero(a == b, axis=0),
        )

    a, b = drawn((1003, 777), dtype, 1), drawn((1003, 777), dtype, 2)

    same_as_numpy(counted, a, b, workers=workers)
    same_as_numpy(counted, a[::2, ::-3], b[::2, ::3], workers=workers)
    same_as_numpy(counted, a.T, b.T, workers=workers)


@pytest.mark.parametrize("order", [None, 1, 2, np.inf, -np.inf, 0])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int16"])
def test_norms_of_lines_read_them_in_every_layout(order: float | None, dtype: str) -> None:
    def norms(a, b, order):
        return (
            np.linalg.norm(a, order, axis=0),
            np.linalg.norm(a, order, axis=1),
            np.linalg.norm(a - b, order, axis=1),
            np.linalg.norm(a[:, 1] - b[:, 2], order),
        )

    a, b = drawn((1030, 67), dtype, 1), drawn((1030, 67), dtype, 2)

    same_as_numpy(norms, a, b, order, rtol=1e-6)
    same_as_numpy(norms, a.T, b.T, order, rtol=1e-6)
    same_as_numpy(norms, a[::2, ::-3], b[::2, ::3], order, rtol=1e-6)
