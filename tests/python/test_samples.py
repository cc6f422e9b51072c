"""Counters over time: those of users, and what a trace keeps of them."""

from __future__ import annotations

import csv
import json
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jetlag as jl


@jl.jit
def work(x: Any) -> Any:
    return np.sin(np.exp(np.cos(x))) * np.tanh(x)


def samples(trace: jl.Trace, name: str) -> list[float]:
    row = trace.counters()["name"].index(name)
    table = trace.samples()
    return [float(v) for v, c in zip(table["value"], table["counter"], strict=True) if c == row]


def test_a_counter_of_the_user_is_one_for_its_name() -> None:
    residual = jl.counter("samples/residual", "m", doc="of the last round")
    residual.set(0.5)
    residual.add(-0.25)

    again = jl.counter("samples/residual", "m")
    assert again.value == residual.value == 0.25
    assert (residual.name, residual.unit) == ("/user/samples{0/total}/residual", "m")
    assert jl.counters("/user/samples/residual").read() == {residual.name: 0.25}
    table = jl.counters("/user/samples/residual").table()
    assert table["doc"] == ["of the last round"]
    with pytest.raises(ValueError, match="there is a counter 'samples/residual' already"):
        jl.counter("samples/residual", "s")


def test_a_counter_that_only_grows_refuses_to_shrink() -> None:
    rows = jl.counter("samples/rows", "rows", kind="monotone")
    rows.add(3)

    with pytest.raises(ValueError, match="only grows: -1 cannot be added"):
        rows.add(-1)
    with pytest.raises(ValueError, match="only grows: it is 3 and cannot become 2"):
        rows.set(2)
    with pytest.raises(TypeError):
        rows.add("three")
    with pytest.raises(ValueError, match="kind is 'gauge' or 'monotone', not 'rate'"):
        jl.counter("samples/other", kind="rate")
    with pytest.raises(ValueError, match="cannot be the name of a counter"):
        jl.counter("two words")
    assert rows.value == 3


def test_changes_of_a_counter_are_samples_on_the_thread_that_made_them(tmp_path: Path) -> None:
    seen = jl.counter("samples/seen", "rows")

    with jl.trace(tmp_path / "run.jlt", counters=[]):
        seen.set(1)
        other = threading.Thread(target=lambda: seen.set(2))
        other.start()
        other.join()
        seen.add(3)

    trace = jl.open_trace(tmp_path / "run.jlt")
    assert samples(trace, "/user/samples{0/total}/seen") == [1, 2, 5]
    threads = trace.samples()["thread"]
    assert threads[0] == threads[2] != threads[1]


def test_chosen_counters_are_sampled_from_the_beginning_to_the_end(tmp_path: Path) -> None:
    with jl.trace(tmp_path / "run.jlt", counters=["/memory/allocated", "/proc/self/*"], period=60):
        x = work(np.ones(200_000))
        x = work(x)

    trace = jl.open_trace(tmp_path / "run.jlt")
    table = trace.counters()
    assert len({len(column) for column in table.values()}) == 1
    row = table["name"].index("/memory{0/total}/allocated")
    assert (table["unit"][row], table["kind"][row]) == ("B", "monotone")
    assert table["samples"][row] == 2
    first, last = samples(trace, "/memory{0/total}/allocated")
    assert table["growth"][row] == last - first >= 2 * x.nbytes
    assert (table["first"][row], table["max"][row]) == (first, last)
    assert samples(trace, "/proc/self/status{0/total}/VmRSS")[0] > 1e6
    assert "/memory{0/total}/allocated" in trace.report()


def test_rates_and_averages_are_those_of_the_period(tmp_path: Path) -> None:
    names = ["/cache/plan-hits", "/cache/plan-hits@rate"]
    with jl.trace(tmp_path / "run.jlt", counters=names, period=60):
        for _ in range(10):
            work(np.ones(3))

    trace = jl.open_trace(tmp_path / "run.jlt")
    first, last = samples(trace, "/cache{0/total}/plan-hits")
    (rate,) = samples(trace, "/cache{0/total}/plan-hits@rate")
    assert last - first >= 9
    assert rate > 0


def test_settings_say_what_is_sampled(tmp_path: Path) -> None:
    before = jl.settings.trace_counters
    try:
        jl.settings.trace_counters = "/memory/peak,/memory/live"
        with jl.trace(tmp_path / "a.jlt"):
            work(np.ones(3))
        jl.settings.trace_counters = "none"
        with jl.trace(tmp_path / "b.jlt"):
            work(np.ones(3))
    finally:
        jl.settings.trace_counters = before

    a, b = jl.open_trace(tmp_path / "a.jlt"), jl.open_trace(tmp_path / "b.jlt")
    figures = zip(a.counters()["name"], a.counters()["samples"], strict=True)
    assert {name for name, count in figures if count} == {
        "/memory{0/total}/live",
        "/memory{0/total}/peak",
    }
    assert len(b.samples()["time"]) == 0


def test_what_cannot_be_sampled_is_said_and_the_work_goes_on(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'tasks' is no name of counters"):
        jl.trace(tmp_path / "run.jlt", counters=["tasks"]).__enter__()
    with pytest.raises(ValueError, match="the period of samples must be"):
        jl.trace(tmp_path / "run.jlt", period=0).__enter__()
    with pytest.raises(TypeError, match="counters is a list of patterns"):
        jl.trace(tmp_path / "run.jlt", counters="/tasks*")

    wanted = ["/no/such", "/memory/live"]
    with (
        pytest.warns(RuntimeWarning, match="no counter fits '/no/such'"),
        jl.trace(tmp_path / "run.jlt", counters=wanted),
    ):
        result = work(np.ones(3))
    assert result.shape == (3,)
    assert len(jl.open_trace(tmp_path / "run.jlt").samples()["time"]) == 2


def test_samples_come_back_from_otf2_as_they_were(tmp_path: Path) -> None:
    unit = jl.counter("samples/odd", "µs", doc="text, with é and “quotes”")
    names = ["/memory*", "/tasks/idle-rate", "/memory/allocated@rate"]
    with jl.trace(tmp_path / "run.jlt", counters=names, period=60):
        unit.set(-1.5)
        work(np.ones(200_000))
    trace = jl.open_trace(tmp_path / "run.jlt")

    trace.export(tmp_path / "archive", to="otf2")

    again = jl.open_trace(tmp_path / "archive")
    for before, after in ((trace.samples(), again.samples()), (trace.counters(), again.counters())):
        assert before.keys() == after.keys()
        for name in before:
            np.testing.assert_array_equal(before[name], after[name], err_msg=name)
    assert len(trace.samples()["time"]) > 5


def test_samples_stand_in_csv_and_chrome(tmp_path: Path) -> None:
    live = "/memory{0/total}/live"
    with jl.trace(tmp_path / "run.jlt", counters=[live], period=60):
        work(np.ones(3))
    trace = jl.open_trace(tmp_path / "run.jlt")

    trace.export(tmp_path / "run.csv", to="csv")
    trace.export(tmp_path / "run.json", to="chrome")

    with (tmp_path / "run.counters.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["counter"] for row in rows] == [live, live]
    assert [float(row["value"]) for row in rows] == samples(trace, live)
    assert [int(row["time"]) for row in rows] == list(trace.samples()["time"])
    assert {row["unit"] for row in rows} == {"B"} and {row["kind"] for row in rows} == {"gauge"}
    events = json.loads((tmp_path / "run.json").read_text())
    events = events["traceEvents"] if isinstance(events, dict) else events
    tracks = [e for e in events if e.get("ph") == "C"]
    assert [e["args"]["B"] for e in tracks] == samples(trace, live)
    assert {e["name"] for e in tracks} == {live}


def test_a_forked_child_records_anew(tmp_path: Path) -> None:
    with jl.trace(tmp_path / "run.jlt", period=0.001):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                with jl.trace(tmp_path / "child.jlt", counters=["/memory/live"]):
                    pass
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(pid, 0)[1] == 0

    assert len(jl.open_trace(tmp_path / "child.jlt").samples()["time"]) == 2
