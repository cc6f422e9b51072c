"""Logistic regression by batch gradient descent: NumPy with one decorator.

    python examples/logistic_regression.py                    569 tumours, 30 measurements of each
    python examples/logistic_regression.py --raw              the same, not standardised
    python examples/logistic_regression.py --synthetic 4000   4000 x 4000 random numbers

Prints time and accuracy with plain NumPy and with jetlag, and whether the weights are the same.
"""

import argparse
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import jetlag as jl
import show


# fmt: off
@jl.jit
def logistic_regression(x, y, alpha, iterations):
    w = np.zeros(np.shape(x)[1])
    xt = np.transpose(x)
    step = 0
    while step < iterations:
        p = 1.0 / (1.0 + np.exp(-np.dot(x, w)))
        err = p - y
        grad = np.dot(xt, err)
        w = w - (alpha * grad)
        step += 1
    return w
# fmt: on


@dataclass(frozen=True)
class Problem:
    """What to fit, and the step size with which the descent behaves."""

    title: str
    x: np.ndarray
    y: np.ndarray
    alpha: float
    allowed: float = 1e-10  # how far rounding may move the weights
    comparable_for: int = 0  # iterations after which a change in the last bit is visible; 0: never


def breast_cancer(*, standardised: bool = True) -> Problem:
    """The Wisconsin breast-cancer data that scikit-learn carries: y is 1 for a benign tumour."""
    try:
        from sklearn.datasets import load_breast_cancer
    except ImportError as error:
        raise SystemExit("the data comes with scikit-learn: pip install scikit-learn") from error
    data = load_breast_cancer()
    x, y = data.data, data.target.astype(float)
    if not standardised:
        return Problem("569 tumours x 30 measurements, raw", x, y, 1e-5, 1e-9, comparable_for=20)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    return Problem("569 tumours x 30 measurements, standardised", x, y, 1e-3)


def synthetic(n: int, seed: int = 0) -> Problem:
    """n rows of n random numbers, labelled by a random plane through the origin."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((n, n))
    y = (x @ random.standard_normal(n) > 0).astype(float)
    return Problem(f"{n} x {n} random numbers", x, y, 0.1 / n)


def accuracy(w: np.ndarray, problem: Problem) -> float:
    """The share of rows on the right side of the plane."""
    return float(np.mean((problem.x @ w > 0) == (problem.y > 0.5)))


def fit(function: Callable, problem: Problem, iterations: int) -> np.ndarray:
    """One fit. Raw features make exp overflow: NumPy warns, and so does jetlag; here we know."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "overflow encountered in exp", RuntimeWarning)
        return function(problem.x, problem.y, problem.alpha, iterations)


def compare(problem: Problem, iterations: int) -> bool:
    """Fit with NumPy and with jetlag, print both, and say whether they agree."""
    show.title(f"Logistic regression: {problem.title}, {iterations} iterations")
    plain = logistic_regression.__wrapped__
    numpy = show.timed("NumPy", lambda: fit(plain, problem, iterations))
    first = show.timed("jetlag, first", lambda: fit(logistic_regression, problem, iterations))
    jetlag = show.timed("jetlag", lambda: fit(logistic_regression, problem, iterations))
    show.time("NumPy", numpy, f"accuracy {accuracy(numpy.result, problem):.1%}")
    show.time("jetlag", jetlag, f"accuracy {accuracy(jetlag.result, problem):.1%}")
    show.ratio(numpy, jetlag, first)
    if problem.comparable_for and iterations > problem.comparable_for:
        print(
            f"    (raw features overflow exp: after {problem.comparable_for} iterations any other"
        )
        print("    order of summing leads elsewhere, so only the accuracy can be compared)")
        return True
    return show.agree("weights", numpy.result, jetlag.result, problem.allowed)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--raw", action="store_true", help="features as they are")
    parser.add_argument("--synthetic", type=int, metavar="N", help="N x N random numbers")
    parser.add_argument("--iterations", type=int, default=750)
    parser.add_argument("--threads", type=int, metavar="T", help="workers (default: all cores)")
    parser.add_argument("--explain", action="store_true", help="show what jetlag did")
    options = parser.parse_args()
    if options.threads:
        jl.threads(options.threads)
    if options.synthetic:
        problem = synthetic(options.synthetic)
    else:
        problem = breast_cancer(standardised=not options.raw)
    same = compare(problem, options.iterations)
    if options.explain:
        arguments = (problem.x, problem.y, problem.alpha, options.iterations)
        print(jl.explain(logistic_regression, *arguments))
    sys.exit(not same)


if __name__ == "__main__":
    main()
