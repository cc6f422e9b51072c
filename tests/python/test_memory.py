"""Array memory: what is counted, what is used again, and who may see it meanwhile."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from jetlag.engine import core
from same import same_as_numpy

MB = 1 << 20
LARGE = 1 << 18  # elements: 2 MB of float64, worth tasks


def peak_of(function: Any, *args: Any) -> int:
    """The bytes that a call took at most beyond what was in use before."""
    gc.collect()
    before = core().allocated(reset=True)["now"]
    result = function(*args)
    peak = core().allocated()["peak"]
    del result
    return int(peak - before)


def test_a_result_counts_until_numpy_frees_it() -> None:
    # Results of earlier tests that wait for the collector must not be freed in between.
    twice = jl.jit(lambda x: x * 2)
    x = np.ones(LARGE)
    gc.collect()
    gc.disable()
    try:
        before = core().allocated()["now"]
        y = twice(x)
        held = core().allocated()["now"] - before
        del y
        after = core().allocated()["now"]
    finally:
        gc.enable()

    assert held == x.nbytes
    assert after == before


def test_results_can_be_resized_and_freed() -> None:
    twice = jl.jit(lambda x: x * 2)
    y = twice(np.ones(LARGE))
    y.resize(10, refcheck=False)
    np.testing.assert_array_equal(y, np.full(10, 2.0))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_time_loop_takes_no_more_memory_with_more_rounds(workers: int) -> None:
    @jl.jit
    def walk(x: Any, rounds: int) -> Any:
        for _ in range(rounds):
            d = np.sin(x) * 0.5
            x = x - d * d
        return x

    jl.threads(workers)
    x = np.linspace(0.0, 1.0, LARGE)

    few, many = peak_of(walk, x, 3), peak_of(walk, x, 30)

    assert max(few, many) <= 3 * x.nbytes


def test_kept_memory_never_raises_the_peak() -> None:
    @jl.jit
    def sizes(n: int) -> Any:
        total = 0.0
        for k in range(1, 8):
            total += np.sum(np.ones(n + 10000 * k))
        return total

    peak = peak_of(sizes, LARGE)
    counters = core().allocated()

    assert peak <= 8 * (LARGE + 70000) + 65536
    assert counters["now"] + counters["kept"] <= counters["peak"]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("size", [5, 3000, LARGE])
class TestResultsTakeOverOperandsThatDie:
    """The same values, and no other reader is disturbed."""

    def test_in_a_loop(self, size: int, workers: int) -> None:
        def descend(x: Any) -> Any:
            w = x * 1.0
            for k in range(5):
                d = w * 0.25
                w = w - d
                w = w + k
            return w

        same_as_numpy(descend, np.linspace(-1.0, 1.0, size), workers=workers)

    def test_not_where_another_name_keeps_the_old_value(self, size: int, workers: int) -> None:
        def both(x: Any) -> Any:
            w = x + 1.0
            old = w
            w = w * 2.0
            kept = [w]
            w = w - 1.0
            return old, w, kept[0]

        same_as_numpy(both, np.linspace(-1.0, 1.0, size), workers=workers, opaque=False)

    def test_not_where_a_view_looks_at_it(self, size: int, workers: int) -> None:
        def view(x: Any) -> Any:
            w = x + 1.0
            tail = w[1:]
            w = w * 2.0
            return tail, w

        same_as_numpy(view, np.linspace(-1.0, 1.0, size), workers=workers)

    def test_never_an_argument(self, size: int, workers: int) -> None:
        def argument(x: Any) -> Any:
            x = x * 2.0
            x = x + 1.0
            return x

        same_as_numpy(argument, np.linspace(-1.0, 1.0, size), workers=workers)

    def test_conditions_are_told_from_the_old_values(self, size: int, workers: int) -> None:
        def divide(x: Any) -> Any:
            w = x * 1.0
            w = w / (w - w)
            v = x * 1.0
            v = np.log(v)
            return w, v

        same_as_numpy(divide, np.linspace(-1.0, 1.0, size), workers=workers, rtol=1e-13)

    def test_in_place_statements_tell_conditions_too(self, size: int, workers: int) -> None:
        def divide(x: Any) -> None:
            x[::2] /= x[::2] - x[::2]
            x -= 1.0
            x /= x * 0.0

        same_as_numpy(divide, np.linspace(-1.0, 1.0, size), workers=workers)

    def test_broadcast_operands_are_left_alone(self, size: int, workers: int) -> None:
        def rows(x: Any) -> Any:
            row = x * 2.0
            column = x[:3] * 1.0
            column = column[:, None] + row
            row = row + column[0]
            return row, column

        same_as_numpy(rows, np.linspace(-1.0, 1.0, size), workers=workers)


def test_explain_names_the_rule() -> None:
    @jl.jit
    def descend(x: Any) -> Any:
        w = x * 2.0
        for _ in range(3):
            w = w - 1.0
        return w

    assert "last-use" in str(jl.explain(descend, np.ones(3000)))


class Guarded:
    """An object whose end is seen."""

    def __init__(self) -> None:
        self.path = "path"


def test_python_objects_live_as_long_as_their_variable() -> None:
    def keep() -> Any:
        guard = Guarded()
        watch = weakref.ref(guard)
        path = guard.path
        return path, watch() is not None

    same_as_numpy(keep, opaque=True)


def test_an_object_ends_where_its_variable_is_overwritten() -> None:
    def drop() -> Any:
        guard = Guarded()
        watch = weakref.ref(guard)
        guard = None
        return guard, watch() is None

    same_as_numpy(drop, opaque=True)


def test_small_results_of_many_calls_are_kept_apart() -> None:
    twice = jl.jit(lambda x: x * 2)
    inner = jl.jit(lambda x: (twice(x) + 1, x - 1))

    kept = [twice(np.arange(10.0) + k) for k in range(5)]
    pairs = [inner(np.arange(10.0) + k) for k in range(5)]

    for k in range(5):
        np.testing.assert_array_equal(kept[k], 2 * (np.arange(10.0) + k))
        np.testing.assert_array_equal(pairs[k][0], 2 * (np.arange(10.0) + k) + 1)
        np.testing.assert_array_equal(pairs[k][1], np.arange(10.0) + k - 1)
