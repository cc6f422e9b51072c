"""How a program runs on the engine: interpreted or compiled, and with how many workers."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import NamedTuple

import jetlag as jl


class Mode(NamedTuple):
    """One way to run; `jit` is what `jetlag.settings.jit` is set to."""

    jit: str
    workers: int

    def __str__(self) -> str:
        return f"jit={self.jit} workers={self.workers}"


def modes_of(seed: int) -> list[Mode]:
    """The ways in which the program of a seed runs; the first is interpreted."""
    rng = random.Random(seed)
    first = Mode("off", rng.choice([1, 2, 4]))
    settings = getattr(jl, "settings", None)
    return [first] if settings is None else [first, Mode("always", rng.choice([1, 2, 4]))]


@contextlib.contextmanager
def set_to(mode: Mode) -> Iterator[None]:
    """Run on the engine in that way inside the block."""
    if jl.threads() != mode.workers:
        jl.threads(mode.workers)
    settings = getattr(jl, "settings", None)
    if settings is None:
        yield
        return
    before = settings.jit
    settings.jit = mode.jit
    try:
        yield
    finally:
        settings.jit = before
