"""Every rule of the table agrees with NumPy, on and off, whatever its operands hold.

A row without a case here fails the first test; what a row says of itself is tested in
tests/cpp/exec/rules_test.cpp.
"""

from __future__ import annotations

import json
import subprocess
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from same import Copier

COMMAND = Path(__file__).parents[2] / "build/default/src/jetlag"
KINDS = ["plain", "empty", "0-d", "nan", "inf", "the same array", "overlapping views"]
DTYPES = ["float64", "float32", "int64"]


# One function for each rule: of two arrays of one shape, or of a square matrix and a vector.


def fused(a, b):
    return np.sqrt(np.abs(a)) * b + 1


def several(a, b):
    y = np.sqrt(np.abs(a)) * 2
    z = y + b
    w = z * y - a
    return y, z, w


def scaled_root(x, by):
    y = np.sqrt(np.abs(x))
    return y * by - y


def inlined(a, b):
    y = scaled_root(a, 2) + b
    return y, scaled_root(b, y)


def selected(a, b):
    return np.where(a > b, a * 2 + b, b - a)


def stored(a, b):
    b[1:] = a[1:] * 2 + 1
    return b


def delayed(a, b):
    x = np.tile(a, 3000) * 1.0
    x[1:] = x[:-1] * 2 - x[1:]
    return x, b


def tiled(a, b):
    x = np.tile(a, 1_500_000 // max(a.size, 1)) * 1.0
    for _ in range(10):
        x[1:] = x[:-1] * 0.5 + x[1:] * 0.25
    return x[:50], x[-50:], b


def by_rows(a, b):
    x = np.tile(a, (2000, 300)) * 1.0
    y = x / (np.sum(x, axis=1)[:, None] + 1.0)
    return y[:9], y[-9:], np.max(y, axis=1), b


def in_one_pass(a, b):
    x = a * 1.0
    x += np.abs(b) * 2 + a
    return x, b


def reused(a, b):
    w = np.tile(a, 3000) * 1.0
    w = np.sqrt(np.abs(w))
    return np.negative(w)[:7], b


def shared(x, w):
    return np.dot(x.T, np.dot(x, w) * 2 + 1)


def repeated(a, b):
    p = np.exp(a * 0.1) + b
    q = np.sum(np.exp(a * 0.1) + b)
    a[...] = 2
    return p, q, np.sum(np.exp(a * 0.1) + b)


def hoisted(a, b):
    total = b * 1.0
    for k in range(4):
        total = total + np.exp(a * 0.1) * k
        if k == 2:
            b[...] = 1
    return total


def reduced(a, b):
    x, y = np.tile(a, 3000), np.tile(b, 3000)
    return np.sum((x - y) ** 2), np.max(x * 2), np.count_nonzero(y - 1, axis=0), np.prod(x * 0)


def masked(a, b):
    x, y = np.tile(a, 9000), np.tile(b, 9000)
    return np.sum(x[x > y]), np.mean(x[y <= x]), np.any(x[y > 0])


def columns_times_rows(a, b):
    return np.outer(a, b) * 2 + a, np.sqrt(np.abs(np.outer(b, a)))


def differences(a, b):
    x, y = np.tile(a, 300), np.tile(b, 300)
    apart = x.reshape(-1)[None, :] - y.reshape(-1)[:, None]
    total = np.sum(apart * apart, axis=0)
    farthest = np.sum(np.abs(apart) * 2, axis=1)
    return total, farthest


def taken(a, b):
    x, y = np.tile(a, 900), np.tile(b, 900)
    places = np.arange(9000) * 7 % max(x.size, 1)
    return x[places] * 2 + y[places], np.abs(y[places - x.size])


def chosen(a, b):
    x, y = np.tile(a, 9000), np.tile(b, 9000)
    x[x > y - 30] = 3
    y[y > 2] *= 2
    return x, y


def diagonal(_x, w):
    return np.diag(w) * 2 + np.identity(w.shape[0])


def scaled(x, w):
    return np.dot(np.dot(x, np.diag(w)), w)


def weighted(x, w):
    return np.dot(np.dot(np.transpose(x), np.diag(w)), x)


def by_cholesky(x, w):
    m = np.dot(x, x.T) + 9 * np.eye(x.shape[0])
    return np.dot(np.linalg.inv(m), w)


def by_lu(x, w):
    return np.dot(np.linalg.inv(np.triu(x) + 99 * np.eye(x.shape[0])), w)


def chained(x, w):
    y = np.tile(x, (7, 7))
    return np.dot(np.dot(y, y), np.tile(w, 7))


def turned(x, _w):
    return np.dot(np.transpose(x), x + 1)


def symmetric(x, _w):
    return np.dot(x, np.transpose(x))


def powers(a, b):
    return a**2 + b, np.abs(a) ** 0.5 * 2


def looped(a, b):
    total = a.reshape(-1)[:1].sum() * 0
    for k in range(3000):
        if a.ndim and a.size:
            i = k % a.size
            total = total + a[i] * b[i]
            b[i] = a[i] - k % 3
    return total, b


def calls(n):
    return 1 if n < 2 else calls(n - 1) + calls(n - 2)


def called(a, b):
    return calls(14) + a, b * calls(3)


def apart(a, b):
    rows = np.zeros((40, 3000)) + np.tile(a, 3000)[:3000].sum()
    for i in range(40):
        rows[i, :] = np.sqrt(np.abs(rows[i, :] + i)) * b.size
    return rows[:, 5], b


PAIRS: dict[str, Callable[..., Any]] = {
    "fuse-elementwise": fused,
    "several-results": several,
    "inline-calls": inlined,
    "where-select": selected,
    "store-in-place": stored,
    "delayed-store": delayed,
    "time-tiles": tiled,
    "row-tiles": by_rows,
    "fused-augment": in_one_pass,
    "last-use": reused,
    "common-subexpressions": repeated,
    "hoist": hoisted,
    "fused-reduction": reduced,
    "masked-reduction": masked,
    "outer-product": columns_times_rows,
    "outer-elements": differences,
    "fused-gather": taken,
    "masked-select": chosen,
    "power-of-constant": powers,
    "compiled-loop": looped,
    "compiled-call": called,
    "independent-iterations": apart,
}
PRODUCTS: dict[str, Callable[..., Any]] = {
    "share-pass": shared,
    "diagonal": diagonal,
    "scaled": scaled,
    "weighted-gram": weighted,
    "inverse-by-cholesky": by_cholesky,
    "inverse-by-lu": by_lu,
    "solve": by_lu,
    "dot-chain": chained,
    "dot-transposed": turned,
    "symmetric-product": symmetric,
}
CASES = PAIRS | PRODUCTS
# A stream is worth its while where the matrix does not stay in the cache.
LARGE = {"share-pass"}


def numbers(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    return (rng.integers(1, 40, shape) / (1 if dtype == "int64" else 8)).astype(dtype)


def spoilt(a: np.ndarray, rng: np.random.Generator, value: float) -> np.ndarray:
    if a.dtype.kind == "f":
        a.reshape(-1)[rng.integers(a.size)] = value
    return a


def pair(rng: np.random.Generator, kind: str, dtype: str) -> tuple[np.ndarray, ...]:
    """Two arrays of one shape."""
    shape = {"empty": (0,), "0-d": ()}.get(kind, (int(rng.integers(2, 9)),))
    a, b = numbers(rng, shape, dtype), numbers(rng, shape, dtype)
    if kind in ("nan", "inf"):
        spoilt(a, rng, float(kind))
        spoilt(b, rng, -float(kind))
    if kind == "the same array":
        return a, a
    return (a[:-1], a[1:]) if kind == "overlapping views" else (a, b)


def matrix(
    rng: np.random.Generator, kind: str, dtype: str, least: int = 5
) -> tuple[np.ndarray, ...]:
    """A square matrix and a vector as long as its rows."""
    if kind == "0-d":
        return numbers(rng, (), dtype), numbers(rng, (), dtype)
    n = 0 if kind == "empty" else int(rng.integers(least, least + 3))
    base = numbers(rng, (n * n + n,), dtype)
    x, w = base[: n * n].reshape(n, n), base[n * n :]
    if kind == "plain":
        w[:2] = 0
    if kind in ("nan", "inf"):
        spoilt(x if rng.integers(2) else w, rng, float(kind))
    if kind == "the same array":
        return x, x[1]
    return (x, base[n * n - 3 : n * n - 3 + n]) if kind == "overlapping views" else (x, w)


def arguments(rule: str, kind: str, dtype: str, seed: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    if rule in PAIRS:
        return pair(rng, kind, dtype)
    return matrix(rng, kind, dtype, least=260 if rule in LARGE else 5)


def outcome(function: Callable[..., Any], args: tuple[np.ndarray, ...]) -> tuple[Any, ...]:
    """The value (or the error) of a call, and its arguments afterwards."""
    copies = Copier().copy(args)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = function(*copies)
        except Exception as error:
            return f"{type(error).__name__}: {error}", copies
    return value, copies


def assert_same(found: Any, expected: Any, rtol: float) -> None:
    assert type(found) is type(expected)
    if isinstance(expected, tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other, rtol)
    elif isinstance(expected, str):
        assert found == expected
    else:
        assert found.dtype == expected.dtype
        scale = np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected))
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * scale)


@pytest.fixture(autouse=True)
def _rules_as_before() -> Iterator[None]:
    before = jl.settings.rules
    yield
    jl.settings.rules = before


def table() -> list[dict[str, Any]]:
    ran = subprocess.run([COMMAND, "describe", "rules"], capture_output=True, text=True, check=True)
    return list(json.loads(ran.stdout))


def test_every_rule_has_a_case_here() -> None:
    if not COMMAND.exists():
        pytest.skip("the command is not built")

    assert sorted(row["name"] for row in table()) == sorted(CASES)


@pytest.mark.parametrize("rule", CASES)
def test_the_case_of_a_rule_uses_it(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jl.settings, "jit", "auto")
    explained = jl.explain(jl.jit(CASES[rule]), *arguments(rule, "plain", "float64", 1))

    used = {name for row in explained.rows for name in (row.get("rule") or "").split(", ")}
    assert rule in used, str(explained)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rule", CASES)
def test_a_rule_agrees_with_numpy_on_and_off(rule: str, kind: str) -> None:
    function = CASES[rule]
    jitted = jl.jit(function)
    for seed, dtype in enumerate(DTYPES * 3):
        args = arguments(rule, kind, dtype, seed)
        expected = outcome(function, args)
        rtol = 1e-4 if dtype == "float32" else 1e-9
        for words in ("", f"-{rule}", f"-all,+{rule}"):
            jl.settings.rules = words
            assert_same(outcome(jitted, args), expected, rtol)
