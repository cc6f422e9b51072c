"""One Python function of a program while it is lowered: its captures, guards and helpers."""

from __future__ import annotations

import ast
from itertools import count
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from jetlag.lower.emit import Emitter
from jetlag.lower.facts import StaysInPython
from jetlag.lower.opaque import Helper, Origin
from jetlag.lower.resolve import Link, Resolver, banned_call, is_banned
from jetlag.lower.source import Source

if TYPE_CHECKING:
    from jetlag.lower.unit import Unit

Capture = tuple[str, Any, Any]

# What an array is known by here, while other names and views may mean the same one. Not `data`,
# which users' own classes have, and which the engine refuses to set for arrays.
_LOOKS = {"shape", "dtype", "strides", "writeable"}
_CHANGES = {"resize", "setflags"}


class Owner:
    """What the scopes of one function share."""

    def __init__(self, unit: Unit, function: FunctionType, source: Source) -> None:
        self.unit = unit
        self.function = function
        self.source = source
        self.emit = Emitter(unit.core, source)
        self.resolver = Resolver(function, unit.core.MISSING)
        self.captures: dict[str, Capture] = {}
        self.bound = _bound_names(source.node)
        self._numbers = count(1)

    def temporary(self) -> str:
        """A name that no user can have."""
        return f"%{next(self._numbers)}"

    def origin(self, name: str, line: int) -> Origin:
        """Where helpers say they come from; `name` is that of the function or a nested one."""
        inside = "" if name == self.function.__name__ else f".<locals>.{name}"
        qualname = self.function.__qualname__ + inside
        return Origin(self.function, name, qualname, line, self.unit.core.UNBOUND)

    def capture(self, name: str, holder: object, key: object) -> str:
        """Note a name from outside; the engine fetches it when the function is called."""
        self.captures.setdefault(name, (name, holder, key))
        return name

    def capture_value(self, name: str, value: object) -> str:
        """Note an object that never changes, under a name of its own."""
        kept = self.captures.get(name)
        while kept is not None and kept[2] is not value:
            name += "'"
            kept = self.captures.get(name)
        return self.capture(name, "value", value)

    def helper(self, helper: Helper, why: str, at: ast.AST, *, lane: bool = False) -> str:
        """Note a helper; the attribute by which nodes refer to it."""
        line, column = self.emit.place(at)
        return str(self.unit.add_opaque((helper, why, line, column, lane)))

    def follow(self, link: Link) -> object:
        """The value of a link, which a guard keeps true."""
        self.unit.guards.extend(link.all_guards)
        return link.value

    def refuse_what_sees_the_frame(self) -> None:
        """Raise StaysInPython if the function looks at its own variables from outside."""
        free = self.function.__code__.co_freevars
        if "__class__" in free:
            raise StaysInPython("super() and __class__ need the whole method", self.source.node)
        for node in ast.walk(self.source.node):
            called = banned_call(node)
            name = called or (node.id if isinstance(node, ast.Name) else "")
            if called or (name and is_banned(name, self.resolver.name(name).value)):
                raise StaysInPython(f"{name}() sees all variables of the function", node)

    def refuse_what_reshapes_in_place(self) -> None:
        """Raise StaysInPython if the function gives an array that exists another look."""
        for node in ast.walk(self.source.node):
            if self._changes_looks(node):
                why = "an array that other names may mean gets another shape, dtype or flag"
                raise StaysInPython(why, node, spreads=True)

    def _changes_looks(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Subscript):
            flags = isinstance(node.value, ast.Attribute) and node.value.attr == "flags"
            return flags and not isinstance(node.ctx, ast.Load)
        if not isinstance(node, ast.Attribute):
            return False
        name = node.value.id if isinstance(node.value, ast.Name) else ""
        if node.attr in _LOOKS:
            # What a method has as `self` is of its own class, which no plain array is.
            return isinstance(node.ctx, ast.Store) and name != "self"
        if node.attr not in _CHANGES:
            return False
        return name in self.bound or not isinstance(self.resolver.name(name).value, ModuleType)


def _bound_names(node: ast.AST) -> set[str]:
    """Every name that something in a function binds, in whichever scope."""
    names = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load):
            continue
        found = (getattr(inner, field, None) for field in ("id", "arg", "name", "asname", "rest"))
        names.update(name for name in found if isinstance(name, str))
    return names - {getattr(node, "name", "")}
