"""Submitted calls: futures, dependencies, order over shared memory, lanes."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import queue
import threading
from typing import Any

import numpy as np
import pytest

import jetlag as jl

pytestmark = pytest.mark.filterwarnings("ignore::jetlag.OpaqueWarning")

WAIT = 30  # seconds after which a test gives up


@jl.jit
def add(a, b):
    return a + b


@jl.jit
def scale(a, k):
    a *= k
    return a


@jl.jit
def total(arrays):
    return arrays[0] + arrays[1]


@jl.jit
def read(a):
    return a + 0


class Gate:
    """Holds a call until it is opened; the test says when."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self.reached = threading.Event()

    def pass_through(self, value: Any) -> Any:
        self.reached.set()
        assert self._open.wait(WAIT)
        return value

    def open(self) -> None:
        self._open.set()


@jl.jit
def through(gate, a):
    gate.pass_through(a)
    a += 1
    return a


@jl.jit
def fails(x):
    return x[10]


@jl.jit
def overflow(x):
    return np.exp(x)


@jl.jit
def calls_itself_on(a, gate):
    gate.pass_through(0)
    return scale(a, 10)


@jl.jit
def submits_and_waits(a):
    future = read.submit(a)
    return future.result(WAIT)


@jl.jit
def what_thread(x):
    return threading.get_ident()


def test_a_future_gives_the_result() -> None:
    future = add.submit(np.arange(3.0), 1)

    assert isinstance(future, jl.Future)
    assert isinstance(future, concurrent.futures.Future)
    np.testing.assert_array_equal(future.result(WAIT), [1, 2, 3])


def test_an_exception_is_carried() -> None:
    future = fails.submit(np.arange(3))

    with pytest.raises(IndexError, match="index 10 is out of bounds"):
        future.result(WAIT)


def test_a_wrong_call_is_carried_too() -> None:
    future = add.submit(1)

    with pytest.raises(TypeError, match="missing 1 required positional argument: 'b'"):
        future.result(WAIT)


def test_a_future_is_awaited() -> None:
    async def main() -> Any:
        first = add.submit(1, 2)
        return await first, await asyncio.gather(*[add.submit(i, i) for i in range(3)])

    assert asyncio.run(main()) == (3, [0, 2, 4])


def test_a_future_as_argument_is_a_dependency() -> None:
    gate = Gate()
    a = np.zeros(2)
    first = through.submit(gate, a)
    second = add.submit(first, 10)
    third = total.submit((second, [1, first][1]))

    waited = not second.done() and not third.done()
    gate.open()

    assert waited
    np.testing.assert_array_equal(second.result(WAIT), [11, 11])
    np.testing.assert_array_equal(third.result(WAIT), [12, 12])


def test_a_foreign_future_is_a_dependency() -> None:
    other: concurrent.futures.Future[int] = concurrent.futures.Future()
    future = add.submit(other, 1)

    waited = not future.done()
    other.set_result(5)

    assert waited
    assert future.result(WAIT) == 6


def test_a_failed_dependency_fails_the_call() -> None:
    first = fails.submit(np.arange(3))
    second = add.submit(first, 1)

    with pytest.raises(IndexError):
        second.result(WAIT)


def test_calls_that_write_one_array_keep_their_order() -> None:
    a = np.ones(1000)
    futures = []
    for _ in range(20):
        futures.append(scale.submit(a, 2.0))
        futures.append(through.submit(opened(), a))
    for future in futures:
        future.result(WAIT)

    expected = 1.0
    for _ in range(20):
        expected = expected * 2 + 1
    np.testing.assert_array_equal(a, expected)


def opened() -> Gate:
    gate = Gate()
    gate.open()
    return gate


def test_a_reader_waits_for_a_writer_of_an_overlapping_view() -> None:
    gate = Gate()
    a = np.zeros(10)
    writer = through.submit(gate, a[:6])
    reader = read.submit(a[4:])
    apart = read.submit(a[6:])

    apart.result(WAIT)
    waited = not reader.done()
    gate.open()

    assert waited
    np.testing.assert_array_equal(reader.result(WAIT), [1, 1, 0, 0, 0, 0])
    writer.result(WAIT)


def test_a_plain_call_waits_for_a_pending_writer() -> None:
    gate = Gate()
    a = np.zeros(3)
    through.submit(gate, a)
    threading.Timer(0.05, gate.open).start()

    np.testing.assert_array_equal(read(a), [1, 1, 1])


def test_a_plain_call_that_shares_nothing_does_not_wait() -> None:
    gate = Gate()
    pending = through.submit(gate, np.zeros(3))

    result = read(np.arange(3))
    unfinished = not pending.done()
    gate.open()

    assert unfinished
    np.testing.assert_array_equal(result, [0, 1, 2])
    pending.result(WAIT)


def test_a_result_not_yet_there_orders_calls_that_share_it() -> None:
    gate = Gate()
    first = through.submit(gate, np.zeros(2))
    second = scale.submit(first, 10)
    third = read.submit(first)
    gate.open()

    np.testing.assert_array_equal(third.result(WAIT), [10, 10])
    second.result(WAIT)


def test_a_call_may_use_its_own_arguments_again() -> None:
    a = np.ones(3)
    future = calls_itself_on.submit(a, opened())

    np.testing.assert_array_equal(future.result(WAIT), [10, 10, 10])


def test_a_call_may_submit_and_wait_for_calls_on_its_arguments() -> None:
    a = np.ones(3)

    np.testing.assert_array_equal(submits_and_waits.submit(a).result(WAIT), [1, 1, 1])


def test_many_calls_that_wait_for_others_do_not_block_each_other() -> None:
    futures = [submits_and_waits.submit(np.full(2, float(i))) for i in range(200)]

    for i, future in enumerate(futures):
        np.testing.assert_array_equal(future.result(WAIT), [i, i])


def test_a_call_that_has_not_begun_can_be_cancelled() -> None:
    gate = Gate()
    a = np.zeros(3)
    first = through.submit(gate, a)
    second = scale.submit(a, 10)
    third = read.submit(a)

    cancelled = second.cancel()
    gate.open()

    assert cancelled
    np.testing.assert_array_equal(third.result(WAIT), [1, 1, 1])
    assert gate.reached.wait(WAIT)
    assert not first.cancel()


@pytest.mark.parametrize("of", [lambda a: a, lambda a: a[2:]], ids=["itself", "a view"])
def test_an_argument_cannot_be_resized_while_the_call_is_pending(of: Any) -> None:
    gate = concurrent.futures.Future[float]()
    a = np.ones(100_000)
    pending = add.submit(of(a), gate)

    with pytest.raises(ValueError, match="cannot resize an array that references"):
        a.resize(10, refcheck=False)
    gate.set_result(1.0)

    np.testing.assert_array_equal(pending.result(WAIT), np.full(of(a).shape, 2.0))
    a.resize(10, refcheck=False)
    assert a.shape == (10,)


def test_errstate_of_the_caller_holds_on_the_lane() -> None:
    with np.errstate(over="raise"):
        future = overflow.submit(np.array([1e4]))

    with pytest.raises(FloatingPointError):
        future.result(WAIT)


def test_context_variables_are_those_of_the_caller() -> None:
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)

    @jl.jit
    def get(x):
        return variable.get() + x

    token = variable.set(5)
    future = get.submit(1)
    variable.reset(token)

    assert future.result(WAIT) == 6


def test_each_call_has_a_thread_of_its_own() -> None:
    assert what_thread.submit(1).result(WAIT) != threading.get_ident()


def test_a_function_that_stays_in_python_is_submitted_too() -> None:
    @jl.jit
    def squares(n):
        yield from range(n)

    assert list(squares.submit(3).result(WAIT)) == [0, 1, 2]


def test_methods_are_submitted_through_the_class() -> None:
    class Model:
        @jl.jit
        def double(self, x):
            return 2 * x

    assert Model.double.submit(Model(), 4).result(WAIT) == 8


def test_callbacks_and_waiting_work_as_for_any_future() -> None:
    seen: queue.Queue[Any] = queue.Queue()
    futures = [add.submit(i, 1) for i in range(5)]
    for future in futures:
        future.add_done_callback(lambda f: seen.put(f.result()))

    done, _ = concurrent.futures.wait(futures, timeout=WAIT)

    assert len(done) == 5
    # Who waits may be told before those who asked to be called.
    assert sorted(seen.get(timeout=WAIT) for _ in futures) == [1, 2, 3, 4, 5]


@jl.jit
def sort_in_place(a):
    a.sort()


@jl.jit
def the_first(a):
    return a[0]


def test_a_method_that_writes_comes_before_later_calls() -> None:
    for _ in range(10):
        a = np.arange(100_000.0)[::-1].copy()

        sorting = sort_in_place.submit(a)
        first = the_first.submit(a)

        assert first.result() == 0
        sorting.result()
