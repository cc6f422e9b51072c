"""A process that runs one row on one peer, when it is told: a line in, a line of JSON out.

    python benchmarks/worker.py ROW PEER THREADS FOLDER

    result   run once and write what came out into FOLDER; answers with its path, and seconds
    time     run again; answers with seconds
    bits     digests of what jetlag gives with 1, 2 and 4 workers
    buffers  the most bytes of arrays that one run holds at once
    rss      kilobytes of the process before the first run, and at most since

Each peer has a process of its own, so that the threads of one never wait beside another's, and so
that its memory is its own.
"""

import hashlib
import json
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import buffers
from peers import PEERS, Peer
from programs import BY_NAME, Row

WORKERS = (1, 2, 4)
BURST_SECONDS, MOST_CALLS = 0.02, 50


class Work:
    """A row on a peer, ready to run."""

    def __init__(self, row: Row, peer: Peer, threads: int, folder: Path, tiny: bool) -> None:
        self.row, self.peer, self.threads, self.folder = row, peer, threads, folder
        self.arguments = row.arguments(tiny)
        self.program = peer.prepare(row, self.arguments(), threads)
        self.calls = 1
        self.kilobytes_before = kilobytes()

    def run(self) -> tuple[Any, float]:
        """What a run gives, and its seconds; making and handing over arguments is not in them."""
        arguments = self.peer.taken(self.arguments())
        begin = time.perf_counter()
        result = self.peer.finished(self.program(*arguments))
        return result, time.perf_counter() - begin

    def result(self) -> dict[str, Any]:
        result, seconds = self.run()
        path = self.folder / f"{self.row.name}-{self.peer.name}-{self.threads}.npz"
        if self.peer.answers:
            np.savez(path, *arrays(result))
        del result
        again = self.run()[1]
        self.calls = max(1, min(MOST_CALLS, int(BURST_SECONDS / max(again, 1e-9))))
        return {"path": str(path), "first": seconds, "again": again}

    def time(self) -> float:
        """The median of a burst of calls that is long enough for a clock, and for a sleepy core."""
        return statistics.median(self.run()[1] for _ in range(self.calls))

    def bits(self) -> dict[str, str]:
        import jetlag as jl

        digests = {}
        for workers in WORKERS:
            jl.threads(workers)
            digests[str(workers)] = digest(self.run()[0])
        jl.threads(self.threads)
        return digests

    def buffers(self) -> int | None:
        return buffers.peak(self.peer.name, self.arguments(), self.program)

    def rss(self) -> dict[str, int]:
        return {"before": self.kilobytes_before, "peak": kilobytes("VmHWM")}


def kilobytes(what: str = "VmRSS") -> int:
    """Memory of this process, as Linux counts it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1])
    return 0


def arrays(result: Any) -> list[np.ndarray]:  # noqa: ANN401
    """What a program gave, as arrays."""
    return [np.asarray(r) for r in (result if isinstance(result, tuple | list) else (result,))]


def digest(result: Any) -> str:  # noqa: ANN401
    state = hashlib.sha256()
    for array in arrays(result):
        state.update(f"{array.dtype}{array.shape}".encode())
        state.update(np.ascontiguousarray(array).tobytes())
    return state.hexdigest()[:16]


def answer(reply: Any, work: Callable[[], Any]) -> None:  # noqa: ANN401
    """Say what the work gave, or why it gave nothing."""
    try:
        said = {"value": work()}
    except BaseException as error:
        lines = str(error).strip().splitlines()
        said = {"error": f"{type(error).__name__}: {lines[0] if lines else ''}"}
    try:
        reply.write(json.dumps(said) + "\n")
        reply.flush()
    except BrokenPipeError:
        os._exit(1)  # nobody listens any more: the table was stopped


def main() -> None:
    # What programs print must not look like an answer.
    reply = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    name, peer, threads, folder, size = sys.argv[1:]
    made: list[Work] = []

    def prepare() -> None:
        made.append(Work(BY_NAME[name], PEERS[peer], int(threads), Path(folder), size == "tiny"))

    answer(reply, prepare)
    for line in sys.stdin:
        answer(reply, getattr(made[0], line.strip()))


if __name__ == "__main__":
    main()
