"""Single functions of NumPy on arrays of four sizes: what is lost where nothing can be fused."""

import importlib.util
import math
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from extras.base import Context, Extra, lined, python

SIDES = (16, 100, 400, 2000)
RUNS = 11
BURST = 2e-4  # seconds of NumPy's calls in a run

# a and b have n * n numbers, A and B are matrices of n x n; i are indices, m is a mask.
EXPRESSIONS = """
a + b | a + 1.5 | a > b | a.copy() | a.astype(np.float32) | (a * 100).astype(np.int64)
a[::2] * b[::2] | a[::-1] + b | a[1:] - a[:-1] | A + B.T | A.T.copy() | A * B[0] + B[:, 0:1]
np.exp(a) | np.log(a + 1) | np.tanh(a) | np.sin(a) * np.cos(b) | np.sqrt(a) | np.floor(a * 10)
np.sign(a - 0.5) | np.arctan2(a, b) | np.hypot(a, b) | a**b | a**3 | (a * 10) % 3 | (a * 10) // 3
np.where(a > b, a, b) | np.clip(a, 0.2, 0.8) | np.maximum(a, 0) | (a > 0.2) & (b < 0.7) | m * 1
np.isnan(a) | np.any(np.isnan(a)) | np.count_nonzero(a > 0.5) | np.abs(a + 1j * b)
A.sum() | A.sum(axis=0) | A.sum(axis=1) | A.max(axis=0) | A.min(axis=1) | np.prod(a) | np.ptp(a)
A.mean() | A.std() | A.var(axis=0) | np.argmax(a) | np.argmin(A, axis=0) | np.argmax(A, axis=1)
np.argmax(A * B, axis=0) | np.mean((a - b) ** 2) | np.linalg.norm(a - b) | (A * B).sum(axis=1)
np.dot(a, b) | A @ B[0] | B[0] @ A | np.outer(A[0], B[0]) + A | A[:, :8].T @ B[:, :8]
A - A.mean(axis=0) | (A - A.mean(axis=0)) / A.std(axis=0) | A / A.sum(axis=1, keepdims=True)
A[1:-1, 1:-1] * 4 - A[:-2, 1:-1] - A[2:, 1:-1] - A[1:-1, :-2] - A[1:-1, 2:]
a[i] | a[m] | A[:, 1] * 2 | np.concatenate([a, b]) | np.vstack([A, B]) | np.hstack([A, B])
np.stack([a, b], axis=1) | np.repeat(a, 2) | np.tile(a, 2) | np.roll(a, 3) | np.flip(A, axis=1) + B
np.zeros(a.shape) | np.ones(a.shape) * 3 | np.full(a.shape, 2.0) | np.arange(a.size) * a
A + np.eye(A.shape[0]) | np.tril(A) | np.trace(A) | np.diag(A).sum()
"""


def expressions() -> list[str]:
    return [e.strip() for line in EXPRESSIONS.split("\n") for e in line.split("|") if e.strip()]


def functions(folder: Path) -> dict[str, Callable[..., Any]]:
    """One for each expression, from a file: jetlag reads their source."""
    texts = [f"def f{k}(a, b, A, B, i, m):\n    return {e}\n" for k, e in enumerate(expressions())]
    path = folder / "single_functions.py"
    path.write_text("import numpy as np\n\n\n" + "\n\n".join(texts), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return {e: getattr(module, f"f{k}") for k, e in enumerate(expressions())}


def in_turn(plain: Callable[..., Any], ours: Callable[..., Any], operands: tuple) -> list[float]:
    """Medians of NumPy's and of jetlag's calls, in seconds."""
    for _ in range(4):
        ours(*operands)
    begin = time.perf_counter()
    plain(*operands)
    calls = max(1, int(BURST / (time.perf_counter() - begin)))
    seconds: list[list[float]] = [[], []]
    for _ in range(RUNS):
        for function, times in zip((plain, ours), seconds, strict=True):
            begin = time.perf_counter()
            for _ in range(calls):
                function(*operands)
            times.append((time.perf_counter() - begin) / calls)
    return [statistics.median(times) for times in seconds]


def alone(folder: Path) -> dict[str, list[list[float]]]:
    import numpy as np

    import jetlag as jl

    random = np.random.default_rng(0)
    found: dict[str, list[list[float]]] = {}
    for n in SIDES:
        a, b = random.random(n * n), random.random(n * n)
        operands = (a, b, random.random((n, n)), random.random((n, n)))
        operands += (random.integers(0, n * n, n * n), a > 0.5)
        for name, function in functions(folder).items():
            found.setdefault(name, []).append(in_turn(function, jl.jit(function), operands))
    return found


def measure(context: Context) -> Any:  # noqa: ANN401
    context.tell("single functions")
    return python("-m", "extras.single", str(context.folder))


def mean(ratios: list[float]) -> float:
    return math.exp(statistics.fmean(map(math.log, ratios)))


def text(data: dict[str, Any]) -> str:
    if "error" in data:
        return data["error"]
    ratios = {name: [plain / ours for plain, ours in pairs] for name, pairs in data.items()}
    rows = [[name, *(f"{r:.2f}" for r in row)] for name, row in ratios.items()]
    rows.sort(key=lambda row: min(map(float, row[1:])))
    means = [mean([row[k] for row in ratios.values()]) for k in range(len(SIDES))]
    rows.append(["geometric mean", *(f"{m:.2f}" for m in means)])
    return lined(["NumPy's time / jetlag's", *(f"{n} x {n}" for n in SIDES)], rows)


EXTRAS = (Extra("single", "Single functions", measure, text),)

if __name__ == "__main__":
    import json

    print(json.dumps(alone(Path(sys.argv[1]))))
