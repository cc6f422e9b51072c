"""`fastmath=True`: compiled arithmetic may be rearranged, where it is asked for and nowhere else."""

from __future__ import annotations

import linecache
from pathlib import Path

import numpy as np
import pytest

import jetlag as jl
from test_stores import numbers

CPU = Path("/proc/cpuinfo")
HAS_FMA = CPU.exists() and " fma " in CPU.read_text()


@pytest.fixture(autouse=True)
def _compiled():
    before = jl.settings.jit
    jl.settings.jit = "always"
    yield
    jl.settings.jit = before


def total(x):
    s = 0.0
    for i in range(x.shape[0]):
        s += x[i]
    return s


def residual(x, y):
    return x * x - y


def product(x, y, z):
    s = 0.0
    for i in range(x.shape[0]):
        s = s + x[i] * y[i] / z
    return s


def test_by_default_a_sum_keeps_its_order() -> None:
    x = numbers(20_001)

    assert jl.jit(total)(x) == total(x)


@pytest.mark.parametrize("n", [0, 1, 7, 20_001])
def test_a_sum_is_added_in_vectors(n) -> None:
    x = numbers(n)
    found = jl.jit(fastmath=True)(total)(x)

    assert found == pytest.approx(total(x), rel=1e-12)
    # In the order of the text the last bits are others.
    assert n < 1000 or found != total(x)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
def test_a_loop_agrees_within_rounding(dtype) -> None:
    x, y = (numbers(5000) * 9).astype(dtype), (numbers(5000, seed=1) * 9).astype(dtype)
    found = jl.jit(fastmath=True)(product)(x, y, 3)
    expected = product(x, y, 3)

    assert type(found) is type(expected)
    assert found == pytest.approx(expected, rel=1e-4 if dtype == "float32" else 1e-12)


def test_multiplication_and_addition_are_one_operation_only_if_asked_for() -> None:
    x = numbers(3000)
    y = x * x

    assert not jl.jit(residual)(x, y).any()
    found = jl.jit(fastmath=True)(residual)(x, y)
    assert np.abs(found).max() < 1e-15
    assert found.any() == HAS_FMA
    assert not jl.jit(residual)(x, y).any()


UNARY = ["exp", "log", "log1p", "expm1", "sin", "tanh", "arctan", "arcsinh", "cbrt", "rint", "sqrt"]
BINARY = ["hypot", "arctan2", "logaddexp", "remainder", "floor_divide", "fmod", "maximum", "power"]


@pytest.mark.parametrize("name", UNARY + BINARY)
def test_functions_are_not_taken_apart(name) -> None:
    function = getattr(np, name)

    def f(x, y):
        both = function(x, y) if binary else function(x)
        return both * y + x

    binary = name in BINARY
    scope = {"np": np}
    call = f"np.{name}(x, y)" if binary else f"np.{name}(x)"
    with np.errstate(all="ignore"):
        compare(call, scope, f)


def compare(call, scope, f):
    for x in (numbers(2000) * 1e-9 + 1e-300, numbers(2000), numbers(2000) * 1e6 + 1):
        y = numbers(2000, seed=1) + 0.5
        slow, fast = (made(call, scope, fastmath=fast) for fast in (False, True))
        np.testing.assert_allclose(fast(x, y), slow(x, y), rtol=1e-11)
        np.testing.assert_allclose(fast(x, y), f(x, y), rtol=1e-11)


def made(call, scope, *, fastmath):
    text = f"def f(x, y):\n    return {call} * y + x\n"
    file = f"<{call} {fastmath}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    names = dict(scope)
    exec(compile(text, file, "exec"), names)
    return jl.jit(fastmath=fastmath)(names["f"])


def test_nan_and_infinities_keep_their_meaning() -> None:
    def f(x):
        y = x * 2 - x
        return np.isnan(y), np.where(y == y, y, 0.0), np.isfinite(y * 0 + 1)

    x = np.array([1.0, np.nan, np.inf, -np.inf, 0.0] * 20)
    with np.errstate(all="ignore"):
        for found, expected in zip(jl.jit(fastmath=True)(f)(x), f(x), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_errors_come_as_in_python() -> None:
    def f(n):
        s = 0.0
        for k in range(n):
            s += 1.0 / (5000.0 - k)
        return s

    fast = jl.jit(fastmath=True)(f)
    assert fast(5000) == pytest.approx(f(5000), rel=1e-12)
    with pytest.raises(ZeroDivisionError, match="float division by zero"):
        fast(6000)


def test_conditions_are_told() -> None:
    def f(x, y):
        return x / y + 1

    with pytest.warns(RuntimeWarning, match="divide by zero encountered in divide"):
        jl.jit(fastmath=True)(f)(np.ones(50), np.zeros(50))


def test_explain_tells_of_it() -> None:
    x = numbers(9000)
    fast = jl.explain(jl.jit(fastmath=True)(residual), x, x)
    plain = jl.explain(jl.jit(residual), x, x)

    assert "fastmath" in fast.rows[0]["rule"]
    assert "fastmath" not in (plain.rows[0]["rule"] or "")
