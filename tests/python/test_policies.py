"""Policies: what sets them off, what they see, and that they change no bit of a result."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from jetlag.engine import core

BUILT_IN = ("worker-cap", "blocks-per-grab", "inline-small", "memory-pressure")


@pytest.fixture(autouse=True)
def _none_stays() -> Iterator[None]:
    yield
    jl.settings.policies = ""
    for row in jl.policies.status():
        jl.policies.remove(row.name)


def until(holds: Callable[[], object]) -> None:
    """Wait for what comes from another thread."""
    end = time.monotonic() + 30
    while not holds() and time.monotonic() < end:
        time.sleep(0.005)
    assert holds()


def firings(name: str) -> list[Any]:
    return [f for f in jl.policies.log() if f.policy == name]


def test_the_user_fires_one_by_its_name() -> None:
    seen = []

    @jl.policy()
    def by_hand(cause: Any) -> str:
        seen.append(cause)
        return "done"

    jl.policies.fire("by_hand", 3)

    assert jl.policies.wait()
    assert [(c.trigger, c.value) for c in seen] == [("user", 3.0)]
    assert firings("by_hand")[-1].did == "done"
    with pytest.raises(NameError, match="there is no policy 'nobody'"):
        jl.policies.fire("nobody")
    with pytest.raises(KeyError):
        jl.policies.remove("nobody")


def test_a_period_sets_one_off_again_and_again() -> None:
    count = []
    jl.policy(every=0.002, name="tick")(lambda cause: count.append(cause.trigger))

    until(lambda: len(count) >= 3)

    assert set(count) == {"period"}


def test_a_window_of_a_counter_sets_one_off() -> None:
    values = itertools.count()
    seen = []

    @jl.policy(
        counter=lambda: float(next(values)), window=3, when=lambda v: sum(v) == 12, every=0.001
    )
    def middle(cause: Any) -> None:
        seen.append(cause.value)

    until(lambda: seen)

    assert seen == [5.0]


def test_a_counter_may_be_named() -> None:
    [before] = jl.counters("/tasks/executed").read().values()
    seen = []

    @jl.policy(counter="/tasks/executed", when=lambda v: v[-1] > before, every=0.001)
    def more(cause: Any) -> None:
        seen.append(cause.value)

    threads, inline = jl.threads(), jl.settings.inline_ns
    jl.threads(2)
    jl.settings.inline_ns = 0
    try:
        fit(np.ones((1000, 3)), np.ones(1000), 1e-3, 2)
    finally:
        jl.threads(threads)
        jl.settings.inline_ns = inline

    until(lambda: seen)
    assert seen[0] > before
    with pytest.raises(KeyError, match="there is no counter '/no/such'"):
        jl.policy(counter="/no/such", when=bool)
    with pytest.raises(ValueError, match="may be several counters"):
        jl.policy(counter="/tasks{*}/executed", when=bool)


def test_events_set_one_off_without_a_trace() -> None:
    seen = []

    @jl.policy(on="decide")
    def chosen(cause: Any) -> None:
        seen.append((cause.name, cause.count))

    @jl.jit
    def double(x: Any) -> Any:
        return x * 2 + 1

    double(np.ones(3))

    until(lambda: seen)
    assert seen == [("__add", 1)]


def test_every_firing_is_in_a_trace(tmp_path: Path) -> None:
    @jl.policy()
    def marked(cause: Any) -> None:
        pass

    with jl.trace(tmp_path / "run.jlt"):
        jl.policies.fire("marked", 1.5)
        assert jl.policies.wait()

    trace = jl.open_trace(tmp_path / "run.jlt")
    events = trace.events()
    [row] = [i for i, kind in enumerate(events["event"]) if kind == "fire"]
    assert events["name"][row] == "policy marked"
    assert events["value"][row] == 1.5
    sites = trace.sites()
    site = sites["name"].index("policy marked")
    assert sites["file"][site] == __file__
    assert "fire 1" in trace.report()


def test_one_that_raises_is_told_once_with_its_line_and_off() -> None:
    @jl.policy()
    def broken(cause: Any) -> None:
        raise ZeroDivisionError("no luck")

    line = broken.__code__.co_firstlineno + 2

    def fire() -> bool:
        for _ in range(3):
            jl.policies.fire("broken")
        return jl.policies.wait()

    with pytest.warns(RuntimeWarning) as told:
        assert fire()

    message = f"{__file__}:{line}: policy 'broken' is off: ZeroDivisionError: no luck"
    assert [str(w.message) for w in told] == [message]
    assert (told[0].filename, told[0].lineno) == (__file__, line)
    [row] = jl.policies.status()
    assert (row.on, row.fired, row.trouble) == (False, 1, message)
    assert firings("broken")[-1].trouble == message


def test_where_warnings_are_errors_it_is_told_all_the_same(capsys: Any) -> None:
    @jl.policy()
    def broken(cause: Any) -> None:
        raise ValueError("no")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        jl.policies.fire("broken")
        assert jl.policies.wait()

    assert "policy 'broken' is off: ValueError: no" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"on": "nothing"}, "there is no event 'nothing'"),
        ({"on": "steal", "every": 1.0}, "neither a counter nor a period"),
        ({"counter": lambda: 0.0}, "go together"),
        ({"every": 1e-9}, "a millisecond or more"),
        ({"every": -1.0}, "positive number of seconds"),
        ({"of": "x"}, "of is for policies on an event"),
    ],
)
def test_parts_that_do_not_fit_are_refused(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        jl.policy(name="x", **parts)(lambda cause: None)


def test_a_policy_may_call_the_engine() -> None:
    @jl.jit
    def total(x: Any) -> Any:
        return np.sum(x * 2)

    @jl.policy()
    def computes(cause: Any) -> str:
        return str(total(np.ones(1000)))

    jl.policies.fire("computes")

    assert jl.policies.wait()
    assert firings("computes")[-1].did == "2000.0"


@jl.jit
def fit(x: Any, y: Any, rate: float, rounds: int) -> Any:
    w = np.zeros(x.shape[1])
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-np.dot(x, w)))
        w = w - rate * np.dot(x.T, p - y)
    return w


@pytest.mark.parametrize("words", [*(f"+{name}" for name in BUILT_IN), "+all"])
def test_no_policy_changes_a_bit(words: str) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(20_000, 30)), (rng.random(20_000) > 0.5).astype(float)
    plain = fit(x, y, 1e-4, 5)

    jl.settings.policies = words
    for _ in range(20):
        assert fit(x, y, 1e-4, 5).tobytes() == plain.tobytes()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("worker_cap", [1, 2, 0]),
        ("grab_ns", [1, 10**9]),
        ("inline_ns", [0, 10**9]),
        ("in_flight", [0, 2**40]),
    ],
)
def test_what_policies_turn_changes_no_bit(name: str, values: list[int]) -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(20_000, 30)), (rng.random(20_000) > 0.5).astype(float)
    plain = fit(x, y, 1e-4, 3)
    before = getattr(jl.settings, name)
    try:
        for value in values:
            setattr(jl.settings, name, value)
            assert fit(x, y, 1e-4, 3).tobytes() == plain.tobytes()
    finally:
        setattr(jl.settings, name, before)


def test_work_below_the_threshold_is_done_at_once(tmp_path: Path) -> None:
    before, threads = jl.settings.inline_ns, jl.threads()
    jl.threads(2)
    x = np.ones(400_000)

    @jl.jit
    def roots(x: Any) -> Any:
        return np.sqrt(x) + 1

    def tasks() -> int:
        with jl.trace(tmp_path / "run.jlt"):
            roots(x)
        return len(jl.open_trace(tmp_path / "run.jlt").tasks()["id"])

    try:
        jl.settings.inline_ns = 0
        handed_out = tasks()
        jl.settings.inline_ns = 10**12
        assert tasks() == 0
        assert handed_out > 0
    finally:
        jl.settings.inline_ns = before
        jl.threads(threads)


def test_a_built_in_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no policy 'turbo'"):
        jl.settings.policies = "+turbo"
    assert jl.settings.policies == ""


def test_built_in_policies_are_listed_and_switched() -> None:
    jl.settings.policies = "+all,-worker-cap"

    assert {row.name for row in jl.policies.status()} == set(BUILT_IN[1:])
    assert tuple(row["name"] for row in core().built_in_policies()) == BUILT_IN
    tool = Path(sys.executable).parent / "jetlag"
    shown = subprocess.run(
        [str(tool), "describe", "policies"], capture_output=True, text=True, check=True
    )
    assert [row["name"] for row in json.loads(shown.stdout)] == list(BUILT_IN)


PROGRAM = """
import numpy as np, jetlag as jl
@jl.jit
def f(x):
    return x * 2
f(np.ones(3))
@jl.policy(every=0.001)
def tick(cause):
    return "t"
print([row.name for row in jl.policies.status()])
"""


@pytest.mark.parametrize(
    ("words", "expected"), [("+inline-small", "['inline-small', 'tick']"), ("+turbo", "['tick']")]
)
def test_the_environment_switches_and_the_process_ends(
    words: str, expected: str, tmp_path: Path
) -> None:

    (tmp_path / "program.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, tmp_path / "program.py"],
        env=os.environ | {"JETLAG_POLICIES": words},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == expected
    assert ("there is no policy 'turbo'" in done.stderr) == (words == "+turbo")
