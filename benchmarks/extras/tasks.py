"""What a task and a span cost.

A task: make, run and complete it, with one dependency; oneTBB's own beside it. A span: its begin
and its end, recorded or not; two looks at the clock beside it.
"""

import json
import subprocess
from typing import Any

from extras.base import Context, Extra, lined
from figures import duration
from harness import ROOT

FOLDER = ROOT / "build/default/benchmarks"


def run(program: str) -> dict[str, Any]:
    path = FOLDER / program
    if not path.exists():
        return {"error": f"{path.relative_to(ROOT)} is not built"}
    ran = subprocess.run([path], capture_output=True, text=True)
    try:
        return json.loads(ran.stdout)
    except ValueError:
        return {"error": f"{program}: exit code {ran.returncode}"}


def measure(context: Context) -> dict[str, Any]:
    context.tell("tasks")
    return run("jetlag_bench_tasks")


def measure_spans(context: Context) -> dict[str, Any]:
    context.tell("spans")
    return run("jetlag_bench_spans")


def text(data: dict[str, Any]) -> str:
    if "error" in data:
        return data["error"]
    return lined(["a task", *data], [["", *(duration(s) for s in data.values())]])


def text_of_spans(data: dict[str, Any]) -> str:
    if "error" in data:
        return data["error"]
    times = {name: s for name, s in data.items() if name != "dropped"}
    return lined(["recording", *times], [["", *(duration(s) for s in times.values())]])


EXTRAS = (
    Extra("tasks", "Overhead of a task", measure, text),
    Extra("spans", "Overhead of a span in a trace", measure_spans, text_of_spans),
)
