"""From `jetlag view TRACE` to what the viewer's first picture is drawn from.

    python benchmarks/first_picture.py [TRACE]

Asks what the page asks when it is opened, in its order; without a trace, of an OTF2 archive of 5
million events with GUIDs, as APEX writes them. Prints how long each answer took, in seconds from
the start of the program: the first time, and the second, when what was read is kept on disk.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from serving import Served

ROOT = Path(__file__).parent.parent
EVENTS = "5000000"
LOCATIONS = "16"
QUESTIONS = ("", "/sites", "/tree", "/rows?bins=1920", "/busy?bins=1920")


def picture(trace: str) -> dict[str, float]:
    """Start a server on the trace and ask it; seconds since the start, by question."""
    start = time.monotonic()
    server = Served(trace)
    [row] = server.json("v1/traces")
    times = {"listed": time.monotonic() - start}
    for question in QUESTIONS:
        with server.open(f"v1/traces/{row['id']}{question}") as answer:
            answer.read()
        times[question or "summary"] = time.monotonic() - start
    time.sleep(5)  # what was read is kept by now
    server.stop()
    return {name: round(seconds, 2) for name, seconds in times.items()}


def main() -> None:
    """Measure twice."""
    with tempfile.TemporaryDirectory() as folder:
        trace = sys.argv[1] if len(sys.argv) > 1 else f"{folder}/archive"
        if len(sys.argv) == 1:
            writer = ROOT / "build/default/benchmarks/jetlag_bench_archives"
            subprocess.run([str(writer), EVENTS, LOCATIONS, "0", trace], check=True)
        print(json.dumps({"first": picture(trace), "second": picture(trace)}, indent=2))


if __name__ == "__main__":
    main()
