"""Exceptions between machines: what happened there, as data, and as an exception here."""

from __future__ import annotations

import builtins
import sys
import traceback
from types import TracebackType
from typing import Any

import numpy as np

_PLAIN = (str, int, float, bool, type(None))


class RemoteError(Exception):
    """An exception of a class that is not known here: its name, message and traceback as text."""

    def __init__(self, name: str, message: str, traceback: str = "") -> None:
        super().__init__(f"{name}: {message}" if message else name)
        self.name = name
        self.message = message
        self.traceback = traceback


def record(error: BaseException, skip: str) -> dict[str, Any]:
    """An exception as data. Frames of the file `skip` are ours, not the user's."""
    kind = type(error)
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != skip
    ]
    shown = traceback.TracebackException.from_exception(error)
    shown.stack = traceback.StackSummary.from_list(frames)
    plain = all(type(item) in _PLAIN for item in error.args)
    return {
        "class": f"{kind.__module__}.{kind.__qualname__}",
        "args": list(error.args) if plain else None,
        "message": str(error),
        "notes": [str(note) for note in getattr(error, "__notes__", [])],
        "traceback": "".join(shown.format()),
        "frames": [[frame.filename, frame.lineno, frame.name] for frame in frames],
    }


def exception(told: dict[str, Any], where: str) -> Exception:
    """The exception that a record tells of: itself if its class is Python's or NumPy's."""
    cls = _class_of(told["class"])
    error: Exception | None = None
    if cls is not None and told["args"] is not None:
        try:
            error = cls(*told["args"])
        except Exception:
            error = None  # a class that wants more than its args say
    if error is None:
        name = told["class"].removeprefix("builtins.")
        error = RemoteError(name, told["message"], told["traceback"])
    for note in told["notes"]:
        error.add_note(note)
    error.add_note(f"on {where}:\n{told['traceback'].rstrip()}")
    return error


def raise_there(error: Exception, frames: list[Any]) -> None:
    """Raise with a traceback that ends at the user's line, as if it had run here."""
    if not frames:
        raise error
    file, line, name = frames[-1]
    text = "\n" * (max(int(line or 1), 1) - 1) + "raise error"
    try:
        code = compile(text, file, "exec").replace(co_name=str(name))
    except ValueError:
        raise error from None
    exec(code, {"error": error})


def without_ours(where: TracebackType | None, file: str) -> TracebackType | None:
    """A traceback without its leading frames of a file."""
    while where is not None and where.tb_frame.f_code.co_filename == file:
        where = where.tb_next
    return where


def _class_of(name: str) -> type[Exception] | None:
    module, _, short = name.rpartition(".")
    found: Any = None
    if module == "builtins":
        found = getattr(builtins, short, None)
    elif module.partition(".")[0] == "numpy":
        found = getattr(sys.modules.get(module), short, None) or getattr(np.exceptions, short, None)
    if isinstance(found, type) and issubclass(found, Exception):
        return found
    return None
