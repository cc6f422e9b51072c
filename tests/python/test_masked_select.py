"""Numbers stored, or worked with, where a mask is true leave what NumPy leaves."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import jetlag as jl
from jetlag.reports import Reporter
from same import compare, observe, same_as_numpy
from test_stores import numbers, rules

SHAPE = (200, 151)  # enough for the rule, and for tasks
DTYPES = ["float64", "float32", "int64", "int8", "uint8", "bool", "complex128"]


def mask_of(share: float, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return numbers(*shape, seed=3) < share


@pytest.fixture(params=["off", "always"])
def mode(request):
    before = jl.settings.jit
    jl.settings.jit = request.param
    yield request.param
    jl.settings.jit = before


def agrees(function, *args) -> None:
    """As same_as_numpy, but some of it may be left to NumPy."""
    plain = observe(function, args)
    Reporter.forget()
    jitted = observe(jl.jit(function), args)
    assert (jitted.error, jitted.line) == (plain.error, plain.line)
    compare(jitted.value, plain.value, 0.0)
    compare(jitted.arguments, plain.arguments, 0.0)
    assert jitted.warned == plain.warned


def set_to(c, m, value):
    c[m] = value
    return c


def negatives(c):
    c[c < 0] = 0
    return c


def damped(c):
    c[c > 1] *= 0.5
    c[c < -1] -= 0.25
    return c


def added(c, m, value):
    c[m] += value
    return c


def divided(c, m, value):
    c[m] /= value
    return c


def multiplied(c, m, value):
    c[m] *= value
    return c


def subtracted(c, m, value):
    c[m] -= value
    return c


def bits(c, m, value):
    c[m] &= value
    c[~m] |= value
    c[m] ^= value
    return c


def others(c, m, value):
    c[m] //= value
    c[m] %= value
    return c


VALUES = [0, 1, -3, 300, 2**40, True, 0.5, -0.0, 1e300, 1e-300, 2j, float("nan"), float("-inf")]
VALUES += [np.float64(0.1), np.float32(0.1), np.int8(5), np.array(0.5)]


@pytest.mark.parametrize("function", [set_to, added, divided, multiplied, subtracted, bits, others])
@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_of_every_kind(function, dtype, mode) -> None:
    c = ((numbers(*SHAPE) - 0.3) * 50).astype(dtype)
    for value in VALUES:
        agrees(function, c, mask_of(0.5), value)


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.01, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_masks_of_every_density(share, workers, mode) -> None:
    for shape in [SHAPE, (70_001,), (8191,), (8192,), (90, 100, 3), (3, 3), (0, 5), (100_000, 0)]:
        c, m = numbers(*shape) + 1, mask_of(share, shape)
        same_as_numpy(set_to, c, m, 0.0, workers=workers)
        same_as_numpy(multiplied, c, m, 2.0, workers=workers)


def test_a_comparison_as_the_mask(mode) -> None:
    c = (numbers(*SHAPE) - 0.5) * 6
    c[3, 4], c[5, 6], c[7, 8] = np.nan, np.inf, -np.inf

    same_as_numpy(negatives, c)
    same_as_numpy(damped, c)


def test_masks_of_other_shapes() -> None:
    c = numbers(*SHAPE)

    same_as_numpy(set_to, c, mask_of(0.5)[:, 0], 1.0)
    same_as_numpy(multiplied, c, mask_of(0.5)[:, 0], 2.0)
    same_as_numpy(set_to, c, mask_of(0.5)[:-1], 1.0)
    same_as_numpy(multiplied, c, mask_of(0.5)[:-1], 2.0)
    same_as_numpy(set_to, c, mask_of(0.5, SHAPE[::-1]).T, 1.0)


@pytest.mark.parametrize("function", [set_to, multiplied])
def test_layouts_of_what_is_changed(function) -> None:
    big, m = numbers(400, 302), mask_of(0.4)

    same_as_numpy(function, big[::2, ::2], m, 3.0)
    same_as_numpy(function, big[:200, :151], m, 3.0)
    same_as_numpy(function, big[199::-1, 150::-1], m, 3.0)
    same_as_numpy(function, np.asfortranarray(numbers(*SHAPE)), m, 3.0)
    same_as_numpy(function, np.asfortranarray(numbers(*SHAPE)), np.asfortranarray(m), 3.0)
    same_as_numpy(function, np.broadcast_to(numbers(151), SHAPE), m, 3.0)
    frozen = numbers(*SHAPE)
    frozen.flags.writeable = False
    same_as_numpy(function, frozen, m, 3.0)


def of_itself(m, n):
    m[m] = False
    n[n] ^= True
    n[1:][m[1:]] = True
    m[:-1][m[1:]] = True
    return m, n


def seen_by_others(c, m):
    view = c[1:]
    before = c + 1
    c[m] = 7.0
    view[m[1:]] *= 2.0
    after = view + 1
    c[m] -= after[0, 0]
    return before, after, c


def changed_between(c, m):
    c[m] *= 2.0
    m[0] = ~m[0]
    c[m] += 1.0
    m = c > 2
    c[m] = -1.0
    return c, m


def in_rounds(c, m):
    for k in range(6):
        c[c > k * 0.2] -= 0.125
        c[m] = c[k, k]
        m = c < 0.3
    return c, m


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("function", [seen_by_others, changed_between, in_rounds])
def test_arrays_that_others_see(function, workers) -> None:
    same_as_numpy(function, numbers(*SHAPE), mask_of(0.5), workers=workers)


def test_a_mask_that_is_changed_itself() -> None:
    agrees(of_itself, mask_of(0.5), mask_of(0.3))
    same = mask_of(0.5)
    agrees(of_itself, same, same)


@pytest.mark.parametrize("how", ["warn", "raise"])
def test_conditions_are_those_of_what_the_mask_takes(how, mode) -> None:
    c, m = numbers(*SHAPE) + 1, mask_of(0.5)
    c[~m] = np.resize([np.inf, 0.0, np.nan, 1e308, -1e-308], c[~m].shape)
    hidden = c.copy()
    c[m] = np.resize([1e308, np.inf, 1e-308, 0.0], c[m].shape)

    with np.errstate(all=how):
        for one in (hidden, c):
            for function in (multiplied, divided, added, subtracted):
                for value in (0.0, 1e300, 1e-300, np.inf, 0.25):
                    same_as_numpy(function, one, m, value)


def test_explain_names_the_rule() -> None:
    c, m = numbers(*SHAPE), mask_of(0.5)

    assert "masked-select" in rules(set_to, c.copy(), m, 1.0)
    assert "masked-select" in rules(multiplied, c.copy(), m, 2.0)
    assert "masked-select" not in rules(set_to, c.copy(), mask_of(0.001), 1.0)
    assert "masked-select" not in rules(multiplied, c[:9].copy(), m[:9], 2.0)
    assert "masked-select" not in rules(others, c.copy(), m, 2.0)


@pytest.mark.parametrize("op", ["add", "sub", "mul", "truediv"])
def test_the_bits_are_those_without_the_rule(op) -> None:
    change = getattr(operator, "i" + op)

    def f(c, m):
        part = c[m]
        c[m] = change(part, 0.1)
        return c

    plain = f(numbers(*SHAPE), mask_of(0.5))
    function = {"add": added, "sub": subtracted, "mul": multiplied, "truediv": divided}[op]
    found = jl.jit(function)(numbers(*SHAPE), mask_of(0.5), 0.1)
    np.testing.assert_array_equal(found, plain)
