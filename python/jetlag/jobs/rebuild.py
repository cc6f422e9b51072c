"""The other end of a bundle: functions and classes are made again as they were."""

from __future__ import annotations

import ast
import builtins
import importlib
import linecache
import os
import sys
from pathlib import Path
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

from jetlag.jobs.bundle import node_at


class Rebuilder:
    """Makes what a bundle refers to; each thing once."""

    def __init__(self, bundle: dict[str, Any], folder: Path) -> None:
        self._bundle = bundle
        self._made: dict[str, Any] = {}
        self._spaces: dict[str, dict[str, Any]] = {}
        self._trees: dict[str, ast.AST] = {}
        self._value: Any = None
        _write_modules(bundle["modules"], folder)
        for file, text in bundle["files"].items():
            # Without a time, so that a file of that name here does not take its place.
            linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)

    def resolve(self, tree: dict[str, Any]) -> Any:  # noqa: ANN401
        """What stands behind a reference."""
        kind = tree["t"]
        if kind == "module":
            return importlib.import_module(tree["v"])
        if kind == "import":
            module, name = tree["v"]
            found: Any = importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
            return found
        if kind == "jit":
            from jetlag import jit

            key = f"jit {tree['v']['v']} {tree['strict']} {tree['fastmath']}"
            if key not in self._made:
                inner = self.resolve(tree["v"])
                self._made[key] = jit(strict=tree["strict"], fastmath=tree["fastmath"])(inner)
            return self._made[key]
        if kind == "function":
            return self._once(tree["v"], self._bundle["functions"], self._function)
        if kind == "class":
            return self._once(tree["v"], self._bundle["classes"], self._class)
        raise LookupError(f"the bundle refers to the unknown kind {kind!r}")

    def _once(self, key: str, units: dict[str, Any], make: Any) -> Any:  # noqa: ANN401
        if key not in self._made:
            make(key, units[key])
        return self._made[key]

    def decode(self, tree: Any) -> Any:  # noqa: ANN401
        """A captured value: references stand in containers that were read as plain ones."""
        if isinstance(tree, Reference):
            return self.resolve(tree.tree)
        if isinstance(tree, list):
            return [self.decode(item) for item in tree]
        if isinstance(tree, tuple):
            return tuple(self.decode(item) for item in tree)
        if isinstance(tree, dict):
            return {self.decode(k): self.decode(v) for k, v in tree.items()}
        if isinstance(tree, set | frozenset):
            return type(tree)(self.decode(item) for item in tree)
        return tree

    def _space(self, unit: dict[str, Any]) -> dict[str, Any]:
        """The globals: shared by the units that shared them."""
        key = unit["space"]
        if key not in self._spaces:
            module = ModuleType(unit["module"])
            module.__file__ = unit["file"]
            module.__builtins__ = builtins  # type: ignore[attr-defined]
            self._spaces[key] = vars(module)
            # Classes look up their own module, and so does inspect.
            if unit["module"] not in sys.modules or unit["module"] == "__main__":
                sys.modules[unit["module"]] = module
            self._made[f"space {key}"] = module
        return self._spaces[key]

    def _tree(self, file: str) -> ast.AST:
        if file not in self._trees:
            self._trees[file] = ast.parse(self._bundle["files"][file], file)
        return self._trees[file]

    def _function(self, key: str, unit: dict[str, Any]) -> None:
        file = unit["file"]
        lines = tuple(self._bundle["files"][file].splitlines(keepends=True))
        code = _code_of(node_at(self._tree(file), unit["place"], unit["name"]), unit, lines)
        space = self._space(unit)
        cells = {name: CellType() for name in unit["free"]}
        made = FunctionType(
            code, space, unit["name"], None, tuple(cells[name] for name in code.co_freevars)
        )
        made.__qualname__, made.__module__ = unit["qualname"], unit["module"]
        # Known before what it uses is made: that may use it.
        self._made[key] = made
        made.__defaults__ = self.decode(unit["defaults"])
        made.__kwdefaults__ = self.decode(unit["kwdefaults"])
        for name, value in unit["cells"].items():
            cells[name].cell_contents = self.decode(value)
        self._fill(space, unit)

    def _class(self, key: str, unit: dict[str, Any]) -> None:
        space = self._space(unit)
        self._fill(space, unit)
        node = node_at(self._tree(unit["file"]), unit["place"], unit["name"])
        body = ast.Module(body=[node], type_ignores=[])
        exec(compile(body, unit["file"], "exec", dont_inherit=True), space)
        self._made[key] = space[unit["name"]]

    def _fill(self, space: dict[str, Any], unit: dict[str, Any]) -> None:
        for name, value in unit["globals"].items():
            if name not in space:
                space[name] = self.decode(value)


def load(path: Path, folder: Path, *, pickle: bool = False) -> Any:  # noqa: ANN401
    """The function of a bundle; its own modules are written into the folder."""
    from jetlag.jobs.values import read

    bundle = read(path, pickle=pickle, resolve=Reference)
    entry = bundle["entry"].tree["v"]
    return Rebuilder(bundle, folder).resolve(entry)


class Reference:
    """A reference that was read and not yet followed: what it names may need what comes later."""

    def __init__(self, tree: dict[str, Any]) -> None:
        self.tree = tree


def _code_of(node: Any, unit: dict[str, Any], lines: tuple[str, ...]) -> CodeType:  # noqa: ANN401
    from jetlag.lower import blocks, source

    if isinstance(node, ast.Lambda):
        statement: ast.stmt = ast.copy_location(ast.Expr(node), node)
    else:
        node.decorator_list, node.returns = [], None
        statement = node
    # Calls through imported modules have other bytecode than those through values.
    imports = blocks.imports(lines)
    free, file = tuple(unit["free"]), unit["file"]
    code = source.compile_nested(statement, free, file, unit["flags"], imports)
    # A function begins with its decorators, which were left out.
    return code.replace(co_firstlineno=unit["line"])


def _write_modules(modules: dict[str, str], folder: Path) -> None:
    if not modules:
        return
    for name, text in modules.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    sys.path.insert(0, os.fspath(folder))
