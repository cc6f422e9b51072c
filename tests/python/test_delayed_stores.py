"""Results that are stored behind what is read of the same memory, and in-place operations that
are part of the pass before them, leave what NumPy leaves."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy
from test_stores import numbers, rules

MODES = ["off", "auto", "always"]


@pytest.fixture(params=MODES)
def _jit(request: pytest.FixtureRequest):
    before = jl.settings.jit
    jl.settings.jit = request.param
    yield
    jl.settings.jit = before


def heat(u, steps):
    for _ in range(steps):
        u[1:-1, 1:-1] = u[1:-1, 1:-1] + 0.1 * (
            u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4.0 * u[1:-1, 1:-1]
        )
    return u


def fields(ex, ey, hz, steps):
    for t in range(steps):
        ey[0, :] = t
        ey[1:, :] -= 0.5 * (hz[1:, :] - hz[:-1, :])
        ex[:, 1:] -= 0.5 * (hz[:, 1:] - hz[:, :-1])
        hz[:-1, :-1] -= 0.7 * (ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1])
    return ex, ey, hz


@pytest.mark.usefixtures("_jit")
@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("shape", [(3, 3), (40, 700), (700, 40), (300, 401), (900, 1000)])
def test_a_stencil_in_its_own_memory(shape, workers) -> None:
    same_as_numpy(heat, numbers(*shape), 3, workers=workers)


@pytest.mark.usefixtures("_jit")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("shape", [(3, 4), (300, 401), (700, 1000)])
def test_fields_that_are_changed_by_each_other(shape, workers) -> None:
    same_as_numpy(fields, *(numbers(*shape, seed=k) for k in range(3)), 4, workers=workers)


def test_explain_names_the_rules() -> None:
    assert "delayed-store" in rules(heat, numbers(300, 400), 1)
    assert "fused-augment" in rules(fields, *(numbers(300, 400) for _ in range(3)), 1)


def shifted(u, ahead, behind, factor):
    n = u.shape[0]
    u[behind : n - ahead] = (u[behind + ahead :] - factor * u[: n - ahead - behind]) * 0.5
    return u


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
@pytest.mark.parametrize("shape", [(2000,), (70_000,), (900, 300), (200, 30, 40), (64, 20_000)])
def test_rows_are_reached_from_far_and_near(shape, dtype) -> None:
    for ahead, behind in [(0, 1), (1, 0), (2, 3), (0, 7), (17, 16)]:
        u = (numbers(*shape) * 64).astype(dtype)
        same_as_numpy(shifted, u, ahead, behind, np.dtype(dtype).type(3))


def test_integers_wrap_in_place() -> None:
    def step(a, b):
        a[1:] = a[:-1] * 3 + a[1:]
        a[:-2] -= b[2:] * 5 + a[2:]
        return a

    random = np.random.default_rng(0)
    for dtype in ("int8", "uint16", "int64"):
        a, b = (random.integers(0, 100, 90_000).astype(dtype) for _ in range(2))
        same_as_numpy(step, a, b)


def test_a_random_stencil_agrees() -> None:
    def step(u, r0, c0, r1, c1, height, width):
        view = u[r0 : r0 + height, c0 : c0 + width]
        other = u[r1 : r1 + height, c1 : c1 + width]
        view[:] = other * 2.0 - view
        view -= other * view + 1.0
        return u

    random = np.random.default_rng(1)
    jitted = jl.jit(step)
    for _ in range(60):
        rows, columns = (int(n) for n in random.integers(3, 400, 2))
        if random.integers(3) == 0:
            columns *= 50
        height, width = int(random.integers(1, rows)), int(random.integers(1, columns))
        at = [
            int(random.integers(0, rows - height + 1)),
            int(random.integers(0, columns - width + 1)),
        ]
        by = [
            int(random.integers(0, rows - height + 1)),
            int(random.integers(0, columns - width + 1)),
        ]
        u = random.standard_normal((rows, columns))
        expected, found = u.copy(), u.copy()
        step(expected, *at, *by, height, width)
        jl.threads(int(random.integers(1, 4)))
        jitted(found, *at, *by, height, width)
        np.testing.assert_array_equal(found, expected)


def test_small_operands_in_the_way_are_copied() -> None:
    def shortest(path):
        for k in range(path.shape[0]):
            path[:] = np.minimum(path, path[:, k][:, None] + path[k, :])
        return path

    def scaled(a):
        a[:] = a * a[0] + a[:, :1]
        a -= a[1] * 2.0 + a[:, 3][:, None]
        return a

    same_as_numpy(shortest, (numbers(60, 60) * 100).round())
    same_as_numpy(scaled, numbers(300, 400))
    assert "store-in-place" in rules(shortest, numbers(60, 60))


@pytest.mark.parametrize("spoil", [np.nan, np.inf, 1e308])
def test_conditions_are_told_once_with_their_lines(spoil) -> None:
    def step(u, v):
        u[1:] = u[:-1] * 4.0 - u[1:]
        v[:, 1:] -= 8.0 * (u[:, 1:] - u[:, :-1])
        v += u * u + v
        return u, v

    u = numbers(300, 500)
    u[150, 3:9] = spoil
    u[151, 4] = -spoil
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        same_as_numpy(step, u, numbers(300, 500, seed=1))


def test_nothing_is_stored_where_a_condition_raises() -> None:
    def step(u):
        u[1:] = u[:-1] * 4.0 - u[1:]
        u += u * 1e300
        return u

    u = numbers(300, 500)
    u[150, 3:9] = 1e308
    with np.errstate(all="raise"):
        same_as_numpy(step, u)


def test_targets_that_do_not_fit_the_pass() -> None:
    def step(f, i, row, c):
        f[:] -= row * 2.0 + 1.0
        i += i * 2 + 1
        f[:, ::2] += f[:, ::2] * 0.5 + 1.0
        f[::-1] *= f * 0.5 + 1.0
        c += f * 2.0 + 1.0
        row //= row * 2.0 + 1.0
        row **= row * 0.5 + 1.0
        return f, i, row, c

    for shape in [(4, 6), (300, 400)]:
        same_as_numpy(
            step,
            numbers(*shape),
            np.arange(shape[0] * shape[1]).reshape(shape),
            numbers(shape[1], seed=3),
            numbers(*shape, seed=4) * 1j,
        )


def test_errors_of_in_place_operations_are_numpys() -> None:
    def cast(i, f):
        i += f * 0.5 + 1.0
        return i

    def shape(f, g):
        f -= g * 0.5 + 1.0
        return f

    def item(t, f):
        t[0] += f * 2.0 + 1.0
        return t

    same_as_numpy(cast, np.arange(50_000), numbers(50_000))
    same_as_numpy(shape, numbers(400), numbers(300, 400))
    frozen = numbers(400)
    frozen.flags.writeable = False
    same_as_numpy(shape, frozen, numbers(400))
    same_as_numpy(item, (numbers(400), 1), numbers(400))


def test_the_value_of_an_in_place_operation_is_the_array_itself() -> None:
    def step(a, b):
        c = a
        c += b * 2.0 + 1.0
        return a, c

    same_as_numpy(step, numbers(70_000), numbers(70_000, seed=1))
