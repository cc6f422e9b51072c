"""Python's module math: the same numbers, types and errors, interpreted and as machine code."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy

UNARY = (
    "sqrt exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh "
    "acosh atanh cbrt erf erfc fabs degrees radians isnan isinf isfinite floor ceil trunc"
).split()
BINARY = "atan2 copysign pow fmod hypot".split()
NUMBERS = [0.0, -0.0, 0.5, -0.75, 1.0, 2.5, -3.0, 20.0, 800.0, 1e300, -1e300, 5e-324]
ODD = [math.inf, -math.inf, math.nan]


@pytest.fixture(params=["off", "always"], autouse=True)
def _mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jl.settings, "jit", request.param)


def outcome(f: Callable[..., Any], *args: object) -> object:
    try:
        value = f(*args)
    except (ValueError, OverflowError, TypeError) as error:
        return type(error), str(error)
    return type(value), repr(value)


def looped(name: str, operands: str) -> Callable[..., Any]:
    """A function that calls one of math's in a loop, which becomes machine code."""
    source = (
        f"def work({operands}, n):\n"
        f"    r = 0.25\n"
        f"    for i in range(n):\n"
        f"        r = math.{name}({operands})\n"
        f"    return r\n"
    )
    import linecache

    file = f"<math {name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    scope: dict[str, Any] = {"math": math}
    exec(compile(source, file, "exec"), scope)  # noqa: S102
    made: Callable[..., Any] = jl.jit(scope["work"], strict=True)
    return made


@pytest.mark.parametrize("name", UNARY)
def test_of_one_number(name: str) -> None:
    work = looped(name, "x")
    for x in [*NUMBERS, *ODD, 3, -2, True, 2**62, np.float64(0.3), np.float32(0.7)]:
        assert outcome(work, x, 2) == outcome(getattr(math, name), x), x


@pytest.mark.parametrize("name", BINARY)
def test_of_two_numbers(name: str) -> None:
    work = looped(name, "x, y")
    for x in [*NUMBERS[:9], *ODD, 3]:
        for y in [*NUMBERS[:7], *ODD, -1]:
            wanted = outcome(getattr(math, name), x, y)
            found = outcome(work, x, y, 2)
            assert found == wanted, (x, y)


@pytest.mark.parametrize("jit", ["off", "always"])
def test_hypot_has_pythons_last_bit(jit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jl.settings, "jit", jit)

    def lengths(a, b, c):
        for i in range(a.shape[0]):
            c[i] = math.hypot(a[i], b[i])
        return c

    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, 3000))
    sizes = 2.0 ** random.integers(-60, 60, 3000)
    same_as_numpy(lengths, a, b, np.zeros(3000))
    same_as_numpy(lengths, a, b * sizes, np.zeros(3000))
    same_as_numpy(lengths, a * 2.0**1000, b * 2.0**1000 * sizes.clip(max=1), np.zeros(3000))
    same_as_numpy(lengths, a * 2.0**-1040, b * 2.0**-1040 * sizes, np.zeros(3000))


def test_errors_have_the_line() -> None:
    def roots(a):
        for i in range(len(a)):
            a[i] = math.sqrt(a[i])
            a[i] += math.exp(a[i])
        return a

    same_as_numpy(roots, np.array([1.0, 4.0, 2.25]))
    same_as_numpy(roots, np.array([1.0, 4.0, -1.0, 9.0]))
    same_as_numpy(roots, np.array([1.0, 1e9, 9.0]))


def test_constants_and_names_imported_alone() -> None:
    from math import floor, sin

    def wave(a):
        for i in range(len(a)):
            a[i] = sin(math.pi * i / 4) * math.e + floor(i / 3)
            if a[i] == math.inf or math.isnan(a[i]):
                a[i] = math.tau
        return a

    same_as_numpy(wave, np.zeros(9))


def test_of_numpys_integers() -> None:
    def logs(a):
        s = 0.0
        for i in range(len(a)):
            s += math.log(a[i]) + math.pow(a[i], 2)
        return s

    same_as_numpy(logs, np.array([1, 2, 30]))
    same_as_numpy(logs, np.array([1, 2, 30], dtype=np.uint8))
    same_as_numpy(logs, np.array([1, 0, 30]))
