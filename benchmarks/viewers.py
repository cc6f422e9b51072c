"""Many viewers on one trace: each asks for one new window every two seconds.

    python benchmarks/viewers.py TRACE [VIEWERS] [SECONDS]

Prints how many answers came, how many were errors, and how long they took.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

PAUSE = 2.0  # seconds between two windows of one viewer


def watch(address: str, length: int, seconds: float, times: list[float], errors: list[str]) -> None:
    """Be one viewer."""
    chance = random.Random(threading.get_ident())
    end = time.monotonic() + seconds
    time.sleep(chance.random() * PAUSE)
    while time.monotonic() < end:
        width = max(int(length * 10 ** -chance.uniform(0, 4)), 1)
        begin = chance.randrange(max(length - width, 1))
        start = time.monotonic()
        try:
            window = f"&begin={begin}&end={begin + width}&bins=1920"
            with urllib.request.urlopen(address + window, timeout=30) as answer:
                answer.read()
            times.append(time.monotonic() - start)
        except OSError as error:
            errors.append(str(error))
        time.sleep(max(PAUSE - (time.monotonic() - start), 0))


def main() -> None:
    trace = sys.argv[1]
    viewers = int(sys.argv[2]) if len(sys.argv) > 2 else 40
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 20
    tool = Path(sys.executable).parent / "jetlag"
    server = subprocess.Popen(
        [str(tool), "serve", "--with-input", trace],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin
    assert server.stdout
    base, token = re.findall(r"(http://\S+)\?(\S+)", server.stdout.readline())[0]
    with urllib.request.urlopen(f"{base}v1/traces?{token}") as answer:
        name = json.load(answer)[0]["id"]
    started = time.monotonic()
    with urllib.request.urlopen(f"{base}v1/traces/{name}?{token}") as answer:
        summary = json.load(answer)
    opened = time.monotonic() - started
    times: list[float] = []
    errors: list[str] = []
    address = f"{base}v1/traces/{name}/rows?{token}"
    arguments = (address, summary["length"], seconds, times, errors)
    threads = [threading.Thread(target=watch, args=arguments) for _ in range(viewers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.stdin.close()
    server.wait()
    times.sort()
    figures = {
        "spans": summary["spans"],
        "opened_s": round(opened, 3),
        "viewers": viewers,
        "answers": len(times),
        "errors": len(errors),
        "median_ms": round(1e3 * times[len(times) // 2], 1),
        "p99_ms": round(1e3 * times[int(len(times) * 0.99)], 1),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
