"""PhySL nodes with the place of the Python construct that they stand for."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Any

from jetlag.lower.source import Source

Node = Any  # jetlag._core.Node

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z_0-9]*\Z")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_MOST_BITS = 12_000  # larger integers have more digits than Python prints without being asked


class Emitter:
    """Builds nodes; `at` is always the syntax tree node whose place they get."""

    def __init__(self, core: Any, source: Source) -> None:  # noqa: ANN401
        self._core = core
        self._source = source

    def place(self, at: ast.AST) -> tuple[int, int]:
        """Line and column, both from 1."""
        return getattr(at, "lineno", 0), self._source.column(at)

    def name(self, text: str, at: ast.AST) -> Node:
        """A variable, a function or a capture; quoted where PhySL would read something else."""
        return self._core.name(text, *self.place(at), quoted=self.is_quoted(text))

    def form(self, name: str, arguments: Sequence[Node], at: ast.AST, attribute: str = "") -> Node:
        """A form or a primitive."""
        return self._core.call(name, list(arguments), *self.place(at), attribute=attribute)

    def call(self, function: str, arguments: Sequence[Node], at: ast.AST) -> Node:
        """A call of a function of the program."""
        quoted = self.is_quoted(function)
        return self._core.call(function, list(arguments), *self.place(at), quoted=quoted)

    def constant(self, name: str, at: ast.AST) -> Node:
        """A name that PhySL itself gives a meaning, or an operator."""
        return self._core.name(name, *self.place(at))

    def keyword(self, name: str, value: Node, at: ast.AST) -> Node:
        """An argument given by name."""
        return self.form("__arg", [self._core.name(name, *self.place(at)), value], at)

    def names(self, names: Sequence[str], at: ast.AST) -> Node:
        """A list of variables: the inputs or outputs of a helper."""
        return self.items([self.name(name, at) for name in names], at)

    def items(self, items: Sequence[Node], at: ast.AST) -> Node:
        """A literal list: targets, inputs, outputs."""
        return self._core.list(list(items), *self.place(at))

    def string(self, text: str, at: ast.AST) -> Node:
        """A string."""
        return self._core.string(text, *self.place(at))

    def nil(self, at: ast.AST) -> Node:
        """None."""
        return self._core.nil(*self.place(at))

    def block(self, nodes: Sequence[Node], at: ast.AST) -> Node:
        """Nodes in a row; one alone needs no block, none is nil."""
        if len(nodes) == 1:
            return nodes[0]
        return self.form("block", nodes, at) if nodes else self.nil(at)

    def literal(self, value: object, at: ast.AST) -> Node | None:
        """The literal of an immutable scalar; None if PhySL cannot write it."""
        place = self.place(at)
        kind = type(value)
        if value is None:
            return self._core.nil(*place)
        if kind is bool:
            return self._core.boolean(value, *place)
        if kind is int and value.bit_length() <= _MOST_BITS:  # type: ignore[attr-defined]
            return self._core.integer(value, *place)
        if kind is float:
            return self._core.real(value, *place)
        if kind is complex and str(value.real) == "0.0":  # type: ignore[attr-defined]
            return self._core.imaginary(value.imag, *place)  # type: ignore[attr-defined]
        if kind is str and not _LONE_SURROGATE.search(value):  # type: ignore[call-overload]
            return self._core.string(value, *place)
        return None

    def is_quoted(self, text: str) -> bool:
        """Whether PhySL would not read the text as a user's name."""
        return not _IDENTIFIER.match(text) or bool(self._core.reserved(text))
