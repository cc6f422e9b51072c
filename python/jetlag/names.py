"""Which Python objects the table of primitives knows, by identity."""

from __future__ import annotations

import builtins
import importlib
from functools import cache
from types import ModuleType
from typing import Any

from jetlag.parallel import prange
from jetlag.records import Record


class Primitive(Record):
    """A row of the table as the front end needs it."""

    name: str
    parameters: tuple[str, ...]
    required: int
    takes_rest: bool
    positional_only: int  # that many parameters cannot be given by name

    def accepts(self, positional: int, keywords: list[str]) -> bool:
        """Say whether a call of this form fits the row; if not, NumPy itself is asked.

        >>> Primitive("sum", ("a", "axis"), 1, False, 0).accepts(1, ["axis"])
        True
        >>> Primitive("sum", ("a", "axis"), 1, False, 0).accepts(1, ["where"])
        False
        """
        if positional > len(self.parameters) and not self.takes_rest:
            return False
        bound = set(self.parameters[:positional])
        for keyword in keywords:
            if keyword not in self.parameters[self.positional_only :] or keyword in bound:
                return False
            bound.add(keyword)
        return self.takes_rest or bound >= set(self.parameters[: self.required])


def primitive(value: object) -> Primitive | None:
    """The row whose Python function this object is."""
    found = _table().get(id(value))
    if found is None or found[0] is not value:
        return None
    return _row(id(value))


def read_row(row: dict[str, Any], twin: object) -> Primitive:
    """Take from a row of `_core.primitives()` what the front end needs.

    >>> row = read_row({"name": "sum", "params": "a, axis=nil", "python": "numpy.sum"}, sum)
    >>> row.parameters, row.required
    (('a', 'axis'), 1)
    """
    texts = [text.strip() for text in row.get("params", "").split(",") if text.strip()]
    rest = any(text.startswith("*") for text in texts)
    plain = [text for text in texts if not text.startswith("*")]
    positional_only = 0
    if not row.get("python", "").startswith("numpy."):
        positional_only = len(plain)
    elif type(twin).__name__ == "ufunc":
        positional_only = int(getattr(twin, "nin", 0))
    return Primitive(
        name=row["name"],
        parameters=tuple(text.partition("=")[0].strip() for text in plain),
        required=sum("=" not in text for text in plain),
        takes_rest=rest,
        positional_only=positional_only,
    )


def find(dotted: str) -> object | None:
    """The object that a dotted name means, or None if this Python has none.

    >>> find("math.pi")
    3.141592653589793
    """
    module, _, attributes = dotted.partition(".")
    if not attributes:
        return getattr(builtins, module, None)
    value: Any = importlib.import_module(module)
    for attribute in attributes.split("."):
        if isinstance(value, ModuleType) and not hasattr(value, attribute):
            return None
        value = getattr(value, attribute, None)
        if value is None:
            return None
    return value


_RANGE = {"name": "range", "params": "start, stop=nil, step=nil"}


@cache
def _table() -> dict[int, tuple[object, dict[str, Any]]]:
    """Rows by the id of their twin, with the twin itself, so that the id stays taken.

    The first of several rows with one Python twin is found, as in the engine.
    """
    from jetlag.engine import core

    table: dict[int, tuple[object, dict[str, Any]]] = {}
    for row in core().primitives():
        dotted = row.get("python")
        twin = find(dotted) if dotted else None
        if twin is not None:
            table.setdefault(id(twin), (twin, row))
    table[id(range)] = (range, _RANGE)
    table[id(prange)] = (prange, _RANGE)
    return table


@cache
def _row(key: int) -> Primitive:
    twin, row = _table()[key]
    return read_row(row, twin)
