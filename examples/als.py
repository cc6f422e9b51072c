"""A recommender by alternating least squares on implicit feedback (Hu, Koren, Volinsky 2008).

    python examples/als.py                              generated ratings: 943 users, 1000 films
    python examples/als.py --movielens ml-latest-small  those in a MovieLens folder
    python examples/als.py --users 200 --items 250 --rounds 3

Prints time and error with plain NumPy and with jetlag, and what one user may like.
"""

import argparse
import sys
from dataclasses import dataclass

import numpy as np

import jetlag as jl
import movielens
import show

ALLOWED = 1e-9  # how far rounding may move the factors


# fmt: off
@jl.jit
def recommend(ratings, reg, factors, rounds, alpha, X, Y):
    users, items = np.shape(ratings)[0], np.shape(ratings)[1]
    conf = alpha * ratings
    eye_f, eye_i, eye_u = np.identity(factors), np.identity(items), np.identity(users)
    r = 0
    while r < rounds:
        yty = np.dot(np.transpose(Y), Y) + reg * eye_f
        xtx = np.dot(np.transpose(X), X) + reg * eye_f
        u = 0
        while u < users:                                     # both Gram matrices are those of the round's start
            c = np.diag(conf[u, :])                          # items × items, dense, as written
            liked = conf[u, :] != 0
            A = yty + np.dot(np.dot(np.transpose(Y), c), Y)
            b = np.dot(np.dot(np.transpose(Y), c + eye_i), np.transpose(liked))
            X[u, :] = np.dot(np.linalg.inv(A), b)            # into the caller's array
            u = u + 1
        i = 0
        while i < items:                                     # sees the new X
            c = np.diag(conf[:, i])
            liked = conf[:, i] != 0
            A = xtx + np.dot(np.dot(np.transpose(X), c), X)
            b = np.dot(np.dot(np.transpose(X), c + eye_u), np.transpose(liked))
            Y[i, :] = np.dot(np.linalg.inv(A), b)
            i = i + 1
        r = r + 1
    return np.vstack((X, Y))
# fmt: on


@dataclass(frozen=True)
class Problem:
    """Ratings, and where the descent starts; recommend() writes into X and Y, so each run copies."""

    title: str
    ratings: np.ndarray
    factors: int
    rounds: int
    reg: float = 1.0  # much less, and rounding grows a millionfold in two rounds
    alpha: float = 10.0

    def arguments(self) -> tuple:
        random = np.random.default_rng(1)
        users, items = self.ratings.shape
        X = 0.1 * random.standard_normal((users, self.factors))
        Y = 0.1 * random.standard_normal((items, self.factors))
        return self.ratings, self.reg, self.factors, self.rounds, self.alpha, X, Y


def problem(ratings: np.ndarray, where: str, factors: int, rounds: int) -> Problem:
    users, items = ratings.shape
    filled = np.count_nonzero(ratings) / ratings.size
    title = f"{users} users x {items} films, {filled:.1%} rated, {where}"
    return Problem(f"{title}, {factors} factors, rounds: {rounds}", ratings, factors, rounds)


def ranking(result: np.ndarray, ratings: np.ndarray) -> float:
    """Where rated films stand in their user's list: 0 % is the top, 50 % is chance."""
    users = len(ratings)
    scores = result[:users] @ result[users:].T
    place = np.argsort(np.argsort(-scores, axis=1), axis=1) / ratings.shape[1]
    return float((place * ratings).sum() / ratings.sum())


def suggestions(result: np.ndarray, ratings: np.ndarray, user: int, count: int = 5) -> list[int]:
    """The films that a user has not rated and may like best."""
    users = len(ratings)
    scores = result[users:] @ result[user]
    unseen = np.flatnonzero(ratings[user] == 0)
    return unseen[np.argsort(-scores[unseen], kind="stable")][:count].tolist()


def compare(task: Problem) -> bool:
    """Factor with NumPy and with jetlag, print both, and say whether they agree."""
    show.title(f"Alternating least squares: {task.title}")
    plain = recommend.__wrapped__
    numpy = show.timed("NumPy", lambda: plain(*task.arguments()))
    show.time("NumPy", numpy, f"rated films rank at {ranking(numpy.result, task.ratings):.1%}")
    first = show.timed("jetlag, first", lambda: recommend(*task.arguments()))
    jetlag = show.timed("jetlag", lambda: recommend(*task.arguments()))
    show.time("jetlag", jetlag, f"rated films rank at {ranking(jetlag.result, task.ratings):.1%}")
    show.ratio(numpy, jetlag, first)
    films = ", ".join(map(str, suggestions(jetlag.result, task.ratings, user=0)))
    print(f"    user 0 may like films {films}")
    return show.agree("factors", numpy.result, jetlag.result, ALLOWED)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--movielens", metavar="FOLDER", help="an unpacked MovieLens release")
    parser.add_argument("--users", type=int, help="with --movielens: those who rated most")
    parser.add_argument("--items", type=int, default=1000, help="films: the most rated ones")
    parser.add_argument("--factors", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, metavar="T", help="workers (default: all cores)")
    parser.add_argument("--explain", action="store_true", help="show what jetlag did")
    options = parser.parse_args()
    if options.threads:
        jl.threads(options.threads)
    if options.movielens:
        try:
            ratings = movielens.load(options.movielens, options.users, options.items)
        except movielens.BadRatings as error:
            parser.exit(1, f"{error}\n")
        where = options.movielens
    else:
        ratings, where = movielens.generate(options.users or 943, options.items), "generated"
    task = problem(ratings, where, options.factors, options.rounds)
    same = compare(task)
    if options.explain:
        print(jl.explain(recommend, *task.arguments()))
    sys.exit(not same)


if __name__ == "__main__":
    main()
