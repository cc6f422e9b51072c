"""Expressions: what PhySL can say, and pieces of Python for the rest."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from jetlag.lower.emit import Node
from jetlag.lower.pieces import Pieces
from jetlag.lower.resolve import Link

OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "__add",
    ast.Sub: "__sub",
    ast.Mult: "__mul",
    ast.Div: "__div",
    ast.FloorDiv: "__floordiv",
    ast.Mod: "__mod",
    ast.Pow: "__pow",
    ast.MatMult: "__matmul",
    ast.BitAnd: "__bitand",
    ast.BitOr: "__bitor",
    ast.BitXor: "__bitxor",
    ast.LShift: "__lshift",
    ast.RShift: "__rshift",
    ast.Eq: "__eq",
    ast.NotEq: "__ne",
    ast.Lt: "__lt",
    ast.LtE: "__le",
    ast.Gt: "__gt",
    ast.GtE: "__ge",
    ast.USub: "__minus",
    ast.UAdd: "__plus",
    ast.Invert: "__invert",
    ast.Not: "not",
}
_IDENTITY: dict[type[ast.AST], str] = {ast.Is: "__is", ast.IsNot: "__is_not"}


class Expressions(Pieces):
    """Lowers expressions of one scope; calls are in calls.py."""

    def expression(self, node: ast.expr) -> Node:
        """The node of an expression."""
        lower: Callable[[Any], Node] | None = getattr(self, f"_{type(node).__name__}", None)
        return lower(node) if lower else self.opaque_expression(node)

    def _Constant(self, node: ast.Constant) -> Node:
        literal = self.emit.literal(node.value, node)
        return (
            literal if literal is not None else self._value(repr(node.value)[:20], node.value, node)
        )

    def _value(self, text: str, value: object, node: ast.AST) -> Node:
        """An object that no literal can stand for."""
        return self.emit.name(self.owner.capture_value(f"%{text}", value), node)

    def _Name(self, node: ast.Name) -> Node:
        if node.id == "__debug__":
            return self.emit.literal(__debug__, node)
        if self.is_local(node.id):
            self.use_as_value(node.id)
            return self.emit.name(node.id, node)
        return self._outside(self.link(node.id), node)

    def link(self, name: str) -> Link:
        """Where a name from outside leads."""
        declared = name in self.scope.global_names
        return self.owner.resolver.name(name, declared_global=declared)

    def chain(self, node: ast.expr) -> Link | None:
        """Where a dotted name leads by way of modules only; None if it does not."""
        if isinstance(node, ast.Name) and not self.is_local(node.id):
            return self.link(node.id)
        if isinstance(node, ast.Attribute):
            inner = self.chain(node.value)
            return inner and self.owner.resolver.attribute(inner, node.attr)
        return None

    def _outside(self, link: Link, node: ast.expr) -> Node:
        """A value from outside: a literal, a capture, or read each time."""
        unit = self.owner.unit
        if self.owner.resolver.is_constant(link):
            literal = self.emit.literal(link.value, node)
            if literal is not None:
                self.owner.follow(link)
                return literal
        if self.owner.resolver.is_data(link):
            unit.data.append((link.holder, link.key))
            if unit.facts.volatile or self._is_assigned_here(node):
                return self.global_read(link.name, node)
        return self.capture(link, node)

    def _is_assigned_here(self, node: ast.expr) -> bool:
        """Whether the function itself assigns the global or the closure's variable."""
        declared = {**self.scope.global_names, **self.scope.nonlocal_names}
        return isinstance(node, ast.Name) and node.id in declared

    def capture(self, link: Link, node: ast.expr) -> Node:
        """A value that the engine fetches when the function is called."""
        self.owner.unit.guards.extend(link.guards)
        name = link.name
        scope = self.scope
        while scope and name not in scope.bindings:
            scope = scope.outer  # type: ignore[assignment]
        if scope:  # a global statement looks past a variable of the same name
            name = f"global.{name}"
        return self.emit.name(self.owner.capture(name, link.holder, link.key), node)

    def _Attribute(self, node: ast.Attribute) -> Node:
        link = self.chain(node)
        if link:
            return self._outside(link, node)
        value = self.expression(node.value)
        return self.emit.form("attribute", [value, self.emit.string(node.attr, node)], node)

    def _BinOp(self, node: ast.BinOp) -> Node:
        operands = [self.expression(node.left), self.expression(node.right)]
        return self.emit.form(OPERATORS[type(node.op)], operands, node)

    def _UnaryOp(self, node: ast.UnaryOp) -> Node:
        number = node.operand.value if isinstance(node.operand, ast.Constant) else None
        if isinstance(node.op, ast.USub) and type(number) in (int, float):
            literal = self.emit.literal(-number, node)  # type: ignore[operator]
            if literal is not None:
                return literal
        return self.emit.form(OPERATORS[type(node.op)], [self.expression(node.operand)], node)

    def _BoolOp(self, node: ast.BoolOp) -> Node:
        operands = [self.expression(value) for value in node.values]
        return self.emit.form("and" if isinstance(node.op, ast.And) else "or", operands, node)

    def _Compare(self, node: ast.Compare) -> Node:
        values = [node.left, *node.comparators]
        for position, op in enumerate(node.ops):
            if not self._is_native(op, values[position], values[position + 1]):
                return self.opaque_expression(node, f"{_text(op)} cannot be lowered")
        left = self.expression(values[0])
        pairs = []
        for op, value in zip(node.ops, values[1:], strict=True):
            right = again = self.expression(value)
            if value is not values[-1] and not self._is_repeatable(value):
                kept = self.owner.temporary()
                read = self.emit.name(kept, value)
                define = self.emit.form("define", [read, right], value)
                right, again = self.emit.block([define, read], value), read
            name = OPERATORS.get(type(op)) or _IDENTITY[type(op)]
            pairs.append(self.emit.form(name, [left, right], node))
            left = again
        return pairs[0] if len(pairs) == 1 else self.emit.form("and", pairs, node)

    def _is_native(self, op: ast.cmpop, left: ast.expr, right: ast.expr) -> bool:
        if type(op) in _IDENTITY:
            return _is_singleton(left) or _is_singleton(right)
        return type(op) in OPERATORS

    def _is_repeatable(self, node: ast.expr) -> bool:
        """Whether reading it twice is as good as once."""
        if isinstance(node, ast.Name):
            return self.is_local(node.id)
        return isinstance(node, ast.Constant)

    def _IfExp(self, node: ast.IfExp) -> Node:
        parts = [node.test, node.body, node.orelse]
        return self.emit.form("if", [self.expression(part) for part in parts], node)

    def _NamedExpr(self, node: ast.NamedExpr) -> Node:
        name = node.target.id
        if self.scope.owner(name) is not self.scope:
            return self.opaque_expression(node)
        value = self.expression(node.value)
        target = self.emit.name(name, node.target)
        return self.emit.block(
            [self.emit.form(self.assigns(name), [target, value], node), target], node
        )

    def _Tuple(self, node: ast.Tuple) -> Node:
        if has_starred(node.elts):
            return self.opaque_expression(node, "a starred expression cannot be lowered")
        return self.emit.form("tuple", [self.expression(item) for item in node.elts], node)

    def _List(self, node: ast.List) -> Node:
        if has_starred(node.elts):
            return self.opaque_expression(node, "a starred expression cannot be lowered")
        items = self.emit.form("tuple", [self.expression(item) for item in node.elts], node)
        name = self.emit.name(self.owner.capture_value("%list", list), node)
        return self.emit.form("call_host", [name, items], node, attribute="lane")

    def argument(self, node: ast.expr) -> Node:
        """A direct argument of a primitive: a list display needs no Python list there."""
        if isinstance(node, ast.List) and not has_starred(node.elts):
            return self.emit.form("list", [self.argument(item) for item in node.elts], node)
        return self.expression(node)

    def _Subscript(self, node: ast.Subscript) -> Node:
        if not is_native_subscript(node.slice):
            return self.opaque_expression(node, "a starred subscript cannot be lowered")
        return self.emit.form("index", self.subscript(node), node)

    def subscript(self, node: ast.Subscript) -> list[Node]:
        """What a native subscript is made of: the object, then the items."""
        value = self.expression(node.value)
        if isinstance(node.slice, ast.Tuple) and len(node.slice.elts) > 1:
            return [value, *(self._item(item) for item in node.slice.elts)]
        # a[()] and a[i,] are subscripts by a tuple, as those of a dict show.
        return [value, self._item(node.slice)]

    def _item(self, node: ast.expr) -> Node:
        if isinstance(node, ast.Constant) and node.value is Ellipsis:
            return self.emit.constant("ellipsis", node)
        if not isinstance(node, ast.Slice):
            return self.argument(node)
        bounds = [node.lower, node.upper, node.step]
        nodes = [self.expression(bound) if bound else self.emit.nil(node) for bound in bounds]
        return self.emit.form("span", nodes, node)


def is_native_subscript(node: ast.expr) -> bool:
    """Whether PhySL can say the subscript: nothing starred, no slice in a tuple of one."""
    if not isinstance(node, ast.Tuple):
        return True
    lone_slice = len(node.elts) == 1 and isinstance(node.elts[0], ast.Slice)
    return not lone_slice and not has_starred(node.elts)


def _is_singleton(node: ast.expr) -> bool:
    if not isinstance(node, ast.Constant):
        return False
    return any(node.value is value for value in (None, True, False))


def has_starred(nodes: list[ast.expr]) -> bool:
    """Whether one of the nodes is starred."""
    return any(isinstance(node, ast.Starred) for node in nodes)


def _text(op: ast.cmpop) -> str:
    names = {ast.In: "in", ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not"}
    return names.get(type(op), "the comparison")
