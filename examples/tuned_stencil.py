"""A stencil whose bands have a poor default height, and jl.tuned, which finds a better one.

    python examples/tuned_stencil.py            the first time: tries, and keeps what it found
    python examples/tuned_stencil.py            from then on: begins with that
    python examples/tuned_stencil.py --again    tries anew

Heat spreads over a plate: each point becomes the mean of itself and its four neighbours. NumPy
computes a sum of five arrays in five passes, so a whole plate travels between memory and processor
five times a round. In bands of a few rows the passes find their operands in the cache, but bands
of one row cost more calls than they save. The best height is a matter of the machine.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

import jetlag as jl
from jetlag.spaces import integer

SPACE = {
    "rows": integer(1, 4096, factor=2),
    "in_place": bool,
}


def spread(plate: np.ndarray, rounds: int, rows: int = 4096, in_place: bool = False) -> np.ndarray:
    """The plate after some rounds, computed in bands of so many rows."""
    old, new = plate.copy(), plate.copy()
    end = len(plate) - 1
    for _ in range(rounds):
        for first in range(1, end, rows):
            last = min(first + rows, end)
            above, here, below = (
                old[first - 1 : last - 1],
                old[first:last],
                old[first + 1 : last + 1],
            )
            if in_place:
                band = new[first:last, 1:-1]
                np.add(here[:, 1:-1], above[:, 1:-1], out=band)
                band += below[:, 1:-1]
                band += here[:, :-2]
                band += here[:, 2:]
                band *= 0.2
            else:
                four = here[:, 1:-1] + above[:, 1:-1] + below[:, 1:-1] + here[:, :-2]
                new[first:last, 1:-1] = (four + here[:, 2:]) * 0.2
        old, new = new, old
    return old


def seconds(functions: list[Callable[[], object]], runs: int) -> list[float]:
    """The median time of each, measured in turns so that all meet the same weather."""
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(runs):
        for own, function in zip(times, functions, strict=True):
            began = time.perf_counter()
            function()
            own.append(time.perf_counter() - began)
    return [statistics.median(own) for own in times]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--again", action="store_true", help="try anew, whatever was found")
    parser.add_argument("--size", type=int, default=2000, help="of the plate")
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    plate = np.random.default_rng(0).random((options.size, options.size))

    search = jl.tune if options.again else jl.tuned
    tuned = search(spread, SPACE, plate, options.rounds, trials=30, check=True)

    print(tuned)
    print(
        "found by an earlier process" if tuned.kept else "found now, and kept for the next process"
    )
    default, best = seconds(
        [lambda: spread(plate, options.rounds), lambda: tuned(plate, options.rounds)], runs=9
    )
    times = f"default {1e3 * default:.1f} ms, tuned {1e3 * best:.1f} ms"
    print(f"{times}: {default / best:.2f} times as fast")


if __name__ == "__main__":
    main()
