"""The engine as Python sees it: the extension module, and what it asks Python to do.

The engine knows places in the user's files. How Python shows them, as tracebacks and
warnings, is decided here.
"""

from __future__ import annotations

import atexit
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import CodeType, FrameType, FunctionType, TracebackType
from typing import Any

from jetlag import pending
from jetlag.reports import NotLowered, Reporter

HELPER_MARK = "@unbound"  # a parameter that functions have which stand for the user's frame
Frame = tuple[str, int, str]  # file, line, function

_core: Any = None


def core() -> Any:  # noqa: ANN401
    """The extension module, with the hooks in place."""
    global _core
    if _core is None:
        with _one_thread_for_blas():
            from jetlag import _core as module  # type: ignore[attr-defined]

        module.set_hooks(
            raise_at=locate,
            warn_fp=warn_fp,
            warn_opaque=warn_opaque,
            call_at=call_at,
            name_of=name_of,
        )
        module.check_environment()
        atexit.register(module.finish)
        os.register_at_fork(after_in_child=_after_fork)
        _core = module
        if module.setting("policies"):
            from jetlag import policies

            policies.switch_in_process()
        if path := module.setting("trace"):
            from jetlag import tracing

            tracing.record_process(path)
    return _core


@contextmanager
def _one_thread_for_blas() -> Iterator[None]:
    """Have a library that is loaded now start no threads of its own.

    OpenBLAS starts them when it is loaded, and each spins for a while. It is told to use one
    thread before its first call; but by then they would have taken a core from the first calls.
    """
    name = "OPENBLAS_NUM_THREADS"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


# ---- places ----

_globals_of_file: dict[str, dict[str, Any]] = {}


def know_files(files: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Note whose globals hold the warning registry of a file."""
    _globals_of_file.update(files)


# ---- exceptions ----


def locate(exception: BaseException, frames: Sequence[Frame]) -> BaseException:
    """Make an exception's traceback begin with frames of the user's functions.

    `frames` come innermost first; what traceback the exception has lies inside them.
    """
    traceback = strip(exception.__traceback__)
    if traceback is not None and HELPER_MARK in traceback.tb_frame.f_code.co_varnames:
        frames = frames[1:]  # it stands for the innermost frame already
    for file, line, name in frames:
        traceback = TracebackType(traceback, _frame(file, line, name), -1, line)
    return exception.with_traceback(traceback)


def strip(traceback: TracebackType | None) -> TracebackType | None:
    """Leave out our own frames, which tell users nothing."""
    kept = []
    while traceback is not None:
        if not traceback.tb_frame.f_code.co_filename.startswith(_HERE):
            kept.append(traceback)
        traceback = traceback.tb_next
    result: TracebackType | None = None
    for entry in reversed(kept):
        entry.tb_next = result
        result = entry
    return result


_HERE = os.path.join(os.path.dirname(__file__), "")


class _Thrown(Exception):
    pass


def _throw() -> None:
    raise _Thrown


def _frame(file: str, line: int, name: str) -> FrameType:
    """A frame that tracebacks show as the given place."""
    code = _throw.__code__.replace(
        co_filename=file, co_name=name, co_qualname=name, co_firstlineno=max(line, 1)
    )
    names = _globals_of_file.get(file, {})
    visible = {key: names[key] for key in ("__name__", "__loader__") if key in names}
    try:
        FunctionType(code, {**visible, "_Thrown": _Thrown})()
    except _Thrown as thrown:
        last = thrown.__traceback__
    while last.tb_next is not None:  # type: ignore[union-attr]
        last = last.tb_next  # type: ignore[union-attr]
    return last.tb_frame  # type: ignore[union-attr]


@lru_cache(maxsize=4096)
def call_at(file: str, line: int, name: str) -> Callable[..., Any]:
    """A function that calls its first argument with the others, from the given place.

    Whoever is called then sees the user's frame above its own: warnings with a stacklevel,
    loggers and tracebacks show the user's line.
    """
    code = _CALL.replace(
        co_filename=file, co_name=name, co_qualname=name, co_firstlineno=max(line, 1)
    )
    return FunctionType(code, _globals_of_file.get(file, {}))


def _call_template() -> CodeType:
    def call(function, /, *args, **kwargs): return function(*args, **kwargs)  # type: ignore  # noqa  # fmt: skip

    code = call.__code__
    units = len(code.co_code) // 2
    # A table of lines without columns: the marks under a line in a traceback would be ours.
    # Each entry holds up to eight instructions of the first line.
    lengths = [min(8, units - start) for start in range(0, units, 8)]
    lines = b"".join(bytes((0x80 | 13 << 3 | length - 1, 0)) for length in lengths)
    return code.replace(co_varnames=(HELPER_MARK, "args", "kwargs"), co_linetable=lines)


_CALL = _call_template()


# ---- floating-point conditions ----

# In NumPy's order: the bit, the key of np.geterr(), and NumPy's words.
_CONDITIONS = (
    (1, "divide", "divide by zero"),
    (2, "over", "overflow"),
    (4, "under", "underflow"),
    (8, "invalid", "invalid value"),
)


def warn_fp(name: str, anomalies: int, file: str, line: int) -> None:
    """Report floating-point conditions the way the caller's errstate asks."""
    import numpy as np

    modes = np.geterr()
    for bit, key, words in _CONDITIONS:
        if anomalies & bit:
            _ANSWERS[modes[key]](
                f"{words} encountered in {name}", words, name, anomalies, file, line
            )


def _ignore(*_: object) -> None:
    pass


def _warn(message: str, words: str, name: str, anomalies: int, file: str, line: int) -> None:
    names = _globals_of_file.get(file, {})
    warnings.warn_explicit(
        message,
        RuntimeWarning,
        file,
        line,
        module=names.get("__name__") or "<unknown>",
        registry=names.setdefault("__warningregistry__", {}),
    )


def _raise(message: str, *_: object) -> None:
    raise FloatingPointError(message)


def _call(message: str, words: str, name: str, anomalies: int, file: str, line: int) -> None:
    import numpy as np

    function = np.geterrcall()
    if function is None:
        raise NameError(
            f"python callback specified for {words} (in  {name}) but no function found."
        )
    function(words, anomalies)


def _print(message: str, *_: object) -> None:
    sys.stderr.write(f"Warning: {message}\n")


def _log(message: str, words: str, name: str, *_: object) -> None:
    import numpy as np

    log = np.geterrcall()
    if log is None:
        raise NameError(
            f"log specified for {words} (in {name}) but no object with write method found."
        )
    log.write(f"Warning: {message}\n")


_ANSWERS: dict[str, Callable[..., None]] = {
    "ignore": _ignore,
    "warn": _warn,
    "raise": _raise,
    "call": _call,
    "print": _print,
    "log": _log,
}


# ---- opaque steps ----


def warn_opaque(file: str, line: int, column: int, why: str, strict: bool = False) -> None:
    """An opaque step is about to run: say so once, or refuse if the program is strict."""
    if strict:
        hint = "leave out strict=True to run it in Python"
        raise NotLowered(file, line, column, "", why, hint)
    Reporter.report(file, line, column, why, names=_globals_of_file.get(file))


def name_of(function: object) -> str:
    """What users call a function: by its module, unless that is builtins or their own script.

    >>> name_of(len), name_of(os.path.join), name_of([].sort), name_of(3)
    ('len', 'posixpath.join', 'list.sort', 'an object of type int')
    """
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", None)
    if not isinstance(name, str):
        return f"an object of type {type(function).__name__}"
    module = getattr(function, "__module__", None)
    hidden = not isinstance(module, str) or module in ("builtins", "__main__")
    return name if hidden else f"{module}.{name}"


# ---- fork ----


def _after_fork() -> None:
    if _core is not None:
        _core.after_fork()
    pending.after_fork()
