"""What a function job carries along: the function, and what it uses, as data that one can read.

A function of the program itself (a script, a notebook) travels as its source, with the globals and
captured names that it reads; a function of a module of the user's own travels as that module, with
the modules that this imports. Installed packages do not travel: their versions are written down.
"""

from __future__ import annotations

import ast
import importlib.util
import linecache
import os
import platform
import sys
import sysconfig
from collections.abc import Iterator
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from jetlag.jobs.values import CannotSend

_MOST_BYTES = 20 << 20  # of modules
_LONGEST_FILE = 4 << 20


class Bundle:
    """The parts of a function job, gathered from a function."""

    def __init__(self) -> None:
        self.functions: dict[str, dict[str, Any]] = {}
        self.classes: dict[str, dict[str, Any]] = {}
        self.modules: dict[str, str] = {}  # path → text
        self.named: list[str] = []  # what is imported from them
        self.files: dict[str, str] = {}  # sources, for tracebacks and for compiling
        self.packages: dict[str, str] = {}
        self.warnings: list[str] = []
        self._keys: dict[int, str] = {}
        self._kept: list[object] = []
        self._seen: set[str] = set()
        self._spaces: dict[int, int] = {}  # globals, numbered as they are met

    # ---- what is referred to, in the place of a value

    def refer(self, value: Any, where: str) -> dict[str, Any] | None:  # noqa: ANN401
        """How a function, class or module travels; None for what is data."""
        from jetlag.function import JitFunction

        if isinstance(value, ModuleType):
            self._module(value.__name__)
            return {"t": "module", "v": value.__name__}
        if isinstance(value, JitFunction):
            if name := self._importable(value.__wrapped__, value):
                return name
            options = value.options
            inner = self._function(value.__wrapped__, where)
            return {"t": "jit", "v": inner, "strict": options.strict, "fastmath": options.fastmath}
        if isinstance(value, FunctionType):
            return self._importable(value, value) or self._function(value, where)
        if isinstance(value, type):
            return self._importable(value, value) or self._class(value, where)
        if isinstance(value, BuiltinFunctionType | np.ufunc) or _is_dispatched(value):
            return self._importable(value, value)
        return None

    def _importable(self, thing: Any, held: Any) -> dict[str, Any] | None:  # noqa: ANN401
        """A name by which it is imported on the other side, if it is what stands there."""
        module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
        if isinstance(thing, np.ufunc):
            module, name = "numpy", thing.__name__
        if not module or not name or module == "__main__" or "<" in name:
            return None
        found: Any = sys.modules.get(module)
        try:
            for part in name.split("."):
                found = getattr(found, part)
        except AttributeError:
            return None
        if found is not held and found is not thing:
            return None
        if _file_of(module) is None and not is_installed(module):
            return None  # made by exec: a notebook's, a test's
        self._module(module)
        full = f"{module}.{name}"
        if not is_installed(module) and full not in self.named:
            self.named.append(full)
        return {"t": "import", "v": [module, name]}

    def _function(self, function: FunctionType, where: str) -> dict[str, Any]:
        if id(function) in self._keys:
            return {"t": "function", "v": self._keys[id(function)]}
        from jetlag.lower import source

        code = function.__code__
        key = f"{len(self.functions)} {function.__qualname__}"
        self._keys[id(function)] = key
        self._kept.append(function)
        try:
            found = source.find(function)
        except source.NoSource as error:
            raise CannotSend(f"{where} cannot be sent: {error}") from None
        self.files[code.co_filename] = "".join(found.lines)
        unit: dict[str, Any] = {}
        self.functions[key] = unit
        names = sorted(global_names(code))
        space = function.__globals__
        cells = function.__closure__ or ()
        unit.update(
            name=function.__name__,
            qualname=function.__qualname__,
            module=function.__module__ or "__main__",
            file=code.co_filename,
            line=code.co_firstlineno,
            place=[found.node.lineno, found.node.col_offset],
            flags=code.co_flags,
            free=list(code.co_freevars),
            cells={
                name: _contents(cell, name, function)
                for name, cell in zip(code.co_freevars, cells, strict=True)
            },
            space=str(self._spaces.setdefault(id(space), len(self._spaces))),
            globals={name: space[name] for name in names if name in space},
            defaults=function.__defaults__,
            kwdefaults=function.__kwdefaults__,
        )
        return {"t": "function", "v": key}

    def _class(self, cls: type, where: str) -> dict[str, Any]:
        if id(cls) in self._keys:
            return {"t": "class", "v": self._keys[id(cls)]}
        node, file, lines = _class_source(cls, where)
        key = f"{len(self.classes)} {cls.__qualname__}"
        self._keys[id(cls)] = key
        self._kept.append(cls)
        self.files[file] = "".join(lines)
        unit: dict[str, Any] = {}
        self.classes[key] = unit
        space = vars(sys.modules.get(cls.__module__, ModuleType("none")))
        names = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
        unit.update(
            name=cls.__name__,
            module=cls.__module__,
            file=file,
            place=[node.lineno, node.col_offset],
            space=str(self._spaces.setdefault(id(space), len(self._spaces))),
            globals={n: space[n] for n in sorted(names) if n in space and space[n] is not cls},
        )
        return {"t": "class", "v": key}

    # ---- modules

    def _module(self, name: str) -> None:
        """Note an installed package's version, or take a module of the user's own along."""
        top = name.partition(".")[0]
        if name in self._seen or top == "jetlag":
            return
        self._seen.add(name)
        if top in sys.stdlib_module_names or top in sys.builtin_module_names:
            return
        if is_installed(name):
            for distribution, version in _versions(top):
                self.packages[distribution] = version
            return
        for path, text in _own_files(name):
            if path in self.modules:
                continue
            self.modules[path] = text
            if sum(map(len, self.modules.values())) > _MOST_BYTES:
                raise CannotSend(f"the modules around {name} have more than {_MOST_BYTES} bytes")
            package = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            for imported in _imports(text, package, path.endswith("__init__.py")):
                if _can_import(imported):
                    self._module(imported)

    def write(self, reference: dict[str, Any], path: Path, *, pickle: bool = False) -> str:
        """Write all of it as a file of values; gives the digest."""
        from jetlag.jobs.values import write_tree

        def make(tree: Any) -> Any:  # noqa: ANN401
            done: dict[str, list[Any]] = {"functions": [], "classes": []}
            tables = {"functions": self.functions, "classes": self.classes}
            # What is written refers to more: until nothing new is found.
            while any(len(done[name]) < len(table) for name, table in tables.items()):
                for name, table in tables.items():
                    for key in list(table)[len(done[name]) :]:
                        done[name].append([key, _unit_tree(tree, table[key])])
            units = [[name, {"t": "dict", "v": rows}] for name, rows in done.items()]
            rest = {"modules": self.modules, "files": self.files, "manifest": self.manifest()}
            entry = ["entry", {"t": "entry", "v": reference}]
            return {
                "t": "dict",
                "v": [entry, *units, *[[k, tree(v, k)] for k, v in rest.items()]],
            }

        return write_tree(make, path, pickle=pickle, refer=self.refer)[0]

    def manifest(self) -> dict[str, Any]:
        """What travels, for people."""
        return {
            "functions": [unit["qualname"] for unit in self.functions.values()] + self.named,
            "classes": [unit["name"] for unit in self.classes.values()],
            "modules": {path: len(text.encode()) for path, text in sorted(self.modules.items())},
            "sources": sorted(self.files),
            "packages": dict(sorted(self.packages.items())),
            "python": platform.python_version(),
            "warnings": self.warnings,
        }


def gather(function: Any) -> tuple[Bundle, dict[str, Any]]:  # noqa: ANN401
    """The bundle of a function, and the reference to it in that bundle.

    Raises CannotSend for what is no Python function, or whose source cannot be found.
    """
    bundle = Bundle()
    for name, version in _versions("numpy"):
        bundle.packages[name] = version
    reference = bundle.refer(function, getattr(function, "__qualname__", "the function"))
    if reference is None or reference["t"] == "module":
        raise CannotSend(f"run takes a function, not {type(function).__name__}")
    return bundle, reference


def node_at(tree: ast.AST, place: list[int], name: str) -> Any:  # noqa: ANN401
    """The function or class of a tree that begins at a line and column."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
    for node in ast.walk(tree):
        if isinstance(node, kinds) and [node.lineno, node.col_offset] == list(place):
            return node
    raise LookupError(f"{name} is not where its bundle says")


# ---- code


def _unit_tree(tree: Any, unit: dict[str, Any]) -> Any:  # noqa: ANN401
    """The tree of a unit, where messages name what is captured."""
    name = unit.get("qualname", unit["name"])
    pairs = []
    for field, value in unit.items():
        if field in ("globals", "cells"):
            captured = [[n, tree(v, f"{n}, which {name} uses,")] for n, v in value.items()]
            pairs.append([field, {"t": "dict", "v": captured}])
        else:
            pairs.append([field, tree(value, f"{field} of {name}")])
    return {"t": "dict", "v": pairs}


def global_names(code: CodeType) -> set[str]:
    """The globals and attributes that code names, with the code in it."""
    names = set(code.co_names)
    for const in code.co_consts:
        if isinstance(const, CodeType):
            names |= global_names(const)
    return names


def _contents(cell: Any, name: str, function: FunctionType) -> Any:  # noqa: ANN401
    try:
        return cell.cell_contents
    except ValueError:
        raise CannotSend(f"{name}, which {function.__qualname__} uses, has no value yet") from None


def _class_source(cls: type, where: str) -> tuple[ast.ClassDef, str, list[str]]:
    import inspect

    try:
        lines, first = inspect.getsourcelines(cls)
        file = inspect.getfile(cls)
    except (OSError, TypeError) as error:
        raise CannotSend(f"{where}: the source of {cls.__qualname__} cannot be found") from error
    every = linecache.getlines(file) or lines
    for node in ast.walk(ast.parse("".join(every))):
        begins = (
            min([d.lineno for d in node.decorator_list] + [node.lineno])
            if isinstance(node, ast.ClassDef)
            else 0
        )
        if isinstance(node, ast.ClassDef) and node.name == cls.__name__ and begins == first:
            return node, file, every
    raise CannotSend(f"{where}: the source of {cls.__qualname__} cannot be told apart")


# ---- modules


def _is_dispatched(value: Any) -> bool:  # noqa: ANN401
    """NumPy's functions that dispatch are no functions of Python."""
    return type(value).__name__ == "_ArrayFunctionDispatcher"


@lru_cache(maxsize=1)
def _installed_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return tuple({os.path.realpath(paths[name]) + os.sep for name in names})


def _file_of(name: str) -> str | None:
    module = sys.modules.get(name)
    if module is None:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError, AttributeError):
            return None
        return spec.origin if spec is not None else None
    return getattr(module, "__file__", None)


def is_installed(name: str) -> bool:
    """Whether a module is part of Python or of a package, not the user's own."""
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names or top in sys.builtin_module_names or top == "jetlag":
        return True
    file = _file_of(top) or ""
    if not file:
        module = sys.modules.get(top)
        file = next(iter(getattr(module, "__path__", [])), "")
    real = os.path.realpath(file)
    inside = any(real.startswith(folder) for folder in _installed_folders())
    return inside or "site-packages" in real or "dist-packages" in real or not real.endswith(".py")


def _can_import(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError, AttributeError):
        return False


@lru_cache(maxsize=256)
def _versions(top: str) -> tuple[tuple[str, str], ...]:
    try:
        return ((top, metadata.version(top)),)
    except metadata.PackageNotFoundError:
        pass
    return tuple((name, metadata.version(name)) for name in _distributions().get(top, [])[:1])


@lru_cache(maxsize=1)
def _distributions() -> Any:  # noqa: ANN401
    return metadata.packages_distributions()


def _own_files(name: str) -> Iterator[tuple[str, str]]:
    """The sources of a module of the user's own; of a package, all of it."""
    top = name.partition(".")[0]
    file = _file_of(top)
    if file is None:
        return
    path = Path(file)
    if path.name != "__init__.py":
        yield f"{top}.py", path.read_text()
        return
    for source in sorted(path.parent.rglob("*.py")):
        if source.stat().st_size <= _LONGEST_FILE:
            yield f"{top}/{source.relative_to(path.parent).as_posix()}", source.read_text()


def _imports(text: str, package: str, is_package: bool) -> Iterator[str]:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
        elif isinstance(node, ast.ImportFrom) and node.level:
            parts = package.split(".")
            base = parts[: len(parts) - node.level + (1 if is_package else 0)]
            if base:
                yield ".".join([*base, node.module] if node.module else base)
