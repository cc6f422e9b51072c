"""Tables 1 and 2 of the JetLag paper (PEARC 2020): time and speed-up over threads."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from extras.base import Context, Extra, lined
from figures import duration
from harness import measure as measure_row
from programs import BY_NAME

PEERS = ("numpy", "jetlag")
MOST_RUNS = 5
# Seconds that the paper gives for its node, by threads; the first for 1000 iterations.
PAPER = {
    "logistic-10000": {1: 123.97, 2: 69.28, 4: 51.30, 8: 49.12, 16: 61.01},
    "als-6": {1: 24.96, 2: 17.43, 4: 12.52, 8: 8.7, 16: 8.35},
}


def counts() -> list[int]:
    """1, 2, 4 … as far as there are cores."""
    cores = len(os.sched_getaffinity(0))
    return [t for t in (1, 2, 4, 8, 16) if t <= cores]


def measure(name: str, context: Context) -> dict[str, Any]:
    row = BY_NAME[name]
    runs = min(MOST_RUNS, context.options.runs)
    options = replace(context.options, bits=False, memory=False, runs=runs, peers=PEERS)
    measured = {
        str(threads): measure_row(row, threads, context.folder, options, context.tell)
        for threads in counts()
    }
    return {"row": name, "threads": {t: m.as_json()["peers"] for t, m in measured.items()}}


def text(data: dict[str, Any]) -> str:
    paper = PAPER[data["row"]]
    first: dict[str, float] = {}
    rows = []
    for threads, peers in data["threads"].items():
        cells = [threads]
        for peer in PEERS:
            seconds = peers[peer]["median"]
            first.setdefault(peer, seconds or 0.0)
            cells += (
                [duration(seconds), f"{first[peer] / seconds:.2f}"]
                if seconds
                else [peers[peer]["status"], ""]
            )
        cells += [f"{paper[int(threads)]:.2f} s", f"{paper[1] / paper[int(threads)]:.2f}"]
        rows.append(cells)
    header = ["threads", "numpy", "speed-up", "jetlag", "speed-up", "the paper's node", "speed-up"]
    return lined(header, rows)


def table(number: int, name: str, what: str) -> Extra:
    measured: Callable[[Context], Any] = partial(measure, name)
    return Extra(f"table-{number}", f"Table {number} of the paper: {what}", measured, text)


EXTRAS = (
    table(1, "logistic-10000", "logistic regression, 10000 × 10000, here 10 iterations"),
    table(2, "als-6", "ALS, 1000 films, 40 factors, one iteration"),
)
