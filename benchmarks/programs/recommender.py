"""Alternating least squares, as in examples/als.py, unmodified, and what an expert would write."""

import numpy as np

from programs.examples import example
from programs.row import Arguments, Row

published = example("als")
recommend = published.recommend.__wrapped__


def over_nonzeros(ratings, reg, factors, rounds, alpha, X, Y):
    """The same factors from the rated films alone: a peer, not a row."""
    conf, eye = alpha * ratings, np.identity(factors)
    for _ in range(rounds):
        yty, xtx = Y.T @ Y + reg * eye, X.T @ X + reg * eye
        for u in range(X.shape[0]):
            solve_one(yty, Y, conf[u], X, u)
        for i in range(Y.shape[0]):
            solve_one(xtx, X, conf[:, i], Y, i)
    return np.vstack((X, Y))


def solve_one(gram, others, confidence, into, row):
    liked = np.flatnonzero(confidence)
    theirs, weight = others[liked], confidence[liked]
    right = theirs.T @ (weight + 1.0)
    into[row] = np.linalg.solve(gram + (theirs.T * weight) @ theirs, right)


def ratings(users: int, items: int, filled: float, factors: int) -> Arguments:
    movielens = example("movielens")
    if filled < 1.0:
        matrix = movielens.generate(users, items, filled)
    else:
        matrix = np.random.default_rng(0).integers(1, 6, (users, items)).astype(float)
    return published.problem(matrix, "generated", factors, 1).arguments()


def row(percent: int, peers: tuple[str, ...]) -> Row:
    what = f"ALS, 943 users × 1000 films, {percent} % rated, 40 factors, 1 round"
    filled = percent / 100
    return Row(
        f"als-{percent}", what, "als", recommend, ratings,
        (943, 1000, filled, 40), (20, 30, filled, 4), peers, writes=True,
    )  # fmt: skip


ROWS = (
    row(6, ("nonzeros", "numba", "jax")),
    row(30, ("nonzeros",)),
    row(100, ("nonzeros",)),
)
