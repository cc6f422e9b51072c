"""What `make bench` does: every row of rows.py on every peer of peers.py, as a table and as JSON.

    python benchmarks/run.py [--only NAME] [--threads T] [--budget SECONDS] [--results FOLDER]

Runs are interleaved (A B A B …), times are medians, and results are compared before any is timed.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from harness import Failed, Measured, measure
from peers import PEERS
from rows import ROWS, Row

ROOT = Path(__file__).parent.parent
MARKS = {True: "met", False: "MISSED", None: "-"}


def machine() -> dict[str, Any]:
    """Where and when this was measured."""
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True
    )
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip() or "unknown",
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
    }


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def duration(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds:.3g} s"


def tell(text: str) -> None:
    """Progress, on a terminal only: it is gone when the row is printed."""
    if sys.stderr.isatty():
        print(f"\x1b[2K\r{text}", end="", file=sys.stderr, flush=True)


def bar(row: Row) -> str:
    if row.not_slower:
        return "not slower"
    return f"within {duration(row.seconds)}" if row.seconds else ""


def cells(name: object, threads: object, times: list[str], ratio: str, rest: str) -> str:
    columns = "".join(f"{cell:>10}" for cell in times)
    return f"{name:<16}{threads:>8}{columns}{ratio:>8}  {rest}".rstrip()


def line(measured: Measured, peers: list[str]) -> str:
    row = measured.row
    times = [duration(measured.median(p)) if p in row.peers else "-" for p in peers]
    verdict = f"{bar(row)} {MARKS[measured.met()]}".strip()
    ratio = f"{measured.ratio():.2f}"
    return cells(row.name, measured.threads, times, ratio, f"{verdict:<22}{row.what}")


def as_json(measured: Measured) -> dict[str, Any]:
    return {
        "row": measured.row.name,
        "what": measured.row.what,
        "threads": measured.threads,
        "median": {peer: measured.median(peer) for peer in measured.row.peers},
        "ratio": measured.ratio(),
        "apart": measured.apart,
        "met": measured.met(),
        "seconds": measured.seconds,
    }


def chosen(only: str | None, threads: int | None) -> list[tuple[Row, int]]:
    """Rows by name, a whole one or its beginning, and their numbers of threads."""
    rows = [row for row in ROWS if only is None or row.name.startswith(only)]
    if not rows:
        sys.exit(f"no row is called {only}\n    hint: rows are {', '.join(r.name for r in ROWS)}")
    cores = len(os.sched_getaffinity(0))
    return [(r, t) for r in rows for t in r.threads if t in (threads or t,) and t <= cores]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="NAME", help="rows whose name begins so")
    parser.add_argument("--threads", type=int, help="this number of threads only")
    parser.add_argument("--budget", type=float, default=10.0, help="seconds of runs for each line")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks/results")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    here = machine()
    print(f"{here['processor']}, {here['cores']} cores, {here['date']}, commit {here['commit']}")
    wanted = chosen(options.only, options.threads)
    peers = [peer for peer in PEERS if any(peer in row.peers for row, _ in wanted)]
    print(cells("row", "threads", peers, "ratio", f"{'bar':<22}what"))
    results: list[dict[str, Any]] = []
    versions: dict[str, str] = {}
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for row, threads in wanted:
            try:
                measured = measure(row, threads, Path(folder), options.budget, tell)
            except Failed as error:
                failed += 1
                tell("")
                print(f"{row.name:<16}{threads:>3}  FAILED: {error}", flush=True)
                continue
            tell("")
            print(line(measured, peers), flush=True)
            results.append(as_json(measured))
            versions |= measured.versions
    print(", ".join(f"{name} {version}" for name, version in versions.items()))
    options.results.mkdir(parents=True, exist_ok=True)
    path = options.results / f"{here['date'].replace(':', '')[:17]}.json"
    path.write_text(json.dumps({"machine": here | versions, "rows": results}, indent=1) + "\n")
    print(f"written to {path}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
