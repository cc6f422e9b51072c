"""Makes a program that differs smaller, as long as it differs in the same way."""

from __future__ import annotations

import ast
import copy
import re
import time
from collections.abc import Callable, Iterator

Same = Callable[[str], bool]


def shrink(text: str, same: Same, seconds: float = 60.0) -> str:
    """The smallest program found in that time for which `same` holds."""
    until = time.monotonic() + seconds
    best = ast.unparse(ast.parse(text))
    if not same(best):
        return text
    found = True
    while found:
        found = False
        for smaller in candidates(ast.parse(best)):
            if time.monotonic() > until:
                return best
            if weight(smaller) < weight(best) and same(smaller):
                best, found = smaller, True
                break
    return best


def weight(text: str) -> tuple[int, int]:
    """Programs are shrunk in length first, then in the size of their numbers."""
    numbers = [int(digits) for digits in re.findall(r"\d+", text)]
    return len(text), sum(min(number, 1 << 40) for number in numbers)


def candidates(tree: ast.Module) -> Iterator[str]:
    """Smaller programs, the boldest first."""
    for change in (statements_left_out, blocks_opened, expressions_reduced, numbers_reduced):
        yield from change(tree)


def _bodies(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Every list of statements, outermost first, but for the prelude's own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == "data":
            continue
        for field in ("body", "orelse"):
            if isinstance(getattr(node, field, None), list) and getattr(node, field):
                yield node, field


def statements_left_out(tree: ast.Module) -> Iterator[str]:
    """Without a run of statements: halves first, then single ones."""
    for node, field in _bodies(tree):
        body = getattr(node, field)
        size = len(body)
        while size:
            for start in range(0, len(body), size):
                kept = body[:start] + body[start + size :]
                if not kept and field == "body":
                    kept = [ast.Pass()]
                setattr(node, field, kept)
                yield ast.unparse(tree)
                setattr(node, field, body)
            size //= 2


def blocks_opened(tree: ast.Module) -> Iterator[str]:
    """A block's statements instead of the block."""
    for node, field in _bodies(tree):
        body = getattr(node, field)
        for i, statement in enumerate(body):
            if not isinstance(statement, ast.If | ast.For | ast.While | ast.With | ast.Try):
                continue
            for inner in (statement.body, getattr(statement, "orelse", [])):
                opened = list(inner)
                if isinstance(statement, ast.For):
                    first = ast.Assign([statement.target], ast.Constant(0))
                    opened.insert(0, ast.fix_missing_locations(first))
                setattr(node, field, body[:i] + opened + body[i + 1 :])
                yield ast.unparse(tree)
                setattr(node, field, body)


def expressions_reduced(tree: ast.Module) -> Iterator[str]:
    """A part of an expression instead of the whole; tuples without an item."""
    for node, field, position in list(_expressions(tree)):
        whole = _get(node, field, position)
        for part in _parts(whole):
            _set(node, field, position, part)
            try:
                text = ast.unparse(ast.fix_missing_locations(tree))
            except (ValueError, AttributeError):
                text = ""
            _set(node, field, position, whole)
            if text:
                yield text


def numbers_reduced(tree: ast.Module) -> Iterator[str]:
    """Smaller numbers: mostly, these are sizes."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or type(node.value) not in (int, float):
            continue
        value = node.value
        for smaller in (0, 1, 2, int(value // 2) if abs(value) < 1e9 else 2):
            if len(repr(smaller)) < len(repr(value)) or abs(smaller) < abs(value):
                node.value = smaller
                yield ast.unparse(tree)
                node.value = value


def _expressions(tree: ast.Module) -> Iterator[tuple[ast.AST, str, int | None]]:
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and function.name != "data":
            for node in ast.walk(function):
                for field, value in ast.iter_fields(node):
                    if isinstance(value, ast.expr) and not _is_target(node, field):
                        yield node, field, None
                    elif isinstance(value, list):
                        for i, item in enumerate(value):
                            if isinstance(item, ast.expr) and not _is_target(node, field):
                                yield node, field, i
        elif isinstance(function, ast.Assign):
            yield function, "value", None


def _is_target(node: ast.AST, field: str) -> bool:
    return field in ("target", "targets", "func", "decorator_list")


def _parts(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.Tuple | ast.List):
        for i in range(len(node.elts)):
            shorter = copy.copy(node)
            shorter.elts = node.elts[:i] + node.elts[i + 1 :]
            yield shorter
    if isinstance(node, ast.Dict) and node.keys:
        yield ast.Dict([], [])
    if isinstance(node, ast.Call):
        for field in ("args", "keywords"):
            given = getattr(node, field)
            for i in range(len(given)):
                fewer = copy.copy(node)
                setattr(fewer, field, given[:i] + given[i + 1 :])
                yield fewer
        if isinstance(node.func, ast.Attribute):
            yield node.func.value
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield child
        elif isinstance(child, ast.keyword):
            yield child.value


def _get(node: ast.AST, field: str, position: int | None) -> ast.expr:
    value = getattr(node, field)
    return value if position is None else value[position]


def _set(node: ast.AST, field: str, position: int | None, value: ast.expr) -> None:
    if position is None:
        setattr(node, field, value)
    else:
        getattr(node, field)[position] = value
