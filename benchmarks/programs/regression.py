"""Logistic regression by gradient descent, as in examples/logistic_regression.py, unmodified."""

import numpy as np

from programs.examples import example
from programs.row import Arguments, Row

published = example("logistic_regression")
logistic_regression = published.logistic_regression.__wrapped__


def square(n: int, iterations: int) -> Arguments:
    problem = published.synthetic(n)
    return problem.x, problem.y, problem.alpha, iterations


def tumours(rows: int, iterations: int) -> Arguments:
    problem = published.breast_cancer()
    return problem.x[:rows], problem.y[:rows], problem.alpha, iterations


def one_read_each(x: np.ndarray, y: np.ndarray, alpha: float, iterations: int) -> float:
    """Bytes of x, once in each iteration."""
    return float(x.nbytes) * iterations


ROWS = (
    Row("logistic-10000", "logistic regression, 10000 × 10000, 10 iterations", "array",
        logistic_regression, square, (10000, 10), (30, 5),
        peers=("numba", "jax", "stream"), streamed=one_read_each),
    Row("logistic-569", "logistic regression, 569 × 30, 750 iterations", "array",
        logistic_regression, tumours, (569, 750), (60, 5)),
)  # fmt: skip
