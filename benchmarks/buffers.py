"""Bytes of array buffers that a call holds at once: NumPy's by tracemalloc, jetlag's by its own
counter. Other peers do not tell."""

import tracemalloc
from collections.abc import Callable
from typing import Any


def peak(peer: str, arguments: tuple[Any, ...], program: Callable[..., Any]) -> int | None:
    """The most that a call held beyond what was there before it; None where nobody counts."""
    counted = COUNTED.get(peer)
    return counted(program, arguments) if counted else None


def numpys(program: Callable[..., Any], arguments: tuple[Any, ...]) -> int:
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        program(*arguments)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def jetlags(program: Callable[..., Any], arguments: tuple[Any, ...]) -> int | None:
    from jetlag import _core

    if not hasattr(_core, "allocated"):
        return None
    before = _core.allocated(reset=True)
    program(*arguments)
    return _core.allocated()["peak"] - before["now"]


COUNTED = {"numpy": numpys, "jetlag": jetlags}
