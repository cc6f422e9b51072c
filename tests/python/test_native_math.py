"""Transcendentals on single elements in loops that are machine code."""

from __future__ import annotations

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy


@pytest.fixture(params=["off", "always"])
def _mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jl.settings, "jit", request.param)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_transcendentals_have_the_bits_of_the_interpreter(
    dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(a, b):
        for i in range(len(a)):
            x = a[i]
            b[i, 0] = np.exp(x) + np.log1p(x) * np.arctan2(x, 2)
            b[i, 1] = np.exp2(x)
            b[i, 2] = np.expm1(x)
            b[i, 3] = np.log(x)
            b[i, 4] = np.log2(x)
            b[i, 5] = np.log10(x)
            b[i, 6] = np.sin(x)
            b[i, 7] = np.cos(x)
            b[i, 8] = np.tan(x)
            b[i, 9] = np.arcsin(x)
            b[i, 10] = np.arccos(x)
            b[i, 11] = np.arctan(x)
            b[i, 12] = np.sinh(x)
            b[i, 13] = np.cosh(x)
            b[i, 14] = np.tanh(x)
            b[i, 15] = np.cbrt(x)
            b[i, 16] = x**0.3
            b[i, 17] = np.hypot(x, 1.1)
            b[i, 18] = np.logaddexp(x, 0.2)
        return b

    random = np.random.default_rng(1)
    special = [0, -0.0, np.inf, -np.inf, np.nan, 5e-324, 710, -745]
    a = np.concatenate([random.random(100), random.normal(size=100) * 20, special]).astype(dtype)
    results = []
    for mode in ("off", "always"):
        monkeypatch.setattr(jl.settings, "jit", mode)
        with np.errstate(all="ignore"):
            results.append(jl.jit(work)(a, np.zeros((len(a), 19), dtype)))
    np.testing.assert_array_equal(*[r.view(f"u{r.itemsize}") for r in results])


@pytest.mark.usefixtures("_mode")
def test_conditions_of_transcendentals_are_told_at_their_elements() -> None:
    def work(a, b):
        for i in range(len(a)):
            y = np.exp(a[i]) - 1
            b[i] = np.log(a[i]) * 0.5 + 1 / y
        return b

    for dtype, rtol in ((np.float64, 1e-14), (np.float32, 1e-5)):
        b = np.zeros(4, dtype=dtype)
        same_as_numpy(work, np.array([1, 2, 3, 4], dtype=dtype), b, rtol=rtol)
        same_as_numpy(work, np.array([1, 0, 3, 4], dtype=dtype), b, rtol=rtol)
        same_as_numpy(work, np.array([1, -1, 1000, 4], dtype=dtype), b, rtol=rtol)
        same_as_numpy(work, np.array([np.inf, 1, np.nan, -np.inf], dtype=dtype), b, rtol=rtol)


@pytest.mark.usefixtures("_mode")
def test_an_operation_left_to_python_after_a_check_of_its_value() -> None:
    def work(a, u):
        for i in range(len(a)):
            a[i] = np.exp(a[i])
            if i == 3:
                u[i] += a[i] * 0.5
        return a, u

    same_as_numpy(work, np.linspace(0, 1, 6), np.arange(6, dtype=np.uint8), rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [1, 7, 8, 9, 31, 32, 33, 64, 200])
def test_transcendentals_of_neighbours_have_the_bits_of_each_alone(
    n: int, dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(a, b, c):
        for i in range(a.shape[0]):
            b[i] = np.exp(a[i]) * np.sin(a[i]) + np.arctan2(a[i], b[i])
        for i in range(a.shape[0]):
            c[i] = np.log(np.abs(a[i]) + 1) if a[i] < 2 else np.tanh(a[i])
        total = 0.0
        for i in range(a.shape[0]):
            total += np.cos(b[i]) * c[i]
        return b, c, np.array([total])

    special = np.array([0, -0.0, np.inf, -np.inf, np.nan, 5e-324, 710, -745, 1e30])
    random = np.random.default_rng(n)
    for odd in (False, True):
        a = (random.normal(size=n) * 10).astype(dtype)
        if odd:
            a[random.integers(0, n, 4)] = random.choice(special, 4)
        results = []
        for mode in ("off", "always"):
            monkeypatch.setattr(jl.settings, "jit", mode)
            with np.errstate(all="ignore"):
                results.append(jl.jit(work)(a, a * 0.5, a * 0))
        if not odd:
            results.append(jl.jit(work)(a, a * 0.5, a * 0))
        for other in results[1:]:
            for x, y in zip(results[0], other, strict=True):
                np.testing.assert_array_equal(x, y)


@pytest.mark.usefixtures("_mode")
@pytest.mark.parametrize("size", [50, 150_000])
def test_conditions_of_neighbours_are_told_at_their_lines(size: int) -> None:
    def work(a, b, places):
        for i in range(a.shape[0]):
            b[i] = np.log(a[i]) * 2
        for i in range(a.shape[0]):
            b[i] = np.exp(a[i]) + 1
            b[places[i]] += np.exp(b[i])
        return b

    a = np.linspace(0.5, 1.5, size)
    places = np.arange(size)
    same_as_numpy(work, a, np.zeros(size), places, rtol=1e-14)
    for at, odd, place in ((3, 0.0, 0), (40, -1.0, 0), (9, 1000.0, 0), (8, np.nan, size)):
        b, p = a.copy(), places.copy()
        b[at], p[at + 5] = odd, place
        same_as_numpy(work, b, np.zeros(size), p, rtol=1e-14)
