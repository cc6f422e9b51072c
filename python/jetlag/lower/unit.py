"""A program in the making: the entry and all functions that are lowered with it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from types import FunctionType
from typing import Any, NoReturn

from jetlag.lower.binding import has_stars
from jetlag.lower.emit import Node
from jetlag.lower.facts import Facts, Restart, StaysInPython
from jetlag.lower.owner import Capture, Owner
from jetlag.lower.resolve import Guard, Holder
from jetlag.lower.scope import Scope
from jetlag.lower.source import NoSource, Source, all_parameters, find
from jetlag.lower.statements import Statements
from jetlag.options import Options
from jetlag.reports import NotLowered

_LAZY_CODE = 0x20 | 0x80 | 0x200  # generators, coroutines, asynchronous generators

Opaque = tuple[Callable[..., Any], str, int, int, bool]
Function = tuple[Node, str, str, tuple[str, ...], list[Capture], FunctionType]


class Unit:
    """One attempt at lowering a function with everything it calls."""

    def __init__(self, core: Any, entry: FunctionType, options: Options, facts: Facts) -> None:  # noqa: ANN401
        self.core = core
        self.options = options
        self.facts = facts
        self.functions: list[Function] = []
        self.opaques: list[Opaque] = []
        self.guards: list[Guard] = []
        self.harmful = False  # some step may assign globals
        self.data: list[tuple[Holder, str | None]] = []  # what may be assigned again
        self._entry = entry
        self._names: dict[FunctionType, str] = {}
        self._waiting: list[FunctionType] = []

    @property
    def strict(self) -> bool:
        """Whether nothing may stay in Python."""
        return self.options.strict

    def lower(self) -> None:
        """Lower the entry, then what it calls, then what that calls."""
        self._add(self._entry)
        while self._waiting:
            self._lower(self._waiting.pop(0))
        if self.harmful and self.data and not self.facts.volatile:
            self.facts.volatile = True
            raise Restart

    def callee(self, value: object, caller: FunctionType) -> FunctionType | None:
        """The function to lower with its caller when `value` is called; None: leave the call."""
        from jetlag.function import JitFunction

        function = value
        if isinstance(value, JitFunction):
            function = value.__wrapped__
            if value.options.fastmath != self.options.fastmath:
                return None
        elif not isinstance(value, FunctionType) or _package(value) != _package(caller):
            return None
        if not isinstance(function, FunctionType) or has_stars(function):
            return None
        if function in self._names:
            return function
        code = function.__code__
        if code.co_flags & _LAZY_CODE or code in self.facts.host:
            return None
        try:
            source = self._source(function)
        except NoSource:
            self.facts.host.add(code)
            return None
        decorated = getattr(source.node, "decorator_list", [])
        return None if decorated and function is value else function

    def schedule(self, function: FunctionType, value: object) -> str:
        """Have a function lowered too; its name in the program."""
        if value is not function:
            self.guards.append((value, "__wrapped__", function))
        return self._names.get(function) or self._add(function)

    def add_opaque(self, opaque: Opaque) -> int:
        """Note a helper; its number."""
        self.opaques.append(opaque)
        return len(self.opaques) - 1

    def avoid(self, name: str) -> NoReturn:
        """Begin again with another name for a function, because a variable has this one."""
        self.facts.taken.add(name)
        raise Restart

    def refuse(
        self, source: Source, node: ast.AST, construct: str, why: str, hint: str
    ) -> NoReturn:
        """Raise what strict functions raise."""
        line = getattr(node, "lineno", 0)
        raise NotLowered(source.file, line, source.column(node), construct, why, hint)

    def _add(self, function: FunctionType) -> str:
        name, number = function.__name__, 1
        while name in self._names.values() or name in self.facts.taken:
            number += 1
            name = f"{function.__name__}.{number}"
        self._names[function] = name
        self._waiting.append(function)
        for attribute in ("__code__", "__defaults__", "__kwdefaults__"):
            self.guards.append((function, attribute, getattr(function, attribute)))
        return name

    def _source(self, function: FunctionType) -> Source:
        code = function.__code__
        if code not in self.facts.sources:
            self.facts.sources[code] = find(function)
        return self.facts.sources[code]

    def _lower(self, function: FunctionType) -> None:
        try:
            self._lower_one(function)
        except StaysInPython as reason:
            if function is self._entry:
                raise
            if reason.spreads and not self.strict:
                raise StaysInPython(f"{reason.why} in {function.__name__}") from None
            if self.strict:
                source = self._source(function)
                self.refuse(source, reason.node or source.node, function.__name__, reason.why, "")
            self.facts.host.add(function.__code__)
            raise Restart from None

    def _lower_one(self, function: FunctionType) -> None:
        try:
            source = self._source(function)
        except NoSource as error:
            raise StaysInPython(str(error)) from None
        owner = Owner(self, function, source)
        owner.refuse_what_sees_the_frame()
        owner.refuse_what_reshapes_in_place()
        arguments, body = source.node.args, source.body
        scope = Scope(source.node, arguments, body, None)
        line = function.__code__.co_firstlineno
        lowering = Statements(owner, scope, function.__name__, line)
        name = self._names[function]
        node = lowering.definition(name, arguments, body, source.node)
        parameters = tuple(argument.arg for argument in all_parameters(arguments))
        captures = list(owner.captures.values())
        self.functions.append(
            (node, source.file, function.__name__, parameters, captures, function)
        )


def _package(function: FunctionType) -> str:
    return str(function.__globals__.get("__name__", "")).partition(".")[0]
