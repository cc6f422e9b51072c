"""The text of one function of a module, parsed without the rest of its file.

It is a guess by the indentation: whoever asks holds the result against the function's bytecode,
and parses the whole file if it does not fit.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from jetlag.lower import again

_ENDS = re.compile(r"[^\s#)\]}]")  # what a line begins with that is outside of the block before
_IMPORT = re.compile(r"(?:import|from)\s")


def function_at(lines: Sequence[str], first: int) -> ast.FunctionDef | None:
    """The definition that begins on a line (counted from 1) at the left margin."""
    found = -1
    for number in range(first - 1, len(lines)):
        if lines[number].startswith("def "):
            found = number
            break
        if not lines[number].startswith(("@", " ", "\t", ")", "#", "\n")):
            return None
    if found < 0:
        return None
    end = found + 1
    while end < len(lines) and not _ENDS.match(lines[end]):
        end += 1
    return _definition("\n" * (first - 1) + "".join(lines[first - 1 : end]))


def _definition(text: str) -> ast.FunctionDef | None:
    try:
        body = again.parse(text).body
    except (SyntaxError, ValueError):
        return None
    return body[0] if len(body) == 1 and isinstance(body[0], ast.FunctionDef) else None


def imports(lines: Sequence[str]) -> tuple[ast.stmt, ...]:
    """The imports at the left margin that can be read line by line."""
    return tuple(statement for text in _texts(lines) for statement in _parsed(text))


def _texts(lines: Sequence[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        if _IMPORT.match(line):
            end = number + 1
            if "(" in line:
                while end < len(lines) and ")" not in lines[end - 1]:
                    end += 1
            yield "".join(lines[number:end])


def _parsed(text: str) -> list[ast.stmt]:
    try:
        return again.parse(text).body
    except (SyntaxError, ValueError):
        return []
