"""A process that runs one row on one peer, when it is told: a line in, a line of JSON out.

python benchmarks/worker.py ROW PEER THREADS FOLDER

    result   run once and write the result into FOLDER; answers with its path
    time     run once more; answers with seconds
    quit

Each peer has a process of its own, so that the threads of one never wait beside another's.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from peers import PEERS
from rows import ROWS, Row

CALLS = 100_000
CALLS_TIMED_TOGETHER = 100
IMPORTS = 11


def seconds_of_run(program: Callable[..., Any], arguments: tuple[Any, ...]) -> float:
    begin = time.perf_counter()
    program(*arguments)
    return time.perf_counter() - begin


def seconds_of_call(program: Callable[..., Any], arguments: tuple[Any, ...]) -> float:
    """The median of 100 000 calls, timed in hundreds, because a clock costs as much as a call."""
    few = range(CALLS_TIMED_TOGETHER)
    times = []
    for _ in range(CALLS // CALLS_TIMED_TOGETHER):
        begin = time.perf_counter()
        for _ in few:
            program(*arguments)
        times.append(time.perf_counter() - begin)
    return float(np.median(times)) / CALLS_TIMED_TOGETHER


def seconds_of_import(module: str) -> float:
    """The median over fresh processes; the time of `import numpy` comes first and is left out."""
    before = "" if module == "numpy" else "import numpy; "
    code = (
        f"import time; {before}t = time.perf_counter(); import {module}; "
        "print(time.perf_counter() - t)"
    )
    times = [
        float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)
        for _ in range(IMPORTS)
    ]
    return float(np.median(times))


def answers(row: Row, peer_name: str, threads: int, folder: Path) -> dict[str, Callable[[], Any]]:
    """What this process can be asked."""
    peer = PEERS[peer_name]
    program = peer.prepare(row.program(), threads)
    arguments = row.arguments()

    def result() -> str:
        path = folder / f"{row.name}-{peer_name}-{threads}.npy"
        np.save(path, np.asarray(program(*arguments())))
        return str(path)

    def seconds() -> float:
        if row.kind == "import":
            return seconds_of_import(peer.module)
        measure = seconds_of_call if row.kind == "call" else seconds_of_run
        return measure(program, arguments())

    return {"result": result, "time": seconds, "versions": peer.versions}


def answer(work: Callable[[], Any]) -> None:
    """Say what the work gave, or why it gave nothing."""
    try:
        said = {"value": work()}
    except Exception as error:
        said = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(said), flush=True)


def main() -> None:
    name, peer, threads, folder = sys.argv[1:]
    row = next(row for row in ROWS if row.name == name)
    known: dict[str, Callable[[], Any]] = {}
    answer(lambda: known.update(answers(row, peer, int(threads), Path(folder))))
    for line in sys.stdin:
        answer(known[line.strip()])


if __name__ == "__main__":
    main()
