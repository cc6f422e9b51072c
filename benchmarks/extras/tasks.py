"""What a task costs: make, run and complete it, with one dependency; oneTBB's own beside it."""

import json
import subprocess
from typing import Any

from extras.base import Context, Extra, lined
from figures import duration
from harness import ROOT

FOLDER = ROOT / "build/default/benchmarks"


def run(program: str, *arguments: str) -> dict[str, Any]:
    path = FOLDER / program
    if not path.exists():
        return {"error": f"{path.relative_to(ROOT)} is not built"}
    ran = subprocess.run([path, *arguments], capture_output=True, text=True)
    try:
        return json.loads(ran.stdout)
    except ValueError:
        return {"error": f"{program}: exit code {ran.returncode}"}


def measure(context: Context) -> dict[str, Any]:
    context.tell("tasks")
    return run("jetlag_bench_tasks")


def text(data: dict[str, Any]) -> str:
    if "error" in data:
        return data["error"]
    return lined(["a task", *data], [["", *(duration(s) for s in data.values())]])


EXTRAS = (Extra("tasks", "Overhead of a task", measure, text),)
