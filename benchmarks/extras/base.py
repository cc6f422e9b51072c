"""What a table beside the main one is."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import ROOT, Options, Tell


@dataclass(frozen=True)
class Context:
    """What a measurement gets."""

    folder: Path
    options: Options
    threads: int
    tell: Tell


@dataclass(frozen=True)
class Extra:
    """A table: what `measure` gives goes into the JSON, and `text` prints it from there."""

    name: str
    title: str
    measure: Callable[[Context], Any]
    text: Callable[[Any], str]


def python(*arguments: str, environment: dict[str, str] | None = None) -> Any:  # noqa: ANN401
    """What a fresh Python process prints as JSON; {"error": …} if it prints nothing of the kind."""
    environment = (environment or dict(os.environ)) | {"PYTHONPATH": str(ROOT / "benchmarks")}
    ran = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    try:
        return json.loads(ran.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        lines = ran.stderr.strip().splitlines()
        return {"error": lines[-1] if lines else f"exit code {ran.returncode}"}


def lined(header: list[str], rows: list[list[str]]) -> str:
    """A table in plain text: the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    return "\n".join(
        "  ".join(
            c.rjust(w) if i else c.ljust(w)
            for i, (c, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in [header, *rows]
    )
