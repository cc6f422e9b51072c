"""RESULTS.md out of the JSON of a run; nothing in it is written by hand.

python benchmarks/report.py benchmarks/results/RUN.json
"""

import json
import sys
from pathlib import Path
from typing import Any

import extras
from bars import bars
from figures import best_peer, duration, headline, ratio_to

RESULTS = Path(__file__).parent / "RESULTS.md"
PEERS = ("numpy", "jetlag", "numba", "jax", "pythran", "cpp", "nonzeros", "stream")

__all__ = ["best_peer", "duration", "headline", "text", "write"]


def cell(row: dict[str, Any], peer: str, runs: int) -> str:
    """A median, and how many times slower than jetlag that is."""
    ran = row["peers"].get(peer)
    if ran is None:
        return ""
    if ran["median"] is None:
        return ran["why"] if ran["status"] == "late" else ran["status"]
    few = f", {len(ran['seconds'])} runs" if len(ran["seconds"]) < runs else ""
    ratio = ratio_to(row, peer)
    beside = f" ({ratio:.2f} ×{few})" if peer != "jetlag" and ratio else ""
    return duration(ran["median"]) + beside


def table(header: list[str], rows: list[list[str]]) -> str:
    """
    >>> print(table(["a", "b"], [["1", "2"]]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    first, *others = [f"| {' | '.join(line)} |" for line in [header, *rows]]
    return "\n".join([first, "|---" * len(header) + "|", *others])


def main_table(data: dict[str, Any]) -> str:
    runs = data["options"]["runs"]
    peers = peers_of(data)
    rows = []
    for row in data["rows"]:
        best = best_peer(row)
        shown = f"{best[1]:.2f} × {best[0]}" if best else ""
        cells = [cell(row, peer, runs) for peer in peers]
        rows.append([row["row"], row["kind"], row["what"], *cells, shown])
    return table(["row", "class", "what", *peers, "best peer / jetlag"], rows)


def memory_table(data: dict[str, Any]) -> str:
    peers = peers_of(data)
    rows = []
    for row in data["rows"]:
        held = [row["peers"].get(peer, {}).get("buffers") for peer in ("numpy", "jetlag")]
        buffers = ["" if bytes_ is None else f"{bytes_ / 1e6:.2f} MB" for bytes_ in held]
        sizes = [resident(row["peers"].get(peer, {}).get("rss")) for peer in peers]
        rows.append([row["row"], *buffers, *sizes])
    header = ["row", "buffers numpy", "buffers jetlag", *(f"RSS {peer}" for peer in peers)]
    return table(header, rows)


def resident(rss: dict[str, int] | None) -> str:
    if rss is None:
        return ""
    return f"{rss['peak'] / 1e3:.0f} (+{(rss['peak'] - rss['before']) / 1e3:.0f})"


def peers_of(data: dict[str, Any]) -> list[str]:
    return [peer for peer in PEERS if any(peer in row["peers"] for row in data["rows"])]


def text(data: dict[str, Any]) -> str:
    """The page."""
    parts = [
        "# Results of `make bench`",
        "Written by `benchmarks/report.py` from the JSON of one run; how it is measured: "
        "[docs/benchmarks.md](../docs/benchmarks.md).",
        headline(data),
        "## Bars",
        table(["bar", "wanted", "measured", "met"], bars(data)),
        "## The table",
        "Medians; in brackets the time as a multiple of jetlag's, so above 1 jetlag is faster.",
        main_table(data),
    ]
    for name, extra in extras.EXTRAS.items():
        if name in data["extras"]:
            parts += [f"## {extra.title}", f"```\n{extra.text(data['extras'][name])}\n```"]
    parts += [
        "## Memory",
        "Bytes of array buffers that a call holds at most (NumPy's by tracemalloc), and the peak "
        "resident size of each process in MB, in brackets what runs added to it.",
        memory_table(data),
    ]
    if data["trouble"]:
        parts += ["## Trouble", "\n".join(f"- {line}" for line in data["trouble"])]
    return "\n\n".join(parts) + "\n"


def write(data: dict[str, Any]) -> None:
    RESULTS.write_text(text(data))
    print(f"written to {RESULTS}")


if __name__ == "__main__":
    write(json.loads(Path(sys.argv[1]).read_text()))
