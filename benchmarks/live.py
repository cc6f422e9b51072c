"""What being watched costs a program: the same work with a viewer that counts, and without.

    python benchmarks/live.py [PAIRS]

A program with one worker is traced, and a client follows the stream of events of `jetlag serve` and
counts. Runs with and without the client take turns, so that what else the machine does meets both.
Prints medians of the program's own times, their ratio, and how long after work began the client
was told of a trace that holds some of it.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from serving import Served

PROGRAM = """
import sys, time
import numpy as np
import jetlag as jl

@jl.jit
def work(x, rounds):
    for _ in range(rounds):
        x = np.exp(-x) * 0.1 + x * 0.9
    return x

jl.threads(1)
x = np.zeros(200_000)
work(x, 3)
with jl.trace(sys.argv[1]):
    print("begun", flush=True)
    sys.stdin.readline()
    start, used = time.perf_counter(), time.process_time()
    for _ in range(60):
        work(x, 20)
    print(time.perf_counter() - start, time.process_time() - used, flush=True)
"""


class Watcher:
    """A client of the event stream that counts."""

    def __init__(self, server: Served) -> None:
        [row] = server.json("v1/traces")
        self.answer = server.open(f"v1/traces/{row['id']}/events")
        self.spans: list[tuple[float, int]] = []  # when, and how many the trace has
        self.thread = threading.Thread(target=self.count, daemon=True)
        self.thread.start()

    def count(self) -> None:
        for line in self.answer:
            if line.startswith(b"data: {"):
                self.spans.append((time.monotonic(), json.loads(line[6:]).get("spans", 0)))


def run(folder: str, watched: bool) -> tuple[list[float], float | None]:
    """One run: seconds, and of processor time; how long the first news took."""
    path = Path(folder) / "run.jlt"
    source = Path(folder) / "program.py"
    source.write_text(PROGRAM, encoding="utf-8")
    program = subprocess.Popen(
        [sys.executable, str(source), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdin
    assert program.stdout
    program.stdout.readline()
    server = Served(folder)
    watcher = Watcher(server) if watched else None
    time.sleep(0.3)
    before = watcher.spans[-1][1] if watcher and watcher.spans else 0
    begun = time.monotonic()
    program.stdin.write("\n")
    program.stdin.flush()
    took = [float(word) for word in program.stdout.readline().split()]
    program.wait()
    news = None
    if watcher:
        time.sleep(0.5)
        told = [when for when, spans in watcher.spans if when > begun and spans > before]
        news = told[0] - begun if told else None
    server.stop()
    path.unlink()
    return took, news


def main() -> None:
    """Take turns."""
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    alone: list[list[float]] = []
    watched: list[list[float]] = []
    news: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for pair in range(pairs):
            for with_client in (pair % 2 == 0, pair % 2 == 1):
                took, told = run(folder, with_client)
                (watched if with_client else alone).append(took)
                if told is not None:
                    news.append(told)
    result: dict[str, float | None] = {"pairs": pairs}
    for place, name in enumerate(("seconds", "processor seconds")):
        one, other = ([run[place] for run in runs] for runs in (alone, watched))
        ratios = [b / a for a, b in zip(one, other, strict=True)]
        result |= {
            f"{name}, alone": round(statistics.median(one), 4),
            f"{name}, watched": round(statistics.median(other), 4),
            f"ratio of {name}": round(statistics.median(ratios), 4),
        }
    result |= {
        "news_ms": round(1e3 * statistics.median(news)) if news else None,
        "latest_news_ms": round(1e3 * max(news)) if news else None,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
