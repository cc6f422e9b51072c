"""Formulas over large arrays, and reductions of them."""

import numpy as np

from programs.row import Arguments, Row, numbers


def add_one(a):
    return a + 1.0


def chain(a, b):
    return (a * b + a) / (b + 2.0) - 0.5 * a


def sigmoid(a):
    return 1.0 / (1.0 + np.exp(-a))


def hypotenuse(a, b):
    return np.sqrt(a * a + b * b)


def total(a):
    return np.sum(a)


def largest(a):
    return np.max(a)


def squares(a, b):
    return np.sum((a - b) * (a - b))


def column_means(a):
    return np.mean(a, axis=0)


def softmax(x):
    largest = np.max(x, axis=-1, keepdims=True)
    powers = np.exp(x - largest)
    return powers / np.sum(powers, axis=-1, keepdims=True)


def normal(x):
    """The normal distribution after Abramowitz and Stegun 26.2.17, good to 7 digits."""
    k = 1.0 / (1.0 + 0.2316419 * np.abs(x))
    polynomial = k * (
        0.319381530 + k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429)))
    )
    tail = 0.3989422804014327 * np.exp(-0.5 * x * x) * polynomial
    return np.where(x > 0, 1.0 - tail, tail)


def black_scholes(price, strike, years, rate, volatility):
    spread = volatility * np.sqrt(years)
    d1 = (np.log(price / strike) + (rate + 0.5 * volatility * volatility) * years) / spread
    d2 = d1 - spread
    discounted = strike * np.exp(-rate * years)
    call = price * normal(d1) - discounted * normal(d2)
    put = call - price + discounted
    return call, put


def arc_distance(theta_1, phi_1, theta_2, phi_2):
    """The distance of points on a sphere, pair by pair."""
    temp = (
        np.sin((theta_2 - theta_1) / 2) ** 2
        + np.cos(theta_1) * np.cos(theta_2) * np.sin((phi_2 - phi_1) / 2) ** 2
    )
    return 2 * np.arctan2(np.sqrt(temp), np.sqrt(1 - temp))


def mandelbrot(x_low, x_high, columns, y_low, y_high, rows, rounds, horizon):
    """How many rounds each point stays within the horizon, on whole planes of complex numbers."""
    x = np.linspace(x_low, x_high, columns)
    y = np.linspace(y_low, y_high, rows)
    c = x + y[:, None] * 1j
    counts = np.zeros(c.shape, dtype=np.int64)
    z = np.zeros(c.shape, dtype=np.complex128)
    for n in range(rounds):
        inside = np.abs(z) < horizon
        counts = np.where(inside, n, counts)
        z = np.where(inside, z * z + c, z)
    return counts


def vectors(count: int, *shape: int) -> Arguments:
    return tuple(numbers(*shape, seed=k) for k in range(count))


def options(n: int) -> Arguments:
    return (
        10 + 40 * numbers(n),
        10 + 40 * numbers(n, seed=1),
        0.25 + 9.75 * numbers(n, seed=2),
        0.1,
        0.2,
    )


def angles(n: int) -> Arguments:
    return tuple(2 * np.pi * numbers(n, seed=k) for k in range(4))


def plane(columns: int, rows: int, rounds: int) -> Arguments:
    return -2.25, 0.75, columns, -1.25, 1.25, rows, rounds, 2.0


LARGE, FEW = 10_000_000, 50

ROWS = (
    Row("add-one", "a + 1, 1e7", "bound", add_one, vectors, (1, LARGE), (1, FEW)),
    Row("chain", "(a * b + a) / (b + 2) - 0.5 * a, 1e7", "array", chain, vectors,
        (2, LARGE), (2, FEW)),
    Row("sigmoid", "1 / (1 + exp(-a)), 1e7", "array", sigmoid, vectors, (1, LARGE), (1, FEW)),
    Row("hypotenuse", "sqrt(a * a + b * b), 1e7", "array", hypotenuse, vectors,
        (2, LARGE), (2, FEW)),
    Row("sum", "sum(a), 1e7", "bound", total, vectors, (1, LARGE), (1, FEW)),
    Row("max", "max(a), 1e7", "bound", largest, vectors, (1, LARGE), (1, FEW)),
    Row("squares", "sum((a - b) * (a - b)), 1e7", "array", squares, vectors,
        (2, LARGE), (2, FEW)),
    Row("means", "mean(a, axis=0), 10000 × 1000", "bound", column_means, vectors,
        (1, 10000, 1000), (1, 10, 5)),
    Row("softmax", "softmax of the last axis, 16 × 16 × 128 × 256", "array", softmax, vectors,
        (1, 16, 16, 128, 256), (1, 2, 3, 4, 5)),
    Row("black-scholes", "Black-Scholes, 1e7 options", "array", black_scholes, options,
        (LARGE,), (FEW,), ("numba", "jax", "pythran")),
    Row("arc-distance", "distances on a sphere, 2e6 pairs", "array", arc_distance, angles,
        (2_000_000,), (FEW,), ("numba", "jax", "pythran")),
    Row("mandelbrot", "Mandelbrot, 500 × 500, 50 rounds on whole planes", "array", mandelbrot,
        plane, (500, 500, 50), (12, 9, 8)),
)  # fmt: skip
