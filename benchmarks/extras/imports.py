"""How long an import takes, files in memory; NumPy's own import comes first and is left out."""

import statistics
from typing import Any

from extras.base import Context, Extra, lined, python
from figures import duration

TIMES = 7
MODULES = ("jetlag", "numba", "jax")


def once(module: str) -> Any:  # noqa: ANN401
    code = (
        "import json, time, numpy; t = time.perf_counter(); "
        f"import {module}; print(json.dumps(time.perf_counter() - t))"
    )
    return python("-c", code)


def measure(context: Context) -> dict[str, float | None]:
    seconds: dict[str, list[Any]] = {module: [] for module in MODULES}
    for number in range(TIMES):
        for module in MODULES:
            context.tell(f"import {module}, {number + 1}")
            seconds[module].append(once(module))
    return {
        module: statistics.median(times) if all(isinstance(t, float) for t in times) else None
        for module, times in seconds.items()
    }


def text(data: dict[str, float | None]) -> str:
    shown = [duration(s) if s is not None else "absent" for s in data.values()]
    return lined(["import, beyond NumPy's", *data], [["", *shown]])


EXTRAS = (Extra("import", "Import", measure, text),)
