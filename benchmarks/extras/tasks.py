"""What a task costs: make, run and complete, with one dependency; oneTBB's own beside it."""

import json
import subprocess
from typing import Any

from extras.base import Context, Extra, lined
from figures import duration
from harness import ROOT

PROGRAM = ROOT / "build/default/benchmarks/jetlag_bench_tasks"


def measure(context: Context) -> dict[str, Any]:
    context.tell("tasks")
    if not PROGRAM.exists():
        return {"error": f"{PROGRAM.relative_to(ROOT)} is not built"}
    ran = subprocess.run([PROGRAM], capture_output=True, text=True)
    try:
        return json.loads(ran.stdout)
    except ValueError:
        return {"error": f"{PROGRAM.name}: exit code {ran.returncode}"}


def text(data: dict[str, Any]) -> str:
    if "error" in data:
        return data["error"]
    return lined(["a task", *data], [["", *(duration(s) for s in data.values())]])


EXTRAS = (Extra("tasks", "Overhead of a task", measure, text),)
