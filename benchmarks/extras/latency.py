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
from pathlib import Path
from typing import Any

import numpy as np

from extras.base import Context, Extra, lined, python
from figures import duration

TIMES = 5
SETTLED = 30  # calls after which the fastest counts as the cached one


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
    """In a fresh process: the first call, and the fastest of those that follow."""
    function, given = prepared(peer, name), arguments(name)
    first = once(function, given)
    wait = time.perf_counter()
    while not in_use(peer) and time.perf_counter() - wait < 10:
        time.sleep(0.001)
    compiled = time.perf_counter() - wait + first
    cached = min(once(function, given) for _ in range(SETTLED))
    return {"first": first, "compiled": compiled if peer == "jetlag" else first, "cached": cached}


def in_use(peer: str) -> bool:
    """Whether no machine code is still being made."""
    if peer != "jetlag":
        return True
    from jetlag import _core

    return not getattr(_core, "compiling", lambda: False)()


def once(function: Any, given: tuple[Any, ...]) -> float:  # noqa: ANN401
    begin = time.perf_counter()
    function(*given)
    return time.perf_counter() - begin


def fresh(peer: str, name: str, cache: str | None) -> Any:  # noqa: ANN401
    """Without a folder for its cache, a process finds and leaves nothing on disk."""
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    environment |= {"PYTHONPATH": str(Path(__file__).parents[1]), "JAX_PLATFORMS": "cpu"}
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
