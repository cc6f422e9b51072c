"""How a program runs on the engine: interpreted or compiled, and with how many workers."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import NamedTuple

import jetlag as jl


class Mode(NamedTuple):
    """One way to run: whether machine code is made ("off", "always"), and the workers."""

    jit: str
    workers: int

    def __str__(self) -> str:
        return f"jit={self.jit} workers={self.workers}"


def modes_of(seed: int) -> list[Mode]:
    """The ways in which the program of a seed runs: interpreted and compiled."""
    rng = random.Random(seed)
    return [Mode(jit, rng.choice([1, 2, 4])) for jit in ("off", "always")]


@contextlib.contextmanager
def set_to(mode: Mode) -> Iterator[None]:
    """Run on the engine in that way inside the block."""
    if jl.threads() != mode.workers:
        jl.threads(mode.workers)
    before = jl.settings.jit
    jl.settings.jit = mode.jit
    try:
        yield
    finally:
        jl.settings.jit = before
