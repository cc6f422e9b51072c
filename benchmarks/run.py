"""What `make bench` does: every row of programs/ on every peer of peers.py, as a table and as JSON.

    python benchmarks/run.py [--only NAMES] [--peers NAMES] [--runs N] [--results FILE] …

NAMES are rows, beginnings of rows, or classes (array, bound, loops, als), and the tables beside the
main one (extras.py). Runs are interleaved (A B A B …), times are medians, results are compared
first. The JSON is written after every row, so Ctrl-C leaves what was measured; a run of the whole
table also writes RESULTS.md from it.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import extras
import report
from harness import ROOT, Measured, Options, measure
from machine import machine
from peers import PEERS
from programs import KINDS, ROWS
from programs.row import OURS, Row

SCHEMA = 1
RESULTS = ROOT / "benchmarks/results"
MARKS = {"absent": "absent", "wrong": "WRONG", "failed": "FAILED"}


def tell(text: str) -> None:
    """Progress, on a terminal only: it is gone when the row is printed."""
    if sys.stderr.isatty():
        print(f"\x1b[2K\r{text}", end="", file=sys.stderr, flush=True)


def wanted(only: str) -> tuple[list[Row], list[str]]:
    """The rows and the tables beside them that `only` selects: all if it is empty."""
    words = only.replace(",", " ").split()
    if not words:
        return list(ROWS), list(extras.EXTRAS)
    rows, beside, unknown = set(), set(), []
    for word in words:
        exact = {r.name for r in ROWS if word in (r.name, r.kind)}
        found = exact or {r.name for r in ROWS if r.name.startswith(word)}
        rows |= found
        beside |= {word} & set(extras.EXTRAS)
        if not found and word not in extras.EXTRAS:
            unknown.append(word)
    if unknown:
        names = ", ".join([*KINDS, *extras.EXTRAS, *(r.name for r in ROWS)])
        sys.exit(f"no row is called {' or '.join(unknown)}\n    hint: there are {names}")
    return [r for r in ROWS if r.name in rows], [name for name in extras.EXTRAS if name in beside]


def cells(name: str, times: list[str], ratio: str, rest: str) -> str:
    columns = "".join(f"{cell:>12}" for cell in times)
    return f"{name:<22}{columns}{ratio:>9}  {rest}".rstrip()


def cell(measured: Measured, peer: str, runs: int) -> str:
    """A median, with the number of runs if they were fewer than asked for."""
    ran = measured.ran.get(peer)
    if ran is None:
        return "-"
    if ran.median is None:
        return ran.why if ran.status == "late" else MARKS.get(ran.status, ran.status)
    few = f" ({len(ran.seconds)})" if len(ran.seconds) < runs else ""
    return report.duration(ran.median) + few


def line(measured: Measured, peers: list[str], runs: int) -> str:
    best = report.best_peer(measured.as_json())
    ratio = f"{best[1]:.2f}" if best else "-"
    rest = f"{best[0] if best else '':<9}{measured.row.what}"
    return cells(measured.row.name, [cell(measured, p, runs) for p in peers], ratio, rest)


class Table:
    """What was measured so far, on disk after every row."""

    def __init__(self, path: Path, options: Options, threads: int, only: str) -> None:
        self.path = path
        self._begin = time.monotonic()
        self.data: dict[str, Any] = {
            "schema": SCHEMA,
            "machine": machine(),
            "versions": {},
            "options": {**vars(options), "threads": threads, "only": only},
            "finished": False,
            "rows": [],
            "extras": {},
            "trouble": [],
        }
        for peer in PEERS.values():
            self.data["versions"] |= peer.versions() if peer.present() else {}

    def write(self) -> None:
        self.data["seconds"] = round(time.monotonic() - self._begin, 1)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(self.data, indent=1) + "\n")
        unfinished.rename(self.path)


def fill(table: Table, rows: list[Row], beside: list[str], options: Options, threads: int) -> None:
    """Measure and print, row by row."""
    peers = [p for p in PEERS if any(p in options.among(row.everyone) for row in rows)]
    if rows:
        print(cells("row", peers, "best/" + OURS, "best peer"))
    with tempfile.TemporaryDirectory() as folder:
        for row in rows:
            measured = measure(row, threads, Path(folder), options, tell)
            tell("")
            table.data["rows"].append(measured.as_json())
            table.data["trouble"] += measured.trouble()
            table.write()
            print(line(measured, peers, options.runs), flush=True)
            complain(measured.trouble())
        for name in beside:
            print(f"\n{extras.EXTRAS[name].title}", flush=True)
            context = extras.Context(Path(folder), options, threads, tell)
            table.data["extras"][name] = extras.EXTRAS[name].measure(context)
            tell("")
            print(extras.EXTRAS[name].text(table.data["extras"][name]), flush=True)
            table.write()


def complain(lines: list[str]) -> None:
    for text in lines:
        print(f"  !!! {text}", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", metavar="NAMES", help="rows, classes, other tables")
    parser.add_argument("--peers", default="", metavar="NAMES", help="only these beside numpy")
    parser.add_argument("--runs", type=int, default=Options.runs, help="interleaved runs")
    parser.add_argument("--budget", type=float, default=Options.budget, metavar="SECONDS",
                        help="of runs for a peer of a row; slow ones get fewer runs")  # fmt: skip
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--bits", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--memory", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--tiny", action="store_true", help="tiny sizes, to try the harness")
    parser.add_argument("--results", type=Path, help="the JSON (default: one per run in results/)")
    return parser.parse_args()


def main() -> int:
    asked = arguments()
    peers = tuple(asked.peers.replace(",", " ").split())
    options = Options(asked.runs, asked.budget, asked.bits, asked.memory, asked.tiny, peers)
    rows, beside = wanted(asked.only)
    name = time.strftime("%Y-%m-%dT%H%M%S", time.gmtime())
    table = Table(asked.results or RESULTS / f"{name}.json", options, asked.threads, asked.only)
    print(report.headline(table.data))
    try:
        fill(table, rows, beside, options, asked.threads)
        table.data["finished"] = True
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
    table.write()
    print(f"written to {table.path}")
    if table.data["finished"] and not (asked.only or asked.peers or asked.tiny):
        report.write(table.data)
    complain(table.data["trouble"])
    return 130 if not table.data["finished"] else 1 if table.data["trouble"] else 0


if __name__ == "__main__":
    sys.exit(main())
