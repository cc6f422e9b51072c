"""Places that an index array names twice hold what NumPy stores last."""

from __future__ import annotations

import numpy as np
import pytest

from same import same_as_numpy

RNG = np.random.default_rng(5)
VALUES = {
    "a number": 7.0,
    "a row": RNG.random(5),
    "a column": RNG.random((5, 1)),
    "rows": RNG.random((5, 5)),
    "columns": np.asfortranarray(RNG.random((5, 5))),
    "of another dtype": RNG.integers(0, 99, (5, 5)).T,
}
LAYOUTS = {
    "rows": np.ascontiguousarray,
    "columns": np.asfortranarray,
    "backwards": lambda i: np.ascontiguousarray(i[::-1])[::-1],
    "every second": lambda i: np.repeat(i, 2, axis=1)[:, ::2],
}


def store(a, index, value):
    a[index] = value
    return a


def store_computed(a, index, value):
    a[index % 5] = value
    return a


def store_itself(a, index, value):
    a[index] = a
    return a


def store_pairs(a, index, value):
    b = np.zeros((5, 3))
    b[index, index % 3] = value
    return b


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("program", [store, store_computed, store_itself, store_pairs])
def test_the_last_one_stays(program, value, layout) -> None:
    for _ in range(5):
        index = LAYOUTS[layout](RNG.integers(0, 5, (5, 5)))
        same_as_numpy(program, RNG.random(5), index, VALUES[value])


def test_more_axes() -> None:
    index = RNG.integers(0, 9, (4, 5, 6)).transpose(2, 0, 1)
    same_as_numpy(store, RNG.random(9), index, RNG.random((6, 4, 5)))
    same_as_numpy(store, RNG.random(9), index, RNG.random((4, 5)))


def one_more_axis(a, i):
    return a[i, None], a[i, None] + 1


def one_column(a, i):
    return a[i, 1:2]


def store_in_one_column(a, i, v):
    b = a.copy()
    b[i, 1:2] = v
    return b


@pytest.mark.parametrize("turn", [np.asarray, np.asfortranarray, lambda i: i[::-1]])
def test_a_rest_of_one_element_is_no_rest(turn) -> None:
    """As in NumPy: results lie as the index arrays do, and stores go along them."""
    i = turn(np.array([[0, 1, 0], [1, 1, 2]]))
    a = np.arange(12.0).reshape(4, 3)
    same_as_numpy(one_more_axis, a[:, 0].copy(), i)
    same_as_numpy(one_column, a, i)
    for v in (np.arange(6.0).reshape(2, 3, 1), np.arange(3.0)[:, None], 5.0):
        same_as_numpy(store_in_one_column, a, i, v)
