"""Loops whose rounds may run ahead of each other: they do what rounds in order do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy

ROUNDS = 60
WIDTH = 16_000  # a round takes long enough to be worth a task


def data(rows: int = ROUNDS, width: int = WIDTH) -> np.ndarray:
    return np.random.default_rng(5).standard_normal((rows, width))


def ran_ahead(function: Any, *args: Any) -> bool:
    """Whether some loop of a call did rounds ahead."""
    jl.threads(2)
    rows = jl.explain(jl.jit(function), *args).rows
    return any("independent-iterations" in row["rule"] for row in rows)


def both(function: Any, *args: Any, **options: Any) -> Any:
    """Compare with 1, 2 and 4 workers; twice with each, because costs are remembered."""
    bits = []
    for workers in (1, 2, 4):
        jl.threads(workers)
        jitted = jl.jit(function)
        for _ in range(2):
            bits.append(same_as_numpy(function, *args, workers=workers, **options))
        del jitted
    for other in bits[1:]:
        np.testing.assert_equal(other, bits[0])
    return bits[0]


# ---- the two forms ----


def rows_by_for(x: Any, out: Any) -> Any:
    for u in range(len(out)):
        row = np.sqrt(np.abs(x[u] * 2.0))
        out[u, :] = row - row[0]
    return u, row


def rows_by_while(x: Any, out: Any) -> Any:
    u = 0
    while u < len(out):
        row = np.sqrt(np.abs(x[u] * 2.0))
        out[u, :] = row - row[0]
        u = u + 1
    return u, row


def rows_by_while_variable(x: Any, out: Any, n: int) -> Any:
    u = 0
    while n > u:
        row = np.sqrt(np.abs(x[u] * 2.0))
        out[u] = row - row[0]
        u += 1
    return u, row


def rows_by_prange(x: Any, out: Any) -> Any:
    for u in jl.prange(len(out)):
        out[u, :] = np.sqrt(np.abs(x[u] * 2.0))


def test_a_for_loop_over_rows_runs_ahead() -> None:
    x = data()
    assert ran_ahead(rows_by_for, x, np.zeros_like(x))
    both(rows_by_for, x, np.zeros_like(x))


def test_a_while_loop_over_rows_runs_ahead() -> None:
    x = data()
    assert ran_ahead(rows_by_while_variable, x, np.zeros_like(x), ROUNDS)
    both(rows_by_while_variable, x, np.zeros_like(x), ROUNDS)


def test_a_condition_that_calls_len_is_left_in_order() -> None:
    x = data()
    both(rows_by_while, x, np.zeros_like(x))


def test_prange_runs_ahead() -> None:
    x = data()
    assert ran_ahead(rows_by_prange, x, np.zeros_like(x))
    both(rows_by_prange, x, np.zeros_like(x))


def test_steps_and_parts_of_a_range() -> None:
    def backwards(x: Any, out: Any) -> Any:
        for u in range(50, 3, -2):
            out[u] = np.sqrt(np.abs(x[u]))
        return u

    def stepping(x: Any, out: Any) -> Any:
        u = 3
        while u <= 51:
            out[u] = np.sqrt(np.abs(x[u]))
            u = u + 3
        return u

    x = data()
    assert ran_ahead(backwards, x, np.zeros_like(x))
    assert ran_ahead(stepping, x, np.zeros_like(x))
    both(backwards, x, np.zeros_like(x))
    both(stepping, x, np.zeros_like(x))


def test_an_else_block_follows() -> None:
    def with_else(x: Any, out: Any) -> Any:
        for u in range(len(x)):
            out[u] = np.sqrt(np.abs(x[u]))
        else:
            out[0, 0] = -5.0
        return u

    x = data()
    both(with_else, x, np.zeros_like(x))


# ---- the recommender ----


def recommend(conf: Any, reg: float, factors: int, X: Any, Y: Any) -> Any:
    users, items = np.shape(conf)[0], np.shape(conf)[1]
    eye_f, eye_i = np.identity(factors), np.identity(items)
    yty = np.dot(np.transpose(Y), Y) + reg * eye_f
    u = 0
    while u < users:
        c = np.diag(conf[u, :])
        liked = conf[u, :] != 0
        A = yty + np.dot(np.dot(np.transpose(Y), c), Y)
        b = np.dot(np.dot(np.transpose(Y), c + eye_i), np.transpose(liked))
        X[u, :] = np.dot(np.linalg.inv(A), b)
        u = u + 1
    return X


def ratings(users: int = 50, items: int = 60, factors: int = 6) -> tuple:
    random = np.random.default_rng(3)
    conf = random.random((users, items)) * (random.random((users, items)) < 0.2)
    X, Y = random.standard_normal((users, factors)), random.standard_normal((items, factors))
    return conf, 1.0, factors, X, Y


def test_the_recommender_s_users_run_ahead() -> None:
    assert ran_ahead(recommend, *ratings())
    both(recommend, *ratings(), rtol=1e-9)


def test_a_singular_matrix_stops_at_its_user() -> None:
    def solve(A: Any, out: Any) -> Any:
        for u in range(len(A)):
            M = np.dot(A[u], A[u].T)
            out[u, :] = np.linalg.inv(M)[0]
        return out

    A = np.random.default_rng(2).standard_normal((80, 40, 40))
    A[55] = 0.0
    out = np.zeros((80, 40))
    for workers in (1, 2, 4):
        jl.threads(workers)
        f = jl.jit(solve)
        filled = out.copy()
        with pytest.raises(np.linalg.LinAlgError, match="Singular matrix"):
            f(A, filled)
        assert np.all(filled[:55, 0] != 0)
        assert np.all(filled[55:] == 0)
    both(solve, A[:50], out, rtol=1e-6)


# ---- errors and conditions keep their order ----


def test_an_error_in_a_round_leaves_the_rounds_before_it() -> None:
    def fails(x: Any, out: Any, limits: Any) -> Any:
        for u in range(len(x)):
            row = np.sqrt(np.abs(x[u]))
            out[u, :3] = row[:3]
            out[u, 3:6] = row[limits[u] : limits[u] + 3]
        return u

    x = data()
    limits = np.zeros(ROUNDS, dtype=np.int64)
    limits[41] = WIDTH - 1  # three places take no single number... but they do take one
    limits[47] = WIDTH - 2  # two numbers do not fit three places
    both(fails, x, np.zeros((ROUNDS, 6)), limits)


def test_an_index_out_of_range() -> None:
    def too_far(x: Any, out: Any) -> Any:
        for u in range(len(x)):
            out[u] = np.sqrt(np.abs(x[u]))
        return u

    x = data()
    both(too_far, x, np.zeros((ROUNDS - 7, WIDTH)))


def test_an_index_out_of_range_while_reading() -> None:
    def too_far(x: Any, out: Any) -> Any:
        for u in range(len(out)):
            out[u] = np.sqrt(np.abs(x[u]))
        return u

    x = data()
    both(too_far, x[:-9], np.zeros((ROUNDS, WIDTH)))


def test_conditions_are_told_in_order() -> None:
    def divide(x: Any, d: Any, out: Any) -> Any:
        for u in range(len(x)):
            row = x[u] * 2.0 / d[u]
            out[u] = np.sqrt(row)
        return u

    x, d = data(), np.ones((ROUNDS, 1))
    x[::2] = np.abs(x[::2])
    d[33] = 0.0
    both(divide, x, d, np.zeros_like(x))


def test_raising_conditions_stop_at_their_round() -> None:
    def divide(x: Any, d: Any, out: Any) -> Any:
        with np.errstate(divide="raise"):
            return inner(x, d, out)

    def inner(x: Any, d: Any, out: Any) -> Any:
        for u in range(len(x)):
            out[u] = np.sqrt(np.abs(x[u])) / d[u]
        return u

    x, d = np.abs(data()) + 1.0, np.ones((ROUNDS, 1))
    d[33] = 0.0
    with np.errstate(divide="raise"):
        both(inner, x, d, np.zeros_like(x))


def test_a_round_that_needs_python_is_done_in_order() -> None:
    def print_one(x: Any, out: Any, words: Any) -> Any:
        for u in range(len(x)):
            row = np.sqrt(np.abs(x[u]))
            out[u] = row
            out[u, 0] = words[u]
        return u

    x = data()
    words = list(range(ROUNDS))
    jl.threads(2)
    same_as_numpy(print_one, x, np.zeros_like(x), words, opaque=False)


# ---- what is not independent stays in order ----


def test_aliases_stay_in_order() -> None:
    def shift(x: Any, out: Any) -> Any:
        for u in range(1, len(x)):
            out[u] = np.sqrt(np.abs(x[u - 1])) + 1.0
        return u

    x = data()
    assert not ran_ahead(shift, x, x)
    for workers in (1, 2, 4):
        jl.threads(workers)
        mine, theirs = x.copy(), x.copy()
        jl.jit(shift)(mine, mine)
        shift(theirs, theirs)
        np.testing.assert_array_equal(mine, theirs)
    base = data(2 * ROUNDS)
    for workers in (1, 2, 4):
        same_as_numpy(shift, base[:ROUNDS], base[10 : ROUNDS + 10], workers=workers)


def test_values_carried_from_round_to_round_stay_in_order() -> None:
    def total(x: Any, out: Any) -> Any:
        s = 0.1
        for u in range(len(x)):
            s = s + np.sum(np.sqrt(np.abs(x[u])))
            out[u] = s
        return s

    x = data()
    both(total, x, np.zeros(ROUNDS), rtol=1e-9)


def test_the_same_array_read_and_written_by_other_rows() -> None:
    def wave(x: Any) -> Any:
        for u in range(1, len(x)):
            x[u] = np.sqrt(np.abs(x[u] + x[u - 1]))
        return x

    both(wave, data())


def test_rows_that_read_themselves_run_ahead() -> None:
    def each(x: Any) -> Any:
        for u in range(len(x)):
            row = np.sqrt(np.abs(x[u]))
            x[u, :] = row[::-1] * 2.0
        return u

    x = data()
    assert ran_ahead(each, x)
    both(each, x)
    both(each, np.asfortranarray(x))
    same_as_numpy(each, np.lib.stride_tricks.as_strided(x, x.shape, (0, 8)), workers=2)


def test_a_view_of_the_row_read_after_its_store() -> None:
    def each(x: Any, out: Any) -> Any:
        for u in range(len(x)):
            row = x[u]
            x[u] = np.sqrt(np.abs(row))
            out[u] = row[0]
        return u

    both(each, data(), np.zeros(ROUNDS))


def test_negative_rows_and_rows_twice() -> None:
    def negative(x: Any, out: Any) -> Any:
        for u in range(-20, 20):
            out[u] = np.sqrt(np.abs(x[u]))
        return u

    def twice(x: Any, out: Any, where: Any) -> Any:
        for u in range(len(x)):
            out[where[u]] = np.sqrt(np.abs(x[u]))
        return u

    def own(x: Any) -> Any:
        for u in range(-20, 20):
            x[u] = np.sqrt(np.abs(x[u])) * 2.0
        return u

    x = data()
    both(negative, x, np.zeros_like(x))
    both(own, x[:30])
    where = np.random.default_rng(1).integers(0, 10, ROUNDS)
    assert ran_ahead(twice, x, np.zeros_like(x), where)
    both(twice, x, np.zeros_like(x), where)


def test_in_place_work_on_private_arrays() -> None:
    def private(x: Any, out: Any) -> Any:
        for u in range(len(x)):
            row = np.sqrt(np.abs(x[u]))
            out[u] = row
            row *= 2.0
            row[0] = -1.0
            out[u, 1] = row[0] + row[2]
        return row

    x = data()
    assert ran_ahead(private, x, np.zeros_like(x))
    both(private, x, np.zeros_like(x))


def test_in_place_work_on_shared_arrays_stays_in_order() -> None:
    def shared(x: Any, out: Any, n: Any) -> Any:
        for u in range(len(x)):
            row = np.sqrt(np.abs(x[u]))
            view = n[u % 3 :]
            view += row[0]
            out[u] = row + n[0]
        return row

    x = data()
    both(shared, x, np.zeros_like(x), np.zeros(10), rtol=0.0)


def test_variables_that_only_some_rounds_assign() -> None:
    def some(x: Any, out: Any) -> Any:
        found = -1
        for u in range(len(x)):
            row = np.sqrt(np.abs(x[u]))
            if row[0] > 1.6:
                found = u
            out[u] = row
        return found

    def used_inside(x: Any, out: Any) -> Any:
        for u in range(len(x)):
            row = np.sqrt(np.abs(x[u]))
            if row[0] > 1.0:
                low = row * 2.0
                out[u] = low
            else:
                out[u] = row
        return u

    x = data()
    both(some, x, np.zeros_like(x))
    assert ran_ahead(used_inside, x, np.zeros_like(x))
    both(used_inside, x, np.zeros_like(x))


def test_break_continue_and_return() -> None:
    def leaves(x: Any, out: Any, how: int) -> Any:
        for u in range(len(x)):
            row = np.sqrt(np.abs(x[u]))
            if u == 31:
                if how == 0:
                    break
                if how == 1:
                    continue
                return u, row
            out[u] = row
        return u, row

    x = data()
    for how in range(3):
        both(leaves, x, np.zeros_like(x), how)


def test_functions_that_rounds_call() -> None:
    both(calls, data(), np.zeros((ROUNDS, WIDTH)))
    both(calls_that_write, data(), np.zeros((ROUNDS, WIDTH)))


def ordered(row: Any) -> Any:
    return np.sqrt(np.abs(row))


def calls(x: Any, out: Any) -> Any:
    for u in range(len(x)):
        out[u] = ordered(x[u]) * FACTOR
    return u


def put(out: Any, u: int, row: Any) -> None:
    out[u] = np.sqrt(np.abs(row))


def calls_that_write(x: Any, out: Any) -> Any:
    for u in range(len(x)):
        put(out, u, x[u])
        out[u, 0] = 1.0
    return u


FACTOR = 2.5


def test_views_that_outlive_the_loop_keep_their_base() -> None:
    def last_view(x: Any, out: Any) -> Any:
        for u in range(len(x)):
            row = x[u]
            out[u] = np.sqrt(np.abs(row))
        return row

    x = data()
    both(last_view, x, np.zeros_like(x))
    jl.threads(2)
    f = jl.jit(last_view)
    for _ in range(2):
        assert f(x, np.zeros_like(x)).base is x


def test_two_arrays_and_no_rounds() -> None:
    def two(x: Any, a: Any, b: Any, n: int) -> Any:
        for u in range(n):
            row = np.sqrt(np.abs(x[u]))
            a[u] = row
            b[n - u - 1] = row[:5]
        return a

    x = data()
    for n in (0, 1, 2, ROUNDS):
        both(two, x, np.zeros_like(x), np.zeros((ROUNDS, 5)), n)


def test_large_counters_do_not_overflow() -> None:
    def far(x: Any, out: Any) -> Any:
        u = 9223372036854775800
        while u < 9223372036854775807:
            out[u - 9223372036854775800] = np.sqrt(np.abs(x[u - 9223372036854775800]))
            u = u + 1
        return u

    x = data()
    both(far, x, np.zeros_like(x))


def test_explain_says_why_rounds_run_in_order() -> None:
    def total(x: Any, out: Any) -> Any:
        s = 0.1
        for u in range(len(x)):
            s = s + np.sum(x[u])
            out[u] = s
        return s

    jl.threads(2)
    rows = jl.explain(jl.jit(total), data(), np.zeros(ROUNDS)).rows
    assert any("s is carried from round to round" in str(row["refused"]) for row in rows)


def test_a_view_that_a_round_shows_to_python_owns_no_memory() -> None:
    def f(x, y):
        row = np.less(x, x)[-9:, 0, 1]
        for i in range(y.shape[0]):
            y[i, :] = row
        return y

    x = np.broadcast_to(data(5, 4)[:, :, None], (5, 4, 2))
    for _ in range(5):
        both(f, x, np.zeros((4, 1), order="F"))
