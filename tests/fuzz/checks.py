"""Runs a text in plain NumPy, and refuses what no two right implementations need agree on.

Sums and products must be exact in any order, so their operands must be small multiples of a
quarter; a number that becomes an integer must fit; nothing may grow without end.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .levels import BANNED, LOOSE, NAMES, NEAR_FUNCTIONS, level_of, level_of_name

SUMS = {"sum", "mean", "trace"}
SPREADS = {"var", "std"}
PRODUCTS = {"dot", "matmul", "inner", "vdot", "norm", "outer"}
CASTS = {"astype", "full", "full_like", "fill", "array", "asarray"}
ORDERS = {"fmin", "fmax", "min", "max", "amin", "amax", "sort", "unique"}
WATCHED = SUMS | SPREADS | PRODUCTS | CASTS | ORDERS | NEAR_FUNCTIONS | {"prod"}
LARGEST = 1 << 18  # elements
COSTLIEST = 1 << 24  # products of sizes
LONGEST = 400  # bits of a Python integer
SCALARS = (bool, int, float, complex, str, type(None), range, slice, np.dtype, type)


class Refused(Exception):
    """The program is no fair question."""


@dataclass
class Coarsest:
    """The largest eps of a dtype in which something inexact was computed."""

    eps: float = 0.0

    def note(self, value: Any) -> None:
        kind = getattr(getattr(value, "dtype", None), "kind", "")
        if kind and kind in "fc":
            self.eps = max(self.eps, float(np.finfo(value.dtype).eps))


_coarsest = Coarsest()


@contextlib.contextmanager
def coarseness() -> Iterator[Coarsest]:
    """Notes how coarse the results of transcendentals are inside the block."""
    _coarsest.eps = 0.0
    yield _coarsest


class Watch(ast.NodeTransformer):
    """Sends the operations that need a look through `guarded` and `fitting`."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name not in WATCHED:
            return node
        return _call("_guarded", [ast.Constant(name), node.func, *node.args], node.keywords)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Pow | ast.LShift):
            word = "pow" if isinstance(node.op, ast.Pow) else "lshift"
            return _call("_grown", [ast.Constant(word), node.left, node.right])
        if not isinstance(node.op, ast.MatMult):
            return node
        product = ast.parse("np.matmul", mode="eval").body
        return _call("_guarded", [ast.Constant("matmul"), product, node.left, node.right])

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        worst = level_of(node.value)
        self.generic_visit(node)
        node.value = _call("_small", [node.value])
        for target in node.targets:
            if isinstance(target, ast.Subscript):
                owner = ast.unparse(target.value)
                node.value = _call("_fitting", [ast.parse(owner, mode="eval").body, node.value])
            _allow(target, worst)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> list[ast.stmt]:
        value = ast.BinOp(_as_read(node.target), node.op, node.value)
        _allow(node.target, level_of(value))
        self.generic_visit(node)
        if not isinstance(node.op, ast.Pow | ast.LShift):
            return [node]
        word = "pow" if isinstance(node.op, ast.Pow) else "lshift"
        look = _call("_grown", [ast.Constant(word), _as_read(node.target), node.value])
        return [ast.Expr(look), node]

    def visit_If(self, node: ast.If | ast.While) -> ast.AST:
        if level_of(node.test):
            raise Refused("a condition is not exact")
        return self.generic_visit(node)

    visit_While = visit_If

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if level_of(node.value):
            raise Refused("it prints what is not exact")
        return self.generic_visit(node)

    def visit_For(self, node: ast.For) -> ast.AST:
        _allow(node.target, level_of(node.iter))
        return self.generic_visit(node)


def _allow(target: ast.expr, worst: int) -> None:
    """Refuse to put a value where one that agrees more exactly belongs."""
    if isinstance(target, ast.Tuple | ast.List):
        for item in target.elts:
            _allow(item, worst)
        return
    if worst == BANNED:
        raise Refused("what is not exact feeds a decision")
    name = target
    while isinstance(name, ast.Subscript | ast.Attribute):
        name = name.value
    if isinstance(target, ast.Subscript) and level_of(target.slice):
        raise Refused("an index is not exact")
    if isinstance(name, ast.Name) and worst > level_of_name(name.id):
        raise Refused(f"{name.id} would hold what is not exact")


def _as_read(target: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(target), mode="eval").body


def _call(name: str, args: list[ast.expr], keywords: list[ast.keyword] | None = None) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), args, keywords or [])


@functools.lru_cache(maxsize=4096)
def compiled(text: str, mode: str) -> Any:
    """The text with its checks, ready for exec or eval."""
    tree = Watch().visit(ast.parse(text, mode=mode))
    return compile(ast.fix_missing_locations(tree), "<checked>", mode)


def world() -> dict[str, Any]:
    """The names that a checked text sees."""
    return {
        "np": np,
        "math": math,
        "print": lambda *items, **keywords: None,
        "_guarded": guarded,
        "_fitting": fitting,
        "_grown": grown,
        "_small": small,
    }


def run(text: str, names: dict[str, Any]) -> None:
    """Execute statements; what they raise passes through, what is unfair raises Refused."""
    _quietly(exec, compiled(text, "exec"), names)
    for name, value in names.items():
        if NAMES.match(name):
            check_size(value)


def value_of(text: str, names: dict[str, Any]) -> Any:
    """Evaluate an expression in the same way."""
    value = _quietly(eval, compiled(text, "eval"), names)
    check_size(value)
    return value


def _quietly(do: Any, code: Any, names: dict[str, Any]) -> Any:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return do(code, names)
        except (MemoryError, RecursionError) as error:
            raise Refused("too much") from error


def check_size(value: Any) -> None:
    """Refuse what is too large, or of a kind that the fuzzer does not ask about."""
    if isinstance(value, np.ndarray):
        if value.size > LARGEST or value.dtype.kind not in "biufc" or value.dtype.itemsize > 16:
            raise Refused("an array too large or strange")
    elif isinstance(value, np.generic):
        if value.dtype.kind not in "biufc" or value.dtype.itemsize > 16:
            raise Refused("a scalar too strange")
    elif isinstance(value, tuple | list):
        if len(value) > 50:
            raise Refused("a long sequence")
        for item in value:
            check_size(item)
    elif isinstance(value, int) and value.bit_length() > LONGEST:
        raise Refused("an integer without end")
    elif not isinstance(value, SCALARS) and not callable(value):
        raise Refused(f"a value of {type(value).__name__}")


def small(value: Any) -> Any:
    """The value, if it may be kept: loops assign again and again."""
    if isinstance(value, np.ndarray | int | tuple | list):
        check_size(value)
    return value


def grown(name: str, a: Any, b: Any) -> Any:
    """A power or a shift, unless it is an integer without end."""
    if type(a) in (int, bool) and type(b) in (int, bool) and b > 0:
        bits = a.bit_length() * b if name == "pow" else a.bit_length() + b
        if bits > 2 * LONGEST:
            raise Refused("an integer without end")
    result = a**b if name == "pow" else a << b
    if name == "pow":
        _coarsest.note(result)
    return result


def guarded(name: str, function: Any, *args: Any, **keywords: Any) -> Any:
    """Call the function after a look at what it is given."""
    receiver = getattr(function, "__self__", None)
    given = [receiver] if isinstance(receiver, np.ndarray | np.generic) else []
    given += [a for a in args if isinstance(a, np.ndarray | np.generic)]
    if name in SUMS:
        _need_exact_sum(given)
    elif name in SPREADS:
        _need_exact_spread(given)
    elif name in PRODUCTS:
        _need_exact_product(given)
    elif name == "prod":
        _need_exact_factors(given)
    elif name in ORDERS:
        numbers = [np.float64(a) for a in args if type(a) in (bool, int, float) and a == 0]
        _need_one_zero(given + numbers)
    result = function(*args, **keywords)
    if name in NEAR_FUNCTIONS:
        _coarsest.note(result)
    if name in CASTS:
        for value in given or list(args):
            fitting(receiver if name == "fill" else result, value)
    return result


def _bits(dtype: np.dtype) -> int:
    return {2: 11, 4: 24, 8: 53}[dtype.itemsize // (2 if dtype.kind == "c" else 1)]


def _parts(values: list[Any]) -> list[np.ndarray]:
    """The operands in floating point, complex ones as pairs."""
    parts = [np.asarray(v) for v in values if np.asarray(v).dtype.kind in "fc"]
    return [np.stack([p.real, p.imag]) if p.dtype.kind == "c" else p for p in parts]


def _need_grid(part: np.ndarray) -> None:
    quarters = part[np.isfinite(part)] * 4
    if not np.array_equal(quarters, np.trunc(quarters)):
        raise Refused("a sum of what is no small number")


def _need_exact_sum(given: list[Any]) -> None:
    for part in _parts(given):
        _need_grid(part)
        total = np.abs(part[np.isfinite(part)].astype(np.float64)).sum()
        if total * 4 >= 2.0 ** _bits(part.dtype):
            raise Refused("a sum that rounds")


def _need_exact_spread(given: list[Any]) -> None:
    for part in [np.asarray(value) for value in given]:
        if part.dtype.kind == "c" or (part.dtype.itemsize < 8 and part.dtype.kind == "f"):
            raise Refused("a variance that rounds")
        if any(n & (n - 1) for n in part.shape) or part.size > 64:
            raise Refused("a variance that rounds")
        _need_grid(np.asarray(part, np.float64))
        if not np.isfinite(part).all() or np.abs(part).max(initial=0) > 256:
            raise Refused("a variance that rounds")


def _need_exact_product(given: list[Any]) -> None:
    if math.prod(np.asarray(value).size for value in given) > COSTLIEST:
        raise Refused("a product that takes long")
    parts = _parts(given)
    if not parts:
        return
    bound = 64.0
    for part in parts:
        _need_grid(part)
        if not np.isfinite(part).all():
            raise Refused("a product with infinities")
        bound *= float(np.abs(part).max(initial=1))
    bound *= max(np.asarray(value).size for value in given) + 1
    if len(given) == 1:
        bound *= bound
    for value in given:
        if np.asarray(value).dtype.kind not in "fc":
            bound *= float(np.abs(np.asarray(value, np.float64)).max(initial=1))
    if bound >= 2.0 ** min(_bits(np.asarray(v).dtype) for v in given if _parts([v])):
        raise Refused("a product that rounds")


def _need_exact_factors(given: list[Any]) -> None:
    for part in _parts(given):
        finite = part[np.isfinite(part)]
        if finite.size != part.size or not np.array_equal(finite, np.trunc(finite)):
            raise Refused("a product of fractions")
        if np.asarray(given[0]).dtype.kind == "c":
            raise Refused("a product of complex numbers")
        if np.prod(np.maximum(np.abs(finite.astype(np.float64)), 1)) >= 2.0 ** _bits(part.dtype):
            raise Refused("a product that rounds")


def _need_one_zero(given: list[Any]) -> None:
    """Of a zero and a negative zero, NumPy takes either, by where they lie."""
    whole = [np.asarray(v, float) for v in given if np.asarray(v).dtype.kind in "biu"]
    zeros = [np.signbit(part[part == 0]) for part in _parts(given) + whole]
    signs = np.concatenate([z.ravel() for z in zeros]) if zeros else np.zeros(0, bool)
    if signs.any() and not signs.all():
        raise Refused("zeros of both signs are put in order")


def fitting(target: Any, value: Any) -> Any:
    """The value, if a cast to the type of the target is defined for it."""
    if not isinstance(target, np.ndarray | np.generic) or target.dtype.kind not in "iu":
        return value
    source = np.asarray(value)
    if source.dtype.kind not in "fc":
        return value
    limits = np.iinfo(target.dtype)
    low, high = max(limits.min, -(2**52)), min(limits.max, 2**52)
    real = source.real
    if not np.isfinite(source).all() or (real < low).any() or (real > high).any():
        raise Refused("a cast that does not fit")
    return value


def sharper(name: str, worst: int) -> bool:
    """Whether a variable of that name is too exact for such a value."""
    return worst > level_of_name(name) or worst > LOOSE
