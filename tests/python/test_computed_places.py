"""Where the first extreme of elementwise work is: NumPy's places, found as elements are computed."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from test_folding_kernels import LENGTHS, told
from test_reductions import drawn, shaped_by_rule

DTYPES = ("float64", "float32", "int64", "int32", "uint32", "int16", "complex128")
ARGS = (
    lambda x, y, axis: np.argmin(x + y, axis=axis),
    lambda x, y, axis: np.argmax(x + y, axis=axis),
)


def same_places(x: Any, y: Any, workers: tuple[int, ...] = (1, 4)) -> None:
    for reduce in ARGS:
        jitted = jl.jit(reduce)
        for axis in (None, *range(max(x.ndim, y.ndim))):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                wanted = reduce(x, y, axis)
                for count in workers:
                    jl.threads(count)
                    np.testing.assert_array_equal(jitted(x, y, axis), wanted, str(axis))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", LENGTHS)
def test_lines_of_any_length(length: int, dtype: str, jit_mode: None) -> None:
    rows = max(20_000 // length, 9)
    # Few different numbers: many are as good as the best.
    x, y = np.round(10 * drawn((2, rows, length), "float64", 1)).astype(dtype)
    for a, b in ((x, y), (x[:, ::-1], y[:1]), (x[::2], y[::2, :1])):
        same_places(a, b)


@pytest.mark.parametrize("size", [1, 511, 5000, 131_072, 262_145, 700_001])
@pytest.mark.parametrize("order", ["any", "rising", "falling", "equal"])
def test_the_first_of_all_elements(size: int, order: str, jit_mode: None) -> None:
    x = np.round(drawn((size,), "float64", 2) * 1e4)
    x = {"any": x, "rising": np.sort(x), "falling": -np.sort(x), "equal": 0 * x}[order]
    same_places(x, np.zeros(1))
    same_places(x[::-1].astype(np.float32), np.zeros(1, np.float32))


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf, -0.0, 5e-324])
@pytest.mark.parametrize("share", [1.0, 0.3, 0.001, 0.0])
def test_special_numbers(special: float, share: float, jit_mode: None) -> None:
    random = np.random.default_rng(3)
    x = np.round(random.random((900, 70)) * 8)
    x[random.random(x.shape) < share] = special
    x[:3] = 0.0
    x[5], x[6] = np.inf, -np.inf
    x[7, 2:] = np.nan
    for dtype in ("float64", "float32"):
        for length in (2, 5, 31, 32, 70):
            same_places(x[:, :length].astype(dtype), np.zeros(1, dtype))


def test_rows_and_planes() -> None:
    x, y = np.round(9 * drawn((2, 12, 9, 400), "float64", 4))
    same_places(x, y)
    same_places(x, y[:1, :, :1])
    same_places(x.transpose(1, 0, 2), y[:9, :1])


@pytest.mark.parametrize(
    "shape", [(60_000, 5), (900, 300), (40, 9000), (3, 20_000, 7), (1, 900, 300)], ids=str
)
@pytest.mark.parametrize("special", [1.0, np.nan])
def test_down_long_columns(shape: tuple[int, ...], special: float) -> None:
    x = np.round(50 * drawn(shape, "float64", 7))
    x[np.random.default_rng(8).random(shape) < 1e-4] = special
    in_memory = (
        lambda x, axis: np.argmin(x, axis=axis),
        lambda x, axis: np.argmax(x, axis=axis, keepdims=True),
    )
    same_places(x, np.zeros(1))
    for view in (x, x[..., ::-1], x[::-1], x.T, x.astype("complex64")):
        for axis in range(x.ndim):
            for reduce in in_memory:
                np.testing.assert_array_equal(jl.jit(reduce)(view, axis), reduce(view, axis))


def test_conditions_are_told_of_where_they_were_met(jit_mode: None) -> None:
    def work(x: Any, y: Any) -> Any:
        a = np.argmin(x * y, axis=1)
        b = np.argmax(
            x / y,
        )
        return a, b

    x, y = np.ones((3000, 9)), np.ones((3000, 9))
    assert told(work, x, y) == []
    x[::100, 4], y[::100, 4] = 1.7e308, 2.0
    assert told(work, x, y) == [("overflow encountered in multiply", 1)]
    y[1500, 3] = 0.0
    assert told(work, x, y) == [
        ("overflow encountered in multiply", 1),
        ("divide by zero encountered in divide", 3),
    ]


def test_the_elements_are_never_in_memory() -> None:
    x, y = drawn((2, 300, 200), "float64", 5)
    for axis in (None, 0, 1):
        assert shaped_by_rule(lambda x, y, axis: np.argmin((x - y) ** 2, axis=axis), x, y, axis)


def test_places_are_found_while_the_code_is_being_made() -> None:
    x, y = drawn((2, 40_000, 8), "float64", 6)
    jitted = jl.jit(ARGS[0])
    for _ in range(30):
        np.testing.assert_array_equal(jitted(x, y, 1), np.argmin(x + y, axis=1))


REDUCTIONS = "sum prod max min mean std any all argmin argmax count_nonzero".split()
EMPTY = [s for rank in (1, 2, 3) for s in itertools.product((0, 1, 3), repeat=rank) if 0 in s]


def reduced(name: str, axis: int | None) -> Any:
    reduction = getattr(np, name)

    def of_elements(x: Any) -> Any:
        return reduction(x * 2 > 1, axis=axis), reduction(x + 1, axis=axis)

    def of_memory(x: Any) -> Any:
        return reduction(x, axis=axis)

    return of_elements, of_memory


def outcome(program: Any, x: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            results = program(x)
        except ValueError as error:
            return str(error)
    several = results if isinstance(results, tuple) else (results,)
    return [(type(r), np.shape(r), np.asarray(r).tobytes()) for r in several]


@pytest.mark.parametrize("dtype", ["float64", "int32"])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_nothing_is_reduced_as_numpy_does(name: str, dtype: str) -> None:
    for shape in EMPTY:
        for axis in (None, *range(-len(shape), len(shape))):
            for program in reduced(name, axis):
                x = np.zeros(shape, dtype)
                assert outcome(jl.jit(program), x) == outcome(program, x), (shape, axis)
