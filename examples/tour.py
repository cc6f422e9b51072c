"""What `make run` does: two programs on real data, plain NumPy beside jetlag, and what jetlag did.

python examples/tour.py
python examples/tour.py --movielens ml-latest-small     ratings of your own
"""

import argparse
import os
import platform
import sys

import numpy as np

import als
import jetlag as jl
import logistic_regression as logistic
import movielens
import show

WHAT_NEXT = """
What to try next
    make run MOVIELENS=folder                   an unpacked MovieLens release, from grouplens.org
    .venv/bin/python examples/logistic_regression.py --synthetic 4000 --iterations 50 --explain
    .venv/bin/python examples/als.py --rounds 2 --threads 1
    .venv/bin/jetlag show plan examples/als.py:recommend
    .venv/bin/jetlag run --code 'dot([1, 2, 3], [4, 5, 6])'
    make test, make bench; docs/README.md says what to read
"""


def explain_fit() -> None:
    """Where the time of a fit went, step by step."""
    problem = logistic.breast_cancer()
    show.title("jl.explain(logistic_regression, x, y, 0.001, 750)")
    print(jl.explain(logistic.logistic_regression, problem.x, problem.y, problem.alpha, 750))


def physl_of_fit() -> None:
    """The text between Python and the machine."""
    show.title("The same function as PhySL, each name with its $line$column: .physl()")
    print(logistic.logistic_regression.physl())


def ratings_task(folder: str | None) -> als.Problem:
    """Ratings from a MovieLens folder, or generated ones, small enough for a few seconds a run."""
    if folder is None:
        return als.problem(movielens.generate(400, 600), "generated", factors=40, rounds=1)
    try:
        ratings = movielens.load(folder, users=600, items=1000)
    except movielens.BadRatings as error:
        sys.exit(str(error))
    return als.problem(ratings, folder, factors=40, rounds=1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--movielens", metavar="FOLDER", help="an unpacked MovieLens release")
    options = parser.parse_args()
    task = ratings_task(options.movielens)

    print("jetlag tour: plain NumPy beside the same function with one decorator")
    print(
        f"    jetlag {jl.__version__}, NumPy {np.__version__}, Python {platform.python_version()}, "
        f"{jl.threads()} workers on {os.cpu_count()} cores"
    )
    same = [
        logistic.compare(logistic.breast_cancer(), 750),
        logistic.compare(logistic.breast_cancer(standardised=False), 750),
        logistic.compare(logistic.synthetic(2000), 50),
        als.compare(task),
    ]
    physl_of_fit()
    explain_fit()
    print(WHAT_NEXT)
    if not all(same):
        sys.exit("jetlag and NumPy disagree: this is a bug, and the output above shows where")


if __name__ == "__main__":
    main()
