"""What lowering learns while it works, and the ways in which it gives up.

Lowering is optimistic. When a later line shows that an earlier choice was wrong, it notes
the fact and begins again, so that no choice is ever mended in place.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from types import CodeType

from jetlag.lower.source import Source


@dataclass
class Facts:
    """Everything known before an attempt; attempts only add to it."""

    # Functions that are called, not lowered with their caller.
    host: set[CodeType] = field(default_factory=set)
    # Nested functions, by code and place, that are used as values.
    values: set[tuple[CodeType, tuple[int, int]]] = field(default_factory=set)
    # Names that functions of the program may not have, because a variable has them.
    taken: set[str] = field(default_factory=set)
    # Some step may assign globals behind our back: they are read where the text reads them.
    volatile: bool = False
    sources: dict[CodeType, Source] = field(default_factory=dict)


class Restart(Exception):
    """The facts have grown: lower again from the start."""


class StaysInPython(Exception):
    """A function whose parts cannot be told apart: all of it runs in Python."""

    def __init__(self, why: str, node: ast.AST | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.node = node
