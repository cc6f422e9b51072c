"""Runs a program, plain or on the engine, and notes all that can be seen from outside."""

from __future__ import annotations

import contextlib
import io
import itertools
import linecache
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import jetlag as jl

from . import modes

_numbers = itertools.count()


@dataclass
class Outcome:
    """What a call gave, printed, warned of, raised, and left in its arguments."""

    value: Any = None
    error: str = ""
    message: str = ""
    frames: list[tuple[str, int]] = field(default_factory=list)
    printed: str = ""
    warned: set[tuple[str, str, int]] = field(default_factory=set)
    arguments: tuple[Any, ...] = ()
    opaque: int = 0


class Program:
    """A text that was executed under a name of its own, where tracebacks and jetlag find it."""

    def __init__(self, text: str) -> None:
        self.file = f"<fuzz {next(_numbers)}>"
        linecache.cache[self.file] = (len(text), None, text.splitlines(keepends=True), self.file)
        self.names: dict[str, Any] = {"__name__": "fuzz_program"}
        exec(compile(text, self.file, "exec"), self.names)

    def close(self) -> None:
        linecache.cache.pop(self.file, None)

    def plain(self) -> Outcome:
        """Run it in Python and NumPy."""
        return self._observe(self.names["f"])

    def native(self, mode: modes.Mode, calls: int = 1) -> list[Outcome]:
        """Run it on the engine, several times with fresh arguments."""
        with modes.set_to(mode):
            function = jl.jit(self.names["f"])
            return [self._observe(function) for _ in range(calls)]

    def _observe(self, function: Callable[..., Any]) -> Outcome:
        outcome = Outcome(arguments=tuple(self.names["make"]()))
        printed = io.StringIO()
        state = self.names.get("ERRSTATE", {})
        with warnings.catch_warnings(record=True) as seen, contextlib.redirect_stdout(printed):
            warnings.simplefilter("always")
            with np.errstate(**{"all": "warn", "under": "ignore"} | state):
                try:
                    outcome.value = function(*outcome.arguments)
                except Exception as error:  # noqa: BLE001
                    outcome.error = type(error).__name__
                    outcome.message = str(error)
                    outcome.frames = self._frames(error)
        outcome.printed = printed.getvalue()
        for warning in seen:
            if issubclass(warning.category, jl.OpaqueWarning):
                outcome.opaque += 1
            else:
                place = warning.lineno if warning.filename == self.file else 0
                outcome.warned.add((warning.category.__name__, str(warning.message), place))
        return outcome

    def _frames(self, error: BaseException) -> list[tuple[str, int]]:
        found = traceback.extract_tb(error.__traceback__)
        return [(f.name, f.lineno or 0) for f in found if f.filename == self.file]
