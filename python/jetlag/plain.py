"""The decorator where there is no engine: functions run as the Python that they are.

A job's machine may lack what the engine is linked with. Results are the same, by the engine's own
promise; the job's log says that it ran like this. Nothing else asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class JitFunction:
    """What no function is here."""


def jit(
    function: Callable[..., Any] | None = None,
    /,
    *,
    strict: bool = False,
    fastmath: bool = False,
) -> Any:  # noqa: ANN401
    """Give the function back; refuse where `strict` promises that it runs natively."""
    if function is None:
        return lambda later: jit(later, strict=strict, fastmath=fastmath)
    if strict:
        raise RuntimeError("strict=True wants the engine, which cannot be loaded on this machine")
    return function
