"""Arguments of calls are bound to parameters while lowering, where both are known."""

from __future__ import annotations

import ast
from types import FunctionType
from typing import Any

from jetlag.records import Record

_STARS = 0x04 | 0x08  # CO_VARARGS, CO_VARKEYWORDS


class Signature(Record):
    """The parameters of a function without stars."""

    positional_only: int
    positional: tuple[str, ...]
    keyword_only: tuple[str, ...]
    defaults: dict[str, Any]  # what stands for the default, whatever the caller understands

    @classmethod
    def of(cls, function: FunctionType) -> Signature:
        """The signature of a function whose defaults are Python objects.

        >>> def area(width, height=2, *, scale=1): ...
        >>> Signature.of(area).defaults
        {'height': 2, 'scale': 1}
        """
        code = function.__code__
        end = code.co_argcount + code.co_kwonlyargcount
        positional = code.co_varnames[: code.co_argcount]
        values = function.__defaults__ or ()
        defaults = dict(zip(positional[len(positional) - len(values) :], values, strict=True))
        defaults.update(function.__kwdefaults__ or {})
        keyword_only = code.co_varnames[code.co_argcount : end]
        return cls(code.co_posonlyargcount, positional, keyword_only, defaults)

    @property
    def order(self) -> list[str]:
        """All parameters, in the order in which a lowered function takes them."""
        return [*self.positional, *self.keyword_only]


class Bound(Record):
    """Arguments by parameter: those given in the order of the text, and the defaults."""

    order: list[str]
    given: dict[str, ast.expr]
    defaults: dict[str, Any]


def has_stars(function: FunctionType) -> bool:
    """Whether a function takes *args or **kwargs."""
    return bool(function.__code__.co_flags & _STARS)


def bind(signature: Signature, node: ast.Call) -> Bound | None:
    """Bind a call; None if Python would raise TypeError.

    >>> signature = Signature(0, ("a", "b"), (), {"b": 1})
    >>> bind(signature, ast.parse("f(b=x, a=y)", mode="eval").body).given.keys()
    dict_keys(['b', 'a'])
    >>> bind(signature, ast.parse("f(b=x)", mode="eval").body) is None
    True
    """
    if len(node.args) > len(signature.positional):
        return None
    given = dict(zip(signature.positional, node.args, strict=False))
    by_name = {*signature.positional[signature.positional_only :], *signature.keyword_only}
    for keyword in node.keywords:
        name = keyword.arg or ""
        if name in given or name not in by_name:
            return None
        given[name] = keyword.value
    missing = [name for name in signature.order if name not in given]
    if any(name not in signature.defaults for name in missing):
        return None
    defaults = {name: signature.defaults[name] for name in missing}
    return Bound(signature.order, given, defaults)
