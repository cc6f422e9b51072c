"""What an index array takes is taken by the elementwise work that reads it, with NumPy's values."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy
from test_stores import numbers, rules

MANY = 70_001  # indices: enough for tasks, and a vector that is not full


def indices(count: int, *shape: int, dtype: str = "int64", least: int = 0) -> np.ndarray:
    return np.random.default_rng(7).integers(least, count, shape).astype(dtype)


def weighted(x, i, w):
    return x[i] * w


def both(a, b, i, w):
    return a[i] * w + b[i]


def summed(x, i, w):
    return np.sum(x[i] * w + 1, axis=-1), np.max(x[i] * w, axis=0)


def total(x, i, w):
    return np.sum(x[i] * w)


@pytest.fixture(params=["off", "auto", "always"])
def mode(request):
    before = jl.settings.jit
    jl.settings.jit = request.param
    yield request.param
    jl.settings.jit = before


@pytest.mark.parametrize("count", [1, 1000, 100_000])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int8", "complex128", "bool"])
def test_dtypes_of_what_is_taken(dtype, count, mode) -> None:
    x, y = (numbers(count, seed=1) * 50).astype(dtype), (numbers(count) * 9).astype(dtype)
    w = (numbers(MANY) * 9).astype(dtype)

    same_as_numpy(weighted, x, indices(count, MANY), w)
    same_as_numpy(both, x, y, indices(count, MANY), w)


@pytest.mark.parametrize("dtype", ["int64", "int32", "int16", "uint8", "uint32", "uint64"])
def test_dtypes_of_indices(dtype, mode) -> None:
    same_as_numpy(both, numbers(100), numbers(100), indices(100, MANY, dtype=dtype), numbers(MANY))


@pytest.mark.parametrize("least", [-100, -1])
@pytest.mark.parametrize("dtype", ["int64", "int8"])
def test_indices_from_the_end(dtype, least, mode) -> None:
    i = indices(100, MANY, dtype=dtype, least=least)

    same_as_numpy(both, numbers(100), numbers(100, seed=2), i, numbers(MANY))


def test_arrays_of_different_lengths_share_indices() -> None:
    i = indices(50, MANY, least=-50)

    same_as_numpy(both, numbers(50), numbers(90), i, numbers(MANY))


@pytest.mark.parametrize("at", [0, 5, MANY - 1])
@pytest.mark.parametrize("value", [100, -101, 2**62, -(2**63)])
def test_an_index_out_of_bounds_is_told_where_it_stands(value, at) -> None:
    def f(x, y, i, w):
        a = y[i]
        b = x[i]
        return a * w + b

    i = indices(100, MANY)
    i[at] = value
    same_as_numpy(f, numbers(100), numbers(100), i, numbers(MANY))


def test_an_error_after_a_gather_keeps_its_line() -> None:
    def f(x, i, w):
        a = x[i]
        b = w[:-1] * 2
        return a * b

    same_as_numpy(f, numbers(100), indices(100, MANY), numbers(MANY))


@pytest.mark.parametrize("shape", [(300, 40), (40, 300), (9, 10, 77), (5000, 1)])
def test_indices_of_several_axes(shape, mode) -> None:
    x, i, w = numbers(100), indices(100, *shape), numbers(*shape)

    same_as_numpy(weighted, x, i, w)
    same_as_numpy(weighted, x, i, numbers(shape[-1]))
    same_as_numpy(summed, x, i, w, rtol=1e-12)
    same_as_numpy(total, x, i, w, rtol=1e-12)
    same_as_numpy(weighted, x, np.asfortranarray(i), w)
    same_as_numpy(weighted, x, i.T, w.T)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_gaps_and_empty_arrays(workers) -> None:
    x, i, w = numbers(200), indices(100, 2 * MANY), numbers(2 * MANY)

    same_as_numpy(weighted, x[::2], i, w, workers=workers)
    same_as_numpy(weighted, x[::-1], i, w, workers=workers)
    same_as_numpy(weighted, x, i[::2], w[::2], workers=workers)
    same_as_numpy(weighted, x, i[::-1], w[::-1], workers=workers)
    same_as_numpy(weighted, x[:0], i[:0], w[:0], workers=workers)
    same_as_numpy(weighted, x[:0], i, w, workers=workers)


def test_rows_of_a_matrix() -> None:
    same_as_numpy(weighted, numbers(100, 7), indices(100, 9000), numbers(9000, 7))


def test_masks_and_numbers_and_slices_where_indices_might_be() -> None:
    mask = numbers(MANY) > 0.5

    same_as_numpy(weighted, numbers(MANY), mask, numbers(np.count_nonzero(mask)))
    same_as_numpy(weighted, numbers(MANY), 3, numbers(MANY))
    same_as_numpy(weighted, numbers(MANY), slice(1, None), numbers(MANY - 1))
    same_as_numpy(weighted, numbers(9), indices(9, 3), numbers(3))


def into_itself(x, i):
    x[:] = x[i] * 2 + 1
    return x


def added_to_itself(x, i):
    x += x[i] * 2
    return x


def over_itself(x, i):
    x = x * 1
    x = x[i] * 2 + x
    return x


def into_a_part(x, i):
    x[1:] = x[i][1:] + x[i][:-1]
    x[:-1] = x[i[1:]] * 3
    return x


def over_the_indices(x, i):
    i[:] = i[i] * 2 + i
    return x, i


def written_between(x, i):
    a = x[i]
    x[0] = 5
    return a * 2 + x


def indices_written_between(x, i):
    a = x[i]
    i[0] = 1
    return a * 2 + x


def kept(x, i):
    a = x[i]
    b = a * 2 + 1
    return a, b


def later(x, i):
    a = x[i]
    b = x * 2
    c = b[::-1]
    return a * c + b


def scattered(x, i):
    x[i] = x[i] * 2
    x[i] += x[i] + 1
    return x


def in_rounds(x, i):
    for k in range(5):
        x = x[i] * 0.5 + k
        i = (i * 3 + k) % 50_000
    return x


def in_rounds_in_place(x, i):
    for _ in range(5):
        x[:] = x[i] * 0.5 + x
        i[:] = i[i] // 2 + i // 2
    return x, i


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize(
    "function",
    [
        into_itself,
        added_to_itself,
        over_itself,
        into_a_part,
        over_the_indices,
        written_between,
        indices_written_between,
        kept,
        later,
        scattered,
        in_rounds,
        in_rounds_in_place,
    ],
)
def test_arrays_that_are_read_and_written(function, workers) -> None:
    x, i = numbers(50_000), indices(16_000, 50_000)

    same_as_numpy(function, x, i, workers=workers)
    same_as_numpy(function, i.copy(), i, workers=workers)
    same_as_numpy(function, i, i, workers=workers)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_large_steps_one_after_another(workers) -> None:
    def f(x, i, w):
        y = x * 2 + 1
        z = y[i] * w
        s = z[i] + y
        return s, np.sum(s * s)

    n = 600_000
    same_as_numpy(f, numbers(n), indices(n, n), numbers(n), workers=workers, rtol=1e-12)


def test_a_nan_stays_the_one_that_it_is(mode) -> None:
    x = np.arange(2**52 - 7, 2**52 + 9, dtype=np.int64).view(np.float64)
    x[3:7] = np.array([0x7FF0000000000001, 0x7FF8000000000003, -1, 0x7FF4 << 48]).view(np.float64)

    def f(x, i, c, y):
        return np.where(c, x[i], y)

    i, c = indices(16, MANY), numbers(MANY) > 0.2
    found = jl.jit(f)(x, i, c, numbers(MANY))
    assert found.tobytes() == f(x, i, c, numbers(MANY)).tobytes()


@pytest.mark.parametrize("how", ["warn", "raise"])
def test_conditions_have_their_lines(how, mode) -> None:
    def f(x, i, w):
        a = x[i] / w
        return np.sqrt(x[i] - 0.1) + a

    x, w = numbers(100), numbers(MANY)
    x[5] = -1.0
    w[77] = 0.0
    with np.errstate(all=how):
        same_as_numpy(f, x, indices(100, MANY), w, rtol=1e-13)
        same_as_numpy(f, x, np.zeros(MANY, np.int64), numbers(MANY) + 1, rtol=1e-13)


def test_explain_names_the_rule() -> None:
    x, i, w = numbers(100), indices(100, MANY), numbers(MANY)

    for f, args in [(weighted, (x, i, w)), (both, (x, x, i, w)), (total, (x, i, w))]:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert "fused-gather" in rules(f, *args)
    assert "fused-gather" not in rules(weighted, x, i[:100], w[:100])
    assert "fused-gather" not in rules(kept, x, i)


def test_the_bits_are_those_without_the_rule() -> None:
    args = numbers(100), numbers(100), indices(100, MANY), numbers(MANY)
    found = jl.jit(both)(*args)
    before = jl.settings.rules
    jl.settings.rules = "-fused-gather"
    try:
        np.testing.assert_array_equal(found, jl.jit(both)(*args))
    finally:
        jl.settings.rules = before
