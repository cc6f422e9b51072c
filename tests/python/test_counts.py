"""Sums and means of bools are counts: along any axes, of bools in memory and of computed ones."""

from __future__ import annotations

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy
from test_reductions import shaped_by_rule

SHAPES = ((0,), (1,), (7,), (100_003,), (0, 4), (4, 0), (3000, 1), (3000, 3), (3000, 7), (900, 8))
WIDER = ((900, 9), (700, 33), (700, 64), (300, 300), (9, 20_000), (3, 70_000), (40, 3, 900))

COUNTS = (
    lambda m, axis: np.sum(m, axis=axis),
    lambda m, axis: np.sum(m, axis=axis, dtype=np.float64),
    lambda m, axis: np.count_nonzero(m, axis=axis, keepdims=True),
    lambda m, axis: np.any(m, axis=axis),
    lambda m, axis: np.all(m, axis=axis),
)
COMPUTED = (
    lambda x, y, axis: np.sum(x > y, axis=axis),
    lambda x, y, axis: np.sum(x > y, axis=axis, dtype=np.float64),
    lambda x, y, axis: np.sum(x > y, axis=axis, dtype=np.float32),
    lambda x, y, axis: np.sum(x > y, axis=axis, dtype=np.uint64),
    lambda x, y, axis: np.prod(x > y, axis=axis),
    lambda x, y, axis: np.count_nonzero(x - y, axis=axis, keepdims=True),
    lambda x, y, axis: np.count_nonzero(x > y, axis=axis),
    lambda x, y, axis: np.any(x > y, axis=axis),
    lambda x, y, axis: np.all(x > y, axis=axis),
)


def bools(shape: tuple[int, ...], share: float, seed: int) -> np.ndarray:
    """Bools, whose true bytes have any value."""
    random = np.random.default_rng(seed)
    values = random.integers(1, 256, shape).astype(np.uint8)
    return np.where(random.random(shape) < share, values, 0).astype(np.uint8).view(bool)


@pytest.mark.parametrize("shape", SHAPES + WIDER, ids=str)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.999, 1.0])
def test_bools_in_memory_are_counted(shape: tuple[int, ...], share: float) -> None:
    m = bools(shape, share, 1)
    views = [m, m.T, m[..., ::-1], m[::2]]
    if shape[-1] > 3:
        views.append(m[..., 2:])
    for view in views:
        for reduce in COUNTS:
            for axis in (None, *range(view.ndim)):
                same_as_numpy(reduce, view, axis)


@pytest.mark.parametrize("shape", SHAPES + WIDER, ids=str)
def test_computed_bools_are_counted(shape: tuple[int, ...], jit_mode: None) -> None:
    random = np.random.default_rng(2)
    x, y = random.integers(0, 4, (2, *shape)).astype(float)
    x[..., 0::5] = np.nan
    for reduce in COMPUTED:
        jitted = jl.jit(reduce)
        for axis in (None, *range(x.ndim)):
            for a, b in ((x, y), (x.T, y.T), (x[..., ::-1], y[..., :1])):
                found, wanted = np.asarray(jitted(a, b, axis)), np.asarray(reduce(a, b, axis))
                assert found.dtype == wanted.dtype, axis
                assert np.array_equal(found, wanted), axis


def test_a_mean_of_bools_is_the_share_of_true_ones(jit_mode: None) -> None:
    random = np.random.default_rng(3)
    x = random.random((700, 300))
    for axis in (None, 0, 1, (0, 1)):
        same_as_numpy(lambda x, axis: np.mean(x < 0.3, axis=axis), x, axis)
        same_as_numpy(lambda x, axis: (x < 0.3).mean(axis=axis), x.T[::3], axis)


def test_the_bools_are_never_in_memory() -> None:
    x = np.random.default_rng(4).random((900, 400))
    for axis in (None, 0, 1):
        assert shaped_by_rule(lambda x, axis: np.sum(x > 0.5, axis=axis), x, axis)
        assert shaped_by_rule(lambda x, axis: np.mean(x > 0.5, axis=axis), x, axis)
        assert shaped_by_rule(lambda x, axis: np.any(x > 0.5, axis=axis), x, axis)
