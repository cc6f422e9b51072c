"""How exactly a value must agree: told from the text of its expression alone.

An exact value agrees bit for bit, and only exact values may feed a branch, an index or an integer
cast. What comes out of a transcendental, or is complex, agrees within some units in the last place;
what is computed from that, only loosely. The name of a variable says which it may hold: `t1` holds
near values, `q1` loose ones, every other name exact ones.
"""

from __future__ import annotations

import ast
import re

EXACT, NEAR, LOOSE, BANNED = range(4)

NEAR_FUNCTIONS = set(
    """exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arccosh arctan sinh cosh tanh arcsinh
    arctanh arctan2 hypot logaddexp logaddexp2 cbrt power float_power pow deg2rad rad2deg complex64
    complex128 complex degrees radians inv solve det""".split()
)
# These only move values, or change a sign.
MOVES = set(
    """reshape ravel transpose T swapaxes moveaxis expand_dims squeeze flip flipud fliplr roll
    repeat tile concatenate stack vstack hstack copy where take broadcast_to diagonal diag triu tril
    real imag conj array asarray negative atleast_1d atleast_2d flatten astype column_stack
    full_like empty_like""".split()
)
SHAPES = {"shape", "size", "ndim", "len", "zeros_like", "ones_like", "dtype", "itemsize", "nbytes"}
NAMES = re.compile(r"^[a-z]\d+$")


def level_of_name(name: str) -> int:
    """What a variable of that name may hold."""
    if not NAMES.match(name):
        return EXACT
    return {"t": NEAR, "q": LOOSE}.get(name[0], EXACT)


def level(text: str) -> int:
    """How exactly the value of an expression agrees."""
    return level_of(ast.parse(text, mode="eval").body)


def level_of(node: ast.expr) -> int:
    """The same, for a syntax tree."""
    match node:
        case ast.Name():
            return level_of_name(node.id)
        case ast.Constant():
            return NEAR if isinstance(node.value, complex) else EXACT
        case ast.Attribute():
            return EXACT if node.attr in SHAPES else level_of(node.value)
        case ast.Call():
            return _of_call(node)
        case ast.BinOp():
            return _of_operator(node)
        case ast.Subscript():
            return BANNED if level_of(node.slice) else level_of(node.value)
        case ast.Compare() | ast.BoolOp():
            return BANNED if _worst(node) else EXACT
        case ast.IfExp():
            if level_of(node.test):
                return BANNED
            return max(level_of(node.body), level_of(node.orelse))
        case ast.UnaryOp(op=ast.Not()):
            return BANNED if _worst(node) else EXACT
        case _:
            return _worst(node)


def _worst(node: ast.AST) -> int:
    children = (child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))
    return max((level_of(child) for child in children), default=EXACT)


def _of_call(node: ast.Call) -> int:
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    worst = max((level_of(argument) for argument in given), default=EXACT)
    if isinstance(function, ast.Attribute):
        worst = max(worst, level_of(function.value))
    if name in SHAPES:
        return EXACT
    if name in NEAR_FUNCTIONS:
        return NEAR if worst == EXACT else max(worst, LOOSE)
    if worst == EXACT or name in MOVES:
        return BANNED if worst and _casts(node, name) else worst
    return max(worst, LOOSE) if name in {"sum", "mean", "abs", "dot", "multiply", "add"} else BANNED


def _casts(node: ast.Call, name: str) -> bool:
    """Whether the call may make integers or a condition out of its argument."""
    if name == "where":
        return level_of(node.args[0]) != EXACT
    if name == "full_like":
        return True
    texts = [ast.unparse(argument) for argument in node.args]
    texts += [ast.unparse(keyword.value) for keyword in node.keywords]
    return any(re.search(r"int|bool", text) for text in texts)


def _of_operator(node: ast.BinOp) -> int:
    left, right = level_of(node.left), level_of(node.right)
    worst = max(left, right)
    match node.op:
        case ast.Mult() | ast.Div():
            return worst if min(left, right) == EXACT else max(worst, LOOSE)
        case ast.Add() | ast.Sub() | ast.MatMult():
            return LOOSE if worst == NEAR else worst
        case ast.Pow():
            square = isinstance(node.right, ast.Constant) and node.right.value == 2
            if worst == EXACT:
                return EXACT if square else NEAR
            return max(worst, LOOSE)
        case _:
            return BANNED if worst else EXACT
