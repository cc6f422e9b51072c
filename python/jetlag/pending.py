"""Calls that were submitted and have not ended, and the memory over which they must agree.

Two calls that may touch the same memory run in the order in which they were made if one of
them writes. A plain call waits for such calls as well, so `attention` is the one thing that
every call looks at: false while nothing is pending.
"""

from __future__ import annotations

import threading
import warnings
import weakref
from collections.abc import Iterable, Iterator
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jetlag.futures import Future

attention = False

_calls: list[Pending] = []
_lock = threading.Lock()
_lane = threading.local()
_forked = False

_FREE = (  # holds no memory that a call could write
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    type(None),
    type,
    range,
    slice,
    FunctionType,
    BuiltinFunctionType,
    ModuleType,
)


class Pending:
    """A call on its way: what it may touch, and the future that will hold its result."""

    def __init__(
        self, future: Future, touches: Iterable[object], writes: bool, made_in: Pending | None
    ) -> None:
        self.future = future
        self.writes = writes
        self.made_in = made_in
        self._touches = tuple(touches)
        self._pins: list[weakref.ref[Any]] = []

    def pin(self, arrays: Iterable[Any]) -> None:
        """Keep the memory of arrays where it is until the call has ended.

        NumPy resizes no array to which there is a weak reference, `refcheck=False` or not.
        """
        import numpy as np

        for array in arrays:
            owner = array
            while isinstance(owner, np.ndarray):
                self._pins.append(weakref.ref(owner))
                owner = owner.base

    def unpin(self) -> None:
        """Arrays may be resized again."""
        self._pins.clear()

    def memory(self) -> Memory:
        """What the call may touch, as far as that is known by now."""
        return Memory(self._touches)

    def conflicts(self, other: Memory, writes: bool) -> bool:
        """Whether order matters between this call and another."""
        return (self.writes or writes) and self.memory().overlaps(other)


class Memory:
    """Arrays, and the identities of other objects."""

    def __init__(self, values: Iterable[object]) -> None:
        self.arrays: list[Any] = []
        self.others: set[int] = set()
        for value in values:
            self._add(value)

    def overlaps(self, other: Memory) -> bool:
        """Whether some array or object of one is reached from the other."""
        import numpy as np

        if not self.others.isdisjoint(other.others):
            return True
        return any(np.may_share_memory(a, b) for a in self.arrays for b in other.arrays)

    def _add(self, value: object) -> None:
        import numpy as np

        if isinstance(value, (*_FREE, np.generic)) or id(value) in self.others:
            return
        if isinstance(value, np.ndarray):
            self.arrays.append(value)
            return
        self.others.add(id(value))
        for inner in _inside(value):
            self._add(inner)


def _inside(value: object) -> Iterator[object]:
    """What is reached through a container, or through a future: its result, or its arguments."""
    if isinstance(value, tuple | list | set | frozenset):
        yield from value
    elif isinstance(value, dict):
        yield from value.values()
    elif is_future(value):
        if not value.done():  # type: ignore[attr-defined]
            yield from next((c._touches for c in calls() if c.future is value), ())
        elif not value.cancelled() and value.exception() is None:  # type: ignore[attr-defined]
            yield value.result()  # type: ignore[attr-defined]


def is_future(value: object) -> bool:
    """Whether a value is a standard future; costs no import if there cannot be one."""
    return hasattr(value, "add_done_callback") and hasattr(value, "set_running_or_notify_cancel")


def calls() -> list[Pending]:
    """The calls that have not ended."""
    with _lock:
        return list(_calls)


def enter(call: Pending) -> list[Future]:
    """Note a call; the futures of those before it that it must wait for."""
    global attention
    memory = call.memory()
    call.pin(memory.arrays)
    before = [
        other.future for other in _seen_from(call.made_in) if other.conflicts(memory, call.writes)
    ]
    with _lock:
        _calls.append(call)
        attention = True
    return before


def leave(call: Pending) -> None:
    """A call has ended."""
    global attention
    call.unpin()
    with _lock:
        if call in _calls:
            _calls.remove(call)
        attention = bool(_calls) or _forked


def current() -> Pending | None:
    """The submitted call that this thread is the lane of."""
    return getattr(_lane, "call", None)


def set_current(call: Pending | None) -> None:
    """Make this thread the lane of a call."""
    _lane.call = call


def attend(touches: Iterable[object], writes: bool) -> None:
    """Before a plain call: wait for the pending calls that it must come after."""
    _tell_of_fork()
    if not attention:
        return
    memory = Memory(touches)
    before = [c.future for c in _seen_from(current()) if c.conflicts(memory, writes)]
    if before:
        from jetlag.futures import wait_for

        wait_for(before)


def after_fork() -> None:
    """In the child no lane has survived, and some lock may be taken for ever."""
    global _lock, attention, _forked
    _lock = threading.Lock()
    _calls.clear()
    attention = _forked = True


def _seen_from(lane: Pending | None) -> list[Pending]:
    """Those that a call may wait for: one made in a lane waits for that lane's own only."""
    return [c for c in calls() if lane is None or c.made_in is lane]


def _tell_of_fork() -> None:
    global attention, _forked
    if not _forked:
        return
    with _lock:
        _forked = False
        attention = bool(_calls)
    warnings.warn(
        "this process was forked, so jetlag runs everything on the calling thread here",
        RuntimeWarning,
        stacklevel=4,
    )
