"""Helpers: the pieces of a function that stay in Python, compiled from its own syntax tree.

File, line numbers, function name, globals and closure cells are the function's own, so that
tracebacks, `global`, `nonlocal` and warnings are as if the piece ran where it stands. The
variables that a piece reads come in as arguments, UNBOUND where nothing was assigned.

    helper of an expression:   (inputs…) -> value
    helper of a statement:     (inputs…) -> (code, value, {output: value})

Names of our own contain `@`, which no name of the user can.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterable
from types import CellType, CodeType, FunctionType
from typing import Any

from jetlag.engine import HELPER_MARK
from jetlag.lower.scope import Uses
from jetlag.lower.source import compile_nested
from jetlag.records import Record

GO_ON, RETURN, BREAK, CONTINUE = range(4)

_UNBOUND, _LOCALS, _PACK = HELPER_MARK, "@locals", "@pack"
_CODE, _ROUND = "@code", "@round"

Helper = Callable[..., Any]


class Origin(Record):
    """The function that a piece is taken from."""

    function: FunctionType
    name: str
    qualname: str
    line: int
    unbound: object

    def cells(self) -> dict[str, CellType]:
        """The closure cells of the function, by name."""
        names = self.function.__code__.co_freevars
        return dict(zip(names, self.function.__closure__ or (), strict=True))


def expression_helper(origin: Origin, node: ast.expr, inputs: list[str]) -> Helper:
    """A function of the inputs whose value is that of the expression."""
    node = copy.deepcopy(node)
    body = [*_unbind(inputs, node), _at(ast.Return(node), node)]
    return _build(origin, body, inputs, Uses(), ())


def statement_helper(
    origin: Origin, statement: ast.stmt, inputs: list[str], outputs: list[str], found: Uses
) -> Helper:
    """A function that runs the statement and tells how it ended and what it bound."""
    jumps = _Jumps()
    inner = jumps.visit(copy.deepcopy(statement))
    body = _unbind(inputs, statement)
    code: ast.expr = ast.Constant(GO_ON)
    if jumps.leaves_loop:
        # One round of a loop of our own: break and continue leave the statement by way of
        # its finally blocks, and the last jump that is not cancelled there has set the code.
        inner = ast.For(
            target=ast.Name(_ROUND, ast.Store()),
            iter=ast.Tuple([ast.Constant(None)], ast.Load()),
            body=[inner, _set_code(GO_ON)],
            orelse=[],
        )
        code = ast.Name(_CODE, ast.Load())
    body.append(inner)
    variables: ast.expr = ast.Dict([], [])
    if outputs:
        variables = _call(_PACK, _call(_LOCALS))
    body.append(ast.Return(ast.Tuple([code, ast.Constant(None), variables], ast.Load())))
    for node in body:
        _at(node, statement)
    return _build(origin, body, inputs, found, outputs)


def _build(
    origin: Origin, body: list[ast.stmt], inputs: list[str], found: Uses, outputs: Iterable[str]
) -> Helper:
    declared: list[ast.stmt] = []
    if found.global_names:
        declared.append(ast.Global(list(found.global_names)))
    if found.nonlocal_names:
        declared.append(ast.Nonlocal(list(found.nonlocal_names)))
    ours = [_UNBOUND, _LOCALS, _PACK]
    definition = ast.FunctionDef(
        name="helper",
        args=ast.arguments(
            posonlyargs=[],
            args=[ast.arg(name) for name in inputs],
            kwonlyargs=[ast.arg(name) for name in ours],
            kw_defaults=[None] * len(ours),
            defaults=[],
        ),
        body=[*declared, *body],
        decorator_list=[],
        type_params=[],
    )
    definition.lineno = definition.end_lineno = origin.line
    definition.col_offset = definition.end_col_offset = 0
    ast.fix_missing_locations(definition)
    original = origin.function.__code__
    cells = origin.cells()
    code = compile_nested(
        definition,
        tuple(name for name in cells if name not in inputs),
        original.co_filename,
        original.co_flags,
    )
    code = _renamed(code, code.co_qualname, origin.qualname).replace(co_name=origin.name)
    closure = tuple(cells[name] for name in code.co_freevars)
    helper = FunctionType(code, origin.function.__globals__, origin.name, None, closure)
    helper.__qualname__ = origin.qualname
    names = tuple(outputs)
    helper.__kwdefaults__ = {
        _UNBOUND: origin.unbound,
        _LOCALS: locals,
        _PACK: lambda found: {name: found[name] for name in names if name in found},
    }
    return helper


def _renamed(code: CodeType, old: str, new: str) -> CodeType:
    """The code, and all code inside it, with another beginning of its qualified name."""
    constants = tuple(
        _renamed(const, old, new) if isinstance(const, CodeType) else const
        for const in code.co_consts
    )
    name = new + code.co_qualname.removeprefix(old)
    return code.replace(co_qualname=name, co_consts=constants)


def _unbind(inputs: list[str], place: ast.AST) -> list[ast.stmt]:
    """`if x is UNBOUND: del x`, so that reading it raises what Python raises."""
    return [
        _at(
            ast.If(
                test=ast.Compare(
                    ast.Name(name, ast.Load()), [ast.Is()], [ast.Name(_UNBOUND, ast.Load())]
                ),
                body=[ast.Delete([ast.Name(name, ast.Del())])],
                orelse=[],
            ),
            place,
        )
        for name in inputs
    ]


def _call(name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _set_code(code: int) -> ast.stmt:
    return ast.Assign([ast.Name(_CODE, ast.Store())], ast.Constant(code))


def _at(node: Any, place: ast.AST) -> Any:  # noqa: ANN401
    """Give a node of ours, and those in it that have none, the place of the user's node."""
    if not hasattr(node, "lineno"):
        ast.copy_location(node, place)
    for child in ast.iter_child_nodes(node):
        _at(child, node if hasattr(node, "lineno") else place)
    return node


class _Jumps(ast.NodeTransformer):
    """Turns the jumps that leave a statement into the codes of its helper."""

    def __init__(self) -> None:
        self.leaves_loop = False

    def visit_Return(self, node: ast.Return) -> ast.AST:
        value = node.value or ast.Constant(None)
        # What the variables hold does not matter any more: nobody reads them again.
        result = ast.Tuple([ast.Constant(RETURN), value, ast.Dict([], [])], ast.Load())
        return ast.copy_location(ast.Return(_at(result, node)), node)

    def visit_Break(self, node: ast.Break) -> list[ast.stmt]:
        self.leaves_loop = True
        return [_at(_set_code(BREAK), node), node]

    def visit_Continue(self, node: ast.Continue) -> list[ast.stmt]:
        self.leaves_loop = True
        return [_at(_set_code(CONTINUE), node), node]

    def _visit_loop(self, node: ast.For | ast.AsyncFor | ast.While) -> ast.AST:
        # Its own break and continue stay; those of its else belong to the loop around it.
        node.body = [_Returns().visit(child) for child in node.body]
        kept: list[ast.stmt] = []
        for child in node.orelse:
            result = self.visit(child)
            kept.extend(result if isinstance(result, list) else [result])
        node.orelse = kept
        return node

    visit_For = visit_AsyncFor = visit_While = _visit_loop

    def _leave(self, node: ast.AST) -> ast.AST:
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = _leave


class _Returns(_Jumps):
    """In the body of a loop that belongs to the statement, only returns leave it."""

    def visit_Break(self, node: ast.Break) -> ast.AST:  # type: ignore[override]
        return node

    def visit_Continue(self, node: ast.Continue) -> ast.AST:  # type: ignore[override]
        return node
