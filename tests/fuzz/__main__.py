"""Random array programs, run plain and on the engine: python -m tests.fuzz [--count N].

A program that differs is made smaller, printed, and kept in build/fuzz; the exit code is then 1.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from .maker import make
from .modes import Mode, modes_of
from .pool import ROOT, Child, Pool
from .shrink import shrink

KEPT = ROOT / "build" / "fuzz"
MOST_SHRUNK = 20
PROGRESS = 500  # programs between two signs of life
SHORT_PATIENCE = 5.0  # a smaller program may well run for ever
NO_DIFFERENCE = ("", "refused")


def main() -> int:
    """Read the command line, fuzz, and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=5000, help="how many programs")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="run and print the program of one seed")
    parser.add_argument("--file", type=Path, help="run a program that was kept")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--shrink", type=float, default=30.0, help="seconds for each finding")
    options = parser.parse_args()
    if options.seed is not None:
        return one(make(options.seed).text, modes_of(options.seed))
    if options.file is not None:
        text = options.file.read_text()
        seed = next((int(w) for w in text.split("\n")[0].split() if w.isdigit()), 0)
        return one(text, modes_of(seed))
    return many(range(options.first, options.first + options.count), options)


def one(text: str, modes: list[Mode]) -> int:
    """Run one program, print it and what became of it."""
    result = ask(text, modes)
    print(text)
    print(f"# {result['kind'] or 'no difference'}: {result['told']}")
    return int(result["kind"] not in NO_DIFFERENCE)


def ask(text: str, modes: list[Mode]) -> dict[str, Any]:
    """Judge a text in a process of its own."""
    request = {"text": text, "modes": modes}
    return next(Pool(1).run(iter([request]))).result


def many(seeds: range, options: argparse.Namespace) -> int:
    """Run the programs of many seeds; shrink and keep what differs."""
    began = time.monotonic()
    used: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    opaque = 0
    pool = Pool(options.jobs)
    for done, answer in enumerate(pool.run({"seed": seed} for seed in seeds)):
        if done and done % PROGRESS == 0:
            print(f"fuzz: {done} of {len(seeds)} programs", flush=True)
        result = answer.result
        kinds[result["kind"]] += 1
        used.update(result.get("used", {}))
        opaque += result.get("opaque", 0) > 0
        if result["kind"] not in NO_DIFFERENCE:
            report(answer.request["seed"], result, options, kinds)
    print_coverage(used)
    seconds = time.monotonic() - began
    found = sum(count for kind, count in kinds.items() if kind not in NO_DIFFERENCE)
    modes = ", ".join(sorted({mode.jit for seed in seeds[:50] for mode in modes_of(seed)}))
    print(
        f"fuzz: {len(seeds)} programs (jit {modes}) in {seconds:.0f} s; {found} differ, "
        f"{kinds['refused']} refused, {opaque} with opaque steps"
    )
    return int(found > 0)


def report(
    seed: int, result: dict[str, Any], options: argparse.Namespace, kinds: Counter[str]
) -> None:
    """Tell of a difference; keep the program, made smaller."""
    print(f"seed {seed}: {result['told']}", flush=True)
    text = make(seed).text
    found = sum(count for kind, count in kinds.items() if kind not in NO_DIFFERENCE)
    if options.shrink and found <= MOST_SHRUNK and result["kind"] not in ("hang", "fuzzer"):
        text = f"# seed {seed}\n" + smaller(text, modes_of(seed), result["kind"], options.shrink)
    KEPT.mkdir(parents=True, exist_ok=True)
    path = KEPT / f"{seed}.py"
    told = result["told"].replace("\n", "\n# ")
    path.write_text(f"{text}\n\n# {told}\n")
    print(f"{text[text.find('def make') :]}\nkept in {path.relative_to(ROOT)}\n", flush=True)


def smaller(text: str, modes: list[Mode], kind: str, seconds: float) -> str:
    """Shrink with a child that is kept as long as it lives."""
    questions = Questions(modes)
    try:
        return shrink(text, lambda other: questions.kind(other) == kind, seconds)
    finally:
        questions.close()


class Questions:
    """Asks one process about one text after the other; another one after a crash."""

    def __init__(self, modes: list[Mode]) -> None:
        self._modes = modes
        self._child: Child | None = None

    def kind(self, text: str) -> str:
        self._child = self._child or Child()
        self._child.ask({"text": text, "modes": self._modes})
        result = self._child.answer(SHORT_PATIENCE)
        if result["kind"] in ("crash", "hang"):
            self.close()
        return result["kind"]

    def close(self) -> None:
        if self._child is not None:
            self._child.end()
        self._child = None


def print_coverage(used: Counter[str]) -> None:
    """How often each construct and function occurred."""
    words = [f"{name} {count}" for name, count in sorted(used.items())]
    print("covered: " + ", ".join(words))


if __name__ == "__main__":
    sys.exit(main())
