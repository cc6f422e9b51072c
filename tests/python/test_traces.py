"""Recording a run, and what can be read of it."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jetlag as jl


@jl.jit
def fit(x: Any, y: Any, rate: float, rounds: int) -> Any:
    w = np.zeros(x.shape[1])
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-np.dot(x, w)))
        w = w - rate * np.dot(x.T, p - y)
    return w


def data(rows: int, columns: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(1)
    return rng.normal(size=(rows, columns)), (rng.random(rows) > 0.5).astype(float)


def names(trace: jl.Trace) -> list[str]:
    sites = trace.sites()["name"]
    return [sites[s] for s in trace.spans()["site"]]


def test_the_steps_of_a_call_are_recorded_with_their_lines(tmp_path: Path) -> None:
    x, y = data(50, 5)
    fit(x, y, 1e-3, 2)

    with jl.trace(tmp_path / "run.jlt"):
        fit(x, y, 1e-3, 7)

    trace = jl.open_trace(tmp_path / "run.jlt")
    sites = trace.sites()
    called = names(trace)
    assert trace.closed
    assert trace.complaints == []
    assert called.count("fit") == 1
    dots = [
        s
        for s, name in enumerate(sites["name"])
        if name == "dot" and s in set(trace.spans()["site"])
    ]
    assert {Path(sites["file"][s]).name for s in dots} == {Path(__file__).name}
    first = fit.__wrapped__.__code__.co_firstlineno
    assert {int(sites["line"][s]) - first for s in dots} <= {4, 5}
    assert "dot(x, w)" in sites["text"]


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_recording_changes_no_bit(tmp_path: Path, workers: int) -> None:
    x, y = data(5000, 60)
    before = jl.threads()
    jl.threads(workers)
    try:
        plain = fit(x, y, 1e-3, 5)
        with jl.trace(tmp_path / "run.jlt"):
            traced = fit(x, y, 1e-3, 5)
    finally:
        jl.threads(before)

    assert plain.tobytes() == traced.tobytes()


def test_large_work_is_tasks_that_say_what_they_moved(tmp_path: Path) -> None:
    before = jl.threads()
    jl.threads(2)
    x, y = data(20_000, 200)
    try:
        fit(x, y, 1e-3, 2)
        with jl.trace(tmp_path / "run.jlt"):
            fit(x, y, 1e-3, 5)
    finally:
        jl.threads(before)

    trace = jl.open_trace(tmp_path / "run.jlt")
    tasks = trace.tasks()
    assert len(tasks["id"]) >= 5
    assert tasks["bytes"].max() >= x.nbytes
    ran = tasks["begin"] >= 0
    assert (tasks["end"][ran] >= tasks["begin"][ran]).all()
    assert (tasks["created"][ran] <= tasks["begin"][ran]).all()
    assert (tasks["slack"] >= 0).all()
    length, path = trace.critical_path()
    assert 0 < length <= trace.length
    assert len(path) >= 1
    assert any(name.startswith("worker") for name in trace.threads()["name"])


def test_small_steps_say_what_they_moved_and_loops_do_not_say_it_for_them(tmp_path: Path) -> None:
    @jl.jit
    def rounds(x: np.ndarray, n: int) -> np.ndarray:
        for i in range(n):
            x = np.dot(x, x) + i
        return x

    x = np.eye(30)
    rounds(x, 5)
    with jl.trace(tmp_path / "run.jlt"):
        rounds(x, 5)

    rows = jl.open_trace(tmp_path / "run.jlt").profile()
    bytes_of = dict(zip(rows["name"], rows["bytes"], strict=True))
    assert bytes_of["dot"] >= 5 * x.nbytes
    assert bytes_of["for"] == 0


def test_rounds_that_run_ahead_are_tasks_of_their_loop(tmp_path: Path) -> None:
    @jl.jit
    def rows(x: np.ndarray, out: np.ndarray) -> np.ndarray:
        for i in range(len(x)):
            out[i, :] = np.linalg.inv(x[i])[0]
        return out

    x = np.random.default_rng(0).standard_normal((400, 30, 30))
    out = np.zeros((400, 30))
    before = jl.threads()
    jl.threads(2)
    try:
        rows(x, out)
        with jl.trace(tmp_path / "run.jlt"):
            rows(x, out)
    finally:
        jl.threads(before)

    trace = jl.open_trace(tmp_path / "run.jlt")
    tasks = trace.tasks()
    names = trace.sites()["name"]
    assert len(tasks["id"]) > 1
    assert {names[s] for s in tasks["site"]} == {"for"}
    length, path = trace.critical_path()
    assert len(path) > 0
    assert length > trace.length / 10


def test_own_times_add_up_to_the_busy_time(tmp_path: Path) -> None:
    x, y = data(200, 10)

    with jl.trace(tmp_path / "run.jlt"):
        fit(x, y, 1e-3, 20)

    trace = jl.open_trace(tmp_path / "run.jlt")
    assert trace.profile()["self"].sum() == trace.threads()["busy"].sum()
    assert trace.tree()["self"].sum() == trace.threads()["busy"].sum()


def test_spans_of_the_user_lie_around_what_they_hold(tmp_path: Path) -> None:
    part = jl.span("part")
    with jl.trace(tmp_path / "run.jlt"), jl.span("outer"):
        for _ in range(3):
            with part:
                fit(*data(10, 2), 1e-3, 1)

    trace = jl.open_trace(tmp_path / "run.jlt")
    spans = trace.spans()
    called = names(trace)
    parts = [i for i, name in enumerate(called) if name == "part"]
    assert len(parts) == 3
    assert {called[spans["parent"][i]] for i in parts} == {"outer"}
    site = trace.sites()["name"].index("part")
    assert Path(trace.sites()["file"][site]).name == Path(__file__).name


def test_a_span_without_a_recording_does_nothing() -> None:
    with jl.span("alone"):
        pass


def test_a_span_ends_with_an_exception(tmp_path: Path) -> None:
    with jl.trace(tmp_path / "run.jlt"):
        with pytest.raises(ValueError, match="inside"), jl.span("fails"):
            raise ValueError("inside")
        with jl.span("after"):
            pass

    trace = jl.open_trace(tmp_path / "run.jlt")
    assert names(trace) == ["fails", "after"]
    assert trace.spans()["parent"].tolist() == [-1, -1]


def test_threads_of_the_user_are_recorded(tmp_path: Path) -> None:
    x, y = data(30, 3)

    with jl.trace(tmp_path / "run.jlt"):
        threads = [threading.Thread(target=fit, args=(x, y, 1e-3, 3)) for _ in range(5)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()

    assert names(jl.open_trace(tmp_path / "run.jlt")).count("fit") == 5


def test_an_opaque_step_is_a_span(tmp_path: Path) -> None:
    @jl.jit
    def mixed(x: Any) -> Any:
        y = x + 1
        print("python", end="")
        return np.fft.fft(y)

    with jl.trace(tmp_path / "run.jlt"), pytest.warns(jl.OpaqueWarning):
        mixed(np.ones(8))

    trace = jl.open_trace(tmp_path / "run.jlt")
    sites = trace.sites()
    kinds = {sites["category"][s] for s in trace.spans()["site"]}
    assert "opaque" in kinds


def test_a_second_recording_is_an_error_that_names_the_first(tmp_path: Path) -> None:
    with (
        jl.trace(tmp_path / "a.jlt"),
        pytest.raises(RuntimeError, match=r"recorded already, into .*a\.jlt"),
        jl.trace(tmp_path / "b.jlt"),
    ):
        pass

    assert not (tmp_path / "b.jlt").exists()


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cannot make the trace"), jl.trace(tmp_path / "no" / "a.jlt"):
        pass


def test_a_file_that_is_no_trace_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.jlt").write_bytes(b"no trace at all" * 1000)

    with pytest.raises(ValueError, match="is no trace"):
        jl.open_trace(tmp_path / "a.jlt")
    with pytest.raises(OSError, match="cannot read"):
        jl.open_trace(tmp_path / "b.jlt")


def test_an_empty_trace_opens_and_says_so(tmp_path: Path) -> None:
    with jl.trace(tmp_path / "a.jlt", counters=[]):
        pass

    trace = jl.open_trace(tmp_path / "a.jlt")
    assert trace.length == 0
    assert "nothing was recorded" in trace.report()
    assert trace.profile()["self"].tolist() == []
    assert trace.critical_path()[0] == 0


def test_a_trace_can_be_read_while_it_grows(tmp_path: Path) -> None:
    with jl.trace(tmp_path / "a.jlt"):
        fit(*data(10, 2), 1e-3, 3)
        so_far = jl.open_trace(tmp_path / "a.jlt")
        assert not so_far.closed
        assert "fit" in names(so_far)


def test_reports_sort_filter_and_cut(tmp_path: Path) -> None:
    with jl.trace(tmp_path / "a.jlt"), jl.span("whole"):
        fit(*data(100, 4), 1e-3, 3)
    trace = jl.open_trace(tmp_path / "a.jlt")

    assert "and " in trace.report(rows=1)
    assert "whole" not in trace.report(filter="dot").splitlines()[-1]
    lines = trace.report(sort="total").splitlines()
    # A compilation beside the run may take longer than either.
    whole, call = (
        next(i for i, line in enumerate(lines) if name in line) for name in ("whole", "fit")
    )
    assert whole < call
    with pytest.raises(ValueError, match="cannot sort by 'size'"):
        trace.report(sort="size")
    page = trace._repr_html_()
    assert page.startswith("<div><b>")
    assert page.count("<tr>") == 1 + min(len(trace.profile()["site"]), 30)
    assert ">whole<" in page


def test_nodes_of_the_tree_have_the_figures_of_their_spans(tmp_path: Path) -> None:
    with jl.trace(tmp_path / "a.jlt"), jl.span("whole"):
        for rounds in range(1, 5):
            fit(*data(100, 4), 1e-3, rounds)
    trace = jl.open_trace(tmp_path / "a.jlt")

    tree, spans = trace.tree(), trace.spans()
    profile = trace.profile()
    durations = spans["end"] - spans["begin"]
    for site in set(tree["site"].tolist()):
        nodes = np.flatnonzero(tree["site"] == site)
        mine = np.sort(durations[spans["site"] == site])
        assert tree["count"][nodes].sum() == len(mine)
        assert tree["min"][nodes].min() == mine[0]
        assert tree["max"][nodes].max() == mine[-1]
        row = np.flatnonzero(profile["site"] == site)
        assert tree["bytes"][nodes].sum() == pytest.approx(profile["bytes"][row].sum())
        if len(nodes) == 1:
            assert tree["median"][nodes[0]] == mine[(len(mine) + 1) // 2 - 1]
            assert tree["p99"][nodes[0]] == mine[int(np.ceil(0.99 * len(mine))) - 1]


def test_the_roofline_holds_sites_against_the_machine(tmp_path: Path) -> None:
    x = np.ones((3000, 300))
    with jl.trace(tmp_path / "a.jlt"):
        fit(x, np.ones(3000), 1e-6, 5)
    trace = jl.open_trace(tmp_path / "a.jlt")

    roof = trace.roofline(bandwidth=1e9, peak=1.5e9)

    assert len(roof["site"]) > 0
    spans = trace.spans()
    for i, site in enumerate(roof["site"]):
        assert roof["intensity"][i] == roof["flops"][i] / roof["bytes"][i]
        most = min(1.5e9, roof["intensity"][i] * 1e9) if roof["flops"][i] else 1e9
        assert roof["roof"][i] == most
        moments = set()
        for begin, end in zip(spans["begin"], spans["end"], strict=True):
            moments |= {begin, end}
        mine = spans["site"] == site
        ordered = sorted(moments)
        busy = sum(
            b - a
            for a, b in itertools.pairwise(ordered)
            if np.any(mine & (spans["begin"] <= a) & (spans["end"] >= b))
        )
        amount = roof["flops"][i] or roof["bytes"][i]
        assert roof["rate"][i] == pytest.approx(amount / (busy * 1e-9))
        assert roof["share"][i] == pytest.approx(roof["rate"][i] / most)


def test_one_rank_has_no_imbalance_of_ranks(tmp_path: Path) -> None:
    with jl.trace(tmp_path / "a.jlt"):
        fit(*data(10, 2), 1e-3, 1)
    trace = jl.open_trace(tmp_path / "a.jlt")

    assert trace.imbalance()[1] == 0
    assert set(trace.threads()["rank"].tolist()) == {0}


def run(code: str, tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "program.py").write_text(code)
    return subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


PROGRAM = """
import numpy as np, jetlag as jl
@jl.jit
def twice(x):
    return x + x
for _ in range(3):
    twice(np.ones(3))
"""


def test_the_environment_records_a_whole_process(tmp_path: Path) -> None:
    done = run(PROGRAM, tmp_path, JETLAG_TRACE="run-%p.jlt")

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    [file] = tmp_path.glob("run-*.jlt")
    trace = jl.open_trace(file)
    assert trace.closed
    assert f"-{trace.facts['process']}." in file.name
    assert names(trace).count("twice") == 3


def test_the_environment_names_a_folder_that_is_not_there(tmp_path: Path) -> None:
    done = run(PROGRAM, tmp_path, JETLAG_TRACE="no/run.jlt")

    assert done.returncode == 0
    assert "RuntimeWarning: JETLAG_TRACE: cannot make the trace no/run.jlt" in done.stderr


def test_a_killed_process_leaves_a_trace(tmp_path: Path) -> None:
    endless = PROGRAM + "print('ready', flush=True)\nwhile True: twice(np.ones(3))"
    (tmp_path / "endless.py").write_text(endless)
    process = subprocess.Popen(
        [sys.executable, "endless.py"],
        cwd=tmp_path,
        env=os.environ | {"JETLAG_TRACE": "run.jlt"},
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    process.stdout.readline()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(names(jl.open_trace(tmp_path / "run.jlt"))) < 100:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()

    trace = jl.open_trace(tmp_path / "run.jlt")
    assert not trace.closed
    assert names(trace).count("twice") >= 100
    assert "ended before the recording did" in trace.report()


def test_the_child_of_a_fork_leaves_the_trace_alone(tmp_path: Path) -> None:
    with jl.trace(tmp_path / "run.jlt"):
        fit(*data(10, 2), 1e-3, 1)
        child = os.fork()
        if child == 0:
            fit(*data(10, 2), 1e-3, 1)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    assert names(jl.open_trace(tmp_path / "run.jlt")).count("fit") == 1


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).parent / "jetlag"
    return subprocess.run(
        [str(tool), *arguments], capture_output=True, text=True, check=False, timeout=120
    )


def test_the_command_records_and_prints_a_profile(tmp_path: Path) -> None:
    file = str(tmp_path / "run.jlt")

    ran = command("run", "--code", "sum(arange(0, 1000) * 2)", "--trace", file)
    shown = command("profile", file)

    assert ran.returncode == 0, ran.stderr
    assert shown.returncode == 0, shown.stderr
    assert "self  share" in shown.stdout
    assert command("profile", file, "--tree").returncode == 0
    wrong = command("profile", file, "--sort", "size")
    assert wrong.returncode != 0
    assert "sort by self" in wrong.stderr
    assert "cannot read" in command("profile", str(tmp_path / "none")).stderr
