"""Each kind of event: what makes it, and where it is seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from jetlag.spaces import integer


def kinds(trace: jl.Trace) -> Counter[str]:
    return Counter(trace.events()["event"])


def rows(trace: jl.Trace, kind: str) -> list[dict[str, Any]]:
    events = trace.events()
    return [
        {name: column[i] for name, column in events.items()}
        for i, event in enumerate(events["event"])
        if event == kind
    ]


def open_run(tmp_path: Path) -> jl.Trace:
    trace = jl.open_trace(tmp_path / "run.jlt")
    assert trace.complaints == []
    assert trace.dropped == 0
    return trace


def test_events_are_all_rows_in_order_of_time(tmp_path: Path) -> None:
    @jl.jit
    def double(x: Any) -> Any:
        return x + x

    with jl.trace(tmp_path / "run.jlt"), jl.span("outer"):
        double(np.ones(10))

    trace = open_run(tmp_path)
    events = trace.events()
    edges, tasks = trace.edges(), trace.tasks()
    count = len(trace.spans()["begin"]) + len(trace.points()["time"])
    count += len(trace.samples()["time"]) + len(edges["to"]) + int((tasks["created"] >= 0).sum())
    assert {len(column) for column in events.values()} == {count}
    assert (np.diff(events["time"]) >= 0).all()
    [outer] = rows(trace, "user")
    assert outer["name"] == "outer"
    assert outer["duration"] > 0
    [call] = rows(trace, "call")
    assert outer["time"] <= call["time"] <= outer["time"] + outer["duration"]
    assert call["name"] == "double"


def test_memory_above_the_setting_is_recorded(tmp_path: Path) -> None:
    @jl.jit
    def made(n: int) -> Any:
        return np.zeros(n) + 1

    before = jl.settings.trace_allocations
    jl.settings.trace_allocations = 300_000
    try:
        with jl.trace(tmp_path / "run.jlt"):
            kept = made(50_000)
            made(20_000)
            del kept
    finally:
        jl.settings.trace_allocations = before

    trace = open_run(tmp_path)
    taken = rows(trace, "allocate")
    assert taken
    assert {row["value"] for row in taken} == {400_000}
    assert {row["value"] for row in rows(trace, "release")} == {400_000}
    assert all(row["name"] for row in taken)
    assert f"allocate {len(taken)} (" in trace.report()


def test_a_plan_is_chosen_once_for_each_kind_of_operands(tmp_path: Path) -> None:
    @jl.jit
    def chain(x: Any) -> Any:
        return x * 2 + 1

    with jl.trace(tmp_path / "run.jlt"):
        for _ in range(3):
            chain(np.ones(5))
        chain(np.ones(5, np.float32))

    chosen = rows(open_run(tmp_path), "decide")
    assert [row["value"] for row in chosen] == [1, 2]
    assert {row["name"] for row in chosen} == {"__add"}


COMPILE = """
import jetlag as jl, numpy as np
@jl.jit
def f(x):
    return x * 2 + 1
with jl.trace("run.jlt"):
    f(np.ones(100))
"""


def test_compiling_and_loading_are_spans(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(COMPILE)
    cache = {"JETLAG_JIT": "always", "JETLAG_CACHE_DIR": str(tmp_path / "cache")}

    def names() -> list[str]:
        subprocess.run(
            [sys.executable, "program.py"], cwd=tmp_path, env=os.environ | cache, check=True
        )
        return [row["name"] for row in rows(open_run(tmp_path), "compile")]

    first, second = names(), names()

    assert "compile" in first
    assert "load object code" in second
    assert "compile" not in second


def test_opaque_python_and_the_way_to_it_are_spans(tmp_path: Path) -> None:
    @jl.jit
    def mixed(x: Any) -> Any:
        y = np.exp(x) + np.sqrt(x)
        return np.fft.fft(y)

    before = jl.threads()
    jl.threads(1)
    try:
        with jl.trace(tmp_path / "run.jlt"), pytest.warns(jl.OpaqueWarning):
            mixed(np.ones(200_000))
    finally:
        jl.threads(before)

    trace = open_run(tmp_path)
    assert "opaque" in kinds(trace)
    waits = [row["name"] for row in rows(trace, "wait")]
    assert "wait for the GIL" in waits


def test_a_thread_that_keeps_the_gil_is_seen_in_the_wait(tmp_path: Path) -> None:
    @jl.jit
    def slow(x: Any) -> Any:
        for _ in range(20):
            x = np.sqrt(x * x)
        return x

    stop = threading.Event()

    def keep() -> None:
        while not stop.is_set():
            sum(range(1000))

    other = threading.Thread(target=keep)
    other.start()
    try:
        with jl.trace(tmp_path / "run.jlt"):
            slow(np.ones(300_000))
    finally:
        stop.set()
        other.join()

    waits = [row for row in rows(open_run(tmp_path), "wait") if row["name"] == "wait for the GIL"]
    assert max(row["duration"] for row in waits) > 0


def test_trials_of_the_tuner_are_recorded(tmp_path: Path) -> None:
    def work(n: int = 1) -> int:
        if n == 2:
            raise ValueError("no twos")
        return n

    with jl.trace(tmp_path / "run.jlt"):
        found = jl.tune(work, {"n": integer(1, 4)}, cost=lambda result, _: result, keep=False)

    trace = open_run(tmp_path)
    trials = rows(trace, "trial")
    points = trace.points()
    texts = [
        trace.sites()["text"][site]
        for site, event in zip(points["site"], points["event"], strict=True)
        if event == "trial"
    ]
    told = {t.values["n"]: t.cost for t in found.trials}
    assert {text: row["value"] for text, row in zip(texts, trials, strict=True)} == pytest.approx(
        {f"n={n}": np.nan if cost is None else cost for n, cost in told.items()}, nan_ok=True
    )


def test_tasks_that_another_worker_begins_are_steals(tmp_path: Path) -> None:
    @jl.jit
    def two_steps(x: Any) -> Any:
        y = np.exp(x) + 1
        return np.log(y[1:]) - np.sqrt(y[:-1])

    x = np.ones(2_000_000)
    before = jl.threads()
    jl.threads(2)
    try:
        two_steps(x)
        with jl.trace(tmp_path / "run.jlt"):
            for _ in range(10):
                two_steps(x)
    finally:
        jl.threads(before)

    trace = open_run(tmp_path)
    spans, steals = trace.spans(), rows(trace, "steal")
    ready_by = {int(t): set() for t in {row["task"] for row in steals}}
    for thread, task in zip(spans["thread"], spans["task"], strict=True):
        if int(task) in ready_by:
            ready_by[int(task)].add(int(thread))
    # Who stole a task ran it.
    assert all(row["thread"] in ready_by[row["task"]] for row in steals)


def test_every_moment_is_in_the_exports(tmp_path: Path) -> None:
    @jl.jit
    def chain(x: Any) -> Any:
        return x * 3 + 1

    with jl.trace(tmp_path / "run.jlt"):
        chain(np.ones(300_000))
        jl.tune(lambda n: n, {"n": integer(1, 2)}, cost=lambda result, _: result, keep=False)
    trace = open_run(tmp_path)
    moments = Counter(trace.points()["event"])
    assert {"allocate", "decide", "trial"} <= moments.keys()

    trace.export(tmp_path / "run.json", to="chrome")
    trace.export(tmp_path / "archive", to="otf2")

    events = json.loads((tmp_path / "run.json").read_text())["traceEvents"]
    instants = [e for e in events if e["ph"] == "i"]
    assert Counter(e["cat"] for e in instants) == moments
    assert {e["args"]["value"] for e in instants if e["cat"] == "allocate"} == {2_400_000}
    back = jl.open_trace(tmp_path / "archive")
    for name, column in trace.events().items():
        np.testing.assert_array_equal(column, back.events()[name])
