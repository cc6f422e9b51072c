"""Cost of a cached call: the same function plain, decorated, and NumPy's own add, in turn."""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from extras.base import Context, Extra, lined, python
from figures import duration

CALLS, TOGETHER = 100_000, 100


def add(a, b):  # noqa: ANN001, ANN201
    return a + b


def per_call(function: Callable[..., Any], a: object, b: object) -> float:
    """Seconds of one of a few calls; a clock costs as much as a call, so they share one."""
    few = range(TOGETHER)
    begin = time.perf_counter()
    for _ in few:
        function(a, b)
    return (time.perf_counter() - begin) / TOGETHER


def in_turn(functions: dict[str, Callable[..., Any]], a: object, b: object) -> dict[str, float]:
    """Medians over 100 000 calls of each."""
    for function in functions.values():
        per_call(function, a, b)
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(CALLS // TOGETHER):
        for name, function in functions.items():
            seconds[name].append(per_call(function, a, b))
    return {name: statistics.median(times) for name, times in seconds.items()}


def numbas() -> dict[str, Callable[..., Any]]:
    try:
        from numba import njit
    except ImportError:
        return {}
    return {"numba": njit(add)}


def alone() -> dict[str, Any]:
    """In a process of its own, so that no other peer's threads are there."""
    import numpy as np

    import jetlag as jl

    ten = np.arange(10.0)
    functions = {"python": add, "jetlag": jl.jit(add), **numbas()}
    return {
        "floats": in_turn(functions, 1.5, 2.5),
        "arrays": in_turn({**functions, "numpy.add": np.add}, ten, ten + 1.0),
    }


def measure(context: Context) -> Any:  # noqa: ANN401
    context.tell("calls")
    return python("-m", "extras.calls")


def text(data: dict[str, Any]) -> str:
    if "error" in data:
        return data["error"]
    names = list(data["arrays"])
    rows = [
        [what, *(duration(data[what][n]) if n in data[what] else "-" for n in names)]
        for what in ("floats", "arrays")
    ]
    return lined(["a + b, median of 100 000 calls", *names], rows)


EXTRAS = (Extra("calls", "Cost of a cached call", measure, text),)

if __name__ == "__main__":
    import json

    print(json.dumps(alone()))
    sys.stdout.flush()
