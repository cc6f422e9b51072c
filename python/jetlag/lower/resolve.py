"""What names mean that are no variables of the function: closure cells, globals, builtins.

A link says where a value is kept, as `holder` and `key`: a dict and a name in it, or a cell
and None. Values are fetched there at each call of the function. Where a link is followed
while lowering, because a function that is called is looked at, or a module on the way, the
guards say what must still be found there for the plan to hold.
"""

from __future__ import annotations

import ast
import builtins
import sys
from types import CellType, FunctionType, ModuleType
from typing import Any

from jetlag.records import Record

Holder = dict[str, Any] | CellType
Guard = tuple[Any, str | None, object]  # holder, key, what is expected there

# Modules whose numbers are constants for all practical purposes; they are guarded all the same.
_CONSTANT_MODULES = {"numpy", "math", "cmath"}


class Link(Record):
    """Where a name, or a dotted name through modules, leads."""

    name: str
    holder: Holder
    key: str | None
    value: object  # MISSING if nothing is there now
    guards: tuple[Guard, ...]

    @property
    def all_guards(self) -> tuple[Guard, ...]:
        """What must hold for the value to be this one."""
        return (*self.guards, (self.holder, self.key, self.value))


class Resolver:
    """Follows names of one function."""

    def __init__(self, function: FunctionType, missing: object) -> None:
        self._globals = function.__globals__
        self._builtins: dict[str, Any] = function.__builtins__  # type: ignore[attr-defined]
        self._missing = missing
        names = function.__code__.co_freevars
        self._cells = dict(zip(names, function.__closure__ or (), strict=True))

    def name(self, name: str, *, declared_global: bool = False) -> Link:
        """What a name means; a closure's variable comes before a global of that name."""
        cell = None if declared_global else self._cells.get(name)
        if cell is not None:
            return Link(name, cell, None, contents(cell, self._missing), ())
        if name in self._globals or name not in self._builtins:
            value = self._globals.get(name, self._missing)
            guards: tuple[Guard, ...] = ()
            if value is self._missing:
                guards = ((self._builtins, name, self._missing),)
            return Link(name, self._globals, name, value, guards)
        hidden_by_no_global: Guard = (self._globals, name, self._missing)
        return Link(name, self._builtins, name, self._builtins[name], (hidden_by_no_global,))

    def attribute(self, link: Link, attribute: str) -> Link | None:
        """An attribute of a module; None where the attribute must be asked for at run time."""
        module = link.value
        if type(module) is not ModuleType:
            return None
        if module.__name__.partition(".")[0] == "numpy":
            getattr(module, attribute, None)  # NumPy imports some of its parts when asked for them
        value = vars(module).get(attribute, self._missing)
        if value is self._missing:
            return None
        return Link(f"{link.name}.{attribute}", vars(module), attribute, value, link.all_guards)

    def is_constant(self, link: Link) -> bool:
        """Whether a number of a module like math may be written as a literal."""
        if not isinstance(link.holder, dict) or link.holder is self._globals:
            return False
        module = str(link.holder.get("__name__", "")).partition(".")[0]
        return module in _CONSTANT_MODULES

    def is_data(self, link: Link) -> bool:
        """Whether it is a value that programs assign again, unlike functions and modules."""
        if link.holder is self._builtins or self.is_constant(link):
            return False
        return not isinstance(link.value, ModuleType) and not callable(link.value)


def contents(cell: CellType, missing: object) -> object:
    """What a closure cell holds."""
    try:
        return cell.cell_contents
    except ValueError:
        return missing


def fetch(holder: Any, key: str | None, missing: object) -> object:  # noqa: ANN401
    """What is kept in a dict, in a cell (no key), or in an attribute."""
    if isinstance(holder, dict):
        return holder.get(key, missing)
    return contents(holder, missing) if key is None else getattr(holder, key, missing)


def is_banned(name: str, value: object) -> bool:
    """Whether a builtin sees or changes the variables of its caller."""
    return name in _SEES_FRAME and value is getattr(builtins, name, None)


_SEES_FRAME = {"locals", "exec", "eval", "super"}


def needs_frame(value: object) -> bool:
    """Whether a function looks at the frame that calls it, so that a helper must call it."""
    warnings = sys.modules.get("warnings")
    return value is builtins.globals or (warnings is not None and value is warnings.warn)


def banned_call(node: ast.AST) -> str | None:
    """`vars()` and `dir()` without arguments are the variables of their caller."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return None
    is_bare = not node.args and not node.keywords
    return node.func.id if is_bare and node.func.id in ("vars", "dir") else None
