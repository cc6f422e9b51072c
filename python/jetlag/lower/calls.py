"""Calls: primitives, functions of the program, methods, and Python for all others."""

from __future__ import annotations

import ast
import builtins
import copy
from typing import Any

import numpy as np

from jetlag import names
from jetlag.lower.binding import Signature, bind
from jetlag.lower.emit import Node
from jetlag.lower.expressions import Expressions, has_starred
from jetlag.lower.nested import Nested
from jetlag.lower.pieces import Pieces
from jetlag.lower.resolve import Link, needs_frame

# Builtins that have used up an iterator, and forgotten a key function, when they return.
_CONSUMERS = {
    builtins.all,
    builtins.any,
    builtins.dict,
    builtins.frozenset,
    builtins.list,
    builtins.max,
    builtins.min,
    builtins.set,
    builtins.sorted,
    builtins.sum,
    builtins.tuple,
}


class Calls(Expressions):
    """Lowers calls."""

    def _Call(self, node: ast.Call) -> Node:
        if has_starred(node.args) or any(keyword.arg is None for keyword in node.keywords):
            return self.opaque_expression(node, "a starred argument cannot be lowered")
        if isinstance(node.func, ast.Name):
            nested = self.find_nested(node.func.id)
            if nested:
                return self._nested_call(node, *nested)
        link = self.chain(node.func)
        if link:
            return self._known_call(node, link)
        if isinstance(node.func, ast.Attribute):
            return self._method(node, node.func)
        return self._host_call(node, self.expression(node.func))

    def _known_call(self, node: ast.Call, link: Link) -> Node:
        """A call of something that can be looked at now, and is guarded from then on."""
        function = link.value
        if needs_frame(function):
            return self.opaque_expression(node, f"{link.name} looks at its caller")
        closures = _closures(node)
        if closures and _is_in(function, _CONSUMERS):
            self.owner.follow(link)
            return self.opaque_expression(node, "", immediate=closures)
        row = names.primitive(function)
        keywords = [keyword.arg or "" for keyword in node.keywords]
        if row and row.accepts(len(node.args), keywords):
            self.owner.follow(link)
            return self.emit.form(row.name, self._arguments(node, direct=True), node)
        if function is print or is_random(function, link):
            return self._host_call(node, self.capture(link, node.func), lane=True)
        lowered = self._program_call(node, link)
        if lowered is not None:
            return lowered
        is_function = callable(function) and not self.owner.resolver.is_data(link)
        callee = self.capture(link, node.func) if is_function else self._outside(link, node.func)
        return self._host_call(node, callee, why=f"{link.name} has no primitive")

    def _program_call(self, node: ast.Call, link: Link) -> Node | None:
        """A call of a function that is lowered together with this one."""
        unit = self.owner.unit
        function = unit.callee(link.value, self.owner.function)
        if function is None:
            return None
        bound = bind(Signature.of(function), node)
        if bound is None:
            return None
        self.owner.follow(link)
        name = unit.schedule(function, link.value)
        if name in self.owner.bound:
            unit.avoid(name)
        defaults = {
            parameter: self._default(f"%{name}.{parameter}", value, node)
            for parameter, value in bound.defaults.items()
        }
        return self._bound_call(name, node, bound.order, bound.given, defaults)

    def _default(self, name: str, value: object, node: ast.AST) -> Node:
        literal = self.emit.literal(value, node)
        if literal is not None:
            return literal
        return self.emit.name(self.owner.capture_value(name, value), node)

    def _nested_call(self, node: ast.Call, nested: Nested, place: Pieces) -> Node:
        bound = bind(nested.signature, node)
        if bound is None or not self._may_call(nested, place, node):
            self.make_value(nested)
        defaults = {
            parameter: self.emit.name(value, node)
            if isinstance(value, str)
            else self.expression(ast.copy_location(copy.copy(value), node))
            for parameter, value in bound.defaults.items()
        }
        return self._bound_call(nested.name, node, bound.order, bound.given, defaults)

    def _may_call(self, nested: Nested, place: Pieces, node: ast.Call) -> bool:
        """Whether the function is surely defined when the call runs."""
        caller: Pieces = self
        while caller is not place and caller.outer is not place:
            assert caller.outer is not None
            caller = caller.outer
        if caller is place:
            return nested.is_ready(node)
        assert caller.current is not None
        caller.current.calls_from_inside(nested)
        return True

    def _bound_call(
        self,
        name: str,
        node: ast.Call,
        order: list[str],
        given: dict[str, ast.expr],
        defaults: dict[str, Node],
    ) -> Node:
        """A call with an argument for each parameter, evaluated in the order of the text."""
        arguments = dict(defaults)
        before: list[Node] = []
        in_order = [parameter for parameter in order if parameter in given] == list(given)
        for parameter, value in given.items():
            argument = self.expression(value)
            if not in_order and not self._is_repeatable(value):
                kept = self.emit.name(self.owner.temporary(), value)
                before.append(self.emit.form("define", [kept, argument], value))
                argument = kept
            arguments[parameter] = argument
        call = self.emit.call(name, [arguments[parameter] for parameter in order], node)
        return self.emit.block([*before, call], node)

    def _method(self, node: ast.Call, function: ast.Attribute) -> Node:
        if not hasattr(np.ndarray, function.attr):
            self.owner.unit.harmful = True
        parts = [self.expression(function.value), self.emit.string(function.attr, function)]
        return self.emit.form("method", [*parts, *self._arguments(node)], node)

    def _host_call(
        self, node: ast.Call, callee: Node, *, lane: bool = False, why: str = ""
    ) -> Node:
        unit = self.owner.unit
        if not lane:
            unit.harmful = True
            if unit.strict:
                text = ast.unparse(node.func)
                hint = "mark it with jl.jit, or leave out strict=True to run it in Python"
                unit.refuse(self.owner.source, node, text, why or f"{text} has no primitive", hint)
        arguments = [callee, *self._arguments(node)]
        return self.emit.form("call_host", arguments, node, attribute="lane" if lane else "")

    def _arguments(self, node: ast.Call, *, direct: bool = False) -> list[Node]:
        lower = self.argument if direct else self.expression
        keywords = [
            self.emit.keyword(keyword.arg or "", lower(keyword.value), keyword)
            for keyword in node.keywords
        ]
        return [*(lower(argument) for argument in node.args), *keywords]


def is_random(function: object, link: Link) -> bool:
    """Whether a function draws from NumPy's streams: known to run in Python, in order."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.random.Generator | np.random.RandomState):
        return True
    module = link.holder.get("__name__", "") if isinstance(link.holder, dict) else ""
    return function is np.random.default_rng or str(module).startswith("numpy.random")


def _closures(node: ast.Call) -> list[ast.AST]:
    """Generator expressions and key functions written as arguments."""
    values = [*node.args, *(keyword.value for keyword in node.keywords)]
    return [value for value in values if isinstance(value, ast.GeneratorExp | ast.Lambda)]


def _is_in(value: object, known: set[Any]) -> bool:
    return getattr(value, "__module__", None) == "builtins" and value in known
