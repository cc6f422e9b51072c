"""Operands that are known by a rule: diagonals, scaled matrices, inverses in products."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
import als  # noqa: E402

listing = als.recommend.__wrapped__

RNG = np.random.default_rng(7)
Y = RNG.standard_normal((60, 12))
SPARSE = np.where(RNG.random(60) < 0.1, RNG.random(60), 0.0)
FULL = RNG.random(60) + 0.5
SPD = Y.T @ Y + np.eye(12)


def rules(function: Callable[..., Any], *args: Any) -> list[str]:
    """The rules that a call used, in order."""
    return [row["rule"] for row in jl.explain(function, *args).rows if row.get("rule")]


def gram_dots(y, c):
    return np.dot(np.dot(np.transpose(y), np.diag(c)), y)


def gram_matmul(y, c):
    return y.T @ np.diag(c) @ y


def gram_methods(y, c):
    return y.T.dot(np.diag(c)).dot(y)


def gram_right(y, c):
    return np.matmul(y.T, np.matmul(np.diag(c), y))


def gram_named(y, c):
    d = np.diag(c)
    left = y.transpose() @ d
    return left @ y


GRAMS = [gram_dots, gram_matmul, gram_methods, gram_right, gram_named]


@pytest.mark.parametrize("gram", GRAMS)
@pytest.mark.parametrize("c", [SPARSE, FULL, np.zeros(60), SPARSE.astype(np.float32) > 0])
@pytest.mark.parametrize("y", [Y, np.asfortranarray(Y), Y[:, ::2], Y[:, :1]])
def test_a_weighted_gram_product(gram: Callable[..., Any], c: np.ndarray, y: np.ndarray) -> None:
    same_as_numpy(gram, y, c, rtol=1e-12)
    assert "weighted-gram" in rules(jl.jit(gram), y, c)


def test_single_precision_keeps_its_dtype() -> None:
    same_as_numpy(gram_dots, np.abs(Y).astype(np.float32), SPARSE.astype(np.float32), rtol=1e-5)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("gram", GRAMS)
def test_zeros_meet_numbers_that_are_not_finite(gram: Callable[..., Any], bad: float) -> None:
    y = Y.copy()
    y[np.flatnonzero(SPARSE == 0)[3], 2] = bad
    same_as_numpy(gram, y, SPARSE, rtol=1e-12)
    c = SPARSE.copy()
    c[5] = bad
    same_as_numpy(gram, Y, c, rtol=1e-12)


def test_products_that_overflow() -> None:
    y = np.array([[1e200, 1e-200], [1.0, 2.0]])
    same_as_numpy(gram_dots, y, np.array([1e200, 0.0]))
    same_as_numpy(gram_dots, y, np.array([1e150, 0.0]))


@pytest.mark.parametrize("n", [0, 1])
def test_empty_and_tiny(n: int) -> None:
    for gram in GRAMS:
        same_as_numpy(gram, Y[:n], FULL[:n], rtol=1e-14)
        same_as_numpy(gram, Y[:, :0], FULL)


def test_a_weighted_sum_of_rows() -> None:
    def plain(y, c, v):
        return np.dot(np.dot(y.T, np.diag(c) + np.eye(len(c))), v)

    def turned(y, c, v):
        return v @ ((np.diag(c) + np.identity(len(c))) @ y)

    for f in (plain, turned):
        for v in (SPARSE != 0, FULL, SPARSE, np.arange(60)):
            same_as_numpy(f, Y, SPARSE, v, rtol=1e-12)
            assert "scaled" in rules(jl.jit(f), Y, SPARSE, v)
        v = FULL.copy()
        v[3] = np.nan
        same_as_numpy(f, Y, SPARSE, v, rtol=1e-12)


def test_arithmetic_on_diagonals_is_exact() -> None:
    def f(c, s):
        d = np.diag(c)
        e = np.identity(len(c))
        return d + e, d - e, d * s, s * d, d / (s + 1), d * e, (d + e).T, d @ e, -d, d + s, d * -2.0

    for c in (FULL, FULL.astype(np.float32), np.arange(5), np.array([True, False])[:0]):
        if c.dtype != bool:
            for s in (2, 0.5, 0.0, np.float32(3), np.int64(2)):
                same_as_numpy(f, c, s)
    with np.errstate(all="ignore"):
        for s in (np.inf, np.nan, -0.0):
            same_as_numpy(f, FULL, s)


def test_arithmetic_on_diagonals_warns_like_numpy() -> None:
    def f(c, s):
        return np.diag(c) * s, np.eye(3) / s

    same_as_numpy(f, np.array([1e300, 1.0]), 1e300)
    same_as_numpy(f, np.array([1.0, 2.0]), np.inf)
    same_as_numpy(f, np.array([1.0, 2.0]), 0.0)


@pytest.mark.parametrize("s", [1e300, 1e-300, 2.5])
def test_a_factor_that_single_precision_does_not_have_meets_zeros(s: float) -> None:
    def f(v, s):
        return np.diag(v) * s, s * np.identity(3, np.float32), np.eye(3) * s

    def divided(v, s):
        return np.diag(v) / s, np.eye(3) / s

    v = np.array([1.0, 0.0, 3.0], np.float32)
    same_as_numpy(f, v, s)
    same_as_numpy(divided, v, s)


def test_products_with_diagonals_overflow_in_single_precision() -> None:
    def f(v, m):
        return v @ np.diag(v), np.diag(v) @ np.diag(v), m @ np.diag(v), np.dot(np.diag(v), v)

    v = np.array([1e30, 2.0, 3.0], np.float32)
    same_as_numpy(f, v, np.full((3, 3), 1e30, np.float32))


def test_a_diagonal_is_an_array_like_others() -> None:
    def f(c):
        d = np.diag(c)
        other = d
        turned = d.T
        c[0] = 77.0
        turned[0, 1] = 3.0
        other[2, 0] += 5.0
        return d, turned, other, d.shape, d.sum(), np.diag(d), d[1], [d, d]

    same_as_numpy(f, np.arange(1.0, 4.0))


def test_a_diagonal_in_loops_calls_and_containers() -> None:
    def f(n):
        e = np.eye(n)
        total = 0.0
        for row in e:
            total = total + row.sum()
        parts = (e, e * 2)

        def inner(m):
            return m @ m

        for part in parts:
            total += inner(part).sum() + inner(e)[0, 0]
        if (e == 1).any():
            return total, e
        return None

    same_as_numpy(f, 4)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_matrix_and_a_diagonal_are_added_beside_each_other(dtype: str, workers: int) -> None:
    def sums(a, v):
        one = np.eye(len(v), dtype=a.dtype)
        d = np.diag(v)
        kept = a + d
        return a + one, one - a, a - 2 * one, d + a, (kept + one) * 2, kept, a.T + one

    n = 301
    a = np.random.default_rng(8).standard_normal((n, n)).astype(dtype)
    a[3, 3:9] = a[9, 2:7] = -0.0
    a[5], a[7, 7], a[:, 11] = np.inf, np.nan, -np.inf
    v = np.linspace(-1, 1, n).astype(dtype)
    v[[3, 4]] = 0.0, -0.0

    same_as_numpy(sums, a, v, workers=workers)


def test_a_sum_beside_a_diagonal_tells_of_the_conditions_of_both() -> None:
    def sums(a, v):
        b = a + np.diag(v)
        c = np.diag(v) - a
        return b, c

    n = 120
    a, v = np.full((n, n), -np.inf), np.full(n, np.inf)

    same_as_numpy(sums, a, v)
    same_as_numpy(sums, np.full((n, n), 1e308), np.full(n, 1e308))
    same_as_numpy(sums, np.full((n, n), 1e308), np.full(n, -1e308))


def test_eyes_that_are_no_diagonals() -> None:
    def f(y):
        return np.eye(3, 4) @ y, np.eye(4, k=1) @ y, np.diag(y[:, 0], 1), np.diag(y[:4, :4])

    same_as_numpy(f, Y[:4], rtol=1e-15)


def test_shapes_that_do_not_fit_fail_like_numpy() -> None:
    def f(y, c):
        return np.dot(y, np.diag(c))

    def g(y, c):
        d = np.diag(c)
        return d + np.eye(3)

    def h(y, c):
        return np.diag(c) @ y[:3]

    for function in (f, g, h):
        same_as_numpy(function, Y, FULL)


def test_what_is_scaled_does_not_follow_later_writes() -> None:
    def f(y, c):
        s = y.T @ np.diag(c)
        y[0] = 100.0
        return s @ y, s

    same_as_numpy(f, Y, FULL, rtol=1e-12)

    def filled(y, c):
        s = y.T @ np.diag(c)
        y.fill(1.0)
        return s @ y, s

    same_as_numpy(filled, Y, FULL, rtol=1e-12)

    def host(y, c):
        s = y.T @ np.diag(c)
        y.sort(axis=0)
        return s @ y, s

    same_as_numpy(host, Y, FULL, rtol=1e-12, opaque=True)

    def inverse(a, b):
        i = np.linalg.inv(a)
        a[0, 0] = 50.0
        return i @ b, i

    same_as_numpy(inverse, SPD, np.arange(12.0), rtol=1e-10)


def test_zeros_and_writes_that_are_not_finite() -> None:
    def f(y, c, bad):
        first = y.T @ np.diag(c) @ y
        y[1, 1] = bad
        return first, y.T @ np.diag(c) @ y

    same_as_numpy(f, Y, np.where(np.arange(60) == 3, 1.0, 0.0), np.nan, rtol=1e-12)


def test_the_same_array_twice() -> None:
    def f(x, y, c):
        for k in range(3):
            a = y.T @ np.diag(c) @ y + np.eye(len(y.T))
            x[k, :] = np.linalg.inv(a) @ np.ones(len(y.T))
        return x

    shared = Y.copy()
    same_as_numpy(f, shared, shared, FULL, rtol=1e-10)
    same_as_numpy(f, shared[1:], shared[:-1], FULL[:-1], rtol=1e-10)


# ---- inverses ------------------------------------------------------------------------


def solve_dot(a, b):
    return np.dot(np.linalg.inv(a), b)


def solve_matmul(a, b):
    inverse = np.linalg.inv(a)
    return inverse @ b


def solve_method(a, b):
    return np.linalg.inv(a).dot(b)


@pytest.mark.parametrize("solve", [solve_dot, solve_matmul, solve_method])
@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 40, 130])
def test_an_inverse_times_something_is_a_solution(solve: Callable[..., Any], n: int) -> None:
    m = RNG.standard_normal((2 * n, n))
    symmetric = m.T @ m + np.eye(n)
    symmetric = symmetric + symmetric.T
    general = RNG.standard_normal((n, n)) + 3 * np.eye(n)
    for a, rule in ((symmetric, "inverse-by-cholesky"), (general, "inverse-by-lu")):
        for b in (RNG.standard_normal(n), np.arange(n), RNG.standard_normal((n, 3))):
            for given in (a, np.asfortranarray(a), a[::-1, ::-1]):
                same_as_numpy(solve, given, b, rtol=1e-9)
        found = rules(jl.jit(solve), a, b)
        assert "solve" in found
        assert n == 1 or rule in found


def test_an_indefinite_symmetric_matrix() -> None:
    same_as_numpy(solve_dot, np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([1.0, 3.0]), rtol=1e-14)
    same_as_numpy(solve_dot, np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([1.0, 3.0]), rtol=1e-14)


def test_singular_matrices_fail_at_their_line() -> None:
    def f(a, b):
        inverse = np.linalg.inv(a)
        b[0] = 5.0
        return inverse @ b

    for a in (np.zeros((3, 3)), np.ones((2, 2)), np.arange(9.0).reshape(3, 3) * 0):
        same_as_numpy(f, a, np.ones(len(a)))
    same_as_numpy(f, np.ones((2, 3)), np.ones(2))
    same_as_numpy(f, np.ones(3), np.ones(3))


def test_an_inverse_that_nearly_does_not_exist_is_numpys() -> None:
    a = np.vander(np.arange(1.0, 13.0))
    assert "solve" not in rules(jl.jit(solve_dot), a, np.ones(12))
    almost = np.array([[1.0, 1.0], [1.0, 1.0 + 1e-12]])
    assert "solve" not in rules(jl.jit(solve_dot), almost, np.ones(2))


def test_inverses_of_what_is_not_finite() -> None:
    a = np.full((3, 3), np.nan)
    same_as_numpy(solve_dot, a, np.ones(3))
    b = np.ones(12)
    b[2] = np.inf
    same_as_numpy(solve_dot, SPD, b)
    same_as_numpy(solve_dot, np.diag(np.arange(1.0, 4.0)), np.array([1.0, np.inf, 0.0]))


def test_an_inverse_that_is_used_as_a_matrix_too() -> None:
    def f(a, b):
        inverse = np.linalg.inv(a)
        x = inverse @ b
        inverse[0, 0] = 9.0
        return x, inverse, inverse @ b, inverse.T

    same_as_numpy(f, SPD, np.ones(12), rtol=1e-10)


def test_other_dtypes_and_stacks_of_inverses() -> None:
    same_as_numpy(solve_matmul, np.array([[2, 1], [1, 3]]), np.array([1, 2]), rtol=1e-14)
    same_as_numpy(solve_matmul, SPD.astype(np.float32), np.ones(12, np.float32), rtol=1e-4)
    same_as_numpy(solve_matmul, SPD + 1j, np.ones(12), rtol=1e-10)
    same_as_numpy(solve_matmul, SPD, np.ones(12) * 1j, rtol=1e-10)
    same_as_numpy(solve_matmul, np.stack([SPD, SPD + np.eye(12)]), np.ones((2, 12, 1)), rtol=1e-10)
    same_as_numpy(solve_dot, SPD, 2.0)


# ---- the program that all this is for ----------------------------------------------------


def renamed(r, lam, k, n, a, P, Q):
    m, films = r.shape
    weight = r * a
    one_k, one_i, one_u = np.eye(k), np.eye(films), np.eye(m)
    for _ in range(n):
        qq = Q.T @ Q + one_k * lam
        pp = P.T @ P + one_k * lam
        for row in range(m):
            w = np.diag(weight[row])
            seen = weight[row] != 0
            lhs = Q.T @ w @ Q + qq
            rhs = (Q.T @ (one_i + w)) @ seen.T
            P[row] = np.linalg.inv(lhs) @ rhs
        for col in range(films):
            w = np.diag(weight[:, col])
            seen = weight[:, col] != 0
            lhs = P.T @ w @ P + pp
            rhs = (P.T @ (one_u + w)) @ seen.T
            Q[col] = np.linalg.inv(lhs) @ rhs
    return np.vstack((P, Q))


def als_problem(density: float) -> tuple[Any, ...]:
    rng = np.random.default_rng(3)
    ratings = np.where(rng.random((30, 40)) < density, rng.integers(1, 6, (30, 40)), 0)
    x, y = rng.standard_normal((30, 6)), rng.standard_normal((40, 6))
    return ratings.astype(float), 1.0, 6, 2, 10.0, 0.1 * x, 0.1 * y


@pytest.mark.parametrize("program", [listing, renamed])
@pytest.mark.parametrize("density", [0.1, 0.5, 1.0])
def test_least_squares(program: Callable[..., Any], density: float) -> None:
    same_as_numpy(program, *als_problem(density), rtol=1e-9)


def test_least_squares_uses_the_same_rules_however_it_is_written() -> None:
    def used(program: Callable[..., Any]) -> list[str]:
        kept = {"weighted-gram", "solve", "inverse-by-cholesky", "scaled"}
        return sorted(r for r in rules(jl.jit(program), *als_problem(0.1)) if r in kept)

    assert used(listing) == used(renamed)
    assert used(listing).count("weighted-gram") == 2
    assert used(listing).count("solve") == 2


def test_bits_do_not_depend_on_workers() -> None:
    program = jl.jit(listing)
    results = []
    for workers in (1, 2, 4):
        jl.threads(workers)
        results.append(program(*als_problem(0.2)).tobytes())
    assert len(set(results)) == 1


def test_hot_loops_leave_structures_alone() -> None:
    # The second call meets loops that are known to be hot: they must not ask for elements.
    program = jl.jit(listing)
    rng = np.random.default_rng(4)
    ratings = np.where(rng.random((3, 1100)) < 0.3, 1.0, 0.0)
    x, y = rng.standard_normal((3, 2)), rng.standard_normal((1100, 2))
    expected = listing(ratings, 1.0, 2, 1, 10.0, x.copy(), y.copy())
    for _ in range(3):
        found = program(ratings, 1.0, 2, 1, 10.0, x.copy(), y.copy())
        np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert "weighted-gram" in rules(program, ratings, 1.0, 2, 1, 10.0, x.copy(), y.copy())
