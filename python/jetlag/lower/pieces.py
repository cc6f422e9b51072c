"""Pieces of a function that stay in Python: expressions and statements left as they are."""

from __future__ import annotations

import ast
from collections.abc import Collection
from itertools import chain
from typing import TYPE_CHECKING, NoReturn

from jetlag.lower.emit import Node
from jetlag.lower.facts import Restart, StaysInPython
from jetlag.lower.opaque import expression_helper, statement_helper
from jetlag.lower.owner import Owner
from jetlag.lower.scope import Scope, Uses, is_settled, uses

if TYPE_CHECKING:
    from jetlag.lower.nested import Nested

_SHOWN = 60  # characters of a construct that nodes and messages show

_CONSTRUCTS: dict[type[ast.AST], str] = {
    ast.Assert: "assert",
    ast.AsyncFunctionDef: "an async function",
    ast.ClassDef: "class",
    ast.Delete: "del of an item or attribute",
    ast.Dict: "a dict",
    ast.DictComp: "a dict comprehension",
    ast.FunctionDef: "a function used as a value",
    ast.GeneratorExp: "a generator expression",
    ast.Import: "import",
    ast.ImportFrom: "import",
    ast.JoinedStr: "an f-string",
    ast.Lambda: "lambda",
    ast.ListComp: "a list comprehension",
    ast.Match: "match",
    ast.Raise: "raise",
    ast.Set: "a set",
    ast.SetComp: "a set comprehension",
    ast.Starred: "a starred expression",
    ast.Try: "try",
    ast.With: "with",
}

_HINTS: dict[type[ast.AST], str] = {
    ast.DictComp: "build it outside, and pass it in",
    ast.JoinedStr: "print takes values one by one, or leave out strict=True",
    ast.ListComp: "fill an array in a loop, or leave out strict=True",
    ast.Try: "move what may raise into a function that is not strict",
    ast.With: "move the with statement around the call",
}
_HINT = "leave out strict=True to run it in Python"

# Statements that surely bind their names, so that these need not come in.
_SURE_BINDERS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Pieces:
    """What a scope of a function needs to leave parts of it to Python."""

    def __init__(self, owner: Owner, scope: Scope, name: str, line: int) -> None:
        self.owner = owner
        self.emit = owner.emit
        self.scope = scope
        self.bound = set(scope.parameters)  # variables that the nodes so far assign
        self.loops: tuple[ast.AST, ...] = ()
        self.nested: dict[str, Nested] = {}
        self.current: Nested | None = None  # the nested function whose scope this is
        self.outer: Pieces | None = None  # the scope around it
        self._origin = owner.origin(name, line)

    def opaque_expression(
        self, node: ast.expr, why: str = "", immediate: Collection[ast.AST] = ()
    ) -> Node:
        """Leave an expression to Python; `immediate` closures in it do not outlive it."""
        found = uses([node], immediate)
        if found.writes:
            # It assigns: a statement that keeps its value in a variable of ours.
            kept = self.owner.temporary()
            assign = ast.copy_location(ast.Assign([ast.Name(kept, ast.Store())], node), node)
            ast.fix_missing_locations(assign)
            block = self._statement(assign, found, [kept], why or cannot(node), node)
            return self.emit.block([block, self.emit.name(kept, node)], node)
        self._check_closures(found, node)
        inputs = self._inputs(found)
        source = shown(node)
        self._refuse(node, why or cannot(node), source)
        helper = expression_helper(self._origin, node, inputs)
        number = self.owner.helper(helper, why or cannot(node), node)
        self.owner.unit.harmful = True
        arguments = [self.emit.string(source, node), self.emit.names(inputs, node)]
        return self.emit.form("opaque", arguments, node, attribute=number)

    def opaque_statement(self, node: ast.stmt, why: str = "", at: ast.AST | None = None) -> Node:
        """Leave a statement to Python."""
        return self._statement(node, uses([node]), [], why or cannot(node), at or node)

    def global_read(self, name: str, node: ast.expr) -> Node:
        """Read a global where the text reads it: something may assign it at any time."""
        helper = expression_helper(self._origin, node, [])
        number = self.owner.helper(helper, f"{name} is read where it stands", node, lane=True)
        arguments = [self.emit.string(name, node), self.emit.names([], node)]
        return self.emit.form("opaque", arguments, node, attribute=number)

    def is_local(self, name: str) -> bool:
        """Whether the name is a variable of this function or a native one around it."""
        return name.startswith("%") or self.scope.owner(name) is not None

    def find_nested(self, name: str) -> tuple[Nested, Pieces] | None:
        """The native nested function that a name means, and the scope it is defined in."""
        owner = self.scope.owner(name)
        place: Pieces | None = self
        while place is not None and place.scope is not owner:
            place = place.outer
        if place is None or name not in place.nested:
            return None
        return place.nested[name], place

    def use_as_value(self, name: str) -> None:
        """Note that a name is read; a nested function that is must be a Python object."""
        found = self.find_nested(name)
        if found:
            self.make_value(found[0])

    def assigns(self, name: str) -> str:
        """The form that assigns a variable: define the first time in the text, store later."""
        first = name not in self.bound
        self.bound.add(name)
        return "define" if first else "store"

    def make_value(self, nested: Nested) -> NoReturn:
        """Begin again with a nested function as a Python object."""
        self.owner.unit.facts.values.add(nested.key)
        raise Restart

    def _statement(
        self, node: ast.stmt, found: Uses, kept: list[str], why: str, at: ast.AST
    ) -> Node:
        self._check_closures(found, at)
        written = found.writes
        for name in written:
            self.use_as_value(name)
        outputs = [*kept, *(name for name in written if self.scope.owner(name) is self.scope)]
        inputs = self._inputs(found)
        if not isinstance(node, _SURE_BINDERS):
            inputs += [name for name in outputs if name not in inputs and name not in kept]
        source = shown(at)
        self._refuse(at, why, source)
        declared = Uses()
        for name in dict.fromkeys(chain(found.reads, found.writes)):
            if name in self.scope.global_names:
                declared.global_names[name] = None
            elif name in self.scope.nonlocal_names:
                declared.nonlocal_names[name] = None
        helper = statement_helper(self._origin, node, inputs, outputs, declared)
        number = self.owner.helper(helper, why, at)
        self.owner.unit.harmful = True
        self.bound.update(outputs)
        arguments = [
            self.emit.string(source, at),
            self.emit.names(inputs, at),
            self.emit.names(outputs, at),
        ]
        return self.emit.form("opaque_block", arguments, at, attribute=number)

    def _inputs(self, found: Uses) -> list[str]:
        names = [name for name in found.reads if self.is_local(name)]
        for name in names:
            self.use_as_value(name)
        return names

    def _check_closures(self, found: Uses, node: ast.AST) -> None:
        for name in found.rebound:
            if self.is_local(name):
                raise StaysInPython(f"a nested function assigns {name}", node)
        for name in found.captured:
            if not is_settled(self.scope, name, node, self.loops):
                why = f"a closure takes {name} along, which is assigned again"
                raise StaysInPython(why, node)

    def _refuse(self, node: ast.AST, why: str, source: str) -> None:
        if self.owner.unit.strict:
            hint = _HINTS.get(type(node), _HINT)
            self.owner.unit.refuse(self.owner.source, node, source, why, hint)


def cannot(node: ast.AST) -> str:
    """Why a construct stays in Python.

    >>> cannot(ast.parse("[i for i in x]", mode="eval").body)
    'a list comprehension cannot be lowered'
    """
    name = _CONSTRUCTS.get(type(node), type(node).__name__.lower())
    return f"{name} cannot be lowered"


def shown(node: ast.AST) -> str:
    """A construct in one short line.

    >>> shown(ast.parse("try:\\n  f()\\nfinally:\\n  g()").body[0])
    'try: …'
    """
    text = ast.unparse(node)
    first, _, rest = text.partition("\n")
    if rest:
        first += " …"
    return first if len(first) <= _SHOWN else first[: _SHOWN - 1] + "…"
