"""Whether an earlier result may stand for a call: not where chance, time or files were seen."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

from jetlag.jobs.bundle import global_names, is_installed
from jetlag.lower import source

_MODULES = {
    "random": "random numbers",
    "secrets": "random numbers",
    "uuid": "random numbers",
    "time": "the time",
    "datetime": "the time",
    "os": "the system",
    "sys": "the system",
    "io": "files",
    "pathlib": "files",
    "shutil": "files",
    "socket": "the network",
    "urllib": "the network",
    "requests": "the network",
    "subprocess": "other programs",
}
_NAMES = {"open": "files", "input": "what is typed", "print": "output"}
_NUMPY = {
    "load": "files", "save": "files", "savez": "files", "loadtxt": "files", "savetxt": "files",
    "genfromtxt": "files", "fromfile": "files", "tofile": "files", "memmap": "files",
}  # fmt: skip


def reason_against(function: Any) -> str:  # noqa: ANN401
    """Why the result of an equal call may be another; empty if nothing was seen that says so.

    The function is looked through, with the functions and modules of the user's own that it uses.
    """
    seen: set[int] = set()
    waiting = [function]
    while waiting:
        value = waiting.pop()
        value = getattr(value, "__wrapped__", value)
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, FunctionType) and not is_installed(value.__module__ or ""):
            try:
                node = source.find(value).node
            except source.NoSource as error:
                return str(error)
            for what, line in _impurities(node):
                return f"{value.__qualname__} uses {what} in line {line}"
            waiting += _used(value)
        elif isinstance(value, ModuleType) and not is_installed(value.__name__):
            for what, line in _impurities(ast.parse(inspect.getsource(value))):
                return f"{value.__name__} uses {what} in line {line}"
    return ""


def _used(function: FunctionType) -> list[Any]:
    names = global_names(function.__code__)
    space = function.__globals__
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    return [space[name] for name in sorted(names) if name in space] + cells


def _impurities(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            if what := _NAMES.get(node.id) or _MODULES.get(node.id):
                yield f"{what} ({node.id})", node.lineno
        elif isinstance(node, ast.Attribute):
            if node.attr == "random":
                yield "random numbers (random)", node.lineno
            elif what := _NUMPY.get(node.attr, ""):
                yield f"{what} ({node.attr})", node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module in _MODULES:
            yield f"{_MODULES[node.module]} ({node.module})", node.lineno
