"""A process of the pool: reads requests, runs programs, and writes verdicts, a line each."""

from __future__ import annotations

import json
import os
import resource
import sys
import warnings
from typing import Any

from .judge import judge
from .maker import make
from .modes import Mode, modes_of


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Judge the program of a seed, or a text."""
    if "text" in request:
        modes = [Mode(*mode) for mode in request["modes"]]
        verdict = judge(request["text"], modes)
        return {"kind": verdict.kind, "told": verdict.told}
    made = make(request["seed"])
    verdict = judge(made.text, modes_of(request["seed"]))
    result = {"kind": verdict.kind, "told": verdict.told, "used": made.used}
    return result | {"opaque": verdict.opaque}


MOST_MEMORY = 6 << 30  # a program that grows without end must not take the machine's


def main() -> None:
    """Answer until there are no more requests. Nothing else may write to standard output."""
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    warnings.simplefilter("ignore", SyntaxWarning)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        try:
            result = answer(json.loads(line))
        except Exception as error:  # noqa: BLE001
            result = {"kind": "fuzzer", "told": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(result) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
