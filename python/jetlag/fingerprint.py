"""What a tuned result is good for: the program, and the class of its arguments, as text."""

from __future__ import annotations

import functools
import hashlib
import inspect
import math
import os.path
import sys
import sysconfig
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_MOST_ITEMS = 8  # of a list or dict whose classes are told one by one


def program(function: Callable[..., Any], *more: object) -> str:
    """A digest of a function's code and of the functions and constants that it names.

    Neither the file nor the lines are part of it. `more` are functions or texts that count too.
    """
    import jetlag

    digest = hashlib.sha256()
    seen: set[int] = set()
    for part in (f"{jetlag.__version__} {sys.version_info[:2]}", function, *more):
        for text in _texts(part, seen):
            digest.update(f"{len(text)} {text}\n".encode("utf-8", "backslashreplace"))
    name = getattr(function, "__qualname__", type(function).__name__)
    return f"{name} {digest.hexdigest()[:32]}"


def _texts(value: object, seen: set[int]) -> Iterator[str]:
    value = getattr(value, "__wrapped__", value)
    if isinstance(value, _PLAIN):
        yield repr(value)
    elif isinstance(value, FunctionType | tuple):
        if id(value) in seen:
            return
        seen.add(id(value))
        if isinstance(value, FunctionType):
            yield from _texts_of_function(value, seen)
            return
        yield f"tuple {len(value)}"
        for item in value:
            yield from _texts(item, seen)
    elif isinstance(value, functools.partial):
        yield from _texts((value.func, value.args, sorted(value.keywords.items())), seen)
    elif hasattr(value, "__func__"):
        yield from _texts(value.__func__, seen)
    else:
        # Of modules, and of arrays, lists and others that may change, only the kind counts,
        # and what a call of it does.
        yield f"{type(value).__module__}.{type(value).__qualname__}"
        call = inspect.getattr_static(type(value), "__call__", None)
        if isinstance(call, FunctionType):
            yield from _texts(call, seen)


def _texts_of_function(function: FunctionType, seen: set[int]) -> Iterator[str]:
    code = function.__code__
    yield from _texts_of_code(code)
    yield from _texts(function.__defaults__ or (), seen)
    yield from _texts(sorted((function.__kwdefaults__ or {}).items()), seen)
    for name in () if _is_installed(code) else sorted(_names(code)):
        if name in function.__globals__:
            yield name
            yield from _texts(function.__globals__[name], seen)
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        yield name
        try:
            yield from _texts(cell.cell_contents, seen)
        except ValueError:
            yield "empty"


def _is_installed(code: CodeType) -> bool:
    """Whether it is of a library, in which one does not look for what else it calls."""
    folders = set(os.path.dirname(code.co_filename).split(os.sep))
    library = sysconfig.get_path("stdlib")
    return bool(folders & {"site-packages", "dist-packages"}) or code.co_filename.startswith(
        library
    )


def _names(code: CodeType) -> set[str]:
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)


def _texts_of_code(code: CodeType) -> Iterator[str]:
    yield code.co_code.hex()
    yield repr((code.co_names, code.co_varnames, code.co_freevars, code.co_flags))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _texts_of_code(constant)
        elif isinstance(constant, frozenset):
            yield repr(sorted(map(repr, constant)))  # its own order differs between processes
        else:
            yield repr(constant)


def shapes(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """The class of the arguments, in one line; sizes to the nearest power of two.

    >>> import numpy as np
    >>> shapes((np.zeros((1000, 3)), 700, 0.5, "fast"), {"n": [1, 2]})
    "f64[2^10,2^2] C, int 2^9, float, 'fast', n=list 2 of int"
    """
    words = [_class(value) for value in args]
    words += [f"{name}={_class(value)}" for name, value in sorted(kwargs.items())]
    return ", ".join(words)


def _size(n: int) -> str:
    return f"2^{round(math.log2(n))}" if n > 2 else str(n)


def _class(value: object) -> str:
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if isinstance(shape, tuple) and shape and dtype is not None:
        name = f"{dtype.kind}{8 * dtype.itemsize}" if dtype.kind in "fiuc" else str(dtype)
        flags = getattr(value, "flags", None)
        order = "C" if flags is None or flags.c_contiguous else "F" if flags.f_contiguous else "-"
        return f"{name}[{','.join(_size(n) for n in shape)}] {order}"
    if isinstance(value, bool | str | bytes | type(None)):
        return repr(value)
    if isinstance(value, int):
        return f"int {'-' if value < 0 else ''}{_size(abs(value))}" if value else "int 0"
    if isinstance(value, tuple | list | dict | set | frozenset):
        items = list(value.values()) if isinstance(value, dict) else list(value)
        classes = sorted({_class(item) for item in items[:_MOST_ITEMS]})
        inside = f" of {' or '.join(dict.fromkeys(_kinds(classes)))}" if classes else ""
        return f"{type(value).__name__} {_size(len(items))}{inside}"
    return type(value).__qualname__


def _kinds(classes: list[str]) -> list[str]:
    """Numbers among other items count by their kind alone."""
    return ["int" if word.startswith("int ") else word for word in classes]
