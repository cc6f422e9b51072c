"""What runs between the products of a stream without ending it, with NumPy's results."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy

RTOL = 1e-9
M, N = 900, 60  # more than 256 kB


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def streamed(function: Callable[..., Any], *args: Any) -> int:
    """How many products were part of a stream."""
    return sum(row["kind"] == "stream" for row in jl.explain(function, *args).rows)


def squares(x, w, y):
    e = x @ w - y
    loss = np.sum(e * e)
    g = x.T @ e
    return loss, g


def entropy(x, w, y):
    p = 1.0 / (1.0 + np.exp(-(x @ w)))
    loss = -np.sum(y * np.log(p) + (1.0 - y) * np.log(1.0 - p)) / y.shape[0]
    g = x.T @ (p - y)
    return loss, g


def by_method(x, w, y):
    e = x @ w - y
    loss = e.mean()
    worst = np.abs(e).max()
    g = x.T @ e
    return loss, worst, g


def in_rounds(x, w, y):
    loss = 0.0
    for _ in range(6):
        e = np.tanh(x @ w) - y
        loss = np.mean(e**2)
        w = w - 0.01 * (x.T @ e)
    return loss, w


def of_the_rows_too(x, w, y):
    s = x @ w
    order = np.any(s > 1.0)
    total = s.sum() + 1.0
    g = s @ x
    return order, total, g


def ends_with_a_number(x, w, y):
    e = x @ w - y
    scale = np.sum(e * e)
    g = x.T @ (e / scale)
    return scale, g


def branches_on_a_number(x, w, y):
    e = x @ w - y
    if np.sum(e * e) < 0.0:
        return w
    return x.T @ e


COMPANY = [squares, entropy, by_method, in_rounds, of_the_rows_too]
BREAKS = [ends_with_a_number, branches_on_a_number]


@pytest.mark.parametrize("function", COMPANY + BREAKS)
@pytest.mark.parametrize("shape", [(M, N), (9000, 4), (7, 6000), (3, 2), (0, 3), (3, 0)])
def test_reductions_between_products_are_as_in_numpy(
    function: Callable[..., Any], shape: tuple[int, int]
) -> None:
    m, n = shape
    if m == 0 and function in (by_method, in_rounds):
        pytest.skip("NumPy warns of a mean of nothing by itself")

    same_as_numpy(function, numbers(m, n), numbers(n) / 10.0, np.ones(m), rtol=RTOL)


@pytest.mark.parametrize("function", COMPANY)
def test_reductions_do_not_end_a_stream(function: Callable[..., Any]) -> None:
    assert streamed(function, numbers(M, N), numbers(N) / 10.0, np.ones(M)) == 2


@pytest.mark.parametrize("function", BREAKS)
def test_numbers_that_are_needed_end_it(function: Callable[..., Any]) -> None:
    assert streamed(function, numbers(M, N), numbers(N), numbers(M)) == 0


@pytest.mark.parametrize("function", COMPANY)
@pytest.mark.parametrize("layout", ["F", "columns", "every other", "backwards"])
def test_any_layout_is_as_in_numpy(function: Callable[..., Any], layout: str) -> None:
    wide = numbers(2 * M, 2 * N)
    x = {
        "F": np.asfortranarray(wide[:M, :N]),
        "columns": wide[:M, 3 : N + 3],
        "every other": wide[::2, ::2],
        "backwards": wide[M - 1 :: -1, :N],
    }[layout]

    same_as_numpy(function, x, numbers(N) / 10.0, numbers(M), rtol=RTOL)


@pytest.mark.parametrize("function", [squares, in_rounds, of_the_rows_too])
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_conditions_are_told_with_their_line(function: Callable[..., Any], bad: float) -> None:
    x = numbers(M, N)
    x[300, 7] = bad

    same_as_numpy(function, x, np.full(N, 3.0), numbers(M), rtol=1e-9)


@pytest.mark.parametrize("function", COMPANY)
def test_the_bits_do_not_depend_on_workers_or_runs(function: Callable[..., Any]) -> None:
    x, w, y = numbers(3000, 50), numbers(50) / 10.0, np.ones(3000)
    compiled = jl.jit(function)
    results = []

    for workers in (1, 2, 4, 2):
        jl.threads(workers)
        results.append(compiled(x, w, y))

    for result in results[1:]:
        for one, first in zip(result, results[0], strict=True):
            assert np.array_equal(one, first)


def test_a_loss_has_the_bits_of_the_same_sum_alone() -> None:
    def alone(e):
        return np.sum(e * e)

    x, w, y = numbers(200_000, 5), numbers(5), numbers(200_000)

    loss = jl.jit(squares)(x, w, y)[0]

    assert loss == jl.jit(alone)(jl.jit(lambda a, b, c: a @ b - c)(x, w, y))


def test_an_overflow_of_a_late_number_is_told_with_its_line() -> None:
    def huge(x, w, y):
        s = x @ w
        loss = np.sum(s) * 1e300
        g = s @ x
        return loss, g

    same_as_numpy(huge, np.full((M, N), 1e6), np.full(N, 1e6), np.ones(M), rtol=RTOL)


# ---- v += a product ------------------------------------------------------------------


def both_added(x1, x2, y1, y2, a):
    x1 += a @ y1
    x2 += y2 @ a
    return x1, x2


def added_to_a_result(x1, x2, y1, y2, a):
    s = a @ y1
    s += x1
    s *= 2.0
    g = s @ a
    return s, g


def subtracted_in_rounds(x1, x2, y1, y2, a):
    for _ in range(5):
        x1 -= 0.001 * (a @ y1)
        x2 += 0.001 * (y2 @ a)
    return x1, x2


def read_after(x1, x2, y1, y2, a):
    x1 += a @ y1
    g = x1 @ a
    return g


def read_before_and_after(x1, x2, y1, y2, a):
    s = a @ y1
    total = np.sum(s)
    s += x1
    g = s @ a
    return total, g


ADDING = [both_added, added_to_a_result, subtracted_in_rounds, read_after, read_before_and_after]
SIDE = 190


def vectors(count: int) -> list[np.ndarray]:
    return [numbers(SIDE, seed=k + 1) for k in range(count)]


@pytest.mark.parametrize("function", ADDING)
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_adding_in_place_is_as_in_numpy(function: Callable[..., Any], workers: int) -> None:
    same_as_numpy(function, *vectors(4), numbers(SIDE, SIDE), rtol=RTOL, workers=workers)


@pytest.mark.parametrize("function", [both_added, added_to_a_result, subtracted_in_rounds])
def test_adding_in_place_does_not_end_a_stream(function: Callable[..., Any]) -> None:
    assert streamed(function, *vectors(4), numbers(SIDE, SIDE)) == 2


@pytest.mark.parametrize("function", ADDING)
def test_a_target_may_lie_in_the_matrix(function: Callable[..., Any]) -> None:
    def aliased(x2, y1, y2, a):
        return function(a[3], x2, y1, y2, a)

    def across(x2, y1, y2, a):
        return function(a[:, 3], x2, y1, y2, a)

    same_as_numpy(aliased, *vectors(3), numbers(SIDE, SIDE), rtol=1e-9)
    same_as_numpy(across, *vectors(3), numbers(SIDE, SIDE), rtol=1e-9)


@pytest.mark.parametrize("function", ADDING)
def test_vectors_may_be_one_and_the_same(function: Callable[..., Any]) -> None:
    def one(x, y, a):
        return function(x, x, y, y, a)

    def target_is_factor(x, y, a):
        return function(x, y, x, x, a)

    def shifted(long, y, a):
        return function(long[1:], y, long[:-1], long[1:], a)

    def turned(x, y, a):
        return function(x, y, x[::-1], x[::-1], a)

    x, y = vectors(2)
    a = numbers(SIDE, SIDE) / SIDE
    same_as_numpy(one, x, y, a, rtol=1e-9)
    same_as_numpy(target_is_factor, x, y, a, rtol=1e-9)
    same_as_numpy(shifted, numbers(SIDE + 1), y, a, rtol=1e-9)
    same_as_numpy(turned, x, y, a, rtol=1e-9)


def test_another_name_sees_what_was_added() -> None:
    def aliased(x, y, a):
        part = x[2:5]
        x += a @ y
        first = part[0]
        half = part * 0.5
        return first, half, x @ a

    def elementwise(x, y, z, a):
        back = x[::-1]
        x += a @ y
        e = back * z
        return e, e @ a

    same_as_numpy(aliased, *vectors(2), numbers(SIDE, SIDE), rtol=RTOL)
    same_as_numpy(elementwise, *vectors(3), numbers(SIDE, SIDE), rtol=RTOL)


def test_a_read_only_target_is_refused_at_its_line() -> None:
    x1, x2, y1, y2 = vectors(4)
    x1.flags.writeable = False

    same_as_numpy(both_added, x1, x2, y1, y2, numbers(SIDE, SIDE), rtol=RTOL)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e308])
def test_conditions_of_what_is_added_have_their_line(bad: float) -> None:
    x1, x2, y1, y2 = vectors(4)
    x1[7], y1[3] = bad, bad

    same_as_numpy(both_added, x1, x2, y1, y2, numbers(SIDE, SIDE), rtol=RTOL)


# ---- small products --------------------------------------------------------------------


def small_products(a, b, v, w):
    return a @ v, w @ a, v @ v, a @ b, np.dot(b, a), np.dot(v, b), a @ a.T, (a @ b) @ v


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "complex128"])
@pytest.mark.parametrize("shape", [(5, 3), (1, 1), (0, 3), (3, 0), (20, 30)])
def test_small_products_are_as_in_numpy(dtype: str, shape: tuple[int, int]) -> None:
    m, n = shape
    a, b = numbers(m, n).astype(dtype), numbers(n, m).astype(dtype)

    same_as_numpy(
        small_products, a, b, numbers(n).astype(dtype), numbers(m).astype(dtype),
        rtol=1e-5 if dtype == "float32" else RTOL,
    )  # fmt: skip


def test_small_products_of_any_layout_are_as_in_numpy() -> None:
    wide = numbers(60, 60)

    for a in (wide[:20, :30], wide.T[:20, :30], wide[::2, ::2][:20], wide[::-1, :30][:20]):
        b, v = a.T.copy(), wide[3, ::2]
        same_as_numpy(small_products, a[:, :30], b, v, wide[:20, 7], rtol=RTOL)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e308])
def test_small_products_tell_of_conditions(bad: float) -> None:
    a = np.full((4, 4), 3.0)
    a[1, 2] = bad

    same_as_numpy(small_products, a, a.copy(), np.full(4, bad), np.full(4, -2.0))


def test_results_of_small_products_are_kept_apart() -> None:
    def kept(a, v, n):
        seen = []
        for _ in range(n):
            v = a @ v
            seen.append(v)
        return seen

    same_as_numpy(kept, numbers(3, 3), numbers(3), 20, rtol=1e-9, opaque=True)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_bits_of_a_row_do_not_depend_on_the_rows_beside_it(dtype: str) -> None:
    def product(a, v):
        return a @ v

    def turned(a, e):
        return a.T @ e

    product, turned = jl.jit(product), jl.jit(turned)
    for n in range(2, 70):
        a, v = numbers(200_000 // n, n).astype(dtype), numbers(n).astype(dtype)
        e = numbers(len(a)).astype(dtype)
        few = 103
        e[few:] = 0.0

        assert np.array_equal(product(a, v)[:few], product(a[:few], v))
        assert np.array_equal(turned(a, e), turned(a[:few], e[:few]))


# ---- machine code ----------------------------------------------------------------------

PROGRAM = """
import numpy as np
import jetlag as jl

def descend(x, w, y):
    for _ in range(4):
        e = 1.0 / (1.0 + np.exp(-(x @ w))) - y
        w = w - 0.01 * (x.T @ e)
    return w

x = np.random.default_rng(0).standard_normal((3000, 50))
w, y = np.zeros(50), np.ones(3000)
kinds = [row["kind"] for row in jl.explain(descend, x, w, y).rows]
results = []
for jl.settings.jit in ("off", "always"):
    results.append(jl.jit(descend)(x, w, y).tobytes())
print(kinds.count("stream"), results[0] == results[1])
"""


def test_machine_code_computes_within_a_stream(tmp_path: Path) -> None:
    program, objects = tmp_path / "program.py", tmp_path / "objects"
    program.write_text(PROGRAM)

    done = subprocess.run(
        [sys.executable, program],
        env={**os.environ, "JETLAG_CACHE_DIR": str(objects), "JETLAG_JIT": "off"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "2 True\n"
    # The elementwise work of the stream, and the new weights.
    assert len(list(objects.glob("*.object"))) == 2
