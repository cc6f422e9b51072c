"""Words about parallel work: how many workers, and loops whose iterations may overlap."""

from __future__ import annotations


def prange(start: int, stop: int | None = None, step: int = 1, /) -> range:
    """Count as `range` does, and permit the iterations to overlap.

    Values, prints and errors are those of `range`, which permits as much: rounds that do not read
    what others store overlap either way, and `jl.explain` says why others run in order.

    >>> list(prange(3))
    [0, 1, 2]
    """
    return range(start) if stop is None else range(start, stop, step)


def threads(count: int | None = None) -> int:
    """Say how many workers run tasks; set their number first if one is given."""
    from jetlag.engine import core

    return int(core().threads(count))
