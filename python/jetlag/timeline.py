"""All events of a trace as one table in order of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from jetlag.traces import Trace

_NUMBERS = ("time", "duration", "thread", "task", "value", "rank")


def merged(trace: Trace) -> dict[str, Any]:
    """The rows of spans, tasks, edges, samples and points, as `Trace.events` describes them."""
    parts = [_spans(trace), *_tasks(trace), _samples(trace), _points(trace)]
    names = [word for part in parts for word in part["name"]]
    kinds = [word for part in parts for word in part["event"]]
    columns = {column: np.concatenate([_filled(p, column) for p in parts]) for column in _NUMBERS}
    # At one moment what lies around comes before what is inside.
    order = np.lexsort((-columns["duration"], columns["time"]))
    return {
        "time": columns["time"][order],
        "duration": columns["duration"][order],
        "event": [kinds[i] for i in order],
        "name": [names[i] for i in order],
        **{column: columns[column][order] for column in _NUMBERS[2:]},
    }


def _filled(part: dict[str, Any], column: str) -> Any:  # noqa: ANN401
    if column in part:
        return np.asarray(part[column])
    rows = len(part["time"])
    if column == "value":
        return np.full(rows, np.nan)
    return np.full(rows, 0 if column == "duration" else -1)


def _spans(trace: Trace) -> dict[str, Any]:
    spans, sites = trace.spans(), trace.sites()
    return {
        "time": spans["begin"],
        "duration": spans["end"] - spans["begin"],
        "event": [sites["category"][s] if s >= 0 else "runtime" for s in spans["site"]],
        "name": _named(spans["site"], sites["name"]),
        "thread": spans["thread"],
        "task": spans["task"],
    }


def _tasks(trace: Trace) -> list[dict[str, Any]]:
    """When tasks were made; and, once for each that it waited for, when they were ready."""
    tasks, edges, names = trace.tasks(), trace.edges(), trace.sites()["name"]
    made = np.flatnonzero(tasks["created"] >= 0)
    waited = edges["to"][edges["to"] >= 0]
    return [
        {
            "time": tasks["created"][made],
            "event": ["create"] * len(made),
            "name": _named(tasks["site"][made], names),
            "task": made,
        },
        {
            "time": tasks["ready"][waited],
            "event": ["ready"] * len(waited),
            "name": _named(tasks["site"][waited], names),
            "task": waited,
            "value": edges["bytes"][edges["to"] >= 0],
        },
    ]


def _samples(trace: Trace) -> dict[str, Any]:
    samples, names = trace.samples(), trace.counters()["name"]
    return {
        "time": samples["time"],
        "event": ["sample"] * len(samples["time"]),
        "name": _named(samples["counter"], names),
        "thread": samples["thread"],
        "value": samples["value"],
    }


def _points(trace: Trace) -> dict[str, Any]:
    points = trace.points()
    return {**points, "name": _named(points["site"], trace.sites()["name"])}


def _named(rows: Any, names: list[str]) -> list[str]:  # noqa: ANN401
    return [names[row] if row >= 0 else "" for row in rows]
