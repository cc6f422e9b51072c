"""Where a function's text is: its syntax tree, found in its file and held against its bytecode."""

from __future__ import annotations
import __future__

import ast
import copy
import linecache
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Generic, TypeVar

from jetlag.lower import again, blocks
from jetlag.records import Record

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

# The bits of co_flags that come from `from __future__ import …`.
FUTURE_FLAGS = 0
for _feature in __future__.all_feature_names:
    FUTURE_FLAGS |= getattr(__future__, _feature).compiler_flag

_MOST_KEPT = 16


class NoSource(Exception):
    """A function whose text cannot be found, or is not the text it was made from."""


class Source(Record):
    """A function's syntax tree and the lines it stands in."""

    node: FunctionNode
    file: str
    lines: tuple[str, ...]

    @property
    def body(self) -> list[ast.stmt]:
        """The statements; a lambda returns its expression."""
        if isinstance(self.node, ast.Lambda):
            return [ast.copy_location(ast.Return(self.node.body), self.node.body)]
        return self.node.body

    def column(self, node: ast.AST) -> int:
        """The column of a node, in characters from 1; syntax trees count bytes from 0."""
        offset: int = getattr(node, "col_offset", 0)
        line: int = getattr(node, "lineno", 0)
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        if text.isascii():
            return offset + 1
        return len(text.encode()[:offset].decode(errors="replace")) + 1


def find(function: FunctionType) -> Source:
    """The syntax tree that the function was made from; NoSource says why there is none."""
    code = function.__code__
    lines = tuple(linecache.getlines(code.co_filename, function.__globals__))
    if not lines:
        raise NoSource(f"the source of {code.co_name} cannot be found")
    file, line = code.co_filename, code.co_firstlineno
    alone = _functions_alone.get((file, line), lines, lambda: blocks.function_at(lines, line))
    if alone and alone.name == code.co_name and _is_made_from(code, alone, blocks.imports(lines)):
        return Source(alone, file, lines)
    module = _modules.get(file, lines, lambda: _parse(file, lines))
    around = _functions(module.tree, line)
    found = [place for place in around if _starts_at(place[0], code)]
    if len(found) > 1:
        found = [place for place in found if _spans(place[0], code)]
    if len(found) != 1:
        raise NoSource(f"the source of {code.co_name} cannot be told apart")
    node, class_name = found[0]
    if class_name:
        node = _Mangler(class_name).visit(copy.deepcopy(node))
    if not _is_made_from(code, node, module.imports):
        raise NoSource(f"the source of {code.co_name} has changed since it was imported")
    return Source(node, file, lines)


def compile_nested(
    node: ast.stmt,
    free: tuple[str, ...],
    file: str,
    flags: int,
    imports: tuple[ast.stmt, ...] = (),
) -> CodeType:
    """Compile a function definition as if it stood in a function that has the `free` names.

    Tracebacks and closures then look as they do in the function it was taken from.
    """
    if free:
        outer = ast.FunctionDef(
            name="outer",
            args=ast.arguments(
                posonlyargs=[],
                args=[ast.arg(name) for name in free],
                kwonlyargs=[],
                kw_defaults=[],
                defaults=[],
            ),
            body=[node],
            decorator_list=[],
            type_params=[],
        )
        node = ast.fix_missing_locations(ast.copy_location(outer, node))
    module = ast.Module(body=[*imports, node], type_ignores=[])
    code = again.compile_module(module, file, flags & FUTURE_FLAGS)
    for _ in range(2 if free else 1):
        code = next((const for const in code.co_consts if isinstance(const, CodeType)), code)
    return code


class _Module(Record):
    """A file that was parsed, and the names that it imports."""

    tree: ast.Module
    imports: tuple[ast.stmt, ...]


_Key = TypeVar("_Key")
_Parsed = TypeVar("_Parsed")


class _Kept(Generic[_Key, _Parsed]):
    """What was parsed lately, for as long as the lines of its file are the same."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, tuple[tuple[str, ...], _Parsed]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: _Key, lines: tuple[str, ...], parse: Callable[[], _Parsed]) -> _Parsed:
        with self._lock:
            kept = self._kept.get(key)
            if kept and kept[0] == lines:
                self._kept.move_to_end(key)
                return kept[1]
        parsed = parse()
        with self._lock:
            self._kept[key] = lines, parsed
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return parsed


_modules: _Kept[str, _Module] = _Kept()
_functions_alone: _Kept[tuple[str, int], ast.FunctionDef | None] = _Kept()


def _parse(file: str, lines: tuple[str, ...]) -> _Module:
    try:
        tree = again.parse("".join(lines))
    except (SyntaxError, ValueError) as error:
        raise NoSource(f"{file} cannot be parsed: {error}") from None
    return _Module(tree, tuple(_imports(tree)))


def _imports(tree: ast.AST) -> Iterator[ast.stmt]:
    """The imports of a module itself: the compiler calls what they bind in another way."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            # Neither can stand before what is compiled alone, and neither binds a name of use.
            is_star = any(alias.name == "*" for alias in node.names)
            if not is_star and getattr(node, "module", None) != "__future__":
                yield node
        elif not isinstance(node, FunctionNode | ast.ClassDef):
            yield from _imports(node)


def _functions(tree: ast.AST, line: int) -> Iterator[tuple[FunctionNode, str | None]]:
    """The functions and lambdas around a line, with the class that mangles their names."""
    waiting: list[tuple[ast.AST, str | None]] = [(tree, None)]
    while waiting:
        node, class_name = waiting.pop()
        if isinstance(node, FunctionNode):
            yield node, class_name
        if isinstance(node, ast.ClassDef):
            class_name = node.name
        for child in ast.iter_child_nodes(node):
            # What has no place (arguments, a case) holds what has one.
            if _first_line(child) <= line <= getattr(child, "end_lineno", line):
                waiting.append((child, class_name))


def _first_line(node: ast.AST) -> int:
    lines = [getattr(node, "lineno", 0)]
    lines += [decorator.lineno for decorator in getattr(node, "decorator_list", ())]
    return min(lines)


def _starts_at(node: FunctionNode, code: CodeType) -> bool:
    name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
    return code.co_name == name and _first_line(node) == code.co_firstlineno


def _spans(node: FunctionNode, code: CodeType) -> bool:
    """Whether the instructions lie in the body: tells lambdas on one line apart."""
    body = node.body if isinstance(node, ast.Lambda) else node
    for line, _, column, _ in code.co_positions():
        if line is None or column is None:
            continue
        inside = (body.lineno, body.col_offset) <= (line, column)
        before = (line, column) <= (body.end_lineno or line, body.end_col_offset or column)
        # The first instructions stand for the definition as a whole.
        if not (inside and before) and (line, column) != (node.lineno, 0):
            return False
    return True


def _is_made_from(code: CodeType, node: FunctionNode, imports: tuple[ast.stmt, ...]) -> bool:
    """Whether the tree compiles to the function's bytecode.

    pytest rewrites the asserts of test modules, so functions with asserts are only
    held against their parameters.
    """
    if any(isinstance(inner, ast.Assert) for inner in ast.walk(node)):
        parameters = [argument.arg for argument in all_parameters(node.args)]
        return list(code.co_varnames[: len(parameters)]) == parameters
    bare = copy.copy(node)
    bare.args = _without_annotations(node.args)
    if isinstance(bare, ast.Lambda):
        statement: ast.stmt = ast.copy_location(ast.Expr(bare), node)
    else:
        bare.decorator_list, bare.returns, bare.type_params = [], None, []  # type: ignore
        statement = bare
    # A module's own imports change the bytecode of calls; a notebook compiles each statement of a
    # cell by itself, so there they do not, though they stand in the same text.
    return any(
        _compiles_to(code, statement, known) for known in ((imports, ()) if imports else ((),))
    )


def _compiles_to(code: CodeType, statement: ast.stmt, imports: tuple[ast.stmt, ...]) -> bool:
    try:
        made = compile_nested(statement, code.co_freevars, code.co_filename, code.co_flags, imports)
    except SyntaxError:  # what stands on its own is not what stood there
        return False
    return _same_code(made, code)


def all_parameters(arguments: ast.arguments) -> list[ast.arg]:
    """The parameters in the order in which a code object keeps them."""
    stars = [star for star in (arguments.vararg, arguments.kwarg) if star]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *stars]


def _without_annotations(arguments: ast.arguments) -> ast.arguments:
    """The defaults of a definition are evaluated outside its code, as are annotations."""
    bare = copy.copy(arguments)
    bare.posonlyargs = [ast.arg(a.arg) for a in arguments.posonlyargs]
    bare.args = [ast.arg(a.arg) for a in arguments.args]
    bare.kwonlyargs = [ast.arg(a.arg) for a in arguments.kwonlyargs]
    bare.vararg = arguments.vararg and ast.arg(arguments.vararg.arg)
    bare.kwarg = arguments.kwarg and ast.arg(arguments.kwarg.arg)
    bare.defaults, bare.kw_defaults = [], [None] * len(arguments.kwonlyargs)
    return ast.fix_missing_locations(bare)


def _same_code(a: CodeType, b: CodeType) -> bool:
    if (a.co_code, a.co_names, a.co_varnames) != (b.co_code, b.co_names, b.co_varnames):
        return False
    if (a.co_freevars, a.co_cellvars) != (b.co_freevars, b.co_cellvars):
        return False
    return len(a.co_consts) == len(b.co_consts) and all(
        map(_same_constant, a.co_consts, b.co_consts)
    )


def _same_constant(a: object, b: object) -> bool:
    if isinstance(a, CodeType) and isinstance(b, CodeType):
        return _same_code(a, b)
    # repr tells 0.0 from -0.0 and 1 from True, inside tuples too, but orders no set.
    return type(a) is type(b) and (repr(a) == repr(b) or (isinstance(a, frozenset) and a == b))


class _Mangler(ast.NodeTransformer):
    """Gives private names of a class (`__x`) the form in which the bytecode has them."""

    def __init__(self, class_name: str) -> None:
        self._prefix = "_" + class_name.lstrip("_") if class_name.strip("_") else ""

    def _mangled(self, name: str) -> str:
        private = name.startswith("__") and not name.endswith("__") and "." not in name
        return self._prefix + name if private else name

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return node  # its inside is mangled with its own name, when it is compiled

    def generic_visit(self, node: ast.AST) -> ast.AST:
        for field in ("id", "attr", "arg", "name", "asname", "rest"):
            value = getattr(node, field, None)
            # The keyword of a call is not mangled, and an import only where it binds.
            is_bound = not (isinstance(node, ast.alias) and field == "name")
            if isinstance(value, str) and is_bound and not isinstance(node, ast.keyword):
                setattr(node, field, self._mangled(value))
        if isinstance(node, ast.Global | ast.Nonlocal):
            node.names = [self._mangled(name) for name in node.names]
        return super().generic_visit(node)
