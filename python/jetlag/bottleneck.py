"""What bounds a run: the steps of `jl.explain` held against what the machine can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]

_BEYOND = 1.1  # of the bandwidth: what is faster does not come from memory
_NEAR = 0.5  # from this share of a limit on, the limit is what holds a step up
_SHORT = 5e-6  # seconds: a step that takes less is mostly the cost of beginning it
_MOST_OUTSIDE = 0.5  # of the time, before what happens between steps is the matter


@dataclass(frozen=True)
class Machine:
    """What the machine was measured to reach; None where nobody has measured."""

    bandwidth: float | None = None  # bytes per second from memory
    peak: float | None = None  # floating-point operations per second

    @classmethod
    def this(cls) -> Machine:
        """The machine that we run on, with the workers that it has now."""
        from jetlag import engine

        core = engine.core()
        if not hasattr(core, "machine"):
            return cls()
        # Measured once; what the engine was told to keep in a folder is found there again.
        known = core.machine(_cache_folder())
        return cls(known["read"] or None, known["flops"] or None)


def _cache_folder() -> str:
    """Where measurements are kept; empty if nothing is to be kept."""
    try:
        from jetlag.configuration import cache_dir
    except ImportError:
        return ""
    return str(cache_dir())


@dataclass(frozen=True)
class Bottleneck:
    """The step that takes most of the time, and what holds it up."""

    step: int | None  # None: what happens between the steps
    line: int | None
    share: float
    memory: float | None
    peak: float | None
    bound: str  # memory, cache, compute, opaque, overhead, neither, unknown

    def __str__(self) -> str:
        part = f"{_percent(self.share)} of the time"
        if self.step is None:
            return f"{part} between steps: the calls are short, and beginning them costs most"
        where = f"step {self.step}" + (f" (line {self.line})" if self.line else "")
        return f"{part} in {where}{_REASONS[self.bound].format(**self._shares())}"

    def _shares(self) -> dict[str, str]:
        return {"memory": _percent(self.memory), "peak": _percent(self.peak)}


_REASONS = {
    "memory": ", which reaches {memory} of memory bandwidth: memory-bound",
    "cache": ", whose operands stay in caches: cache-bound",
    "compute": ", which reaches {peak} of peak arithmetic: compute-bound",
    "opaque": ", which runs in Python: opaque",
    "overhead": ", whose runs are so short that beginning them costs most: overhead-bound",
    "neither": ", which reaches {memory} of memory bandwidth and {peak} of peak arithmetic: "
    "bound by neither",
    "unknown": "",
}


def memory_share(row: Row, machine: Machine) -> float | None:
    """The share of the memory bandwidth that a step reached."""
    return _share(row.get("bytes"), row.get("time"), machine.bandwidth)


def peak_share(row: Row, machine: Machine) -> float | None:
    """The share of peak arithmetic that a step reached."""
    return _share(row.get("flops"), row.get("time"), machine.peak)


def total_time(rows: Sequence[Row]) -> float:
    """The time of the whole run: of the step that holds all others, or of those that hold none.

    Steps that overlap may add up to more than the call that they belong to.
    """
    times = [row.get("time") or 0.0 for row in rows]
    return float(max([sum(times[i] for i in leaves(rows)), *times], default=0.0))


def leaves(rows: Sequence[Row]) -> list[int]:
    """The positions of the rows that hold no others."""
    depths = [int(row.get("depth") or 0) for row in rows]
    return [
        position
        for position, (own, after) in enumerate(zip(depths, [*depths[1:], 0], strict=True))
        if after <= own
    ]


def find(rows: Sequence[Row], machine: Machine) -> Bottleneck | None:
    """Where the time of a run went; None if it took none."""
    total = total_time(rows)
    held = leaves(rows)
    if not total or not held:
        return None
    within = sum(rows[i].get("time") or 0.0 for i in held)
    longest = max(held, key=lambda i: rows[i].get("time") or 0.0)
    if 1 - within / total > _MOST_OUTSIDE and rows[longest].get("kind") != "function":
        return Bottleneck(None, None, 1 - within / total, None, None, "overhead")
    row = rows[longest]
    memory, peak = memory_share(row, machine), peak_share(row, machine)
    share = (row.get("time") or 0.0) / total
    bound = _bound(row, memory, peak)
    return Bottleneck(longest + 1, row.get("line") or None, share, memory, peak, bound)


def _bound(row: Row, memory: float | None, peak: float | None) -> str:
    if row.get("native") is False:
        return "opaque"
    if memory is None and peak is None:
        return "unknown"
    if (memory or 0.0) > _BEYOND:
        return "compute" if (peak or 0.0) >= _NEAR else "cache"
    if max(memory or 0.0, peak or 0.0) >= _NEAR:
        return "memory" if (memory or 0.0) >= (peak or 0.0) else "compute"
    runs = max(row.get("calls") or 1, 1)
    return "overhead" if (row.get("time") or 0.0) / runs < _SHORT else "neither"


def _share(amount: float | None, time: float | None, limit: float | None) -> float | None:
    if not amount or not time or not limit:
        return None
    return amount / time / limit


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f}%"
