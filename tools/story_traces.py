"""Record the runs that docs/stories.md tells of into build/traces: each slow, then mended."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

import jetlag as jl

ROOT = Path(__file__).parent.parent

# 1. Imbalance: rows of a triangle, shared out by number and by work.

N = 6000
BLOCK = 200


def triangle(a: np.ndarray, begin: int, end: int) -> None:
    """The logarithms of some rows of a lower triangle: row i has i of them."""
    for first in range(begin, end, BLOCK):
        with jl.span("block of rows"):
            last = min(first + BLOCK, end)
            part = a[first:last, :last]
            np.log1p(part, out=part)


def in_two_threads(a: np.ndarray, middle: int) -> None:
    """The rows up to the middle in one thread, the others in a second."""
    n = len(a)
    threads = [
        threading.Thread(target=triangle, args=(a, *part), name=name)
        for name, part in (("first half", (0, middle)), ("second half", (middle, n)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def shared_by_rows() -> None:
    """Half of the rows each."""
    in_two_threads(np.ones((N, N)), N // 2)


def shared_by_work() -> None:
    """The work of row i grows with i: half of it lies above row n / sqrt(2)."""
    in_two_threads(np.ones((N, N)), round(N / 2**0.5 / BLOCK) * BLOCK)


# 2. Memory-bound: products of a large matrix with a vector.


@jl.jit
def products(a: np.ndarray, x: np.ndarray, rounds: int) -> np.ndarray:
    """Power iteration."""
    for _ in range(rounds):
        x = np.dot(a, x)
        x = x / np.sum(x)
    return x


def in_double() -> None:
    """128 MB are read in each round."""
    products(np.ones((4000, 4000)), np.ones(4000), 12)


def in_single() -> None:
    """64 MB are."""
    products(np.ones((4000, 4000), np.float32), np.ones(4000, np.float32), 12)


# 3. Too fine a grain: a call for each row, and one for all.


@jl.jit
def lengths(a: np.ndarray) -> np.ndarray:
    """Of rows."""
    return np.sqrt(np.sum(a * a, axis=-1))


def row_by_row() -> None:
    """20 000 calls."""
    a = np.ones((20_000, 64))
    for row in a:
        lengths(row)


def all_at_once() -> None:
    """One call."""
    lengths(np.ones((20_000, 64)))


TRIES = 20
STORIES: dict[str, Callable[[], None]] = {
    "imbalance-before": shared_by_rows,
    "imbalance-after": shared_by_work,
    "memory-before": in_double,
    "memory-after": in_single,
    "grain-before": row_by_row,
    "grain-after": all_at_once,
}


def main() -> None:
    """Each several times, of which the shortest is kept: other programs get into the way."""
    folder = ROOT / "build/traces"
    folder.mkdir(parents=True, exist_ok=True)
    for name, run in STORIES.items():
        if len(sys.argv) > 1 and not name.startswith(sys.argv[1]):
            continue
        run()  # compiles what is compiled once
        shortest = float("inf")
        for _ in range(TRIES):
            trial = folder / "trial.jlt"
            with jl.trace(trial):
                run()
            spans = jl.open_trace(trial).spans()
            if (length := float(spans["end"].max() - spans["begin"].min())) < shortest:
                shortest = length
                trial.replace(folder / f"{name}.jlt")


if __name__ == "__main__":
    main()
