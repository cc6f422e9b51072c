"""From a Python function to a program of PhySL nodes; docs/lowering.md says which form is what."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from jetlag.lower.facts import Facts, Restart, StaysInPython
from jetlag.lower.resolve import Guard, Holder
from jetlag.lower.unit import Unit
from jetlag.options import Options
from jetlag.records import Record

__all__ = ["Lowered", "StaysInPython", "lower"]


class Lowered(Record):
    """A program, the guards under which it stands for its function, and what it captures."""

    program: Any  # jetlag._core.Program
    guards: tuple[Guard, ...]
    data: tuple[tuple[Holder, str | None], ...]  # where captures are kept that may change
    globals: tuple[tuple[str, dict[str, Any]], ...]  # files, and the globals of their functions


def lower(core: Any, function: FunctionType, options: Options) -> Lowered:  # noqa: ANN401
    """Lower a function with all that it calls.

    Raises StaysInPython if its parts cannot be told apart, NotLowered if it is strict.
    """
    facts = Facts()
    while True:
        unit = Unit(core, function, options, facts)
        try:
            unit.lower()
        except Restart:
            continue
        except RecursionError:
            raise StaysInPython("its expressions are nested too deeply") from None
        break
    program = core.Program(unit.functions, unit.opaques, options.fastmath, options.strict)
    files = {found[1]: found[5].__globals__ for found in unit.functions}
    guards = tuple({(id(g[0]), g[1]): g for g in unit.guards}.values())
    data = tuple({(id(holder), key): (holder, key) for holder, key in unit.data}.values())
    return Lowered(program, guards, data, tuple(files.items()))
