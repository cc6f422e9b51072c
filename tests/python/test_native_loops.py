"""Loops as machine code: control, and numbers of all kinds."""

from __future__ import annotations

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy


@pytest.fixture(params=["off", "always"], autouse=True)
def _mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jl.settings, "jit", request.param)


def test_a_loop_says_that_it_was_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(a):
        for i in range(len(a)):
            a[i] = i * 0.5

    monkeypatch.setattr(jl.settings, "jit", "always")
    assert "compiled-loop" in str(jl.explain(jl.jit(fill), np.zeros(5)))


def test_a_sum_begins_as_an_int_and_goes_on_as_a_float() -> None:
    def total(a):
        s = 0
        for i in range(a.shape[0]):
            s += a[i]
        return s

    same_as_numpy(total, np.arange(5.0))
    same_as_numpy(total, np.zeros(0))
    same_as_numpy(total, np.arange(5, dtype=np.float32))
    same_as_numpy(total, np.arange(5, dtype=np.uint8))
    same_as_numpy(total, np.array([True, True, False]))


def test_kinds_that_changed_are_kept_in_all_of_a_long_loop() -> None:
    def total(a):
        s = 0
        for i in range(a.shape[0]):
            s += a[i]
        return s

    same_as_numpy(total, np.ones((1 << 20) + 5))
    same_as_numpy(total, np.ones((1 << 20) + 5, np.float32))


def test_variables_that_change_their_kind_at_different_times() -> None:
    def change(a, n):
        x = 1
        y = 0.5
        for i in range(n):
            if i == 3:
                x = a[i]
            if i == 5:
                y = 2
            x = x + y
        return x, y

    for n in (0, 3, 4, 5, 6, 9):
        same_as_numpy(change, np.arange(10.0), n)


def test_the_loop_variable_keeps_its_last_value() -> None:
    def last(a, n):
        i = -7
        for i in range(n):
            a[i] += i
        return i

    same_as_numpy(last, np.zeros(4), 4)
    same_as_numpy(last, np.zeros(4), 0)


def test_a_variable_that_no_round_bound_is_unbound() -> None:
    def unbound(n):
        for i in range(n):
            x = i
        return x

    same_as_numpy(unbound, 0)
    same_as_numpy(unbound, 3)


def test_a_variable_unbound_deep_inside() -> None:
    def unbound(a, n):
        for i in range(n):
            for j in range(n):
                if i + j == 5:
                    a[i] = late
                if i == 3:
                    late = 1.0
        return a

    same_as_numpy(unbound, np.zeros(5), 5)


def test_negative_and_reversed_ranges() -> None:
    def walk(a, n):
        for i in range(n - 1, -1, -1):
            for j in range(0, n, 3):
                a[i] = a[i] * 2 + j - a[-i - 1]
        return a

    same_as_numpy(walk, np.arange(7.0), 7)


def test_break_continue_and_else() -> None:
    def search(a, x):
        found = -1
        skipped = 0
        for i in range(len(a)):
            if a[i] < 0:
                skipped += 1
                continue
            if a[i] == x:
                found = i
                break
        else:
            found = -2
        return found, skipped

    a = np.array([3.0, -1.0, 5.0, -2.0, 8.0])
    for x in (3, 5.0, 8, 99):
        same_as_numpy(search, a, x)


def test_break_out_of_an_inner_loop_with_else() -> None:
    def primes(n, out):
        count = 0
        for i in range(2, n):
            for j in range(2, i):
                if i % j == 0:
                    break
            else:
                out[count] = i
                count += 1
        return count

    same_as_numpy(primes, 40, np.zeros(40, dtype=np.int64))
    same_as_numpy(primes, 40, np.zeros(5, dtype=np.int64))


def test_while_with_else_and_nested_conditions() -> None:
    def collatz(n, most):
        steps = 0
        while n != 1 and (steps < most or most < 0):
            n = n // 2 if n % 2 == 0 else 3 * n + 1
            steps += 1
        else:
            steps += 1000
        return n, steps

    same_as_numpy(collatz, 27, -1)
    same_as_numpy(collatz, 27, 10)
    same_as_numpy(collatz, 1, 10)


def test_return_from_deep_inside() -> None:
    def find(a, x):
        for i in range(a.shape[0]):
            for j in range(a.shape[1]):
                if a[i, j] == x:
                    return i, j, a[i, j]
        return None

    a = np.arange(20.0).reshape(4, 5)
    same_as_numpy(find, a, 13)
    same_as_numpy(find, a, 99)


def test_min_max_and_the_builtins() -> None:
    def clamp(a, b):
        for i in range(len(a)):
            b[i] = min(max(a[i], b[i]), a[0])
            k = max(0, min(i - 1, 3))
            b[k] += float(i) + int(a[i]) + abs(a[i]) + abs(i - 5) + bool(a[i])
        return b

    same_as_numpy(clamp, np.array([1.5, np.nan, -2.5, 4.0]), np.arange(4.0))


def test_functions_of_numpy_on_scalars() -> None:
    def work(a, b, x):
        for i in range(len(a)):
            b[i] = np.sqrt(a[i]) + np.maximum(a[i], 2) * np.floor(x)
            x = x + 0.7
        return b

    same_as_numpy(work, np.arange(5.0), np.zeros(5), 0.5)
    same_as_numpy(work, np.array([1.0, -1.0, 4.0]), np.zeros(3), 0.5)
    same_as_numpy(work, np.arange(5, dtype=np.float32), np.zeros(5, dtype=np.float32), 0.5)


def test_powers() -> None:
    def work(a, x, n):
        k = 0
        for i in range(n):
            k += i**3 - i**0
            a[i] = x**2 + x**0.5 + a[i] ** 2
            x = x * 1.5
        return k

    same_as_numpy(work, np.arange(5.0), 0.7, 5)
    same_as_numpy(work, np.arange(5.0), 0.0, 5)

    def square(a, x, n):
        for i in range(n):
            a[i] = x**2 + x**3.0
            x = x + 1.25
        return a

    same_as_numpy(square, np.arange(5.0), -1.25, 5)


def test_comparisons_of_large_ints_with_floats() -> None:
    def compare(n, x):
        count = 0
        for i in range(n - 2, n + 3):
            count = count * 2 + (i < x) + (i == x)
        return count

    same_as_numpy(compare, 2**53, float(2**53))
    same_as_numpy(compare, 2**60 + 1, float(2**60))
    same_as_numpy(compare, 10, 9.5)


def test_bits_and_shifts() -> None:
    def bits(n, a):
        x = 1
        for i in range(n):
            x = ((x << 3) ^ i) & 0xFFFFFF | (i >> 1)
            a[i] = ~x
        return x

    same_as_numpy(bits, 20, np.zeros(20, dtype=np.int64))


def test_conditions_left_to_python_are_rare_exits() -> None:
    def check(a, n):
        for i in range(n):
            if a[i] < 0:
                raise ValueError("negative")
            a[i] = a[i] + 1
        return a

    same_as_numpy(check, np.array([1.0, 2.0, -3.0, 4.0]), 4, opaque=True)


def test_an_array_statement_after_a_hot_loop_goes_on_natively() -> None:
    def steps(a, n):
        for t in range(n):
            for i in range(1, len(a)):
                a[i] = a[i] + a[i - 1] * t
            a[:] = a - a.mean()
        return a

    same_as_numpy(steps, np.arange(8.0), 3)


def test_a_loop_over_captured_values() -> None:
    factor = 2.5
    table = np.arange(10.0)

    def work(n):
        s = 0.0
        for i in range(n):
            s += table[i] * factor
        return s

    same_as_numpy(work, 10)
    same_as_numpy(work, 11)


def test_a_loop_runs_in_parts_when_it_becomes_hot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jl.settings, "jit", "auto")

    def work(a, n):
        s = 0
        for i in range(n):
            s = s * 0.5 + a[i % len(a)] * i
            a[i % len(a)] = -s / (i + 1)
        return s

    same_as_numpy(work, np.arange(1.0, 9.0), 5000)


def test_the_first_inner_loop_is_hot_before_the_outer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jl.settings, "jit", "auto")

    def work(a, n):
        for t in range(4):
            x = 0
            for i in range(n):
                x = (x * 5 + i) % 1000003
            a[t] = x
        return a

    same_as_numpy(work, np.zeros(4), 30_000)


def test_loops_of_benchmarks() -> None:
    def cholesky(a):
        n = a.shape[0]
        for i in range(n):
            for j in range(i):
                for k in range(j):
                    a[i, j] -= a[i, k] * a[j, k]
                a[i, j] /= a[j, j]
            for k in range(i):
                a[i, i] -= a[i, k] * a[i, k]
            a[i, i] = np.sqrt(a[i, i])
        return a

    a = np.random.default_rng(3).random((9, 9))
    same_as_numpy(cholesky, a @ a.T + np.eye(9))
    same_as_numpy(cholesky, a - 2)


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 16, 17, 33, 100])
def test_sums_of_what_is_computed_in_vectors_keep_their_order(n: int) -> None:
    def pull(a, x, m):
        s, t, rest = 0.0, 0, m
        for i in range(a.shape[0]):
            d = a[i, 0] - x
            far = d * d + a[i, 1] * a[i, 1] + 0.01
            p = a[i, 2] / (far * far**0.5)
            s += d * p
            t += p if p > 0.1 else np.sqrt(far)
            rest -= 1 / far
        return s, t, rest

    a = np.random.default_rng(n).random((n, 3))
    same_as_numpy(pull, a, 0.3, 1)
    same_as_numpy(pull, a[::-1], 0.3, 2.5)
    same_as_numpy(pull, np.asfortranarray(a), np.float64(0.5), np.float32(1))


@pytest.mark.parametrize("odd", [0.0, -4.0, np.nan, np.inf])
def test_conditions_of_what_is_computed_in_vectors(odd: float) -> None:
    def work(a, b):
        s = t = 0.0
        for i in range(a.shape[0]):
            if a[i] > 0:
                s += 1 / a[i]
                t += np.sqrt(a[i])
            b[i] = s
        for i in range(a.shape[0]):
            t += np.sqrt(a[i]) / a[i]
        return s, t

    a = np.arange(1.0, 50.0)
    same_as_numpy(work, a, np.zeros(49))
    a[40] = odd
    same_as_numpy(work, a, np.zeros(49))


def test_a_rare_store_without_machine_code_behind_an_index_that_may_be_negative() -> None:
    def work(a, at, t):
        for i in range(len(a)):
            t = t * 1.5
            if i == 2:
                a[at[i]] = t
        return t

    same_as_numpy(work, np.zeros(5, np.uint8), np.array([0, 1, -2, 3, 4]), np.float64(2))


def test_large_ints_of_numpys_are_rounded_once_in_a_float32_array() -> None:
    def fill(a, v):
        for i in range(len(a)):
            a[i] = v[i]
        return a

    large = 2**60 + 2**36 + 1
    for dtype in (np.int64, np.uint64):
        same_as_numpy(fill, np.zeros(3, np.float32), np.array([1, large, large * 4], dtype))
