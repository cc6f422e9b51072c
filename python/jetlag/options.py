"""What the decorator may be given."""

from __future__ import annotations

from typing import NamedTuple


class Options(NamedTuple):
    """How a function is to be lowered."""

    strict: bool = False  # raise NotLowered instead of leaving anything to Python
    fastmath: bool = False  # let machine code rearrange arithmetic
    performance: bool = False  # measure every call: `perfdata`
