"""The decorator: a function that runs on the engine, lowered when it is first called."""

from __future__ import annotations

import functools
import os
import threading
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, overload

from jetlag import pending
from jetlag._call import Callable
from jetlag.options import Options
from jetlag.reports import NotLowered, Reporter

if TYPE_CHECKING:
    from collections import abc

    from jetlag.explanation import Explanation
    from jetlag.futures import Future
    from jetlag.lower import Lowered
    from jetlag.perfdata import Perfdata

_MOST_VARIANTS = 8
_VARARGS, _VARKEYWORDS = 0x04, 0x08  # bits of co_flags

# Lowering looks at many functions at once; one thread at a time does it.
_lowering = threading.RLock()


@overload
def jit(function: abc.Callable[..., Any], /) -> JitFunction: ...
@overload
def jit(
    *, strict: bool = False, fastmath: bool = False, performance: bool = False
) -> abc.Callable[[abc.Callable[..., Any]], JitFunction]: ...


def jit(
    function: abc.Callable[..., Any] | None = None,
    /,
    *,
    strict: bool = False,
    fastmath: bool = False,
    performance: bool = False,
) -> Any:
    """Run a function on the engine, with the results that Python and NumPy give.

    What cannot be lowered runs in Python, and an OpaqueWarning says so once for each place;
    `strict=True` raises NotLowered instead. `fastmath=True` lets machine code rearrange the
    function's + - * / on floats: sums of loops are added in vectors, a product and a sum become
    one operation. Last bits then differ, also from run to run, and the sign of a zero may be
    lost; NaN, infinities and errors stay. `performance=True` measures every call, step by step:
    `perfdata` has what the last one cost.
    """
    options = Options(strict, fastmath, performance)
    if function is None:
        return lambda later: _decorate(later, options)
    return _decorate(function, options)


def _decorate(function: Any, options: Options) -> Any:  # noqa: ANN401
    if isinstance(function, staticmethod | classmethod):
        return type(function)(_decorate(function.__func__, options))
    if isinstance(function, JitFunction):
        if options == function.options:
            return function
        function = function.__wrapped__
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"jit takes a function, not {_kind(function)}")
    return JitFunction(function, options)


def _kind(value: object) -> str:
    return "a class" if isinstance(value, type) else type(value).__name__


class Variant:
    """A program, with the guards under which it stands for its function."""

    def __init__(self, function: FunctionType, lowered: Lowered, missing: object) -> None:
        from jetlag.lower.resolve import fetch

        self.program = lowered.program
        self.bind = _binder(function)
        self._function = function
        self.program.set_guards(list(lowered.guards))
        self._data = lowered.data
        self._fetch = functools.partial(fetch, missing=missing)
        self.writes = bool(self.program.may_write() or self.program.has_opaque())

    def holds(self) -> bool:
        """Whether everything that was looked at while lowering is as it was."""
        return bool(self.program.guards_hold())

    def serve(self, callable: JitFunction) -> None:
        """Have calls go to the program directly; they come back when its guards fail."""
        if not callable.options.performance:
            self.program.serve(callable, self._function, self.bind)

    def captured(self) -> list[object]:
        """The values from outside that a call made now would see."""
        return [self._fetch(holder, key) for holder, key in self._data]


class JitFunction(Callable):
    """A function that runs on the engine. Calls, attributes and pickles as the function does.

    Calls come to `_call` until there is a program that serves them, and whenever that
    program cannot: its guards fail, or other calls are pending.
    """

    def __init__(self, function: abc.Callable[..., Any], options: Options) -> None:
        functools.update_wrapper(self, function)
        self.options = options
        self._function = function
        self._variants: tuple[Variant, ...] = ()  # the latest first
        self._in_python = "" if isinstance(function, FunctionType) else "it is no Python function"
        self._place = (0, 0)
        self._told = False
        self._perfdata: Perfdata | None = None

    def _call(self, /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Call the function; wait for its result."""
        if self.options.performance:
            from jetlag.perfdata import measured

            result, self._perfdata = measured(self, args, kwargs)
            return result
        variant = self._find()
        if variant is None:
            if pending.attention:
                pending.attend((*args, *kwargs.values()), True)
            return self._function(*args, **kwargs)
        arguments = variant.bind(*args, **kwargs)
        if pending.attention:
            pending.attend((*arguments, *variant.captured()), variant.writes)
        return variant.program.run(arguments)

    def submit(self, /, *args: Any, **kwargs: Any) -> Future:  # noqa: ANN401
        """Begin a call, and return a Future for its result at once.

        Futures among the arguments, also in tuples and lists, are waited for. Calls that may
        touch the same memory run in the order in which they were submitted, if one writes.
        """
        from jetlag import futures

        try:
            variant = self._find()
            if variant is None:
                values = (args, kwargs)
                return futures.submit(self._run_in_python, values, (), True)
            arguments = variant.bind(*args, **kwargs)
        except Exception as error:
            return futures.failed(error)
        return futures.submit(self._run, arguments, variant.captured(), variant.writes)

    def explain(self, /, *args: Any, **kwargs: Any) -> Explanation:  # noqa: ANN401
        """Call the function, and tell step by step what was done."""
        from jetlag.explanation import explain

        return explain(self, *args, **kwargs)

    def physl(self, tags: bool = True) -> str:
        """The PhySL text of the function; tags show the line and column of every name."""
        return self._text(lambda program: program.physl(tags))

    def tree(self, form: str = "text") -> str:
        """The tree of the program, as "text", "dot" or "newick"."""
        if form not in ("text", "dot", "newick"):
            raise ValueError(f"form is 'text', 'dot' or 'newick', not {form!r}")
        return self._text(lambda program: program.tree(form))

    def plan(self) -> str:
        """The steps of the program."""
        return self._text(lambda program: program.plan())

    def explained(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
        """The result of a call and the rows that tell about it; no rows if it ran in Python."""
        variant = self._find()
        if variant is None:
            return self._function(*args, **kwargs), None
        arguments = variant.bind(*args, **kwargs)
        if pending.attention:
            pending.attend((*arguments, *variant.captured()), variant.writes)
        return variant.program.explain(arguments)

    @property
    def perfdata(self) -> Perfdata:
        """What the last call cost, node by node; also as `csv, newick, dot = f.perfdata`.

        Raises AttributeError before the first call, and unless `performance=True` was given.
        """
        if self._perfdata is None:
            hint = "call it first" if self.options.performance else "use @jl.jit(performance=True)"
            raise AttributeError(f"calls of {self!r} were not measured: {hint}")
        return self._perfdata

    @property
    def why_python(self) -> str:
        """Why the whole function stays in Python; empty if it does not."""
        self._find()
        return self._in_python

    def __reduce__(self) -> str:
        # By name, as functions are pickled and copied.
        return self.__qualname__  # type: ignore[attr-defined,no-any-return]

    def __repr__(self) -> str:
        return f"<jetlag function {getattr(self, '__qualname__', self._function)}>"

    def _text(self, show: abc.Callable[[Any], str]) -> str:
        variant = self._find()
        if variant is None:
            return f"# {getattr(self, '__name__', '?')} stays in Python: {self._in_python}\n"
        return show(variant.program)

    def _run(self, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401
        """Run bound arguments, on whichever thread."""
        variant = self._find()
        if variant is None:
            raise RuntimeError(f"{self!r} was changed while a call of it was pending")
        return variant.program.run(arguments)

    def _run_in_python(self, values: tuple[Any, ...]) -> Any:  # noqa: ANN401
        args, kwargs = values
        return self._function(*args, **kwargs)

    def _find(self) -> Variant | None:
        """A variant whose guards hold, lowered now if there is none; None: run in Python."""
        if self._in_python:
            self._tell()
            return None
        with _lowering:
            for variant in self._variants:
                if variant.holds():
                    variant.serve(self)
                    return variant
            return self._lower()

    def _lower(self) -> Variant | None:
        from jetlag import engine
        from jetlag.lower import StaysInPython, lower

        assert isinstance(self._function, FunctionType)
        core = engine.core()
        try:
            lowered = lower(core, self._function, self.options)
        except StaysInPython as reason:
            node = reason.node
            self._place = getattr(node, "lineno", 0), getattr(node, "col_offset", 0) + 1
            self._in_python = reason.why
            self._tell()
            return None
        except NotLowered as refusal:
            raise refusal.with_traceback(None) from None
        engine.know_files(lowered.globals)
        variant = Variant(self._function, lowered, core.MISSING)
        self._variants = (variant, *self._variants[: _MOST_VARIANTS - 1])
        variant.serve(self)
        return variant

    def _tell(self) -> None:
        """Say once that the whole function runs in Python, or refuse if it is strict."""
        if self._told and not self.options.strict:
            return
        self._told = True
        code = getattr(self._function, "__code__", None)
        file = code.co_filename if isinstance(code, CodeType) else "<unknown>"
        line, column = self._place
        if not line and isinstance(code, CodeType):
            line, column = code.co_firstlineno, 1
        if self.options.strict:
            name = getattr(self, "__name__", repr(self._function))
            hint = "leave out strict=True to run it in Python"
            raise NotLowered(file, line, column, name, self._in_python, hint)
        names = getattr(self._function, "__globals__", None)
        Reporter.report(file, line, column, self._in_python, "whole function", names)


def _binder(function: FunctionType) -> abc.Callable[..., tuple[Any, ...]]:
    """A function of the same signature that returns its arguments.

    What does not fit raises TypeError in the very words of Python.
    """
    code = function.__code__
    names = list(code.co_varnames)
    positional, keyword_only = code.co_argcount, code.co_kwonlyargcount
    parameters = names[:positional]
    if code.co_posonlyargcount:
        parameters.insert(code.co_posonlyargcount, "/")
    rest = names[positional + keyword_only :]
    if code.co_flags & _VARARGS:
        parameters.append(f"*{rest.pop(0)}")
    elif keyword_only:
        parameters.append("*")
    parameters += names[positional : positional + keyword_only]
    if code.co_flags & _VARKEYWORDS:
        parameters.append(f"**{rest.pop(0)}")
    # In the order in which code objects keep parameters: *args follows the keyword-only ones.
    plain = "".join(f"{p}, " for p in parameters if p[0] not in "*/")
    stars = "".join(f"{p.lstrip('*')}, " for p in parameters if p[0] == "*" and p != "*")
    space: dict[str, Any] = {}
    exec(f"def bind({', '.join(parameters)}): return ({plain}{stars})", space)
    bind: FunctionType = space["bind"]
    bind.__defaults__, bind.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
    bind.__name__, bind.__qualname__ = function.__name__, function.__qualname__
    return bind


def _after_fork() -> None:
    """Another thread of the parent may have been lowering."""
    global _lowering
    _lowering = threading.RLock()


os.register_at_fork(after_in_child=_after_fork)
