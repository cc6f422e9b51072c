"""What recording costs.

A span: its begin and its end, recorded or not, beside two looks at the clock. A site while nothing
is recorded: instructions, which callgrind counts. The published listings: recorded and not, in
pairs, and what their spans cost as a share of their time. An archive of another tool: how fast it
is imported.
"""

import math
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from extras.base import Context, Extra, lined, python
from extras.tasks import FOLDER, run
from figures import duration
from programs import recommender, regression

PAIRS = 200
COUNT = 1000  # calls of each function under callgrind
LISTINGS = {  # arguments that keep a run at a tenth of a second or two
    "logistic regression": ((2000, 40), (30, 3)),
    "ALS": ((943, 1000, 0.06, 40), (12, 16, 0.5, 3)),
}


# ---- a span


def measure_spans(context: Context) -> dict[str, Any]:
    context.tell("spans")
    return run("jetlag_bench_spans")


def text_of_spans(data: dict[str, Any]) -> str:
    if "error" in data:
        return data["error"]
    times = {name: s for name, s in data.items() if name != "dropped"}
    return lined(["recording", *times], [["", *(duration(s) for s in times.values())]])


# ---- a site while nothing is recorded


def instructions(function: str) -> float:
    """Those of one call of the function, and of what it calls."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    command += [f"--toggle-collect={function}(*", str(FOLDER / "jetlag_bench_sites"), str(COUNT)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"Collected : (\d+)", ran.stderr)
    if not found:
        raise SystemExit(f"callgrind printed no count:\n{ran.stderr}")
    return int(found[1]) / COUNT


def measure_sites(context: Context) -> dict[str, Any]:
    context.tell("callgrind")
    if shutil.which("valgrind") is None:
        return {"error": "absent: valgrind is not installed"}
    if not (FOLDER / "jetlag_bench_sites").exists():
        return {"error": "jetlag_bench_sites is not built"}
    without = instructions("without_site")
    return {
        "an event": instructions("with_event") - without,
        "a span, begin and end": instructions("with_span") - without,
    }


def text_of_sites(data: dict[str, Any]) -> str:
    if "error" in data:
        return data["error"]
    return lined(["extra instructions", *data], [["", *(f"{n:g}" for n in data.values())]])


# ---- the published listings


def upper_bound(values: list[float]) -> float:
    """Of the median: what it is below with 95 % confidence, whatever the distribution.

    >>> upper_bound([float(i) for i in range(40)])
    25.0
    """
    ordered = sorted(values)
    n = len(ordered)
    below = 0.0  # the chance that at most so many values lie below the median
    for k in range(n):
        below += math.comb(n, k) / 2**n
        if below >= 0.95:
            return ordered[k]
    return ordered[-1]


def listing(name: str, tiny: bool) -> Callable[[], Any]:
    """The decorated listing as a function of nothing; each call gets fresh arguments."""
    import jetlag as jl

    arguments = LISTINGS[name][tiny]
    if name == "ALS":
        function, made = jl.jit(recommender.recommend), recommender.ratings(*arguments)
    else:
        function, made = jl.jit(regression.logistic_regression), regression.square(*arguments)
    return lambda: timed(function, tuple(a.copy() if hasattr(a, "copy") else a for a in made))


def timed(function: Callable[..., Any], arguments: tuple[Any, ...]) -> float:
    begin = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - begin


def alone(name: str, pairs: int, tiny: bool) -> dict[str, Any]:
    """In a fresh process: pairs of a run that is recorded and one that is not, in turns.

    A recording begins before its run and ends after it. Before the other runs one begins and ends
    as well, so that both kinds find caches and workers alike.
    """
    import jetlag as jl

    once = listing(name, tiny)
    for _ in range(3):
        once()
    on, off, spans = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "run.jlt"

        def recorded() -> None:
            with jl.trace(file) as trace:
                on.append(once())
            spans.append(trace.records / 2)

        def plain() -> None:
            with jl.trace(file):
                pass
            off.append(once())

        for pair in range(pairs):
            order = [recorded, plain]
            for half in order if pair % 2 else reversed(order):
                half()
    ratios = [a / b for a, b in zip(on, off, strict=True)]
    return {
        "off": statistics.median(off),
        "ratio": statistics.median(ratios),
        "upper": upper_bound(ratios),
        "spans": statistics.median(spans),
    }


def measure_overhead(context: Context) -> dict[str, Any]:
    cost = run("jetlag_bench_spans").get("a span")
    pairs = max(PAIRS, context.options.runs) if not context.options.tiny else 2
    found: dict[str, Any] = {"pairs": pairs}
    for name in LISTINGS:
        context.tell(f"{name}, recorded and not")
        code = "import json; from extras import recording; print(json.dumps(recording.alone("
        data = python("-c", f"{code}{name!r}, {pairs}, {context.options.tiny})))")
        if "error" not in data and cost:
            data["share"] = data["spans"] * cost / data["off"]
        found[name] = data
    return found


def text_of_overhead(data: dict[str, Any]) -> str:
    header = [f"{data['pairs']} pairs", "off", "on/off", "at most (95 %)", "spans", "spans × cost"]
    rows = []
    for name in LISTINGS:
        row = data[name]
        if "error" in row:
            rows.append([name, row["error"], "", "", "", ""])
            continue
        share = f"{100 * row['share']:.3f} %" if "share" in row else "-"
        rows.append([name, duration(row["off"]), f"{row['ratio']:.3f}", f"{row['upper']:.3f}",
                     f"{row['spans']:.0f}", share])  # fmt: skip
    return lined(header, rows)


# ---- an archive of another tool


def measure_archives(context: Context) -> dict[str, Any]:
    context.tell("archives")
    return run("jetlag_bench_archives", *(["20000", "2", "1"] if context.options.tiny else []))


def text_of_archives(data: dict[str, Any]) -> str:
    if "error" in data:
        return data["error"]
    return (
        f"{data['events'] / 1e6:g} M events with GUID and Parent GUID: "
        f"{data['events a second and core'] / 1e6:.2f} M events/s and core"
    )


EXTRAS = (
    Extra("spans", "Overhead of a span in a trace", measure_spans, text_of_spans),
    Extra("sites", "Sites while nothing is recorded", measure_sites, text_of_sites),
    Extra("archives", "Import of an OTF2 archive", measure_archives, text_of_archives),
    Extra("overhead", "The listings, recorded and not", measure_overhead, text_of_overhead),
)
