"""Constructs that stay in Python: each is reported once, with its place."""

from __future__ import annotations

import os.path
import warnings
from typing import Any, ClassVar


class OpaqueWarning(UserWarning):
    """Some part of a function runs in Python, and so no faster than Python."""


class NotLowered(NotImplementedError):
    """A part of a function cannot be lowered, and the function is strict.

    `file`, `line`, `column`, `construct` and `hint` hold what the message says.
    """

    def __init__(
        self, file: str, line: int, column: int, construct: str, why: str, hint: str = ""
    ) -> None:
        self.file, self.line, self.column = file, line, column
        self.construct, self.why, self.hint = construct, why, hint
        super().__init__(file, line, column, construct, why, hint)

    def __str__(self) -> str:
        lines = [f"{place(self.file, self.line, self.column)}: opaque: {self.why}"]
        if self.construct:
            lines.append(f"    in {self.construct}")
        if self.hint:
            lines.append(f"    hint: {self.hint}")
        return "\n".join(lines)


def place(file: str, line: int, column: int) -> str:
    """Say where something stands, as compilers do.

    >>> place("/home/ada/fit.py", 7, 5)
    'fit.py:7:5'
    """
    return f"{os.path.basename(file)}:{line}:{column}"


def describe(file: str, line: int, column: int, why: str, what: str = "statement") -> str:
    """Say what stays in Python and why.

    >>> describe("fit.py", 7, 5, "del cannot be lowered")
    'fit.py:7:5: opaque: del cannot be lowered, so this statement runs in Python'
    """
    return f"{place(file, line, column)}: opaque: {why}, so this {what} runs in Python"


class Reporter:
    """Warns once for each place, whichever function or thread comes there."""

    _told: ClassVar[set[tuple[str, int, int, str]]] = set()

    @classmethod
    def report(
        cls,
        file: str,
        line: int,
        column: int,
        why: str,
        what: str = "statement",
        names: dict[str, Any] | None = None,
    ) -> None:
        """Warn of one place; `names` are the globals of the module it stands in."""
        key = (file, line, column, why)
        if key in cls._told:
            return
        cls._told.add(key)
        # The registry is not ours to fill: once a place is what we keep ourselves.
        try:
            warnings.warn_explicit(
                describe(file, line, column, why, what),
                OpaqueWarning,
                file,
                line,
                module=(names or {}).get("__name__") or "jetlag",
            )
        except OpaqueWarning:  # made an error by a filter: then it is one each time
            cls._told.discard(key)
            raise

    @classmethod
    def forget(cls) -> None:
        """Let every place be reported again."""
        cls._told.clear()
