"""What a call leaves for the next one changes nothing that the next one does."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy

pytestmark = pytest.mark.usefixtures("jit_mode")


def formula(a, b):
    return np.sqrt(a * a + b) - 2 * b


def several(a, b):
    y = a * b + 1
    z = y - a
    return y, z


def lone(a, b):
    return a * b


def numbers(shape, dtype, seed):
    return (np.random.default_rng(seed).random(shape) * 9 + 1).astype(dtype)


def operands():
    """Pairs whose kinds change from one to the next, and come again."""
    for shape in [(12,), (30, 40), (0,), (12,), (9000,), (60_000,), (12,)]:
        for dtype in ["f8", "f4", "i4", "c16"]:
            yield numbers(shape, dtype, 0), numbers(shape, dtype, 1)
        yield numbers(shape, "f8", 2), 1.5
        yield numbers(shape, "f8", 2), np.float32(2)
        yield numbers((*shape, 2), "f8", 3)[..., 0], numbers(shape[-1], "f8", 4)


@pytest.mark.parametrize("function", [formula, several, lone])
def test_operands_of_another_kind_are_not_taken_for_those_before(function):
    jitted = jl.jit(function)
    for a, b in operands():
        for _ in range(3):
            given, wanted = jitted(a, b), function(a, b)
            if function is not several:
                given, wanted = (given,), (wanted,)
            for x, y in zip(given, wanted, strict=True):
                assert x.dtype == y.dtype
                np.testing.assert_allclose(x, y, rtol=1e-6)


def test_values_are_those_of_this_call():
    jitted = jl.jit(formula)
    results = [jitted(np.full(20, float(i)), i + 1) for i in range(50)]
    for i, r in enumerate(results):
        np.testing.assert_array_equal(r, formula(np.full(20, float(i)), i + 1))


def turned(a, b):
    return a.T / b[::-1]


def test_conditions_of_a_lone_operation_are_told_in_every_call():
    jitted = jl.jit(turned)
    a, b = np.ones((4, 5)), np.arange(1.0, 5.0)
    for _ in range(4):
        np.testing.assert_array_equal(jitted(a, b), turned(a, b))
    for _ in range(3):
        with pytest.warns(RuntimeWarning, match="divide by zero encountered in divide"):
            jitted(a, b - 1)
        with np.errstate(all="raise"), pytest.raises(FloatingPointError, match="in divide"):
            jitted(a, b - 1)
        np.testing.assert_array_equal(jitted(a, b), turned(a, b))


def test_a_number_that_does_not_fit_is_told_in_every_call():
    jitted = jl.jit(lone)
    a = np.arange(20, dtype=np.int8)[::2]
    for _ in range(4):
        assert jitted(a, 3).dtype == np.int8
    for _ in range(2):
        with pytest.raises(OverflowError, match="300 out of bounds for int8"):
            jitted(a, 300)
    np.testing.assert_array_equal(jitted(a, 5), a * 5)


def test_conditions_are_told_in_every_call():
    for _ in range(3):
        same_as_numpy(formula, np.array([-1.0, 1.0]), np.array([-5.0, 1.0]))
    jitted = jl.jit(formula)
    good, bad = np.ones(30), np.full(30, -1000.0)
    for _ in range(4):
        jitted(good, good)
    for _ in range(3):
        with pytest.warns(RuntimeWarning, match="invalid value encountered in sqrt"):
            jitted(good, bad)
        with np.errstate(all="raise"), pytest.raises(FloatingPointError, match="in sqrt"):
            jitted(good, bad)
        with np.errstate(all="ignore"):
            assert np.isnan(jitted(good, bad)).all()


@pytest.mark.parametrize("function", [formula, lone])
def test_arguments_are_let_go(function):
    jitted = jl.jit(function)
    for n in (20, 5000):
        for _ in range(4):
            a = np.ones(2 * n)
            jitted(a[::2], a[1::2])
        gone = weakref.ref(a)
        del a
        gc.collect()
        assert gone() is None


def test_a_rule_that_is_switched_off_is_off_in_the_next_call(monkeypatch):
    jitted = jl.jit(formula)
    a, b = numbers(100, "f8", 0), numbers(100, "f8", 1)
    for _ in range(3):
        jitted(a, b)
    monkeypatch.setattr(jl.settings, "rules", "-fuse-elementwise")
    np.testing.assert_array_equal(jitted(a, b), formula(a, b))
    assert "fuse-elementwise" not in str(jl.explain(jitted, a, b))


@pytest.mark.parametrize("function", [formula, lone])
def test_calls_at_the_same_time_do_not_share_what_they_keep(function):
    jitted = jl.jit(function)
    wrong = []

    def call(seed):
        for i in range(300):
            n = 10 + (seed + i) % 3 * 1000
            a, b = np.full(2 * n, float(seed))[::2], np.full(n, float(i))
            if not np.array_equal(jitted(a, b), function(a, b)):
                wrong.append((seed, i))

    threads = [threading.Thread(target=call, args=(s,)) for s in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def recursive(a, n):
    if n == 0:
        return a
    return recursive(a * 2 + n, n - 1) * 3 - a


def test_a_function_that_calls_itself_keeps_its_own():
    for _ in range(3):
        same_as_numpy(recursive, np.arange(12.0), 5)
