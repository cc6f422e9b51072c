"""Measures one row: a process for each peer, results compared, then runs in turn (A B A B …)."""

import contextlib
import json
import os
import select
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from peers import PEERS
from programs.row import NUMPY, OURS, Row

ROOT = Path(__file__).parents[1]
WORKER = Path(__file__).parent / "worker.py"
# Libraries let their threads spin after a product, for 0.1 s and more; they must not meet the next
# peer. All peers are at rest when together they used so little of the processors in such a while.
REST, RESTING_SHARE, LONGEST_UNREST = 0.03, 0.02, 2.0
LONGEST_ANSWER = 900.0  # seconds; Pythran may be compiling
LONGEST_FIRST = 150.0  # seconds that the first call may take, compilation included
# tracemalloc makes plain Python several times slower.
LONGEST_TRACED = 5.0

Tell = Callable[[str], None]


class Failed(Exception):
    """A peer could not do what it was asked; the message says why."""


class Wrong(Failed):
    """A peer gave another result."""


class Absent(Failed):
    """A peer is not installed."""


class Late(Failed):
    """A peer took longer than anybody would wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"over {seconds:.0f} s")


class Worker:
    """The process that runs a row on a peer."""

    def __init__(self, row: Row, peer: str, threads: int, folder: Path, tiny: bool) -> None:
        self.peer = peer
        size = "tiny" if tiny else "full"
        self._process = subprocess.Popen(
            [sys.executable, str(WORKER), row.name, peer, str(threads), str(folder), size],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | PEERS[peer].environment(threads),
            cwd=ROOT,
            start_new_session=True,  # Ctrl-C is for the table, which then ends its workers
        )
        self._said = b""

    def begin(self) -> None:
        """Wait until the program and its arguments are there."""
        self._answer(LONGEST_ANSWER)

    def ask(self, what: str, longest: float = LONGEST_ANSWER) -> Any:  # noqa: ANN401
        assert self._process.stdin is not None
        self._process.stdin.write(what.encode() + b"\n")
        self._process.stdin.flush()
        return self._answer(longest)

    def busy_seconds(self) -> float:
        """What its threads have had of the processors so far."""
        nanoseconds = 0
        for thread in Path(f"/proc/{self._process.pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):  # the thread, or the process, has ended
                nanoseconds += int(thread.read_text().split()[0])
        return nanoseconds * 1e-9

    def _answer(self, longest: float) -> Any:  # noqa: ANN401
        assert self._process.stdout is not None
        until = time.monotonic() + longest
        while b"\n" not in self._said:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                self._process.kill()  # it must not go on beside the others
                raise Late(longest)
            more = os.read(self._process.stdout.fileno(), 65536)
            if not more:
                raise Failed(f"its process ended with exit code {self._process.wait()}")
            self._said += more
        line, _, self._said = self._said.partition(b"\n")
        said = json.loads(line)
        if "error" in said:
            raise Failed(said["error"])
        return said["value"]

    def close(self) -> None:
        """End the process: it ends by itself when nobody asks any more, unless it hangs."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()


@dataclass
class Ran:
    """What a peer did with a row."""

    status: str = "ok"  # ok, absent, wrong, late, failed
    why: str = ""
    seconds: list[float] = field(default_factory=list)
    first: float | None = None  # seconds of the first call
    apart: float | None = None  # from NumPy's result
    buffers: int | None = None  # bytes
    rss: dict[str, int] | None = None  # kilobytes

    @property
    def median(self) -> float | None:
        return statistics.median(self.seconds) if self.seconds else None

    def as_json(self) -> dict[str, Any]:
        return {
            "median": self.median,
            **{k: v for k, v in vars(self).items() if v not in (None, "")},
        }


@dataclass
class Measured:
    """A row at one number of threads."""

    row: Row
    threads: int
    ran: dict[str, Ran]
    bits: dict[str, str] | None = None

    def trouble(self) -> list[str]:
        """What must not be: wrong results, failures, bits that depend on the workers."""
        lines = [
            f"{self.row.name}: {peer} is {ran.status}: {ran.why}"
            for peer, ran in self.ran.items()
            if ran.status == "wrong" or (ran.status in ("failed", "late") and peer in (NUMPY, OURS))
        ]
        if self.bits and len(set(self.bits.values())) > 1:
            lines.append(f"{self.row.name}: bits depend on the number of workers: {self.bits}")
        return lines

    def as_json(self) -> dict[str, Any]:
        return {
            "row": self.row.name,
            "what": self.row.what,
            "kind": self.row.kind,
            "threads": self.threads,
            "bits": self.bits,
            "peers": {peer: ran.as_json() for peer, ran in self.ran.items()},
        }


def distance(path: str, expected_path: str) -> float:
    """How far apart two results are, beside the largest number."""
    apart = 0.0
    with np.load(path) as result, np.load(expected_path) as expected:
        if result.files != expected.files:
            raise Wrong(f"{len(result.files)} results instead of {len(expected.files)}")
        for name in expected.files:
            apart = max(apart, distance_of_arrays(result[name], expected[name]))
    return apart


def distance_of_arrays(result: np.ndarray, expected: np.ndarray) -> float:
    if result.shape != expected.shape:
        raise Wrong(f"shape {result.shape} instead of {expected.shape}")
    largest = max(1.0, float(np.max(np.abs(expected), initial=0)))
    apart = float(np.max(np.abs(result - expected), initial=0))
    if not apart < np.inf:
        raise Wrong("nan or inf where numpy has none")
    return apart / largest


@dataclass(frozen=True)
class Options:
    """How a table is measured."""

    runs: int = 9
    budget: float = 15.0  # seconds of runs for each peer of a row; slow ones get fewer runs
    bits: bool = True
    memory: bool = True
    tiny: bool = False
    peers: tuple[str, ...] = ()  # beside NumPy; all if empty

    def among(self, names: Iterable[str]) -> list[str]:
        """Those of some peers that are wanted."""
        return [name for name in names if not self.peers or name in (NUMPY, *self.peers)]


def measure(row: Row, threads: int, folder: Path, options: Options, tell: Tell) -> Measured:
    """Run a row on its peers in turn."""
    measured = Measured(row, threads, {peer: Ran() for peer in options.among(row.everyone)})
    workers: dict[str, Worker] = {}
    try:
        for peer, ran in measured.ran.items():
            tell(f"{row.name}: {peer} prepares")
            attempt(ran, lambda p=peer: begin(workers, row, p, threads, folder, options))
        compare(measured, workers, tell)
        run_in_turn(measured, workers, options, tell)
        afterwards(measured, workers, options, tell)
    finally:
        for worker in workers.values():
            worker.close()
    for path in folder.glob(f"{row.name}-*.npz"):
        path.unlink()
    return measured


def attempt(ran: Ran, work: Callable[[], Any]) -> Any:  # noqa: ANN401
    """Do something for a peer that is still in the race, and note if it leaves it."""
    if ran.status != "ok":
        return None
    try:
        return work()
    except Failed as error:
        ran.status, ran.why = type(error).__name__.lower(), str(error)
        return None


def begin(
    workers: dict[str, Worker], row: Row, peer: str, threads: int, folder: Path, options: Options
) -> None:
    if not PEERS[peer].present():
        raise Absent("not installed")
    workers[peer] = Worker(row, peer, threads, folder, options.tiny)
    workers[peer].begin()


def compare(measured: Measured, workers: dict[str, Worker], tell: Tell) -> None:
    """The first run of each peer, and whether it gives what NumPy gives."""
    expected = ""
    for peer, ran in measured.ran.items():
        tell(f"{measured.row.name}: {peer} runs first")
        said = attempt(ran, lambda p=peer: workers[p].ask("result", LONGEST_FIRST))
        if said is None:
            continue
        ran.first = said["first"]
        if peer == NUMPY:
            expected = said["path"]
        elif PEERS[peer].answers and expected:
            paths = said["path"], expected
            attempt(ran, lambda r=ran, both=paths: check(measured.row, r, *both))


def check(row: Row, ran: Ran, path: str, expected: str) -> None:
    ran.apart = distance(path, expected)
    if ran.apart > row.allowed:
        raise Wrong(f"{ran.apart:.1e} away from numpy's result, {row.allowed:.0e} allowed")


def run_in_turn(
    measured: Measured, workers: dict[str, Worker], options: Options, tell: Tell
) -> None:
    """A B A B …; whoever has spent the budget stops early."""
    for number in range(options.runs):
        for peer, ran in measured.ran.items():
            if ran.seconds and sum(ran.seconds) + ran.seconds[-1] > options.budget:
                continue
            if ran.status == "ok":
                tell(f"{measured.row.name}, {measured.threads} threads: run {number + 1} of {peer}")
                wait_for_rest(workers.values())
                seconds = attempt(ran, lambda p=peer: workers[p].ask("time"))
                ran.seconds += [] if seconds is None else [seconds]


def wait_for_rest(workers: Iterable[Worker]) -> None:
    """Until nobody's threads spin; a peer that never rests is not waited for."""
    workers = list(workers)
    until = time.monotonic() + LONGEST_UNREST
    before = sum(worker.busy_seconds() for worker in workers)
    while time.monotonic() < until:
        time.sleep(REST)
        now = sum(worker.busy_seconds() for worker in workers)
        if now - before <= RESTING_SHARE * REST:
            return
        before = now


def afterwards(
    measured: Measured, workers: dict[str, Worker], options: Options, tell: Tell
) -> None:
    """What would disturb the clock: memory, and the bits with other numbers of workers."""
    for peer, ran in measured.ran.items():
        if ran.status != "ok":
            continue
        tell(f"{measured.row.name}: memory of {peer}")
        if options.memory:
            ran.rss = attempt(ran, lambda p=peer: workers[p].ask("rss"))
        if options.memory and (ran.median or 0.0) < LONGEST_TRACED:
            ran.buffers = attempt(ran, lambda p=peer: workers[p].ask("buffers"))
    ours = measured.ran.get(OURS)
    if options.bits and ours and ours.status == "ok":
        tell(f"{measured.row.name}: bits")
        measured.bits = attempt(ours, lambda: workers[OURS].ask("bits"))
