"""What lowering learns while it works, and the ways in which it gives up.

Lowering is optimistic. When a later line shows that an earlier choice was wrong, it notes
the fact and begins again, so that no choice is ever mended in place.
"""

from __future__ import annotations

import ast
from types import CodeType

from jetlag.lower.source import Source


class Facts:
    """Everything known before an attempt; attempts only add to it."""

    def __init__(self) -> None:
        # Functions that are called, not lowered with their caller.
        self.host: set[CodeType] = set()
        # Nested functions, by code and place, that are used as values.
        self.values: set[tuple[CodeType, tuple[int, int]]] = set()
        # Names that functions of the program may not have, because a variable has them.
        self.taken: set[str] = set()
        # Some step may assign globals behind our back: they are read where the text reads them.
        self.volatile = False
        self.sources: dict[CodeType, Source] = {}


class Restart(Exception):
    """The facts have grown: lower again from the start."""


class StaysInPython(Exception):
    """A function whose parts cannot be told apart: all of it runs in Python.

    So do those that call it if it `spreads`.
    """

    def __init__(self, why: str, node: ast.AST | None = None, *, spreads: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.node = node
        self.spreads = spreads
