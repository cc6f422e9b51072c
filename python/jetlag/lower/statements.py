"""Statements: assignments, loops, branches, nested functions; pieces of Python for the rest."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any

from jetlag.lower.binding import Signature
from jetlag.lower.calls import Calls
from jetlag.lower.emit import Node
from jetlag.lower.expressions import OPERATORS, has_starred, is_native_subscript
from jetlag.lower.facts import StaysInPython
from jetlag.lower.nested import Nested, can_be_native, yields
from jetlag.lower.scope import Scope, start_of
from jetlag.lower.source import all_parameters


class Statements(Calls):
    """Lowers the body of one function."""

    def body(self, statements: list[ast.stmt], at: ast.AST) -> Node:
        """The node of a whole body."""
        self._find_nested(statements)
        nodes = self._row(statements, at_top=True)
        # A variable that no node assigns must still be one, for reading it is an error.
        for name in self.scope.bindings:
            if name not in self.bound:
                target = self.emit.name(name, at)
                assign = self.emit.form("define", [target, self.emit.nil(at)], at)
                never = self.emit.literal(False, at)
                nodes.insert(0, self.emit.form("if", [never, assign], at))
        return self.emit.block(nodes, at)

    def statement(self, node: ast.stmt) -> Node | None:
        """The node of a statement; None if it does nothing."""
        lower: Callable[[Any], Node | None] | None
        lower = getattr(self, f"_{type(node).__name__}", None)
        return lower(node) if lower else self.opaque_statement(node)

    def _row(self, statements: Iterable[ast.stmt], *, at_top: bool = False) -> list[Node]:
        nodes = []
        for statement in statements:
            nested = self._defined_by(statement) if at_top else None
            node = self._nested_function(nested) if nested else self.statement(statement)
            if node is not None:
                nodes.append(node)
        return nodes

    def _block(self, statements: list[ast.stmt], loop: ast.AST | None = None) -> Node:
        around = self.loops
        if loop is not None:
            self.loops = (*around, loop)
        nodes = self._row(statements)
        self.loops = around
        return self.emit.block(nodes, statements[0])

    # ---- what does nothing, and what leaves ----

    def _Pass(self, node: ast.Pass) -> None:
        return None

    def _Global(self, node: ast.Global) -> None:
        return None

    def _Nonlocal(self, node: ast.Nonlocal) -> None:
        return None

    def _Expr(self, node: ast.Expr) -> Node | None:
        return None if isinstance(node.value, ast.Constant) else self.expression(node.value)

    def _Return(self, node: ast.Return) -> Node:
        value = self.expression(node.value) if node.value else self.emit.nil(node)
        return self.emit.form("return", [value], node)

    def _Break(self, node: ast.Break) -> Node:
        return self.emit.form("break", [], node)

    def _Continue(self, node: ast.Continue) -> Node:
        return self.emit.form("continue", [], node)

    def _Assert(self, node: ast.Assert) -> Node | None:
        """`if not test: raise AssertionError`, so that only a failure needs Python."""
        if not __debug__:
            return None
        fails = ast.Assert(ast.copy_location(ast.Constant(False), node.test), node.msg)
        failure = self.opaque_statement(ast.copy_location(fails, node), at=node)
        test = self.emit.form("not", [self.expression(node.test)], node)
        return self.emit.form("if", [test, failure], node)

    # ---- assignments ----

    def _Assign(self, node: ast.Assign) -> Node:
        if len(node.targets) == 1:
            return self._assign(node.targets[0], self._after(node.value), node)
        kept = self.owner.temporary()
        define = [self.emit.name(kept, node), self.expression(node.value)]
        nodes = [self.emit.form("define", define, node)]
        for target in node.targets:
            nodes.append(self._assign(target, lambda: self.emit.name(kept, node), node))
        return self.emit.block(nodes, node)

    def _after(self, node: ast.expr) -> Callable[[], Node]:
        return lambda: self.expression(node)

    def _assign(self, target: ast.expr, value: Callable[[], Node], at: ast.AST) -> Node:
        """Assign a value, which is lowered first, to any target."""
        if not self._is_native_target(target):
            kept = self.owner.temporary()
            define = self.emit.form("define", [self.emit.name(kept, at), value()], at)
            return self.emit.block([define, self._assign_in_python(target, kept, at)], at)
        lowered = value()
        if isinstance(target, ast.Name):
            name = self.emit.name(target.id, target)
            return self.emit.form(self.assigns(target.id), [name, lowered], at)
        form = "unpack" if isinstance(target, ast.Tuple | ast.List) else "store"
        return self.emit.form(form, [self._target(target), lowered], at)

    def _assign_in_python(self, target: ast.expr, kept: str, at: ast.AST) -> Node:
        """Globals, and starred targets: Python assigns the value of a variable of ours."""
        value = ast.copy_location(ast.Name(kept, ast.Load()), target)
        assign = ast.copy_location(ast.Assign([target], value), target)
        why = "assigning to a global cannot be lowered"
        if not isinstance(target, ast.Name):
            why = "this target cannot be lowered"
        return self.opaque_statement(assign, why)

    def _is_native_target(self, target: ast.expr) -> bool:
        if isinstance(target, ast.Name):
            self.use_as_value(target.id)
            return self.scope.owner(target.id) is self.scope
        if isinstance(target, ast.Tuple | ast.List):
            return bool(target.elts) and all(map(self._is_native_target, target.elts))
        if isinstance(target, ast.Subscript):
            return is_native_subscript(target.slice)
        return isinstance(target, ast.Attribute)

    def _target(self, target: ast.expr) -> Node:
        if isinstance(target, ast.Name):
            self.bound.add(target.id)
            return self.emit.name(target.id, target)
        if isinstance(target, ast.Tuple | ast.List):
            return self.emit.items([self._target(item) for item in target.elts], target)
        if isinstance(target, ast.Subscript):
            return self.emit.form("index", self.subscript(target), target)
        assert isinstance(target, ast.Attribute)
        value = self.expression(target.value)
        return self.emit.form("attribute", [value, self.emit.string(target.attr, target)], target)

    def _AugAssign(self, node: ast.AugAssign) -> Node:
        operator = self.emit.constant(OPERATORS[type(node.op)], node)
        target = node.target
        if self._is_native_target(target):
            place = self._target(target)
            return self.emit.form("augment", [place, operator, self.expression(node.value)], node)
        if not isinstance(target, ast.Name):
            return self.opaque_statement(node, "this target cannot be lowered")
        kept = self.owner.temporary()
        read = ast.copy_location(ast.Name(target.id, ast.Load()), target)
        variable = self.emit.name(kept, node)
        nodes = [
            self.emit.form("define", [variable, self.expression(read)], node),
            self.emit.form("augment", [variable, operator, self.expression(node.value)], node),
            self._assign_in_python(target, kept, node),
        ]
        return self.emit.block(nodes, node)

    def _AnnAssign(self, node: ast.AnnAssign) -> Node | None:
        if node.value:
            return self._assign(node.target, self._after(node.value), node)
        return None if isinstance(node.target, ast.Name) else self.opaque_statement(node)

    def _Delete(self, node: ast.Delete) -> Node:
        nodes = []
        for target in node.targets:
            if isinstance(target, ast.Name) and self.scope.owner(target.id) is self.scope:
                self.use_as_value(target.id)
                self.bound.add(target.id)
                nodes.append(self.emit.form("del", [self.emit.name(target.id, target)], node))
            else:
                nodes.append(self.opaque_statement(ast.copy_location(ast.Delete([target]), node)))
        return self.emit.block(nodes, node)

    # ---- branches and loops ----

    def _If(self, node: ast.If) -> Node:
        parts = [self.expression(node.test), self._block(node.body)]
        if node.orelse:
            parts.append(self._block(node.orelse))
        return self.emit.form("if", parts, node)

    def _While(self, node: ast.While) -> Node:
        around = self.loops
        self.loops = (*around, node)
        parts = [self.expression(node.test)]
        self.loops = around
        parts.append(self._block(node.body, node))
        if node.orelse:
            parts.append(self._block(node.orelse))
        return self.emit.form("while", parts, node)

    def _For(self, node: ast.For) -> Node:
        counted = self._enumerated(node)
        if counted:
            return counted
        sequence = self.expression(node.iter)
        target = node.target
        if isinstance(target, ast.Name) and self._is_native_target(target):
            item = self._target(target)
            body = self._block(node.body, node)
        else:
            kept = self.owner.temporary()
            item = self.emit.name(kept, target)
            around, self.loops = self.loops, (*self.loops, node)
            assign = self._assign(target, lambda: item, target)
            self.loops = around
            body = self.emit.block([assign, self._block(node.body, node)], target)
        parts = [self.emit.form("lambda", [item, body], node), sequence]
        if node.orelse:
            parts.append(self._block(node.orelse))
        return self.emit.form("for_each", parts, node)

    def _enumerated(self, node: ast.For) -> Node | None:
        """`for i, x in enumerate(s)` counts in a variable of its own."""
        call, target = node.iter, node.target
        if not (isinstance(call, ast.Call) and len(call.args) == 1 and not call.keywords):
            return None
        if not isinstance(target, ast.Tuple) or len(target.elts) != 2:
            return None
        link = self.chain(call.func)
        if not link or link.value is not enumerate or has_starred([*call.args, *target.elts]):
            return None
        self.owner.follow(link)
        sequence = self.expression(call.args[0])
        count, item = (self.emit.name(self.owner.temporary(), target) for _ in range(2))
        zero, one = (self.emit.literal(number, call) for number in (0, 1))
        around, self.loops = self.loops, (*self.loops, node)
        first, second = target.elts
        assigns = [
            self._assign(first, lambda: count, first),
            self._assign(second, lambda: item, second),
            self.emit.form("store", [count, self.emit.form("__add", [count, one], call)], call),
        ]
        self.loops = around
        body = self.emit.block([*assigns, self._block(node.body, node)], target)
        parts = [self.emit.form("lambda", [item, body], node), sequence]
        if node.orelse:
            parts.append(self._block(node.orelse))
        begin = self.emit.form("define", [count, zero], call)
        return self.emit.block([begin, self.emit.form("for_each", parts, node)], node)

    # ---- nested functions ----

    def _find_nested(self, statements: list[ast.stmt]) -> None:
        code = self.owner.function.__code__
        for node in statements:
            if isinstance(node, ast.FunctionDef) and can_be_native(node, self.scope):
                key = (code, start_of(node))
                if key not in self.owner.unit.facts.values:
                    signature = _signature(node, self.owner.temporary)
                    self.nested[node.name] = Nested(node.name, key, node, signature)

    def _defined_by(self, node: ast.stmt) -> Nested | None:
        if not isinstance(node, ast.FunctionDef):
            return None
        nested = self.nested.get(node.name)
        return nested if nested and nested.node is node else None

    def _nested_function(self, nested: Nested) -> Node:
        node = nested.node
        nodes = []
        for parameter, default in _defaults(node.args):
            kept = nested.signature.defaults[parameter]
            if isinstance(kept, str):
                value = self.expression(default)
                nodes.append(self.emit.form("define", [self.emit.name(kept, node), value], node))
        self.bound.add(nested.name)
        try:
            nodes.append(self.function(node.name, node.args, node.body, node, nested))
        except StaysInPython:
            self.make_value(nested)
        return self.emit.block(nodes, node)

    def function(
        self,
        name: str,
        arguments: ast.arguments,
        statements: list[ast.stmt],
        node: ast.AST,
        nested: Nested,
    ) -> Node:
        """The definition of a function nested in this one."""
        inner = Statements(
            self.owner, Scope(node, arguments, statements, self.scope), name, start_of(node)[0]
        )
        inner.outer, inner.current = self, nested
        return inner.definition(name, arguments, statements, node)

    def definition(
        self, name: str, arguments: ast.arguments, statements: list[ast.stmt], node: ast.AST
    ) -> Node:
        """`define{python}(name, parameter…, body)` of the function whose scope this is."""
        if isinstance(node, ast.AsyncFunctionDef) or yields(statements):
            raise StaysInPython("a generator or coroutine cannot be lowered", node)
        literals = {
            parameter: default
            for parameter, default in _defaults(arguments)
            if _is_literal(default)
        }
        parameters = []
        for argument in all_parameters(arguments):
            parameter = self.emit.name(argument.arg, argument)
            default = literals.get(argument.arg)
            if default is not None:
                parameter = self.emit.form("__arg", [parameter, self.expression(default)], argument)
            parameters.append(parameter)
        parts = [self.emit.name(name, node), *parameters, self.body(statements, node)]
        return self.emit.form("define", parts, node, attribute="python")


def _defaults(arguments: ast.arguments) -> list[tuple[str, ast.expr]]:
    """Parameters with their defaults, in the order in which Python evaluates these."""
    positional = [*arguments.posonlyargs, *arguments.args]
    with_default = positional[len(positional) - len(arguments.defaults) :]
    pairs = [*zip(with_default, arguments.defaults, strict=True)]
    pairs += [
        (argument, default)
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default
    ]
    return [(argument.arg, default) for argument, default in pairs]


def _is_literal(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return isinstance(node, ast.Constant) and isinstance(
        node.value, int | float | complex | str | None
    )


def _signature(node: ast.FunctionDef, temporary: Callable[[], str]) -> Signature:
    """The signature of a nested function: literal defaults, and variables that keep others."""
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    return Signature(
        len(arguments.posonlyargs),
        tuple(argument.arg for argument in positional),
        tuple(argument.arg for argument in arguments.kwonlyargs),
        {
            name: default if _is_literal(default) else temporary()
            for name, default in _defaults(arguments)
        },
    )
