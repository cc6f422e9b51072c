"""What the decorator may be given."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """How a function is to be lowered."""

    strict: bool = False  # raise NotLowered instead of leaving anything to Python
    fastmath: bool = False  # allow rules that change more than rounding
