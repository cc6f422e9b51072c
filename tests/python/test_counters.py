"""Counters: their names, what they count, and how they are read."""

from __future__ import annotations

import json
import math
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jetlag as jl


def value(name: str) -> float:
    (found,) = jl.counters(name).read().values()
    return found


def growth(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: after[name] - before[name] for name in before}


@pytest.fixture
def two_workers() -> Any:
    before = jl.threads()
    jl.threads(2)
    yield
    jl.threads(before)


def test_calls_find_the_plan_that_the_first_one_made() -> None:
    @jl.jit
    def double(x: Any) -> Any:
        return x + x

    chosen = jl.counters("/cache/plan-hits", "/cache/plan-misses")
    before = chosen.read()

    for _ in range(5):
        double(np.ones(3))

    assert list(growth(before, chosen.read()).values()) == [4, 1]


def test_tasks_are_counted_through_all_their_states(two_workers: None) -> None:
    @jl.jit
    def work(x: Any) -> Any:
        return np.sin(np.exp(np.cos(x))) * np.tanh(x)

    names = ("created", "executed", "failed", "waiting", "queued", "running", "runs", "busy")
    chosen = jl.counters(*(f"/tasks/{name}" for name in names))
    x = np.random.default_rng(1).random(400_000)
    work(x)
    before = chosen.read()

    for _ in range(5):
        work(x)

    grown = growth(before, chosen.read())
    created = grown["/tasks{0/total}/created"]
    assert created > 0
    assert grown["/tasks{0/total}/executed"] == created
    assert grown["/tasks{0/total}/failed"] == 0
    assert grown["/tasks{0/total}/runs"] >= created
    assert grown["/tasks{0/total}/busy"] > 0
    now = chosen.read()
    for state in ("waiting", "queued", "running"):
        assert now[f"/tasks{{0/total}}/{state}"] == 0


def test_the_workers_counters_add_up_to_the_total(two_workers: None) -> None:
    @jl.jit
    def work(x: Any) -> Any:
        return np.sin(np.exp(np.cos(x))) * np.tanh(x)

    work(np.random.default_rng(1).random(400_000))

    executed = jl.counters("/tasks{*}/executed").read()
    total = executed.pop("/tasks{0/total}/executed")
    assert total == sum(executed.values()) > 0
    assert all(name.startswith("/tasks{0/worker-") for name in executed)
    assert 0 <= value("/tasks/idle-rate") <= 1
    assert 0 <= value("/tasks/steal-rate") <= 1


def test_opaque_steps_and_their_time_are_counted() -> None:
    def slow(x: Any) -> Any:
        return [sum(range(1000)), x][1]

    @jl.jit
    def call(x: Any) -> Any:
        return slow(x) + 1

    call(np.ones(3))
    chosen = jl.counters("/python/opaque-steps", "/python/opaque-time")
    before = chosen.read()

    call(np.ones(3))
    call(np.ones(3))

    grown = growth(before, chosen.read())
    assert grown["/python{0/total}/opaque-steps"] >= 2
    assert 0 < grown["/python{0/total}/opaque-time"] < 60


def test_memory_is_that_of_arrays() -> None:
    @jl.jit
    def make(n: int) -> Any:
        return np.zeros(n)

    live = value("/memory/live")
    allocated = value("/memory/allocated")
    kept = make(1_000_000)

    assert value("/memory/live") - live == kept.nbytes
    assert value("/memory/allocated") - allocated >= kept.nbytes
    assert value("/memory/peak") >= value("/memory/live")


def test_a_pattern_chooses_and_a_name_must_be_known() -> None:
    assert jl.counters("/cache*").names == sorted(
        f"/cache{{0/total}}/{name}"
        for name in ("plan-hits", "plan-misses", "code-hits", "object-hits", "object-misses")
    )
    assert jl.counters("/nothing*").read() == {}
    with pytest.raises(KeyError, match="there is no counter '/tasks/exceuted'"):
        jl.counters("/tasks/exceuted")
    with pytest.raises(ValueError, match="'tasks' is no name of counters"):
        jl.counters("tasks")


def test_the_table_has_columns_of_one_length() -> None:
    table = jl.counters().table()

    assert set(table) == {"name", "unit", "kind", "doc", "missing", "value"}
    assert len({len(column) for column in table.values()}) == 1
    assert len(set(table["name"])) == len(table["name"]) > 20
    assert set(table["kind"]) <= {"gauge", "monotone", "average", "rate"}
    assert all(table["doc"]) and all(table["unit"])
    shown = str(jl.counters("/memory*"))
    assert "/memory{0/total}/live" in shown and " B " in shown


def test_a_rate_is_the_growth_a_second_since_the_read_before() -> None:
    @jl.jit
    def double(x: Any) -> Any:
        return x + x

    double(np.ones(3))
    chosen = jl.counters("/cache/plan-hits@rate", "/memory/live@rate")
    (first,) = chosen.read().values()
    double(np.ones(3))
    (second,) = chosen.read().values()
    (third,) = chosen.read().values()

    assert math.isnan(first)
    assert second > 0
    assert third == 0


def test_a_forked_child_goes_on_counting() -> None:
    @jl.jit
    def double(x: Any) -> Any:
        return x + x

    double(np.ones(3))
    before = value("/cache/plan-hits")
    pid = os.fork()
    if pid == 0:
        double(np.ones(3))
        os._exit(0 if value("/cache/plan-hits") == before + 1 else 1)
    assert os.waitpid(pid, 0)[1] == 0


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    path = Path(jl.__file__).parents[2] / "build/default/src/jetlag"
    return subprocess.run([path, *arguments], capture_output=True, text=True, check=False)


def test_the_command_lists_and_reads() -> None:
    listed = command("counters", "list", "/memory*")
    assert listed.returncode == 0
    first = listed.stdout.partition("\n")[0]
    assert first.split()[:3] == ["/memory{0/total}/live", "B", "gauge"]
    rows = [json.loads(r) for r in command("counters", "list", "--json").stdout.splitlines()]
    assert {"name", "unit", "kind", "doc", "missing"} == set(rows[0])
    assert {row["name"] for row in rows} >= {"/tasks{0/total}/executed", "/memory{0/total}/peak"}
    read = command("counters", "read", "/memory/peak", "--json", "-n", "2", "-e", "0.001")
    values = [json.loads(r) for r in read.stdout.splitlines()]
    assert [(v["name"], v["unit"]) for v in values] == [("/memory{0/total}/peak", "B")] * 2


def test_the_command_says_what_it_does_not_know() -> None:
    unknown = command("counters", "read", "/no/such")
    assert unknown.returncode != 0
    assert "no counter fits /no/such" in unknown.stderr
    misspelt = command("counters", "read", "tasks")
    assert "'tasks' is no name of counters" in misspelt.stderr
