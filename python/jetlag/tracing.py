"""Recording what runs: `with jl.trace("run.jlt"):` and `with jl.span("name"):`."""

from __future__ import annotations

import atexit
import json
import os
import platform
import sys
import warnings
from collections.abc import Iterable
from functools import lru_cache
from types import TracebackType
from typing import Any, Self

from jetlag.engine import core


class trace:
    """Record everything that runs inside, on all threads, into a file.

    >>> with jl.trace("run.jlt"):  # doctest: +SKIP
    ...     fit(x, y)

    The file can be read while it grows, and after a crash: each record that was completed is
    in it. `jetlag profile run.jlt` prints where the time went, `jl.open_trace` opens it here.

    path: a file that is made or replaced; `%p` in it stands for the number of the process.
    counters: patterns of counters (see `jl.counters`) that are sampled while it records, every
    `period` seconds. None are those of the setting `trace_counters`; `[]` samples none.
    hardware: "auto" counts what the processor does in each task (instructions, cycles, misses), or
    what the system accounts to it where the processor cannot be asked; names of events, PAPI's too,
    count those. It costs some microseconds a task, so it is off ("none") unless the setting
    `trace_hardware` says otherwise. What is missing is a RuntimeWarning.

    Raises RuntimeError if a trace is being recorded already, OSError if the file cannot be made,
    ValueError for what is no pattern of counters and for a period under a millisecond. What goes
    wrong later (no space left) is a RuntimeWarning at the end; the work itself goes on.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        counters: Iterable[str] | None = None,
        period: float | None = None,
        hardware: str | Iterable[str] | None = None,
    ) -> None:
        if isinstance(counters, str):
            raise TypeError(f"counters is a list of patterns: [{counters!r}]")
        self._path = os.fspath(path)
        self._counters = None if counters is None else " ".join(counters)
        self._period = period
        self._hardware = (
            hardware if hardware is None or isinstance(hardware, str) else " ".join(hardware)
        )
        self.records = 0
        """How many records the file holds, once it is closed."""
        self.dropped = 0
        """Spans and events that found no room."""

    def __enter__(self) -> Self:
        sampling = _sampling(self._counters, self._period, self._hardware)
        missing = core().trace_start(self._path, _facts(), *sampling)
        if missing:
            warnings.warn(missing, RuntimeWarning, stacklevel=2)
        self._path = core().trace_path()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        summary = core().trace_stop()
        self.records, self.dropped = summary["records"], summary["dropped"]
        _tell(summary, stacklevel=3)

    @property
    def path(self) -> str:
        """The file."""
        return self._path

    def __repr__(self) -> str:
        return f"jl.trace({self._path!r})"


class span:
    """Name a part of the program: its time is shown under this name in a trace.

    >>> with jl.span("read the ratings"):  # doctest: +SKIP
    ...     ratings = np.load("ratings.npy")

    While nothing is recorded it does nothing. Spans may lie in each other, and one may be used
    again, also by several threads.
    """

    def __init__(self, name: str) -> None:
        frame = sys._getframe(1)
        self._name = str(name)
        self._place = (frame.f_code.co_name, frame.f_code.co_filename, frame.f_lineno)
        self._open: list[Any] = []

    def __enter__(self) -> Self:
        module = core()
        current = None
        if module.trace_is_recording():
            current = module.TraceSpan(_site(self._name, *self._place))
            current.enter()
        self._open.append(current)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        current = self._open.pop()
        if current is not None:
            current.exit()

    def __repr__(self) -> str:
        return f"jl.span({self._name!r})"


def record_process(path: str) -> None:
    """Record from now on to the end of the process: what the setting `trace` asks for."""
    try:
        missing = core().trace_start(path, _facts(), *_sampling(None, None, None))
    except (OSError, RuntimeError, ValueError) as error:
        warnings.warn(f"JETLAG_TRACE: {error}", RuntimeWarning, stacklevel=2)
        return
    atexit.register(_end_of_process)
    if missing:
        warnings.warn(missing, RuntimeWarning, stacklevel=2)


def _sampling(
    counters: str | None, period: float | None, hardware: str | None
) -> tuple[str, float, str]:
    """What is sampled, the seconds between samples, events: the settings where nothing is said."""
    module = core()
    if hardware is None:
        hardware = str(module.setting("trace_hardware"))
    if counters is None:
        named = str(module.setting("trace_counters"))
        counters = "" if named == "none" else named
    seconds = float(module.setting("trace_period")) if period is None else float(period)
    return counters, seconds, hardware


def _end_of_process() -> None:
    # The user may have ended it, or forked.
    if core().trace_path():
        _tell(core().trace_stop(), stacklevel=2)


@lru_cache(maxsize=10_000)
def _site(name: str, function: str, file: str, line: int) -> int:
    number: int = core().trace_site(name, function, file, line)
    return number


def _facts() -> str:
    """What is known of the run, as the members of a JSON object."""
    facts = {
        "program": sys.argv[0] if sys.argv else "",
        "arguments": " ".join(sys.argv[1:]),
        "host": platform.node(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "workers": core().threads(),
    }
    return json.dumps(facts)[1:-1]


def _tell(summary: dict[str, Any], stacklevel: int) -> None:
    if summary["trouble"]:
        text = f"{summary['path']} is not complete: {summary['trouble']}"
        warnings.warn(text, RuntimeWarning, stacklevel=stacklevel + 1)
    elif summary["dropped"]:
        text = f"{summary['path']} lacks {summary['dropped']} spans and events: no room was left"
        warnings.warn(text, RuntimeWarning, stacklevel=stacklevel + 1)
    if summary["unfit"]:
        text = f"{summary['path']}: no counter fits {', '.join(map(repr, summary['unfit']))}"
        warnings.warn(text, RuntimeWarning, stacklevel=stacklevel + 1)
