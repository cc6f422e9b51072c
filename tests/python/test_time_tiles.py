"""Rounds of a loop that go through memory together leave what they leave one after another."""

from __future__ import annotations

import signal
import threading
import time
import warnings
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy
from test_delayed_stores import fields, heat
from test_memory import peak_of
from test_stores import numbers, rules

# Beyond the second-level cache of any machine at hand.
PLANE, BOX, LINE = (900, 1000), (90, 100, 110), (1_500_000,)
ROUNDS = 14


def jacobi(a, b, steps):
    for _ in range(steps):
        b[1:-1, 1:-1] = 0.25 * (a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1] + a[:-2, 1:-1])
        a[1:-1, 1:-1] = 0.25 * (b[1:-1, :-2] + b[1:-1, 2:] + b[2:, 1:-1] + b[:-2, 1:-1])
    return a, b


def boxes(a, b, steps):
    for _ in range(steps):
        b[1:-1, 1:-1, 1:-1] = (
            a[2:, 1:-1, 1:-1] + a[:-2, 1:-1, 1:-1] - a[1:-1, 2:, 1:-1] + a[1:-1, 1:-1, :-2]
        )
        a[1:-1, 1:-1, 1:-1] = 0.3 * (b[2:, 1:-1, 1:-1] - b[1:-1, :-2, 1:-1] * 0.5)
    return a, b


def line(a, b, steps):
    for _ in range(steps):
        b[1:-1] = a[2:] * 0.5 + a[:-2] * 0.25
        a[:] = b * 1.5 - a
    return a, b


def against_the_grain(a, b, steps):
    """The second statement walks backwards, the third down the columns."""
    for _ in range(steps):
        b[:, :] = a * 0.5 + 1
        a[:, :] = b[::-1, :] - a * 0.25
        a[:, :] = a * 0.5 + b.T.reshape(a.shape[1], a.shape[0]).T * 0.125
    return a, b


def borders(a, b, steps):
    for t in range(steps):
        b[:, :] = a * 0.5 + t
        b[t, :] = a[t + 1, :] * 2
        b[:, t] = t
        a[:, :] = b + a * 0.25
        a[-1] = a[0] + b[t]
    return a, b


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_stencils(workers, dtype) -> None:
    def made(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
        return numbers(*shape, seed=seed).astype(dtype)

    for program, shape, arrays in [
        (jacobi, PLANE, 2),
        (boxes, BOX, 2),
        (heat, PLANE, 1),
        (fields, PLANE, 3),
        (line, LINE, 2),
        (against_the_grain, PLANE, 2),
        (borders, PLANE, 2),
    ]:
        given = [made(shape, k) for k in range(arrays)]
        same_as_numpy(program, *given, ROUNDS, workers=workers)


@pytest.mark.parametrize("program", [jacobi, heat, fields])
def test_explain_names_the_rule(program) -> None:
    arrays = [numbers(*PLANE) for _ in range({jacobi: 2, heat: 1, fields: 3}[program])]
    assert "time-tiles" in rules(program, *arrays, ROUNDS)
    assert "time-tiles" not in rules(program, *arrays, 2)


def shortest(path, steps):
    for k in range(steps):
        path[:, :] = np.minimum(path, path[:, k][:, None] + path[k, :])
    return path


def test_rounds_that_read_all_of_what_the_last_one_stored_are_left_as_they_are() -> None:
    path = numbers(800, 700)
    assert "time-tiles" not in rules(shortest, path, 60)
    same_as_numpy(shortest, path, 60)


def moved(arrays, choices, steps):
    """Statements by number, which read rows and columns at some distance."""
    a, b, c = arrays
    n, m = a.shape
    for _ in range(steps):
        for q in range(choices.shape[0]):
            kind, i, j, k = choices[q, 0], choices[q, 1], choices[q, 2], choices[q, 3]
            top, end, other_top, other_end = 3 + i, n - 3 + i, 3 + j, n - 3 + j
            left, right, other_left, other_right = 3 + j, m - 3 + j, 3 + k, m - 3 + k
            if kind == 0:
                b[3:-3, 3:-3] = 0.5 * a[top:end, left:right] + c[3:-3, 3:-3]
            elif kind == 1:
                a[3:-3, 3:-3] -= 0.25 * c[top:end, other_left:other_right]
            elif kind == 2:
                c[other_top:other_end, 3:-3] = b[top:end, 3:-3] * 0.5
            elif kind == 3:
                a[top:end, :] = a[other_top:other_end, :] * 0.5 + 0.125
            elif kind == 4:
                b[top, :] = k
            elif kind == 5:
                c[:, :] = np.where(a > b, a * 0.5, b * 0.25 + k)
            else:
                b[:, left] = i
    return arrays


@pytest.mark.parametrize("seed", range(24))
def test_statements_that_reach_each_other(seed) -> None:
    random = np.random.default_rng(seed)
    choices = random.integers(-3, 4, (random.integers(2, 6), 4))
    choices[:, 0] = random.integers(0, 7, choices.shape[0])
    arrays = [numbers(700, 500, seed=k) for k in range(3)]
    expected = [a.copy() for a in arrays]
    moved(expected, choices, 11)
    for workers in (1, 2, 4):
        given = [a.copy() for a in arrays]
        jl.threads(workers)
        jl.jit(moved)(given, choices, 11)
        for got, want in zip(given, expected, strict=True):
            np.testing.assert_array_equal(got, want)


def test_arguments_that_share_memory() -> None:
    whole = numbers(1200, 900)
    for first, second in [
        (slice(0, 1000), slice(0, 1000)),
        (slice(0, 1000), slice(7, 1007)),
        (slice(150, 1150), slice(0, 1000)),
    ]:
        expected, got = whole.copy(), whole.copy()
        jacobi(expected[first], expected[second], ROUNDS)
        jl.jit(jacobi)(got[first], got[second], ROUNDS)
        np.testing.assert_array_equal(got, expected)


def looked_at(a, b, steps, every):
    seen = []
    for t in range(steps):
        b[1:-1] = a[2:] * 0.5 + a[:-2] * 0.25
        if t % every == every - 1:
            seen.append(float(np.sum(b)))
        a[:] = b * 0.5 + a[::1] * 0.5
    return seen


@pytest.mark.filterwarnings("ignore::jetlag.OpaqueWarning")
@pytest.mark.parametrize("every", [1, 3, 11])
def test_somebody_looks_now_and_then(every) -> None:
    a, b = numbers(*LINE), numbers(*LINE, seed=1)
    expected = looked_at(a.copy(), b.copy(), 30, every)
    got = jl.jit(looked_at)(a.copy(), b.copy(), 30, every)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def peeked_at(a, b, steps, every):
    total = 0.0
    for t in range(steps):
        b[1:-1] = a[2:] * 0.5 + a[:-2] * 0.25
        if t % every == 0:
            total += b[t + 1]
        a[1:-1] = b[2:] * 0.5 + b[:-2] * 0.25
        if t % every == 1:
            total -= a[-t - 2]
    return total, a, b


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("every", [2, 5, 9])
def test_somebody_reads_an_element(workers, every) -> None:
    same_as_numpy(peeked_at, numbers(*LINE), numbers(*LINE, seed=1), 40, every, workers=workers)


def test_what_came_before_an_error_is_done() -> None:
    a, b = numbers(*LINE), numbers(*LINE, seed=1)
    expected = [a.copy(), b.copy()]
    got = [a.copy(), b.copy()]
    size = LINE[0]

    def broken(a, b, steps, at):
        for t in range(steps):
            b[1:-1] = a[2:] * 0.5 + a[:-2] * 0.25
            a[:] = b * 1.5 - a
            a[t * at] = 7.0
        return a

    at = size // 9 + 1  # the tenth round is out of bounds
    with pytest.raises(IndexError):
        broken(*expected, 20, at)
    with pytest.raises(IndexError, match="index"):
        jl.jit(broken)(*got, 20, at)
    np.testing.assert_array_equal(got[0], expected[0])
    np.testing.assert_array_equal(got[1], expected[1])


def grows(a, b, steps):
    for _ in range(steps):
        b[1:-1] = a[2:] * 1e20
        a[:] = b * 1e20
    return a, b


def test_conditions_are_told_at_their_lines() -> None:
    a, b = numbers(*LINE) + 1, numbers(*LINE, seed=1)

    def told(program: Any) -> list[tuple[str, int]]:
        with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn"):
            warnings.simplefilter("always")
            program(a.copy(), b.copy(), ROUNDS)
        return [(str(w.message), w.lineno) for w in caught]

    expected = told(grows)
    assert expected  # it overflows
    assert sorted(set(told(jl.jit(grows)))) == sorted(set(expected))
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        jl.jit(grows)(a.copy(), b.copy(), ROUNDS)


def test_fresh_results_in_every_round() -> None:
    def fresh(a, steps):
        for _ in range(steps):
            b = a[1:-1] * 0.5 + a[2:] * 0.25
            a = np.concatenate((a[:1], b, a[-1:]))
        return a

    same_as_numpy(fresh, numbers(*LINE), ROUNDS)


def test_loops_in_loops() -> None:
    def nested(a, b, steps, inner):
        for _ in range(steps):
            for _ in range(inner):
                b[1:-1] = a[2:] * 0.5 + a[:-2] * 0.25
                a[1:-1] = b[2:] * 0.5 + b[:-2] * 0.25
            a *= 1.25
        return a, b

    a, b = numbers(*LINE), numbers(*LINE, seed=1)
    for steps, inner in [(6, 9), (9, 2), (2, 40)]:
        same_as_numpy(nested, a, b, steps, inner)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_leaves_what_some_statement_left(workers) -> None:
    jl.threads(workers)

    def slow(a, b, steps):
        for _ in range(steps):
            b[1:-1] = a[2:] * 0.5 + a[:-2] * 0.25
            a[1:-1] = b[2:] * 0.5 + b[:-2] * 0.25
        return a

    steps = 400
    a, b = numbers(*LINE), numbers(*LINE, seed=1)
    program = jl.jit(slow)
    program(a.copy(), b.copy(), 8)
    got = [a.copy(), b.copy()]

    def until_the_alarm() -> None:
        program(*got, steps)
        time.sleep(5)  # the machine was faster

    alarm = threading.Timer(0.1, signal.raise_signal, (signal.SIGINT,))
    alarm.start()
    with pytest.raises(KeyboardInterrupt):
        until_the_alarm()
    alarm.join()
    for _ in range(steps):
        b[1:-1] = a[2:] * 0.5 + a[:-2] * 0.25
        if np.array_equal(got[1], b) and np.array_equal(got[0], a):
            return
        a[1:-1] = b[2:] * 0.5 + b[:-2] * 0.25
        if np.array_equal(got[0], a) and np.array_equal(got[1], b):
            return
    pytest.fail("the arrays are those of no moment of the loop")


def escapes(size, bound, rounds):
    """Every round makes a mask, and takes over what is in `z`."""
    c = np.linspace(-1.0, 1.0, size)
    z = np.zeros(size)
    counts = np.zeros(size)
    for n in range(rounds):
        inside = np.abs(z) < bound
        counts = np.where(inside, n + 1.0, counts)
        z = np.where(inside, z * z * 1.5 + c, z)
    return counts, z


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_results_of_each_round_take_no_memory_of_their_own(workers) -> None:
    size = 1_500_000
    same_as_numpy(escapes, size, 2.0, 20, workers=workers)
    assert "time-tiles" in rules(escapes, size, 2.0, 20)
    program = jl.jit(escapes)
    program(size, 2.0, 8)  # compiled from here on
    few, many = (peak_of(program, size, 2.0, rounds) for rounds in (8, 40))
    # One array more where the rounds before are still under way, and one mask.
    assert many <= few + 9 * size
    assert many <= 5 * 8 * size


def test_a_result_that_is_kept_keeps_its_memory() -> None:
    def kept(a, rounds):
        old = a
        for _ in range(rounds):
            mask = a > 0.5
            old = a
            a = np.where(mask, a * 0.5 + 0.25, a * 1.5)
        return old, a, mask

    for workers in (1, 2, 4):
        same_as_numpy(kept, numbers(*LINE), 17, workers=workers)


def until(a, b, end):
    t = 0.0
    rounds = 0
    while t < end:
        b[1:-1] = a[2:] * 0.5 + a[:-2] * 0.25
        a[1:-1] = b[2:] * 0.5 + b[:-2] * 0.25
        t += 0.125
        rounds += 1
    return a, b, rounds


@pytest.mark.parametrize("workers", [1, 2])
def test_a_loop_that_does_not_say_how_often(workers) -> None:
    for rounds in (5, 17, 50):
        same_as_numpy(until, numbers(*LINE), numbers(*LINE, seed=1), rounds / 8, workers=workers)
    assert "time-tiles" in rules(until, numbers(*LINE), numbers(*LINE, seed=1), 5.0)


def convected(u, v, steps):
    """The textbook's way: what was is copied first."""
    for _ in range(steps):
        un = u.copy()
        vn = np.copy(v)
        u[1:, 1:] = un[1:, 1:] - 0.1 * (un[1:, 1:] - un[1:, :-1]) - 0.1 * vn[1:, 1:]
        v[1:, 1:] = vn[1:, 1:] - 0.1 * (vn[1:, 1:] - vn[:-1, 1:]) * un[1:, 1:]
        u[0, :] = 1.0
        u[:, 0] = 1
        v[-1, :] = v[-2, :]
    return u, v


def kept_aside(u, old, steps):
    for t in range(steps):
        old[...] = u
        u[1:-1, :] = old[2:, :] * 0.5 + old[:-2, :] * 0.25
        if t == 5:
            old[:] = 0.5
        u[:, ::2] = old[:, ::2]
    return u, old


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_copies_go_along(workers) -> None:
    arrays = [numbers(*PLANE), numbers(*PLANE, seed=1)]
    for program in (convected, kept_aside):
        same_as_numpy(program, *arrays, ROUNDS, workers=workers)
        assert "time-tiles" in rules(program, *arrays, ROUNDS)
