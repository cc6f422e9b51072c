"""Loops as machine code: elementwise work on slices, rows and vectors."""

from __future__ import annotations

from collections.abc import Callable
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
    return np.random.default_rng(7).integers(-4, 5, shape).astype(dtype)


def eliminate(a):
    for i in range(a.shape[0]):
        a[i, i] += 100.0
        for j in range(i + 1, a.shape[0]):
            a[j, i:] -= a[j, i] / a[i, i] * a[i, i:]
    return a


def by_rows(a):
    for i in range(1, a.shape[0]):
        a[i] = a[i] * 0.5 - a[i - 1] / 4
        a[i - 1] += 1.0
    return a


def by_columns(a):
    for j in range(1, a.shape[1]):
        a[:, j] += 2 * np.abs(a[:, j - 1])
        a[1:, 0] = -a[1:, j]
    return a


def levinson(y):
    for k in range(1, y.shape[0]):
        y[:k] += y[k] * np.flip(y[:k]) / 8
        y[:k] -= y[:k][::-1] * 0.25
        y[k - 1 :: -1] = y[:k]
    return y


def shifted(x):
    for k in range(2, x.shape[0]):
        x[1:k] = x[: k - 1]
        x[: k - 1] = x[1:k]
        x[1:k] = x[1:k] + x[: k - 1]
        x[:0] = 5.0
        x[k:] = 1
    return x


def projected(x, rows):
    for i in range(rows.shape[0]):
        x -= np.dot(x, rows[i]) * rows[i] / 64
        x += 1
    return x


PROGRAMS: list[tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]] = [
    (eliminate, ((7, 7),)),
    (by_rows, ((5, 6),)),
    (by_columns, ((5, 6),)),
    (levinson, ((9,),)),
    (shifted, ((9,),)),
    (projected, ((6,), (4, 6))),
]


@pytest.mark.parametrize(("program", "shapes"), PROGRAMS)
def test_these_are_compiled(
    program: Callable[..., Any],
    shapes: tuple[tuple[int, ...], ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jl.settings, "jit", "always")

    text = str(jl.explain(jl.jit(program), *(whole(*s) for s in shapes)))

    assert "compiled-loop" in text
    assert "compiled-loop:" not in text  # a reason not to


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "complex128"])
@pytest.mark.parametrize(("program", "shapes"), PROGRAMS)
def test_values(
    program: Callable[..., Any], shapes: tuple[tuple[int, ...], ...], dtype: str
) -> None:
    same_as_numpy(program, *(whole(*s, dtype=dtype) for s in shapes))


@pytest.mark.parametrize(("program", "shapes"), PROGRAMS)
def test_layouts_and_empty_arrays(
    program: Callable[..., Any], shapes: tuple[tuple[int, ...], ...]
) -> None:
    first, *others = (whole(*s) for s in shapes)
    wide = whole(*(3 * n for n in first.shape))
    parts = [
        wide[tuple(slice(0, 3 * n, 3) for n in first.shape)],
        wide[tuple(slice(3 * n, None, -2) for n in first.shape)][: first.shape[0]],
        np.asfortranarray(first),
    ]
    for part in parts:
        if part.shape == first.shape:
            same_as_numpy(program, part, *others)
    if not others:
        same_as_numpy(program, np.zeros((0,) * first.ndim))


def test_long_lines_are_left_to_the_interpreter() -> None:
    def shares(x, y):
        for k in range(3):
            x[k:] += 0.5 * y[k:]
        return x

    same_as_numpy(shares, whole(20_000), whole(20_000))


def test_arguments_that_share_memory() -> None:
    def mixes(x, y):
        for k in range(1, 5):
            x[:k] += 2 * y[:k]
            y[k : 2 * k] = x[:k] - y[:k]
        return x

    base = whole(12)
    same_as_numpy(mixes, base[:10], base[2:])
    same_as_numpy(mixes, base, base)


def test_one_value_stored_twice() -> None:
    def chained(x, y):
        for k in range(1, 6):
            y[:k] = x[:k] = x[:k][::-1] * 2 + y[:k]
        return x, y

    same_as_numpy(chained, whole(8), whole(8))


def test_lengths_that_do_not_fit() -> None:
    def too_long(x, y):
        for k in range(1, 5):
            x[:k] = y[:2] * 3
        return x

    def broadcast(x, y):
        for k in range(1, 5):
            x[:k] += y[:1] * 3
            x[k:] = y[1:2]
        return x

    def never(x, y):
        for k in range(1, 5):
            y[:k] += x[: k + 1] * x[:k]
        return y

    same_as_numpy(too_long, whole(6), whole(6))
    same_as_numpy(broadcast, whole(6), whole(6))
    same_as_numpy(never, whole(6), whole(6))


def test_an_index_in_the_middle_that_fails() -> None:
    def beyond(a, b):
        for k in range(1, 9):
            a[k, :] = a[k - 1, :] * 2
            a[k, 1:] += b[k] * a[k, :-1]
        return a

    same_as_numpy(beyond, whole(9, 4), whole(5))
    same_as_numpy(beyond, whole(5, 4), whole(9))


@pytest.mark.filterwarnings("ignore:JetLag:RuntimeWarning")
@pytest.mark.parametrize("how", ["warn", "raise", "ignore"])
def test_conditions_are_told_where_numpy_tells_them(how: Any) -> None:
    def conditions(x, y):
        for k in range(1, 6):
            x[:k] = x[:k] * 1e200
            y[:k] += 1.0 / y[k:][::-1][:k]
            x[k] = y[k] * 2
        return x

    def divides(x, y):
        for k in range(1, 6):
            x[:k] /= y[:k]
        return x

    with np.errstate(all=how):
        same_as_numpy(conditions, np.full(10, 1e100), whole(10))
        same_as_numpy(divides, whole(10), whole(10))


def test_a_read_only_target() -> None:
    def stores(x):
        for k in range(1, 4):
            x[:k] = 0.0
        return x

    x = whole(5)
    x.setflags(write=False)
    same_as_numpy(stores, x)


def test_what_a_loop_leaves_behind() -> None:
    def leaves(x, n):
        last = 0.0
        for k in range(1, n):
            x[:k] *= 2.0
            last = x[k - 1]
            if last > 100:
                break
        return x, last, k

    same_as_numpy(leaves, np.arange(1.0, 12.0), 11)


bounds = st.one_of(st.none(), st.integers(-9, 9))


@settings(max_examples=40, deadline=None)
@given(
    to=st.tuples(bounds, bounds, st.sampled_from([None, 1, -1])),
    of=st.tuples(bounds, bounds, st.sampled_from([None, 1, -1])),
)
def test_any_bounds(to: tuple[Any, ...], of: tuple[Any, ...]) -> None:
    a, b, s = to
    c, d, t = of

    def copies(x, y):
        for _ in range(2):
            x[a:b:s] = y[c:d:t]
            x[a:b:s] += y[c:d:t] * 2
        return x

    def within(x):
        for _ in range(2):
            x[a:b:s] -= 2 * x[c:d:t]
        return x

    same_as_numpy(copies, whole(7), whole(7, 2)[:, 0])
    same_as_numpy(within, whole(7))


def test_bits_are_those_of_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    a = np.random.default_rng(1).random((40, 40))
    results = []

    for mode in ("off", "always"):
        monkeypatch.setattr(jl.settings, "jit", mode)
        results.append(jl.jit(eliminate)(a.copy()).tobytes())

    assert results[0] == results[1]
