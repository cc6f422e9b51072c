"""Ratings of films by users as a matrix: read from a MovieLens folder, or generated.

The folder is what one gets by unpacking ml-latest-small, ml-100k or ml-1m, as grouplens.org offers
them. Users and films without any rating do not appear; 0 stands for "not rated".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np


class BadRatings(Exception):
    """The folder or one of its lines is not what MovieLens ships; the message says where."""


@dataclass(frozen=True)
class Layout:
    """How one release of MovieLens writes its ratings."""

    file: str
    separator: str
    has_header: bool
    form: str


LAYOUTS = (
    Layout("ratings.csv", ",", True, "userId,movieId,rating,timestamp"),  # ml-latest-small, ml-25m
    Layout("u.data", "\t", False, "user<tab>film<tab>rating<tab>timestamp"),  # ml-100k
    Layout("ratings.dat", "::", False, "user::film::rating::timestamp"),  # ml-1m, ml-10m
)

HIGHEST_RATING = 5.0


def load(folder: str | Path, users: int | None = None, items: int | None = None) -> np.ndarray:
    """The ratings in a MovieLens folder, users x films.

    `users` and `items` keep those with the most ratings, in the order of their numbers.
    """
    path, layout = find(Path(folder))
    triples = list(read(path, layout))
    if not triples:
        raise BadRatings(f"{path}: has no ratings")
    user_ids, item_ids, values = (np.array(column) for column in zip(*triples, strict=True))
    kept = np.isin(item_ids, most_rated(item_ids, items))
    kept &= np.isin(user_ids, most_rated(user_ids[kept], users))
    rows, row = np.unique(user_ids[kept], return_inverse=True)
    columns, column = np.unique(item_ids[kept], return_inverse=True)
    ratings = np.zeros((len(rows), len(columns)))
    ratings[row, column] = values[kept]
    return ratings


def find(folder: Path) -> tuple[Path, Layout]:
    """The file of ratings in a folder, and how it is written."""
    if not folder.is_dir():
        raise BadRatings(f"{folder}: no such folder")
    for layout in LAYOUTS:
        if (folder / layout.file).is_file():
            return folder / layout.file, layout
    names = ", ".join(layout.file for layout in LAYOUTS)
    raise BadRatings(f"{folder}: is no MovieLens folder: it has none of {names}")


def read(path: Path, layout: Layout) -> Iterator[tuple[int, int, float]]:
    """User, film and rating of each line."""
    # Latin-1 never fails: a stray byte becomes a field that is no number, with its line.
    with path.open(encoding="latin-1") as lines:
        for number, line in enumerate(lines, 1):
            text = line.rstrip("\r\n")
            if not text.strip() or (number == 1 and layout.has_header and text == layout.form):
                continue
            try:
                yield parse(text.split(layout.separator))
            except ValueError as error:
                raise BadRatings(
                    f"{path}:{number}: {error} in {text[:60]!r}\n    hint: a line is {layout.form}"
                ) from None


def parse(fields: list[str]) -> tuple[int, int, float]:
    """User, film and rating out of the fields of a line.

    >>> parse(["196", "242", "3", "881250949"])
    (196, 242, 3.0)
    >>> parse(["196", "242", "7", "881250949"])
    Traceback (most recent call last):
    ValueError: rating 7 is not between 0 and 5
    """
    if len(fields) != 4:
        raise ValueError(f"{len(fields)} fields instead of 4")
    user, item, rating = int(fields[0]), int(fields[1]), float(fields[2])
    if not 0 < rating <= HIGHEST_RATING:
        raise ValueError(f"rating {fields[2]} is not between 0 and 5")
    return user, item, rating


def most_rated(ids: np.ndarray, count: int | None) -> np.ndarray:
    """Those that occur most often; the smaller number first among equals."""
    found, occurrences = np.unique(ids, return_counts=True)
    return found[np.argsort(-occurrences, kind="stable")][:count]


def generate(users: int, items: int, filled: float = 0.06, seed: int = 0) -> np.ndarray:
    """Ratings 1 to 5 of the shape and sparsity of MovieLens.

    Users and films have hidden tastes: a film is rated the higher the better it fits, and a few
    films have most of the ratings.
    """
    random = np.random.default_rng(seed)
    tastes, kinds = random.standard_normal((users, 3)), random.standard_normal((items, 3))
    popularity = 1 / np.arange(1, items + 1) ** 0.5
    chance = filled * items * popularity / popularity.sum()
    rated = random.random((users, items)) < chance
    liking = tastes @ kinds.T + 0.5 * random.standard_normal((users, items))
    return np.where(rated, np.clip(np.round(3.5 + 0.8 * liking), 1, HIGHEST_RATING), 0.0)
