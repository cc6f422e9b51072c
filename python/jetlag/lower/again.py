"""What Python parses and compiles a second time: its warnings were told the first time."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType

# Before Python 3.12 an unknown escape in a string is a DeprecationWarning.
_TOLD = [("ignore", None, kind, None, 0) for kind in (SyntaxWarning, DeprecationWarning)]


def parse(text: str) -> ast.Module:
    with _silence():
        return ast.parse(text)


def compile_module(module: ast.Module, file: str, flags: int) -> CodeType:
    with _silence():
        return compile(module, file, "exec", flags=flags, dont_inherit=True)


@contextmanager
def _silence() -> Iterator[None]:
    # Unlike warnings.catch_warnings this lets Python remember which warnings it has shown.
    filters: list[tuple[str, None, type[Warning], None, int]] = warnings.filters  # type: ignore
    filters[:0] = _TOLD
    try:
        yield
    finally:
        for row in _TOLD:
            filters.remove(row)
