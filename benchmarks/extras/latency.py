"""How long the first call takes: in fresh processes, after the import, files in memory.

For each peer the time of the first call and of a cached one; for peers that keep compiled code on
disk, once more with the cache filled.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from typing import Any

import numpy as np

from extras.base import Context, Extra, lined, python
from figures import duration

TIMES = 5
WATCHED = 0.6  # seconds of calls after the first
COMPILED_WITHIN = 1.5  # times the cached call: what noise may add


def formula(a, b):  # noqa: ANN001, ANN201
    return (a * b + a) / (b + 2.0) - 0.5 * np.exp(-a)


def loop(a):  # noqa: ANN001, ANN201
    total = 0.0
    for i in range(a.shape[0]):
        total += a[i] * a[i]
    return total


def fit(x, y, alpha, iterations):  # noqa: ANN001, ANN201
    w = np.zeros(x.shape[1])
    for _ in range(iterations):
        p = 1.0 / (1.0 + np.exp(-np.dot(x, w)))
        w = w - alpha * np.dot(x.T, p - y)
    return w


def arguments(name: str) -> tuple[Any, ...]:
    random = np.random.default_rng(0)
    if name == "fit":
        return random.random((500, 30)), random.random(500), 0.001, 5
    return tuple(random.random(100_000) for _ in range(2 if name == "formula" else 1))


PROGRAMS = {"formula": formula, "loop": loop, "fit": fit}


def prepared(peer: str, name: str) -> Any:  # noqa: ANN401
    """The decorated program, its library imported; nothing compiled."""
    program = PROGRAMS[name]
    if peer == "jetlag":
        import jetlag as jl

        return jl.jit(program)
    if peer == "numba":
        import numba

        return numba.njit(parallel=name == "formula", cache="NUMBA_CACHE_DIR" in os.environ)(
            program
        )
    import jax

    from extras import latency_jax

    jax.config.update("jax_enable_x64", True)
    return latency_jax.prepared(name)


def alone(peer: str, name: str) -> dict[str, float]:
    """In a fresh process: the first call, and those of the second that follows it.

    Code counts as in use from the first call that takes no longer than compiled calls do: whoever
    interprets at first is slower until then.
    """
    function, given = prepared(peer, name), arguments(name)
    begin = time.perf_counter()
    first = once(function, given)
    calls: list[tuple[float, float]] = [(0.0, first)]
    while time.perf_counter() - begin < first + WATCHED:
        calls.append((time.perf_counter() - begin, once(function, given)))
    cached = statistics.median(sorted(seconds for _, seconds in calls)[: len(calls) // 2 + 1])
    since = next(since for since, seconds in calls if seconds <= COMPILED_WITHIN * cached)
    return {"first": first, "compiled": since, "cached": cached}


def once(function: Any, given: tuple[Any, ...]) -> float:  # noqa: ANN401
    begin = time.perf_counter()
    function(*given)
    return time.perf_counter() - begin


def fresh(peer: str, name: str, cache: str | None) -> Any:  # noqa: ANN401
    """Without a folder for its cache, a process finds and leaves nothing on disk."""
    # Packages have their bytecode on disk, as installed ones do.
    left_out = ("NUMBA_CACHE_DIR", "PYTHONDONTWRITEBYTECODE")
    environment = {k: v for k, v in os.environ.items() if k not in left_out}
    environment["JAX_PLATFORMS"] = "cpu"
    environment["JETLAG_CACHE_DIR"] = cache or tempfile.mkdtemp(dir=environment.get("TMPDIR"))
    if cache:
        environment |= {"NUMBA_CACHE_DIR": cache}
        environment |= {"JAX_COMPILATION_CACHE_DIR": cache}
        environment |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    said = python("-m", "extras.latency", peer, name, environment=environment)
    if not cache:
        remove(environment["JETLAG_CACHE_DIR"])
    return said


def remove(folder: str) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def medians(said: list[Any]) -> dict[str, Any]:
    errors = [s["error"] for s in said if "error" in s]
    if errors:
        return {"error": errors[0]}
    return {key: statistics.median(s[key] for s in said) for key in said[0]}


def measure(context: Context) -> dict[str, Any]:
    """Peers in turn; those with a cache on disk fill it first."""
    found: dict[str, Any] = {}
    for name in PROGRAMS:
        said: dict[str, list[Any]] = {}
        with tempfile.TemporaryDirectory() as cache:
            for peer in ("jetlag", "numba", "jax"):
                fresh(peer, name, cache)
            for number in range(TIMES):
                for peer in ("jetlag", "numba", "jax"):
                    context.tell(f"first call of {name}: {peer}, {number + 1}")
                    said.setdefault(peer, []).append(fresh(peer, name, None))
                    said.setdefault(f"{peer}, disk", []).append(fresh(peer, name, cache))
        found[name] = {peer: medians(times) for peer, times in said.items()}
    return found


def text(data: dict[str, Any]) -> str:
    rows = []
    for name, peers in data.items():
        for peer, times in peers.items():
            if "error" in times:
                rows.append([f"{name}: {peer}", times["error"][:40], "", ""])
            else:
                beyond = duration(max(0.0, times["first"] - times["cached"]))
                compiled = duration(times["compiled"])
                rows.append([f"{name}: {peer}", beyond, compiled, duration(times["cached"])])
    return lined(["program: peer", "first beyond cached", "compiled after", "cached"], rows)


EXTRAS = (Extra("latency", "First calls, after the import", measure, text),)

if __name__ == "__main__":
    print(json.dumps(alone(*sys.argv[1:])))
