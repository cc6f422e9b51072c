"""Limits for the next job: what earlier ones needed, and half as much again."""

from __future__ import annotations

import json
from typing import Any

from jetlag.jobs import client

SUGGESTED = "suggested"
_MARGIN = 1.5
_LEAST_SECONDS, _LEAST_MB = 60, 100
_MOST_JOBS = 20  # the last ones: what was long ago was another program


def after(usage: dict[str, Any]) -> dict[str, int]:
    """Limits for the next such job; empty if nothing is known.

    >>> after({"seconds": 100.0, "peak_memory_mb": 30.0})
    {'time': 151, 'memory': 100}
    """
    if "seconds" not in usage or "peak_memory_mb" not in usage:
        return {}
    return {
        "time": max(_LEAST_SECONDS, int(usage["seconds"] * _MARGIN) + 1),
        "memory": max(_LEAST_MB, int(usage["peak_memory_mb"] * _MARGIN) + 1),
    }


def suggested(name: str, on: str) -> dict[str, int]:
    """Limits by what the last finished jobs of a function needed on a machine, the largest of each;
    empty if none has finished there."""
    rows = client.ask("GET", "/v1/jobs", state="finished", machine=on, text=name, limit=_MOST_JOBS)
    limits: dict[str, int] = {}
    for row in rows:
        if row["name"] != name or not row["function"]:
            continue
        try:
            told = json.loads(client.file_of(row, "run.json").read_text())
        except (FileNotFoundError, ValueError):
            continue
        for kind, value in after(told).items():
            limits[kind] = max(limits.get(kind, 0), value)
    return limits
