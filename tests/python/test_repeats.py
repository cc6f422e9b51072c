"""Rules common-subexpressions and hoist: equal calls are made once, and nobody can tell.

Each test compares with plain NumPy: values, aliases, arguments afterwards, warnings, errors.
"""

from __future__ import annotations

import functools
import linecache
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy

# The last bits of exp and log are not NumPy's.
same = functools.partial(same_as_numpy, rtol=1e-12)
RULES = ("common-subexpressions", "hoist")


def rules_of(function: Callable[..., Any], *args: Any) -> list[str]:
    """The rules of this file that shaped a call, once for each step."""
    rows = jl.explain(jl.jit(function), *args).rows
    found = [rule for row in rows for rule in (row.get("rule") or "").split(", ")]
    return sorted(rule for rule in found if rule in RULES)


@pytest.fixture
def a() -> np.ndarray:
    return np.linspace(0.5, 2.0, 30).reshape(5, 6)


# Equal calls of a block


def test_an_equal_call_is_made_once(a: np.ndarray) -> None:
    def twice(a, b):
        p = np.exp(a) * 2
        q = np.dot(np.exp(a) * 2, b)
        return p, q

    same(twice, a, a.T.copy())
    assert rules_of(twice, a, a.T.copy()) == ["common-subexpressions"]


def test_a_costly_part_of_two_steps_is_a_step_of_its_own(a: np.ndarray) -> None:
    def parts(a, b):
        p = np.exp(np.sin(np.cos(a))) * b
        q = np.sum(np.exp(np.sin(np.cos(a))) + 1)
        r = np.exp(np.sin(np.cos(a))) - np.exp(np.sin(np.cos(a))) * 2
        return p, q, r

    same(parts, a, a + 1)
    assert rules_of(parts, a, a + 1) == ["common-subexpressions"] * 3


def test_equal_factors_of_equal_calls_are_found_from_the_inside_out(a: np.ndarray) -> None:
    def twice(a, b):
        return np.linalg.inv(np.dot(a, b)) + np.linalg.inv(np.dot(a, b)).T

    b = a.T.copy() + np.eye(6, 5)
    same(twice, a, b, rtol=1e-6)
    assert rules_of(twice, a, b) == ["common-subexpressions"] * 2


def test_results_that_are_kept_are_arrays_of_their_own(a: np.ndarray) -> None:
    def twice(a):
        p = np.exp(a)
        q = np.exp(a)
        q[0] = 7
        p += 1
        return p, q, np.exp(a), [np.exp(a)]

    same(twice, a)
    assert "common-subexpressions" in rules_of(twice, a)


def test_a_copy_lies_in_memory_as_the_result_does() -> None:
    def twice(a):
        p = np.exp(a)
        q = np.exp(a)
        return p, q

    same(twice, np.asfortranarray(np.ones((3, 4))))


def test_views_of_equal_results_share_nothing(a: np.ndarray) -> None:
    def twice(a):
        p = np.exp(a).T
        q = np.exp(a).T
        q[0] = 7
        return p, q, np.exp(a)[1:]

    same(twice, a)


def test_equal_results_are_not_one_object(a: np.ndarray) -> None:
    def twice(a):
        p = np.exp(a)
        q = np.exp(a)
        return p is q, p is p

    same(twice, a, opaque=True)


def test_a_store_into_an_operand_makes_the_call_another(a: np.ndarray) -> None:
    def stores(a, b):
        p = np.dot(np.exp(a), b)
        a[0] = 7
        q = np.dot(np.exp(a), b)
        b += 1
        return p, q, np.dot(np.exp(a), b)

    same(stores, a, a.T.copy())


def test_a_store_through_another_name_does_too(a: np.ndarray) -> None:
    def stores(a, b):
        p = np.sum(np.exp(a))
        b[0] = 7
        return p, np.sum(np.exp(a))

    same(stores, a, a)
    same(stores, a[1:], a[:-1])
    same(stores, a[:2], a[2:])


def test_a_store_into_a_result_leaves_the_next_one_alone(a: np.ndarray) -> None:
    def stores(a):
        p = np.exp(a)
        first = p[0]
        first[:] = 0
        return p, np.exp(a), np.sum(np.exp(a), axis=0)

    same(stores, a)


def test_a_function_that_writes_stands_between(a: np.ndarray) -> None:
    same(calls_a_writer, a)


def calls_a_writer(a):
    p = np.sum(np.exp(a))
    writer(a)
    return p, np.sum(np.exp(a))


def writer(a):
    a[1:3] = 0.25


def test_python_that_writes_stands_between(a: np.ndarray) -> None:
    def opaque(a):
        p = np.sum(np.exp(a))
        np.random.default_rng(1).shuffle(a)
        np.put(a, [0], 9.0)
        return p, np.sum(np.exp(a))

    same(opaque, a, opaque=True)


def test_a_variable_that_was_bound_anew_is_another_operand(a: np.ndarray) -> None:
    def rebound(a, b):
        p = np.sum(np.exp(a))
        a = b
        return p, np.sum(np.exp(a))

    same(rebound, a, a + 1)
    assert rules_of(rebound, a, a + 1) == []


def test_each_call_tells_of_its_own_conditions() -> None:
    def warns(a):
        p = np.sum(np.log(a))
        q = np.sum(np.log(a))
        return p, q

    same(warns, np.array([1.0, 0.0, -1.0]))
    same(warns, np.array([1.0, 2.0, 3.0]))


def test_where_conditions_raise_the_first_call_raises() -> None:
    def raises(a):
        p = np.sum(np.log(a))
        return p + np.sum(np.log(a))

    with np.errstate(all="raise"):
        same(raises, np.array([1.0, 0.0]))
        same(raises, np.array([1.0, 2.0]))
    with np.errstate(all="ignore"):
        same(raises, np.array([1.0, 0.0]))


def test_an_error_is_that_of_the_first_call(a: np.ndarray) -> None:
    def fails(a):
        p = np.linalg.inv(a)
        return p, np.linalg.inv(a)

    same(fails, np.zeros((3, 3)))
    same(fails, a)


@pytest.mark.parametrize("shape", [(0,), (), (0, 3), (1, 1)])
def test_empty_and_0d_arrays_repeat(shape: tuple[int, ...]) -> None:
    def twice(a):
        p = np.exp(a) + 1
        q = np.sum(np.exp(a) + 1)
        return p, q, np.exp(a) + 1, np.sum(a), np.sum(a)

    same(twice, np.ones(shape))


def test_zeros_of_both_signs_are_different_operands(a: np.ndarray) -> None:
    def signs(a):
        return np.dot(np.copysign(a, 0.0), a.T), np.dot(np.copysign(a, -0.0), a.T)

    same(signs, a)


def test_integers_and_floats_of_one_size_are_different_operands() -> None:
    def kinds(a):
        return np.sum(a * 2), np.sum(a * 2.0), np.sum(a * True)

    same(kinds, np.arange(5))


# Invariants of loops


def test_an_invariant_is_computed_in_the_first_round(a: np.ndarray) -> None:
    def rounds(a, w, n):
        for _ in range(n):
            w = w * 0.5 + np.log(a) * w + np.sum(a * a)
        return w

    same(rounds, a, a, 6)
    assert "hoist" in rules_of(rounds, a, a, 6)


def test_a_loop_without_rounds_computes_nothing(a: np.ndarray) -> None:
    def rounds(a, n):
        total = 0.0
        for _ in range(n):
            total = total + np.sum(np.linalg.inv(a))
        return total

    same(rounds, a, 0)
    same(rounds, a, 2)


def test_an_invariant_that_fails_does_so_in_its_round(a: np.ndarray) -> None:
    def rounds(a, seen):
        for k in range(5):
            seen[k] = k
            if k > 2:
                seen = seen + np.linalg.inv(a)
        return seen

    same(rounds, np.zeros((5, 5)), np.zeros(5))


def test_results_that_rounds_keep_are_arrays_of_their_own(a: np.ndarray) -> None:
    def rounds(a, n):
        first = last = np.exp(a)
        for k in range(n):
            last = np.exp(a)
            last[0] = k
            if k == 1:
                first = last
            before = np.exp(a).T
            before[0, 0] = k
        return first, last, before

    same(rounds, a, 5)


def test_a_round_that_writes_an_operand_makes_the_next_compute(a: np.ndarray) -> None:
    def rounds(a, b, n):
        total = 0.0
        for k in range(n):
            total = total + np.sum(np.exp(a))
            if k % 2:
                b[0] = k
        return total

    same(rounds, a, a, 5)
    same(rounds, a[1:], a[:-1], 5)
    same(rounds, a, a.copy(), 5)
    assert rules_of(rounds, a, a.copy(), 5) == ["hoist"] * 2


def test_a_round_that_calls_a_writer_does_too(a: np.ndarray) -> None:
    same(rounds_with_a_writer, a, 4)


def rounds_with_a_writer(a, n):
    total = 0.0
    for _ in range(n):
        total = total + np.sum(np.exp(a))
        halve(a)
    return total


def halve(a):
    a *= 0.5


def test_python_in_a_round_may_write_anything(a: np.ndarray) -> None:
    def rounds(a, n):
        total = 0.0
        for k in range(n):
            total = total + np.sum(np.exp(a))
            np.put(a, [k], 0.0)
        return total

    same(rounds, a, 4, opaque=True)


def test_each_round_tells_of_its_conditions() -> None:
    def rounds(a, w, n):
        for _ in range(n):
            w = w + np.sum(np.log(a))
            w = w / np.sum(a)
        return w

    for last in (0.0, -1.0, 2.0):
        same(rounds, np.array([1.0, 3.0, last]), np.ones(2), 4)


def test_loops_in_loops_keep_what_both_leave_alone(a: np.ndarray) -> None:
    def rounds(a, n):
        total = np.zeros(6)
        for i in range(n):
            b = a + i
            for j in range(n):
                total = total + np.sum(np.exp(b), axis=0) * j + np.sum(np.exp(a), axis=0)
        return total

    same(rounds, a, 4)
    assert "hoist" in rules_of(rounds, a, 4)


def test_while_break_continue_and_else(a: np.ndarray) -> None:
    def rounds(a, n):
        k = 0
        w = np.zeros_like(a)
        while np.sum(np.exp(a)) + k < n:
            k += 1
            if k == 2:
                continue
            w = w + np.exp(a) * k
            if k == 5:
                break
        else:
            w = w - np.exp(a)
        return w, k

    for n in (0, 110, 150, 1000):
        same(rounds, a, n)


def test_an_operand_that_some_rounds_exchange(a: np.ndarray) -> None:
    def rounds(a, b, n):
        total = 0.0
        for k in range(n):
            if k == 2:
                a, b = b, a
            total = total * 2 + np.sum(np.exp(a)) - np.sum(np.exp(b))
        return total

    same(rounds, a, a[:3] * 2, 5)


def test_an_inverse_is_factorised_once_with_the_bits_of_each_time(a: np.ndarray) -> None:
    def rounds(m, x, n):
        for _ in range(n):
            x = np.dot(np.linalg.inv(m), x) + 1
        return x

    m = np.diag(np.arange(1.0, 7.0)) + a.T @ a
    same(rounds, m, np.ones(6), 5, rtol=1e-10)
    same(rounds, m + np.triu(a.T @ a, 1), np.ones(6), 5, rtol=1e-10)
    assert "hoist" in rules_of(rounds, m, np.ones(6), 5)
    assert bits_without(rounds, m, np.ones(6), 5) == jl.jit(rounds)(m, np.ones(6), 5).tobytes()


def bits_without(function: Callable[..., Any], *args: Any) -> bytes:
    before = jl.settings.rules
    jl.settings.rules = "-hoist,-common-subexpressions"
    try:
        return jl.jit(function)(*args).tobytes()
    finally:
        jl.settings.rules = before


def test_an_inverse_of_a_matrix_that_a_round_writes(a: np.ndarray) -> None:
    def rounds(m, x, n):
        for k in range(n):
            x = np.dot(np.linalg.inv(m), x)
            m[0, 0] += k
            y = np.linalg.inv(m)
            x = x + np.dot(y, x)
        return x

    same(rounds, np.diag(np.arange(1.0, 7.0)), np.ones(6), 5, rtol=1e-10)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_rounds_that_run_ahead_have_the_same_bits(workers: int) -> None:
    def rounds(m, b, out):
        for u in range(b.shape[0]):
            out[u, :] = np.dot(np.linalg.inv(m), b[u]) + np.sum(np.exp(m), axis=0)
        return out

    m = np.diag(np.arange(1.0, 41.0)) + 0.01
    b = np.random.default_rng(0).normal(size=(300, 40))
    same(rounds, m, b, np.zeros((300, 40)), workers=workers, rtol=1e-9)
    bits = jl.jit(rounds)(m, b, np.zeros((300, 40))).tobytes()
    assert bits_without(rounds, m, b, np.zeros((300, 40))) == bits


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_large_results_that_still_compute_are_repeated(workers: int) -> None:
    def large(a, n):
        w = np.exp(a) * 2
        for _ in range(n):
            w = w * 0.5 + np.dot(np.exp(a), a) - np.exp(a) * 2
        return w

    a = np.linspace(0, 1, 300 * 300).reshape(300, 300)
    same(large, a, 5, workers=workers, rtol=1e-10)


def test_recursion_repeats_within_itself(a: np.ndarray) -> None:
    same(descend, a, 4)


def descend(a, n):
    total = np.sum(np.exp(a))
    if n > 0:
        total = total + descend(a, n - 1)
        a[n] = n
        total = total + descend(a, n - 2)
    return total + np.sum(np.exp(a))


# Any program with repeats


EXPRESSIONS = [
    "np.exp(a)", "np.exp(b) * 2", "np.dot(a, b.T)", "np.sum(np.exp(a) * b, axis=0)", "np.sqrt(c)",
    "np.linalg.inv(np.dot(a, a.T) + 9 * np.eye(4))", "np.log(a * a + 1)[1:]", "np.exp(a).T",
    "a.sum()", "np.log(c)", "np.dot(np.linalg.inv(m), c)",
]  # fmt: skip
STATEMENTS = [
    "{v} = {e}", "{v} = {e}", "{v} = [{e}, {e}][{i}]", "s = s + np.sum({e}) * np.sum({e})",
    "s = s - np.max({e})", "a[{i}] = {i}", "b += 0.5", "c[{i}:] = s", "{v}[...] = {i}", "a, b = b, a",
    "{v} = {v}[::-1]", "m[{i}, {i}] += 1", "{v} *= 1.5", "b = a[:]", "s = halved(c) + np.sum({e})",
]  # fmt: skip


def halved(c):
    c *= 0.5
    return c[0]


def program(seed: int) -> str:
    rng = random.Random(seed)
    expressions = rng.sample(EXPRESSIONS, 3)

    def statements(count: int, depth: int) -> list[str]:
        lines = []
        for _ in range(count):
            kind = rng.random()
            if depth < 2 and kind < 0.25:
                head = rng.choice(["for k in range(3):", "if s > 10:", "for k in range(2):"])
                lines += [head, *("    " + line for line in statements(3, depth + 1))]
                continue
            line = rng.choice(STATEMENTS)
            while "{e}" in line:
                line = line.replace("{e}", rng.choice(expressions), 1)
            lines.append(line.format(v=rng.choice("pq"), i=rng.randrange(3)))
        return lines

    body = ["p = np.ones(3)", "q = np.ones(3)", "s = 0.0", *statements(8, 0)]
    return "\n    ".join(["def f(a, b, c, m):", *body, "return a, b, c, m, p, q, s\n"])


def function_of(text: str, name: str) -> Callable[..., Any]:
    # The decorator reads the source of a function, so the program is a file's.
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    names: dict[str, Any] = {"np": np, "halved": halved, "__name__": __name__}
    exec(compile(text, name, "exec"), names)
    return names["f"]


def block_of_seeds(block: int) -> range:
    return range(40 * block, 40 * block + 40)


@pytest.mark.parametrize("block", range(5))
def test_programs_with_repeats_do_what_numpy_does(block: int) -> None:
    for seed in block_of_seeds(block):
        f = function_of(program(seed), f"/tests/repeats_{seed}.py")
        rng = np.random.default_rng(seed)
        a, b = rng.uniform(0.1, 1, (2, 4, 5))
        m = np.diag(rng.uniform(1, 2, 4)) + rng.uniform(0, 0.1, (4, 4))
        c = np.array([0.25, 1.0, 4.0, rng.choice([1.0, -1.0, 0.0])])
        same(f, a, a if seed % 5 == 0 else b, c, m, rtol=1e-6)
