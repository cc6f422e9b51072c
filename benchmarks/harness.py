"""Measures one row: a process for each peer, results compared, then runs in turn (A B A B …)."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from peers import PEERS
from rows import Row

WORKER = Path(__file__).parent / "worker.py"
# OpenBLAS lets its threads spin for some 20 ms after a product; they must not meet the next peer.
SETTLE = 0.05
FEWEST_RUNS, MOST_RUNS = 3, 25
OURS = "jetlag"


class Failed(Exception):
    """A peer could not run a row, or gave another result."""


class Worker:
    """The process that runs a row on a peer."""

    def __init__(self, row: Row, peer: str, threads: int, folder: Path) -> None:
        self.peer = peer
        environment = os.environ | PEERS[peer].environment(threads)
        self._process = subprocess.Popen(
            [sys.executable, str(WORKER), row.name, peer, str(threads), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def begin(self) -> None:
        """Wait until the program and its arguments are there."""
        self._answer()

    def ask(self, what: str) -> Any:  # noqa: ANN401
        assert self._process.stdin is not None
        self._process.stdin.write(what + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:  # noqa: ANN401
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Failed(f"{self.peer} ended with exit code {self._process.wait()}")
        said = json.loads(line)
        if "error" in said:
            raise Failed(f"{self.peer}: {said['error']}")
        return said["value"]

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=60)


@dataclass
class Measured:
    """A row at one number of threads: seconds of every run of every peer."""

    row: Row
    threads: int
    seconds: dict[str, list[float]]
    versions: dict[str, str] = field(default_factory=dict)
    apart: float = 0.0

    def median(self, peer: str) -> float:
        return statistics.median(self.seconds[peer])

    def ratio(self) -> float:
        """Our time as a share of the first peer's: below 1 is faster."""
        return self.median(OURS) / self.median(self.row.peers[0])

    def met(self) -> bool | None:
        """Whether the row's bar is met; None where it has none."""
        if self.row.not_slower:
            return self.ratio() <= 1.0
        if self.row.seconds:
            return self.median(OURS) <= self.row.seconds
        return None


def distance(path: str, expected_path: str) -> float:
    """How far apart two results are, beside the largest number."""
    result, expected = np.load(path), np.load(expected_path)
    if result.shape != expected.shape or result.dtype != expected.dtype:
        raise Failed(f"{result.dtype}{result.shape} instead of {expected.dtype}{expected.shape}")
    largest = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    return float(np.max(np.abs(result - expected), initial=0.0)) / largest


def measure(
    row: Row, threads: int, folder: Path, budget: float, tell: Callable[[str], None]
) -> Measured:
    """Run a row on its peers in turn, for about `budget` seconds."""
    workers: list[Worker] = []
    measured = Measured(row, threads, {peer: [] for peer in row.peers})
    try:
        for peer in row.peers:
            tell(f"{row.name}: {peer} prepares")
            workers.append(Worker(row, peer, threads, folder))
            workers[-1].begin()
            measured.versions |= workers[-1].ask("versions")
        paths = [worker.ask("result") for worker in workers]
        measured.apart = max(distance(path, paths[0]) for path in paths)
        if measured.apart > row.allowed:
            raise Failed(f"results are {measured.apart:.1e} apart, {row.allowed:.0e} allowed")
        run_in_turn(workers, measured, budget, tell)
    finally:
        for worker in workers:
            worker.close()
    return measured


def run_in_turn(
    workers: list[Worker], measured: Measured, budget: float, tell: Callable[[str], None]
) -> None:
    """A B A B …, until the budget is spent."""
    begin = time.perf_counter()
    most = FEWEST_RUNS if measured.row.kind != "run" else MOST_RUNS
    for done in range(most):
        if done >= FEWEST_RUNS and time.perf_counter() - begin > budget:
            break
        for worker in workers:
            tell(
                f"{measured.row.name}, {measured.threads} threads: run {done + 1} of {worker.peer}"
            )
            time.sleep(SETTLE)
            measured.seconds[worker.peer].append(worker.ask("time"))
