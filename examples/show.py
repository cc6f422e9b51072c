"""What the examples print: titles, times side by side, differences, and progress on long work."""

import sys
import threading
import time as clock
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

PROGRESS_AFTER = 1.0  # seconds of silence before a run says that it is still going
SLOW_REFRESH = 10.0  # seconds between lines where there is no terminal


@dataclass(frozen=True)
class Timed:
    """A result and the seconds it took."""

    result: Any
    seconds: float


def title(text: str) -> None:
    print(f"\n{text}", flush=True)


def timed(what: str, work: Callable[[], Any]) -> Timed:
    """Do the work, and show how long it has been going where it takes its time."""
    done = threading.Event()
    ticker = threading.Thread(target=_tick, args=(what, done), daemon=True)
    ticker.start()
    try:
        begin = clock.perf_counter()
        result = work()
        seconds = clock.perf_counter() - begin
    finally:
        done.set()
        ticker.join()
    return Timed(result, seconds)


def _tick(what: str, done: threading.Event) -> None:
    begin = clock.perf_counter()
    terminal = sys.stderr.isatty()
    pause = PROGRESS_AFTER
    while not done.wait(pause):
        elapsed = clock.perf_counter() - begin
        end = "\r" if terminal else "\n"
        print(f"    … {what}: {elapsed:.0f} s", end=end, file=sys.stderr, flush=True)
        pause = PROGRESS_AFTER if terminal else SLOW_REFRESH
    if terminal:
        print("\x1b[2K\r", end="", file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """Three digits and a unit.

    >>> duration(0.01234), duration(2.5), duration(130.0), duration(4.2e-6)
    ('12.3 ms', '2.50 s', '130 s', '4.20 us')
    """
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale or unit == "us":
            break
    value = seconds / scale
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f} {unit}"


def time(who: str, run: Timed, remark: str = "") -> None:
    print(f"    {who:<8}{duration(run.seconds):>10}    {remark}".rstrip(), flush=True)


def ratio(numpy: Timed, jetlag: Timed, first: Timed) -> None:
    """Which was faster, and what the first call cost on top."""
    share = jetlag.seconds / numpy.seconds
    print(
        f"    jetlag took {share:.2f} of NumPy's time; "
        f"the first call, which plans, took {duration(first.seconds)}"
    )


def agree(what: str, numpy: np.ndarray, jetlag: np.ndarray, allowed: float) -> bool:
    """Print how far apart two results are; say whether that is what rounding may do.

    >>> agree("weights", np.ones(2), np.ones(2), allowed=1e-10)
        same weights: 0.0e+00 apart, 1.0e-10 allowed
    True
    """
    apart = float(np.max(np.abs(numpy - jetlag), initial=0.0))
    apart /= max(1.0, float(np.max(np.abs(numpy), initial=0.0)))
    same = apart <= allowed
    print(f"    {'same' if same else 'DIFFERENT'} {what}: {apart:.1e} apart, {allowed:.1e} allowed")
    return same
