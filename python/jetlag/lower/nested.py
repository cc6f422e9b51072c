"""Functions defined inside a function, and lowered with it as functions of its scope."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from types import CodeType

from jetlag.lower.binding import Signature
from jetlag.lower.scope import Position, Scope, end_of, start_of


class Nested:
    """A nested function that is only ever called."""

    def __init__(
        self,
        name: str,
        key: tuple[CodeType, Position],
        node: ast.FunctionDef,
        signature: Signature,
    ) -> None:
        self.name = name
        self.key = key
        self.node = node
        self.signature = signature
        # Functions of the same scope, defined later, that its body calls.
        self.calls_ahead: list[Nested] = []

    def is_ready(self, call: ast.AST) -> bool:
        """Whether a call in the scope comes after all definitions that it needs."""
        needed = [self, *self.calls_ahead]
        return all(end_of(nested.node) <= start_of(call) for nested in needed)

    def calls_from_inside(self, other: Nested) -> None:
        """Note that the body of this function calls another one."""
        if start_of(other.node) > start_of(self.node):
            self.calls_ahead.append(other)


def can_be_native(node: ast.FunctionDef, scope: Scope) -> bool:
    """Whether a definition in a scope may be lowered: bound once, no stars, no generator."""
    arguments = node.args
    return (
        not node.decorator_list
        and not arguments.vararg
        and not arguments.kwarg
        and node.name in scope.bindings
        and len(scope.bindings[node.name]) == 1
        and not yields(node.body)
        and not any(_writes_outside(statement) for statement in node.body)
        and not getattr(node, "type_params", None)
    )


def yields(body: Iterable[ast.AST]) -> bool:
    """Whether statements make the function they stand in a generator or a coroutine."""
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom | ast.Await):
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))
    return False


def _writes_outside(node: ast.AST) -> bool:
    return any(isinstance(inner, ast.Nonlocal) for inner in ast.walk(node))
