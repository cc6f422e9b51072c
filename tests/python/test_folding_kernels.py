"""Lines that machine code folds as it computes them: bits, conditions and all as in two steps."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy
from test_reductions import bits, drawn

RULE = "fused-reduction"
# Below, at and above what is summed side by side, in one register, in eight, and in one run.
LENGTHS = (1, 2, 3, 4, 5, 7, 8, 9, 15, 30, 31, 32, 33, 63, 64, 65, 100, 511, 512, 513, 1030)


def in_two_steps(function: Any, *args: Any) -> Any:
    """The result where elements are stored and then folded, by the interpreter."""
    rules, jit = jl.settings.rules, jl.settings.jit
    jl.settings.rules, jl.settings.jit = "-" + RULE, "off"
    try:
        return jl.jit(function)(*args)
    finally:
        jl.settings.rules, jl.settings.jit = rules, jit


def same_bits(function: Any, *args: Any) -> None:
    wanted = bits(in_two_steps(function, *args))
    jitted = jl.jit(function)
    for workers in (1, 2, 4):
        jl.threads(workers)
        assert bits(jitted(*args)) == wanted, workers


def squares(x: Any, y: Any) -> Any:
    return np.sum((x - y) * (x - y), axis=-1)


def largest(x: Any, y: Any) -> Any:
    return np.max(x * y + x, axis=-1)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint32"])
@pytest.mark.parametrize("function", [squares, largest])
@pytest.mark.parametrize("length", LENGTHS)
def test_lines_of_any_length(length: int, function: Any, dtype: str, jit_mode: None) -> None:
    rows = max(20_000 // length, 9)
    dtype = "int32" if dtype.startswith("u") and function is largest else dtype
    x, y = drawn((rows, length), dtype, 1), drawn((rows, length), dtype, 2)
    for a, b in ((x, y), (x[:, ::-1], y[:1]), (x[::2], y[::2, :1])):
        same_bits(function, a, b)


def down(x: Any, y: Any) -> Any:
    return np.sum((x - y) * (x - y), axis=0), np.max(x * y + x, axis=0)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int32"])
@pytest.mark.parametrize("columns", [1, 3, 7, 8, 9, 40, 65, 700, 1025, 5000])
@pytest.mark.parametrize("rows", [2, 5, 31, 400])
def test_rows_are_folded_down(rows: int, columns: int, dtype: str, jit_mode: None) -> None:
    rows = max(rows, 9000 // columns)
    x, y = drawn((rows, columns), dtype, 1), drawn((rows, columns), dtype, 2)
    for a, b in ((x, y), (x[:, ::-1], y[:1]), (x[::2], y[::2, :1]), (x[::-1], y)):
        same_bits(down, a, b)


@pytest.mark.parametrize("axis", [0, 1, (0, 1), (0, 2)])
def test_planes_are_folded_down(axis: Any, jit_mode: None) -> None:
    x, y = drawn((13, 21, 90), "float64", 1), drawn((13, 21, 90), "float64", 2)
    for a, b in ((x, y), (x, y[:1]), (x, y[:, :1]), (x[:, ::2, ::-1], y[:, 3:14, :1])):
        same_bits(lambda a, b: np.sum(a * b + a, axis=axis), a, b)
        same_bits(lambda a, b: np.mean(np.abs(a - b), axis=axis), a, b)


def test_sums_are_as_before_where_a_row_meets_a_condition(jit_mode: None) -> None:
    x, y = drawn((900, 300), "float64", 3), drawn((900, 300), "float64", 4)
    x[0], x[400, 7], x[500, 8], x[600, 9] = 1.0, np.nan, np.inf, 1.7e308
    y[600, 9] = 1e200
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same_bits(down, x, y)
        same_bits(lambda x, y: np.prod(x / y, axis=0), x, y)


@pytest.mark.parametrize("length", [2, 3, 8, 16, 40])
@pytest.mark.parametrize("others", [1, 5, 16, 33])
def test_every_line_of_one_meets_every_line_of_another(
    length: int, others: int, jit_mode: None
) -> None:
    points, centres = drawn((600, length), "float64", 3), drawn((others, length), "float64", 4)

    def apart(p: Any, c: Any) -> Any:
        return np.sum((p[:, None, :] - c[None, :, :]) ** 2, axis=2)

    same_bits(apart, points, centres)
    same_bits(apart, points[:, ::-1], centres.T.copy().T)
    same_as_numpy(apart, points, centres, rtol=1e-12)


@pytest.mark.parametrize("size", [5000, 100_000, 262_144, 262_145, 700_001])
def test_all_elements_make_one_number(size: int, jit_mode: None) -> None:
    x, y = drawn((size,), "float64", 5), drawn((size,), "float64", 6)
    same_bits(squares, x, y)
    same_bits(lambda x, y: np.mean(np.abs(x - y)), x, y[::-1])
    same_bits(lambda x: np.prod(1 + x * 1e-6), x)
    same_as_numpy(lambda x: np.sum(np.sqrt(x * x)), x, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("length", [1, 3, 4, 8, 13, 100, 515, 1000])
def test_rows_times_a_vector(length: int, dtype: str, jit_mode: None) -> None:
    rows = max(30_000 // length, 11)
    x, y = drawn((rows, length), dtype, 7), drawn((rows, length), dtype, 8)
    v = drawn((2 * length,), dtype, 9)[::2]

    def product(x: Any, y: Any, v: Any) -> Any:
        return np.dot(x * y, v)

    for a, b in ((x, y), (x, y[:1]), (x[:, :1], y[:, ::-1])):
        same_bits(product, a, b, v)
    same_as_numpy(product, x, y, v, rtol=1e-9 if dtype == "float64" else 1e-2)


def told(function: Any, *args: Any) -> list[tuple[str, int]]:
    """What is warned of, and how many lines after the function's first."""
    first = function.__code__.co_firstlineno
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        jl.jit(function)(*args)
    return [(str(w.message), w.lineno - first) for w in caught]


@pytest.mark.parametrize("every", [1, 7, 1000])
def test_conditions_are_told_of_where_they_were_met(every: int, jit_mode: None) -> None:
    def work(x: Any, y: Any) -> Any:
        products = x * y
        a = np.sum(products, axis=1)
        b = np.sum(
            x / 4.0,
            axis=1,
        )
        return a, b

    overflow = "overflow encountered in "
    x, y = np.ones((3000, 9)), np.ones((3000, 9))
    assert told(work, x, y) == []
    x[::every, 4:6] = 1.7e308
    assert told(work, x, y) == [(overflow + "reduce", 2)]
    y[::every, 5] = 1e9
    assert told(work, x, y) == [(overflow + "multiply", 1)]
    y[2000, :2] = np.inf, -np.inf
    assert told(work, x, y) == [
        (overflow + "multiply", 1),
        ("invalid value encountered in reduce", 2),
    ]


def test_conditions_met_down_the_rows(jit_mode: None) -> None:
    def work(x: Any, y: Any) -> Any:
        a = np.sum(x * y, axis=0)
        return a

    overflow = "overflow encountered in "
    x, y = np.ones((300, 900)), np.ones((300, 900))
    assert told(work, x, y) == []
    x[100:102, 7] = 1.7e308
    assert told(work, x, y) == [(overflow + "reduce", 1)]
    y[100, 8], x[100, 8] = 1e9, 1e300
    assert told(work, x, y) == [(overflow + "multiply", 1), (overflow + "reduce", 1)]


def test_conditions_of_a_product_with_a_vector(jit_mode: None) -> None:
    def work(x: Any, v: Any) -> Any:
        return np.dot(1 / x, v)

    x, v = np.ones((900, 40)), np.ones(40)
    x[17, 3] = 0.0
    same_as_numpy(work, x, v)
    x[17, 3], v[5] = 1.0, np.nan
    same_as_numpy(work, x, v)


def test_special_numbers(jit_mode: None) -> None:
    random = np.random.default_rng(1)
    for special in (np.nan, np.inf, -0.0, 5e-324):
        x = random.random((500, 45))
        x[random.random(x.shape) < 0.05] = special
        x[:3] = -0.0
        for length in (2, 8, 45):
            for reduce in (np.max, np.min, np.sum, np.prod):
                same_bits(lambda x: reduce(x * 1.0, axis=1), x[:, :length])  # noqa: B023
            if special != 0:
                same_as_numpy(lambda x: np.max(x * 1.0, axis=1), x[3:, :length])


def test_lines_are_folded_while_the_code_is_being_made() -> None:
    x, y = drawn((40_000, 8), "float64", 10), drawn((40_000, 8), "float64", 11)
    wanted = bits(in_two_steps(squares, x, y))
    jitted = jl.jit(squares)
    assert {bits(jitted(x, y)) for _ in range(30)} == {wanted}
