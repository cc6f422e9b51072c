"""Policies: what is done when something happens, is measured, or is due.

>>> import jetlag as jl
>>> @jl.policy(every=60)
... def report(cause):
...     return f"{jl.threads()} workers"
>>> jl.policies.fire("report")
>>> jl.policies.wait()
True
>>> jl.policies.log()[-1].policy
'report'
>>> jl.policies.remove("report")
"""

from __future__ import annotations

import atexit
import math
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from jetlag.engine import core

Action = Callable[["Cause"], object]
F = TypeVar("F", bound=Action)


@dataclass(frozen=True)
class Cause:
    """Why a policy fires."""

    trigger: str
    """"event", "window", "period" or "user"."""
    value: float
    """What the last event says, the last value of the window, or what `fire` was given."""
    count: int
    """How many such events there were since the policy fired before."""
    name: str
    """The name of the last event's site."""


@dataclass(frozen=True)
class Firing:
    """One firing of a policy, as the log has it."""

    seconds: float
    """Of the monotonic clock (`time.monotonic()`)."""
    policy: str
    cause: Cause
    did: str
    """What it did, in its own words."""
    took: float
    """Seconds."""
    trouble: str
    """The error that it ended with; empty if it did not."""


@dataclass(frozen=True)
class Status:
    """A policy of this process."""

    name: str
    trigger: str
    fired: int
    on: bool
    trouble: str
    """Why it is off; empty if it is on."""


def policy(
    *,
    name: str | None = None,
    on: str | None = None,
    of: str = "",
    counter: str | Callable[[], float] | None = None,
    window: int = 1,
    when: Callable[[Sequence[float]], object] | None = None,
    every: float | None = None,
) -> Callable[[F], F]:
    """Call the function when something happens; it is known by its name, or `name`.

    `on="steal"`: after events of this kind (docs/tracing.md lists them), once for all of some
    milliseconds; `of` names the site that they must come from. `counter` with `when`: each time
    that `when` holds for the last `window` values of a counter (its name, as in `jl.counters`, or
    a function that gives a number), which is read every `every` seconds (0.1). `every` alone: so
    often. None of them: only when `jl.policies.fire(name)` asks for it; that works for each.

    The function is given a `Cause`; a text that it returns is what it did, for the log. It runs on
    a thread of its own. If it raises, or `when` does, one warning says so and it is off.

    Raises ValueError if these do not fit together or the event is none, KeyError if there is no
    such counter.
    """
    if on is not None and (counter is not None or every is not None):
        raise ValueError("a policy on an event has neither a counter nor a period")
    if (counter is None) != (when is None):
        raise ValueError("counter and when go together")
    if of and on is None:
        raise ValueError("of is for policies on an event")
    read = _reader(counter) if isinstance(counter, str) else counter
    period = 0.1 if every is None and counter is not None else every

    def register(function: F) -> F:
        code = getattr(function, "__code__", None)
        known = name or getattr(function, "__name__", type(function).__name__)
        _add(
            name=known,
            on=on or "",
            of=of,
            counter=_guarded(read, known, float) if read else None,
            window=window,
            when=_guarded(when, known, bool) if when else None,
            every=0.0 if period is None else period,
            act=_guarded(lambda *cause: function(Cause(*cause)), known, _words),
            file=code.co_filename if code else "",
            line=code.co_firstlineno if code else 0,
        )
        return function

    return register


def fire(name: str, value: float = 0.0) -> None:
    """Let a policy act now, on its thread. Raises NameError if there is none of that name."""
    core().policy_fire(name, float(value))


def wait(timeout: float = 10.0) -> bool:
    """Wait until all is done that was fired by `fire`; False if it takes longer than `timeout`."""
    return bool(core().policy_wait(timeout))


def remove(name: str) -> None:
    """End a policy. Raises KeyError if there is none of that name."""
    if not core().policy_remove(name):
        raise KeyError(f"there is no policy {name!r}")


def log() -> list[Firing]:
    """The last 1000 firings, oldest first."""
    return [
        Firing(seconds, name, Cause(*cause), did, took, trouble)
        for seconds, name, cause, did, took, trouble in core().policy_log()
    ]


def status() -> list[Status]:
    """All policies, those that are off too."""
    return [Status(*row) for row in core().policy_list()]


# ---- the way from the engine's thread ----


def _reader(name: str) -> Callable[[], float]:
    from jetlag.counting import counters

    if set(name) & {"*", "?"}:
        raise ValueError(f"{name!r} may be several counters: a policy reads one")
    read = counters(name).read
    return lambda: next(iter(read().values()), math.nan)


class _Told(Exception):
    """An error that the user has been told of."""


def _guarded(
    function: Callable[..., Any], name: str, form: Callable[[Any], Any]
) -> Callable[..., Any]:
    """The function for the engine: what it raises is told once, with its place."""

    def call(*given: Any) -> Any:  # noqa: ANN401
        try:
            return form(function(*given))
        except BaseException as error:
            raise _Told(_tell(name, error)) from None

    return call


def _words(result: object) -> str:
    return "" if result is None else str(result)


def _tell(name: str, error: BaseException) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    words = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    text = f"{place.filename}:{place.lineno}: policy '{name}' is off: {words}"
    try:
        warnings.warn_explicit(text, RuntimeWarning, place.filename, place.lineno or 0)
    except RuntimeWarning:  # where warnings are errors nobody could catch it on this thread
        sys.stderr.write(text + "\n")
    return text


def _add(**parts: Any) -> None:  # noqa: ANN401
    if parts["every"] < 0:
        raise ValueError(f"every must be a positive number of seconds, not {parts['every']}")
    core().policy_add(**parts)
    _end_in_time()


def switch(before: str) -> None:
    """Switch built-in policies as the setting says; back to `before` if it names none of them."""
    try:
        core().policy_apply_setting()
    except ValueError:
        core().set_setting("policies", before)
        raise
    _end_in_time()


def switch_in_process() -> None:
    """The same for what the environment says, when the process begins."""
    try:
        core().policy_apply_setting()
    except ValueError as error:
        warnings.warn(f"JETLAG_POLICIES: {error}", RuntimeWarning, stacklevel=2)
    _end_in_time()


def _end_in_time() -> None:
    """Policies end before Python does."""
    global _ends
    if not _ends:
        _ends = True
        atexit.register(core().policy_stop)


_ends = False
