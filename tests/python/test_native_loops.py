"""Loops as machine code: what Python and NumPy do, at every operation that leaves it."""

from __future__ import annotations

import inspect
import math

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


def test_stores_over_two_axes() -> None:
    def table(a):
        for i in range(a.shape[0]):
            for j in range(a.shape[1]):
                a[i, j] = i * 10 + j
        return a

    same_as_numpy(table, np.zeros((3, 4)))
    same_as_numpy(table, np.zeros((0, 4)))
    same_as_numpy(table, np.zeros((3, 4), dtype=np.int16))


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


def test_negative_indices() -> None:
    def shift(a):
        for i in range(-len(a), 0):
            a[i] = a[i] + a[-1] + a[i - i]
        return a

    same_as_numpy(shift, np.arange(6.0))


def test_an_index_out_of_range_deep_in_the_loop() -> None:
    def beyond(a, b, n):
        done = 0
        for i in range(n):
            for j in range(n):
                b[i, j] = 1.0
                done += 1
                b[i, j] += a[i + j]
        return done

    same_as_numpy(beyond, np.arange(6.0), np.zeros((5, 5)), 5)
    same_as_numpy(beyond, np.arange(6.0), np.zeros((3, 3)), 3)
    same_as_numpy(beyond, np.arange(6.0), np.zeros((3, 3)), 4)


def test_a_store_out_of_range() -> None:
    def beyond(a, n):
        for i in range(n):
            a[2 * i - 3] = i
        return a

    same_as_numpy(beyond, np.zeros(6), 3)
    same_as_numpy(beyond, np.zeros(6), 6)
    same_as_numpy(beyond, np.zeros(2), 6)


def test_an_int_outgrows_64_bits_in_the_middle() -> None:
    def grow(a, n):
        x = 3
        for i in range(n):
            a[i] = 1
            x = x * x + i
            a[i] = 2
        return x

    same_as_numpy(grow, np.zeros(9), 9)


def test_an_int_outgrows_64_bits_in_an_inner_loop() -> None:
    def grow(a, n):
        x = 1
        for i in range(n):
            y = 0
            for j in range(n):
                x = x * 7
                y += 1
                a[i, j] = x % 1000
            x = x + y
        return x

    same_as_numpy(grow, np.zeros((9, 9)), 9)


def test_a_sum_of_ints_overflows_by_one() -> None:
    def count(n):
        x = 9223372036854775800
        while n > 0:
            x += 1
            n -= 1
        return x

    same_as_numpy(count, 7)
    same_as_numpy(count, 8)
    same_as_numpy(count, 20)


def test_numpy_integers_wrap_and_tell() -> None:
    def hash_all(a):
        h = a[0]
        for i in range(1, len(a)):
            h = h * a[i] + a[i]
        return h

    same_as_numpy(hash_all, np.array([200, 3, 100, 7, 9], dtype=np.uint8))
    same_as_numpy(hash_all, np.array([2**62, 3, 100], dtype=np.int64))
    same_as_numpy(hash_all, np.array([-128, 1, 1], dtype=np.int8))


def test_negation_of_the_least_integer() -> None:
    def turn(a):
        for i in range(len(a)):
            a[i] = abs(-a[i])
        return a

    same_as_numpy(turn, np.array([1, -128, 5], dtype=np.int8))


def test_division_by_zero_of_pythons_numbers() -> None:
    def divide(a, n):
        for i in range(n):
            a[i] = 10 / (3 - i)
        return a

    same_as_numpy(divide, np.zeros(6), 6)

    def floor(a, n):
        for i in range(n):
            a[i] = 10 // (3 - i) + 10 % (3 - i)
        return a

    same_as_numpy(floor, np.zeros(6), 6)

    def real(a, x, n):
        for i in range(n):
            a[i] = 1.0 // x + 7.5 % x
            x -= 0.5
        return a

    same_as_numpy(real, np.zeros(6), 1.5, 6)


def test_division_by_zero_of_numpys_numbers_warns() -> None:
    def divide(a, b):
        for i in range(len(a)):
            a[i] = b[i] / a[i]
        return a

    same_as_numpy(divide, np.array([1.0, 0.0, 2.0]), np.array([1.0, 3.0, 2.0]))
    same_as_numpy(divide, np.array([1.0, 0.0, 2.0]), np.array([1.0, 0.0, 2.0]))

    def floor(a, b):
        for i in range(len(a)):
            a[i] = b[i] // a[i] + b[i] % a[i]
        return a

    same_as_numpy(floor, np.array([2.0, -3.0, 2.5]), np.array([7.0, 7.0, -7.0]))
    same_as_numpy(floor, np.array([2, -3, 0, 4]), np.array([7, 7, 1, -7]))


def test_overflow_and_invalid_are_told_at_their_lines() -> None:
    def odd(a, b):
        for i in range(len(a)):
            x = a[i] * a[i]
            y = x - x
            b[i] = x + y
        return b

    same_as_numpy(odd, np.array([1.0, 1e200, 2.0, np.inf]), np.zeros(4))
    same_as_numpy(odd, np.array([1.0, np.nan, 2.0]), np.zeros(3))


def test_conditions_of_large_arrays_name_the_operation() -> None:
    def square(a, b):
        for i in range(len(a)):
            b[i] = a[i] * a[i]
        return b

    large = np.ones(200_000)
    large[777] = 1e300
    same_as_numpy(lambda a, b: square(a, b)[777], large[:1000], np.zeros(1000))

    def warns(f):
        with pytest.warns(RuntimeWarning, match="overflow encountered in scalar multiply"):
            return f(large.copy(), np.zeros_like(large))

    np.testing.assert_array_equal(warns(jl.jit(square)), large * large)


def test_errstate_raises_at_the_operation() -> None:
    def square(a):
        with np.errstate(over="raise"):
            return run(a)

    def run(a):
        for i in range(len(a)):
            a[i] = a[i] * a[i]
        return a

    jitted = jl.jit(run)
    a = np.array([2.0, 1e200, 3.0])
    with np.errstate(over="raise"), pytest.raises(FloatingPointError, match="overflow"):
        jitted(a)
    np.testing.assert_array_equal(a, [4.0, 1e200, 3.0])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(jitted(a), [16.0, np.inf, 9.0])


def test_a_python_int_that_does_not_fit_a_dtype() -> None:
    def store(a, n):
        for i in range(n):
            a[i] = i * 60
        return a

    same_as_numpy(store, np.zeros(6, dtype=np.int8), 6)

    def add(a, n):
        for i in range(n):
            a[i] = a[i] + (i * 60)
        return a

    same_as_numpy(add, np.zeros(6, dtype=np.uint8), 6)


def test_floats_stored_as_integers() -> None:
    def store(a, b):
        for i in range(len(a)):
            a[i] = b[i] * 1.5
        return a

    same_as_numpy(store, np.zeros(3, dtype=np.int64), np.array([1.0, -2.6, 1e10]))
    same_as_numpy(store, np.zeros(3, dtype=np.int64), np.array([1.0, np.nan, 2.0]), opaque=True)
    same_as_numpy(store, np.zeros(3, dtype=np.int32), np.array([1.0, 1e12, 2.0]), opaque=True)


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "uint16", "int32", "uint64", "float32", "float64", "complex128"]
)
def test_every_dtype(dtype: str) -> None:
    def mix(a, b):
        for i in range(len(a)):
            b[i] = a[i] + b[i]
            if a[i] != b[i]:
                b[i] = a[i] * a[i]
        return b

    a = np.array([1, 0, 3, 5, 0, 9]).astype(dtype)
    same_as_numpy(mix, a, a[::-1].copy())


def test_mixed_dtypes_promote() -> None:
    def mix(a, b, c):
        for i in range(len(a)):
            x = a[i] + b[i] * 2
            y = x / 3 - b[i]
            c[i] = y + 1.5 * a[i]
            if x > y and a[i] != 2:
                c[i] -= a[i] // 2
        return c

    a = np.arange(1, 6, dtype=np.int32)
    same_as_numpy(mix, a, np.arange(5, dtype=np.float32), np.zeros(5))
    same_as_numpy(mix, a, np.arange(5, dtype=np.float32), np.zeros(5, dtype=np.float32))
    same_as_numpy(mix, np.arange(1, 6, dtype=np.int8), np.arange(5.0), np.zeros(5))


def test_layouts() -> None:
    def work(a, b):
        for i in range(a.shape[0]):
            for j in range(a.shape[1]):
                a[i, j] += b[i, j] * (i - j)
        return a

    big = np.arange(48.0).reshape(6, 8)
    same_as_numpy(work, big.copy().T, big.copy().T)
    same_as_numpy(work, big.copy()[::2, ::-2], big.copy()[1::2, ::2])
    same_as_numpy(work, np.asfortranarray(big), big.copy())


def test_arrays_that_overlap() -> None:
    def shift(a, b):
        for i in range(len(a)):
            a[i] = b[i] + 1
        return a

    def overlapping(x):
        return shift(x[1:], x[:-1])

    def same(x):
        return shift(x, x)

    def backwards(x):
        return shift(x, x[::-1])

    for f in (overlapping, same, backwards):
        x = np.arange(9.0)
        y = x.copy()
        expected = f(x)
        jitted = jl.jit(shift)
        views = {overlapping: (y[1:], y[:-1]), same: (y, y), backwards: (y, y[::-1])}
        np.testing.assert_array_equal(jitted(*views[f]), expected)
        np.testing.assert_array_equal(x, y)


def test_a_read_only_array() -> None:
    def write(a):
        for i in range(len(a)):
            a[i] = a[i] + 1
        return a

    a = np.arange(4.0)
    a.flags.writeable = False
    same_as_numpy(write, a)


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


def test_swapping_arrays_between_rounds() -> None:
    def relax(a, b, n):
        for _ in range(n):
            for i in range(1, len(a) - 1):
                b[i] = (a[i - 1] + a[i + 1]) / 2
            a, b = b, a
        return a, b

    same_as_numpy(relax, np.arange(7.0) ** 2, np.zeros(7), 5)
    same_as_numpy(relax, np.arange(7.0) ** 2, np.zeros(7), 4)


def test_swapping_elements() -> None:
    def bubble(a):
        n = len(a)
        for i in range(n):
            for j in range(n - 1 - i):
                if a[j] > a[j + 1]:
                    a[j], a[j + 1] = a[j + 1], a[j]
        return a

    same_as_numpy(bubble, np.array([5.0, 2.0, 9.0, -1.0, 3.0]))
    same_as_numpy(bubble, np.array([5, 2, 9, -1, 3], dtype=np.int16))


def test_a_swap_that_fails_half_way() -> None:
    def swap(a, n):
        for i in range(n):
            a[i], a[2 * i + 1] = a[2 * i + 1], a[i] + 1
        return a

    same_as_numpy(swap, np.arange(6.0), 6)

    def store(a, n):
        for i in range(n):
            a[i], a[3 * i] = i + 0.5, i
        return a

    same_as_numpy(store, np.arange(6.0), 6)


def test_rows_are_views() -> None:
    def rows(a, b):
        for i in range(a.shape[0]):
            row = a[i]
            for j in range(len(row)):
                row[j] += b[j]
            b[0] = row[-1]
        return a

    same_as_numpy(rows, np.arange(12.0).reshape(3, 4), np.arange(4.0))


def test_a_row_outlives_the_loop() -> None:
    def last_row(a):
        row = a[0]
        for i in range(a.shape[0]):
            row = a[i]
            row[0] = 7
        row[1] = 9
        return row, a

    same_as_numpy(last_row, np.arange(12.0).reshape(3, 4))


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


def test_zero_sized_arrays() -> None:
    def work(a):
        s = 0.0
        for i in range(a.shape[0]):
            for j in range(a.shape[1]):
                s += a[i, j]
        return s

    for shape in ((0, 0), (0, 3), (3, 0)):
        same_as_numpy(work, np.zeros(shape))


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


def test_infinite_loops_end_by_an_error() -> None:
    def run(a):
        i = 0
        while True:
            a[i] = i
            i += 1

    same_as_numpy(run, np.zeros(100))


def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


def grow(n):
    if n < 1:
        return 3
    return grow(n - 1) * grow(n - 1)


def count(n):
    if n == 0:
        return 0
    return count(n - 1) + 1


def fail(n):
    if n == 0:
        return 1 / n
    return fail(n - 1) + fail(n - 1)


def point(x, y):
    return x * x + y * y


def test_recursion_on_scalars() -> None:
    same_as_numpy(fib, 12)
    same_as_numpy(fib, 12.0)
    same_as_numpy(fib, np.float64(9))
    same_as_numpy(fib, True)


def test_recursion_that_outgrows_64_bits_or_wraps() -> None:
    same_as_numpy(grow, 7)
    same_as_numpy(fib, np.int8(14))


def test_recursion_has_pythons_limit_and_errors() -> None:
    same_as_numpy(count, 50)
    same_as_numpy(count, 5000)
    same_as_numpy(fail, 6)


def test_calls_of_functions_in_a_loop() -> None:
    def work(a):
        for i in range(len(a)):
            a[i] = point(a[i], i) + fib(i % 7)
        return a

    same_as_numpy(work, np.arange(6.0))
    same_as_numpy(work, np.array([1, 1e200, 3.0]))


def test_recursion_becomes_hot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jl.settings, "jit", "auto")
    same_as_numpy(fib, 17)


def test_lines_of_errors_in_helper_functions() -> None:
    assert inspect.isfunction(helper)

    def outer(a, n):
        return helper(a, n)

    same_as_numpy(outer, np.zeros(4), 3)
    same_as_numpy(outer, np.zeros(4), 7)


def helper(a, n):
    for i in range(n):
        a[i] = math.pi * i
    return a
