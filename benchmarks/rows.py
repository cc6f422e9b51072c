"""What is measured: each row is one entry in ROWS, a program and the arguments that it gets.

Every row runs on every peer that it names; results are compared before anything is timed.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))

Program = Callable[..., Any]
Arguments = tuple[Any, ...]


@dataclass(frozen=True)
class Row:
    """A program, its arguments, and what the row promises."""

    name: str
    what: str
    program: Callable[[], Program]
    arguments: Callable[[], Callable[[], Arguments]]  # made once; each run asks for a set of them
    threads: tuple[int, ...] = (1, 2)
    peers: tuple[str, ...] = ("numpy", "jetlag")
    kind: Literal["run", "call", "import"] = "run"
    allowed: float = 1e-9  # how far apart results may be, beside their largest number
    seconds: float = 0.0  # an absolute bar for jetlag; 0: none
    not_slower: bool = False  # the bar: jetlag is not slower than the first peer


# Programs


def fit() -> Program:
    import logistic_regression

    return logistic_regression.logistic_regression.__wrapped__


def recommend() -> Program:
    import als

    return als.recommend.__wrapped__


def add(a, b):  # noqa: ANN001, ANN201
    return a + b


def chain(a, b):  # noqa: ANN001, ANN201
    return (a * b + a) / (b + 2.0) - 0.5 * a


def sigmoid(a):  # noqa: ANN001, ANN201
    return 1.0 / (1.0 + np.exp(-a))


def hypotenuse(a, b):  # noqa: ANN001, ANN201
    return np.sqrt(a * a + b * b)


def total(a):  # noqa: ANN001, ANN201
    return np.sum(a)


def squares(a, b):  # noqa: ANN001, ANN201
    return np.sum((a - b) * (a - b))


def column_means(a):  # noqa: ANN001, ANN201
    return np.mean(a, axis=0)


def largest(a):  # noqa: ANN001, ANN201
    return np.max(a)


def add_one(a):  # noqa: ANN001, ANN201
    return a + 1.0


# Arguments


def same_each_time(*arguments: Any) -> Callable[[], Arguments]:  # noqa: ANN401
    return lambda: arguments


def square_problem(n: int, iterations: int) -> Callable[[], Arguments]:
    import logistic_regression

    problem = logistic_regression.synthetic(n)
    return same_each_time(problem.x, problem.y, problem.alpha, iterations)


def breast_cancer(iterations: int) -> Callable[[], Arguments]:
    import logistic_regression

    problem = logistic_regression.breast_cancer()
    return same_each_time(problem.x, problem.y, problem.alpha, iterations)


def ratings(users: int, items: int) -> Callable[[], Arguments]:
    import als
    import movielens

    task = als.problem(movielens.generate(users, items), "generated", factors=40, rounds=1)
    return task.arguments


def vectors(count: int, shape: tuple[int, ...] = (10_000_000,)) -> Callable[[], Arguments]:
    random = np.random.default_rng(0)
    return same_each_time(*(random.random(shape) for _ in range(count)))


def small(count: int) -> Callable[[], Arguments]:
    return vectors(count, (10,))


ROWS = (
    Row("logistic-4000", "logistic regression, 4000 × 4000, 20 iterations", fit,
        lambda: square_problem(4000, 20), not_slower=True),
    Row("logistic-10000", "logistic regression, 10000 × 10000, 10 iterations", fit,
        lambda: square_problem(10000, 10), not_slower=True),
    Row("logistic-569", "logistic regression, 569 × 30, 750 iterations", fit,
        lambda: breast_cancer(750)),
    Row("als-600", "ALS, 600 users × 1000 films, 40 factors, 1 round", recommend,
        lambda: ratings(600, 1000)),
    Row("call-floats", "cost of a call: a + b, two floats", lambda: add,
        lambda: same_each_time(1.5, 2.5), threads=(1,), kind="call", seconds=0.25e-6),
    Row("call-arrays", "cost of a call: a + b, two arrays of 10", lambda: add,
        lambda: small(2), threads=(1,), kind="call", seconds=0.6e-6),
    Row("import", "import; for jetlag beyond that of NumPy", lambda: add,
        lambda: small(2), threads=(1,), kind="import", seconds=0.2),
    Row("add-one", "a + 1, 1e7 numbers", lambda: add_one, lambda: vectors(1)),
    Row("chain", "(a * b + a) / (b + 2) - 0.5 * a, 1e7", lambda: chain, lambda: vectors(2)),
    Row("sigmoid", "1 / (1 + exp(-a)), 1e7", lambda: sigmoid, lambda: vectors(1)),
    Row("hypotenuse", "sqrt(a * a + b * b), 1e7", lambda: hypotenuse, lambda: vectors(2)),
    Row("sum", "sum(a), 1e7", lambda: total, lambda: vectors(1)),
    Row("max", "max(a), 1e7", lambda: largest, lambda: vectors(1)),
    Row("squares", "sum((a - b) * (a - b)), 1e7", lambda: squares, lambda: vectors(2)),
    Row("means", "mean(a, axis=0), 10000 × 1000", lambda: column_means,
        lambda: vectors(1, (10000, 1000))),
)  # fmt: skip
