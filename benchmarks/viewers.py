"""Many viewers on one trace: each asks for one new window every two seconds.

    python benchmarks/viewers.py TRACE [VIEWERS] [SECONDS]

Prints how many answers came, how many were errors, and how long they took.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time

from serving import Served

PAUSE = 2.0  # seconds between two windows of one viewer


def watch(
    server: Served,
    path: str,
    length: int,
    seconds: float,
    times: list[float],
    errors: list[str],
) -> None:
    """Be one viewer."""
    chance = random.Random(threading.get_ident())
    end = time.monotonic() + seconds
    time.sleep(chance.random() * PAUSE)
    while time.monotonic() < end:
        width = max(int(length * 10 ** -chance.uniform(0, 4)), 1)
        begin = chance.randrange(max(length - width, 1))
        start = time.monotonic()
        try:
            window = f"?begin={begin}&end={begin + width}&bins=1920"
            with server.open(path + window, timeout=30) as answer:
                answer.read()
            times.append(time.monotonic() - start)
        except OSError as error:
            errors.append(str(error))
        time.sleep(max(PAUSE - (time.monotonic() - start), 0))


def main() -> None:
    trace = sys.argv[1]
    viewers = int(sys.argv[2]) if len(sys.argv) > 2 else 40
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 20
    server = Served(trace)
    path = f"v1/traces/{server.json('v1/traces')[0]['id']}"
    started = time.monotonic()
    summary = server.json(path)
    opened = time.monotonic() - started
    times: list[float] = []
    errors: list[str] = []
    arguments = (server, f"{path}/rows", summary["length"], seconds, times, errors)
    threads = [threading.Thread(target=watch, args=arguments) for _ in range(viewers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.stop()
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
