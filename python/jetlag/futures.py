"""Futures of submitted calls, and the lanes on which the calls run: a thread for each."""

from __future__ import annotations

import concurrent.futures
import contextvars
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any

from jetlag import pending
from jetlag.pending import Pending

_MOST_LANES = 64
_IDLE_SECONDS = 10

Work = Callable[[], None]


class Future(concurrent.futures.Future[Any]):
    """The result of a submitted call: a standard future that can also be awaited."""

    def __await__(self) -> Generator[Any, None, Any]:
        import asyncio

        return asyncio.wrap_future(self).__await__()

    def result(self, timeout: float | None = None) -> Any:  # noqa: ANN401
        """Wait for the value; raise what the call raised."""
        with _yielded(self):
            return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the end; what the call raised, or None."""
        with _yielded(self):
            return super().exception(timeout)


def submit(
    run: Callable[[tuple[Any, ...]], Any],
    arguments: tuple[Any, ...],
    captured: Iterable[object],
    writes: bool,
) -> Future:
    """Run a call on a lane of its own, after all that it depends on."""
    future = Future()
    call = Pending(future, (*arguments, *captured), writes, pending.current())
    context = contextvars.copy_context()
    waiting = _Countdown(lambda: _lanes.start(lambda: _carry_out(call, run, arguments, context)))
    before: list[concurrent.futures.Future[Any]] = [*pending.enter(call), *_futures_in(arguments)]
    future.add_done_callback(lambda _: pending.leave(call))
    for other in before:
        waiting.expect()
        other.add_done_callback(lambda _: waiting.arrive())
    waiting.arrive()
    return future


def failed(error: BaseException) -> Future:
    """A future of a call that could not begin."""
    future = Future()
    future.set_exception(error)
    return future


def wait_for(others: Iterable[Future]) -> None:
    """Wait until all have ended, however they end."""
    others = list(others)
    with _yielded(*others):
        concurrent.futures.wait(others)


def _carry_out(
    call: Pending,
    run: Callable[[tuple[Any, ...]], Any],
    arguments: tuple[Any, ...],
    context: contextvars.Context,
) -> None:
    future = call.future
    if not future.set_running_or_notify_cancel():
        return
    pending.set_current(call)
    try:
        result = context.run(lambda: run(tuple(_resolved(value) for value in arguments)))
    except BaseException as error:
        call.unpin()
        future.set_exception(error)
    else:
        call.unpin()
        future.set_result(result)


def _futures_in(value: object) -> Generator[concurrent.futures.Future[Any], None, None]:
    if isinstance(value, concurrent.futures.Future):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _futures_in(item)


def _resolved(value: Any) -> Any:  # noqa: ANN401
    """A value with results in place of futures; itself where it holds none."""
    if isinstance(value, concurrent.futures.Future):
        return value.result()
    if type(value) in (tuple, list) and next(_futures_in(value), None) is not None:
        return type(value)(_resolved(item) for item in value)
    return value


class _Countdown:
    """Calls back once, when as many have arrived as were expected."""

    def __init__(self, then: Callable[[], None]) -> None:
        self._then = then
        self._missing = 1
        self._lock = threading.Lock()

    def expect(self) -> None:
        with self._lock:
            self._missing += 1

    def arrive(self) -> None:
        with self._lock:
            self._missing -= 1
            if self._missing:
                return
        self._then()


class _Lanes:
    """Threads, one for each call that runs and not too many at once.

    A lane that waits for another call does not count. One whose call has ended takes the next,
    or waits a while for one: starting a thread costs more than most calls.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._ready: deque[Work] = deque()
        self._idle: list[queue.SimpleQueue[Work]] = []

    def start(self, work: Work) -> None:
        with self._lock:
            self._ready.append(work)
        self._start_ready()

    def leave(self) -> None:
        with self._lock:
            self._running -= 1
        self._start_ready()

    def enter(self) -> None:
        with self._lock:
            self._running += 1

    def _start_ready(self) -> None:
        while True:
            with self._lock:
                if not self._ready or self._running >= _MOST_LANES:
                    return
                work = self._ready.popleft()
                self._running += 1
                lane = self._idle.pop() if self._idle else None
            if lane is not None:
                lane.put(work)
            elif not self._start_thread(work):
                return

    def _start_thread(self, work: Work) -> bool:
        """Start a lane; where no more threads can be had, whoever ends first goes on."""
        lane = threading.Thread(target=self._run, args=(work,), name="jetlag-lane", daemon=True)
        try:
            lane.start()
        except RuntimeError:
            with self._lock:
                self._running -= 1
                self._ready.appendleft(work)
                if self._running:
                    return False
            raise
        return True

    def _run(self, work: Work) -> None:
        mine: queue.SimpleQueue[Work] = queue.SimpleQueue()
        while True:
            work()
            del work  # while the lane waits it must not keep the arguments of the last call
            pending.set_current(None)
            with self._lock:
                self._idle.append(mine)
            self.leave()
            try:
                work = mine.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                with self._lock:
                    if mine in self._idle:
                        self._idle.remove(mine)
                        return
                work = mine.get()  # it was handed over just now


_lanes = _Lanes()


@contextmanager
def _yielded(*others: concurrent.futures.Future[Any]) -> Generator[None, None, None]:
    """While a lane waits for other calls, its place is free for one of them."""
    waits = pending.current() is not None and not all(other.done() for other in others)
    if waits:
        _lanes.leave()
    try:
        yield
    finally:
        if waits:
            _lanes.enter()


def _wait_for_all() -> None:
    """At the end of the interpreter no call is cut off."""
    while left := pending.calls():
        concurrent.futures.wait([call.future for call in left])
        for call in left:
            pending.leave(call)


def _after_fork() -> None:
    """In the child none of the lanes has survived."""
    global _lanes
    _lanes = _Lanes()


os.register_at_fork(after_in_child=_after_fork)
# As the standard executors do it: while threads can still be started.
threading._register_atexit(_wait_for_all)  # type: ignore[attr-defined]
