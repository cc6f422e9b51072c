"""Function jobs on this machine: values, errors, logs, and all that a job can tell."""

import functools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from jetlag.jobs import client

FACTOR = 3.0
TABLE = {"a": np.arange(3), "f": lambda x: x + FACTOR}


@pytest.fixture(scope="module", autouse=True)
def store(
    tmp_path_factory: pytest.TempPathFactory,
    jobs_in: Callable[[Path], AbstractContextManager[Path]],
) -> Iterator[Path]:
    with jobs_in(tmp_path_factory.mktemp("store")) as folder:
        yield folder


def scale(x: Any, by: float = 2.0) -> Any:
    return x * by * FACTOR


@jl.jit
def squares(x):
    return np.dot(x, x) + FACTOR


def test_the_value_comes_back() -> None:
    x = np.arange(6.0).reshape(2, 3)

    job = jl.run(scale, x, by=4.0)

    np.testing.assert_array_equal(job.result(30), x * 12)
    assert (job.state, job.machine, job.reason) == ("finished", "local", "")


def test_a_compiled_function_runs_there_and_its_trace_comes_back() -> None:
    x = np.arange(200_000.0)

    job = jl.run(squares, x)

    assert job.result(30) == squares(x)
    assert job.trace.closed
    assert len(job.trace.spans()["begin"]) > 0
    assert job.log("stderr") == ""


def test_a_decorated_function_of_a_script_is_compiled_there(store: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.replace("STORE", str(store)))

    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)

    assert done.stderr == ""
    assert done.stdout == "45.0 True []\n"


SCRIPT = """
import numpy as np
import jetlag as jl
jl.settings.jobs_dir = "STORE"

@jl.jit(strict=True)
def total(x):
    return np.sum(x * 2) / 2

job = jl.run(total, np.arange(10.0))
print(job.result(50), len(job.trace.spans()["begin"]) > 0, job.log("stderr").splitlines())
"""


def test_arguments_are_taken_as_they_are_when_run_is_called() -> None:
    x = np.ones(1000)

    job = jl.run(scale, x)
    x[:] = 0

    assert job.result(30)[0] == 6.0


def test_closures_lambdas_and_tables_travel() -> None:
    offset = np.array([1.0, 2.0])

    def shift(x: Any) -> Any:
        return TABLE["f"](x) + offset + TABLE["a"][1]

    assert jl.run(shift, 1.0).result(30).tolist() == [6.0, 7.0]
    assert jl.run(lambda x: x + offset[0], 1).result(30) == 2.0


def test_functions_that_call_each_other_travel() -> None:
    assert jl.run(is_even, 10).result(30) is True


def is_even(n: int) -> bool:
    return n == 0 or is_odd(n - 1)


def is_odd(n: int) -> bool:
    return n != 0 and is_even(n - 1)


def test_a_module_of_ones_own_travels_with_what_it_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "travelling"
    package.mkdir()
    (package / "__init__.py").write_text("from .inner import base\n")
    (package / "inner.py").write_text("import beside_it\ndef base(): return beside_it.VALUE\n")
    (tmp_path / "beside_it.py").write_text("VALUE = 41\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import travelling

    job = jl.run(travelling.base)
    (tmp_path / "beside_it.py").write_text("VALUE = 0\n")

    assert job.result(30) == 41


def fails(kind: str) -> None:
    if kind == "zero":
        return 1 / 0  # the line
    if kind == "numpy":
        np.linalg.inv(np.zeros((2, 2)))
    if kind == "exit":
        sys.exit(3)
    if kind == "axis":
        np.sum(np.ones(3), axis=4)
    if kind == "key":
        {}["missing"]
    raise Odd("of its own")


class Odd(Exception):
    pass


def test_an_exception_is_raised_at_the_users_line() -> None:
    with pytest.raises(ZeroDivisionError, match="division by zero") as caught:
        jl.run(fails, "zero").result(30)

    lines = Path(__file__).read_text().splitlines()
    expected = next(i for i, line in enumerate(lines) if line.endswith("# the line"))
    last = caught.traceback[-1]
    assert (Path(last.path).name, last.lineno) == ("test_jobs.py", expected)
    assert "in fails" in caught.value.__notes__[-1]


@pytest.mark.parametrize(
    ("kind", "cls"),
    [("numpy", np.linalg.LinAlgError), ("axis", np.exceptions.AxisError), ("key", KeyError)],
)
def test_exceptions_of_python_and_numpy_come_back_as_themselves(kind: str, cls: type) -> None:
    with pytest.raises(cls):
        jl.run(fails, kind).result(30)


def test_any_other_exception_is_told_of() -> None:
    job = jl.run(fails, "odd")

    with pytest.raises(jl.RemoteError, match="Odd: of its own") as caught:
        job.result(30)
    assert caught.value.message == "of its own"
    assert "raise Odd" in caught.value.traceback
    assert job.reason == "Odd: of its own"


def test_a_program_that_exits_there_does_not_end_this_one() -> None:
    with pytest.raises(jl.RemoteError, match="SystemExit: 3"):
        jl.run(fails, "exit").result(30)


def chatty(n: int) -> int:
    for i in range(n):
        print("line", i)
        jl.progress(i + 1, n, "counting")
    print("trouble", file=sys.stderr)
    return n


def test_what_it_prints_and_how_far_it_is_are_told() -> None:
    job = jl.run(chatty, 5)

    assert job.result(30) == 5
    assert job.log() == "".join(f"line {i}\n" for i in range(5))
    assert job.log("stderr") == "trouble\n"
    assert job.progress is not None
    assert (job.progress["done"], job.progress["total"]) == (5, 5)


def waits(path: str) -> str:
    print("begun", flush=True)
    while not os.path.exists(path):
        time.sleep(0.01)
    return "seen"


def test_what_is_printed_can_be_read_while_it_runs(tmp_path: Path) -> None:
    job = jl.run(waits, str(tmp_path / "go"))

    first = next(job.follow())
    (tmp_path / "go").touch()

    assert first == "begun\n"
    assert job.result(30) == "seen"


def test_a_job_is_cancelled_with_all_that_it_began(tmp_path: Path) -> None:
    job = jl.run(waits, str(tmp_path / "never"))
    next(job.follow())

    job.cancel()

    with pytest.raises(jl.jobs.JobCancelled, match="cancelled"):
        job.result(30)
    assert job.state == "cancelled"
    job.cancel()  # once more does nothing


def test_a_time_limit_is_kept(tmp_path: Path) -> None:
    job = jl.run(waits, str(tmp_path / "never"), time=1)

    with pytest.raises(jl.jobs.JobFailed, match="it reached its time limit of 00:00:01"):
        job.result(30)


def dies() -> None:
    os.kill(os.getpid(), 9)


def test_a_process_that_is_killed_is_told_of() -> None:
    with pytest.raises(jl.jobs.JobFailed, match="it ended by signal 9"):
        jl.run(dies).result(30)


def test_what_is_no_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(jl.jobs.CannotSend, match=r"argument 1\['a'\]\[1\] is of type .*Odd"):
        jl.run(scale, {"a": [1, Odd()]})
    with open(tmp_path / "f", "w") as file, pytest.raises(jl.jobs.CannotSend, match="file, which"):
        jl.run(lambda: file.name)


def returns_object() -> object:
    return {"x": [object()]}


def test_a_result_that_cannot_be_sent_is_named() -> None:
    with pytest.raises(jl.RemoteError, match=r"the result\['x'\]\[0\]"):
        jl.run(returns_object).result(30)


def test_pickles_are_used_only_where_asked_for() -> None:
    value = functools.partial(divmod, 7)

    with pytest.raises(jl.jobs.CannotSend):
        jl.run(call_it, value)

    assert jl.run(call_it, value, pickle=True).result(30) == (3, 1)


def call_it(f: Any) -> Any:
    return f(2)


def test_an_equal_call_is_answered_from_the_store() -> None:
    first = jl.run(scale, np.arange(4.0), reuse=True)
    value = first.result(30)

    again = jl.run(scale, np.arange(4.0), reuse=True)
    other = jl.run(scale, np.arange(5.0), reuse=True)

    assert not first.reused and again.reused and not other.reused
    assert again.id == first.id
    np.testing.assert_array_equal(again.result(30), value)


def rolls() -> float:
    return np.random.default_rng().random()


def test_chance_is_never_answered_from_the_store() -> None:
    with pytest.raises(jl.jobs.launch.CannotReuse, match=r"rolls uses random numbers"):
        jl.run(rolls, reuse=True)


def test_a_dry_run_sends_nothing_and_lists_all() -> None:
    before = len(jl.jobs.list(limit=1000))

    plan = jl.run(squares, np.ones(1000), dry_run=True)

    assert plan.files["arguments.jlv"] > 8000
    assert "test_jobs.squares" in plan.manifest["functions"]
    assert plan.manifest["packages"]["numpy"] == np.__version__
    assert "nothing was sent" in repr(plan)
    assert len(jl.jobs.list(limit=1000)) == before


def test_a_dry_run_of_a_command_is_refused() -> None:
    before = len(jl.jobs.list(limit=1000))

    with pytest.raises(TypeError, match="dry_run is for functions"):
        jl.run(["true"], dry_run=True)

    assert len(jl.jobs.list(limit=1000)) == before


def test_many_at_once_all_come_back() -> None:
    jobs = jl.map(scale, range(20))

    assert [job.result(60) for job in jobs] == [i * 6.0 for i in range(20)]


def test_jobs_come_after_others(tmp_path: Path) -> None:
    first = jl.run(waits, str(tmp_path / "go"))
    second = jl.run(scale, 1.0, after=[first])

    assert second.state == "pending"
    assert second.reason == f"it waits for job {first.id}"
    (tmp_path / "go").touch()
    assert second.result(30) == 6.0


def test_a_job_is_found_again_by_its_id() -> None:
    job = jl.run(scale, 2.0, name="found again")
    job.result(30)

    assert jl.jobs.get(job.id[:8]).result(30) == 12.0
    assert jl.jobs.list(text="found ag")[0].id == job.id
    assert [row["event"] for row in job.history()][:3] == ["asked", "ready", "staged"]
    with pytest.raises(LookupError, match="there is no job ffffffff"):
        jl.jobs.get("ffffffff")


def test_what_it_needed_is_proposed_for_the_next() -> None:
    job = jl.run(scale, np.ones(1000))
    job.result(30)

    assert job.usage["cpu_seconds"] > 0
    assert job.suggested["memory"] >= 100


def measures(n: int) -> int:
    return len(np.ones(n * 1_000_000 // 8))


def test_what_earlier_jobs_needed_limits_the_next() -> None:
    options = {"time": "suggested", "memory": "suggested"}
    first = jl.run(measures, 10, **options)
    first.result(30)
    assert (first.info["seconds"], first.info["memory"]) == (0, 0)
    large = jl.run(measures, 200)
    large.result(30)

    third = jl.run(measures, 10, **options)
    third.result(30)

    assert third.info["memory"] == large.suggested["memory"] > first.suggested["memory"]
    assert third.info["seconds"] == 60
    assert third.info["memory"] > 250
    plan = jl.run(measures, 10, dry_run=True)
    assert plan.suggested == {"time": 60, "memory": third.info["memory"]}
    assert f"suggested limits: time 60 s, memory {third.info['memory']} MB" in repr(plan)
    with pytest.raises(TypeError, match="memory can be suggested for functions"):
        jl.run(["true"], memory="suggested")


def test_files_travel_and_come_back(tmp_path: Path) -> None:
    (tmp_path / "in put.txt").write_text("from here")

    job = jl.run(copies, data=[tmp_path / "in put.txt"], outputs=["out/*"])

    job.result(30)
    assert (job.files / "out/copy.txt").read_text() == "FROM HERE"


def copies() -> None:
    Path("out").mkdir()
    Path("out/copy.txt").write_text(Path("in put.txt").read_text().upper())


def test_a_command_is_a_job_too() -> None:
    job = jl.run(["sh", "-c", "echo $GREETING; exit 0"], environment={"GREETING": "a 'b' $(c)"})

    assert job.result(30) == 0
    assert job.log() == "a 'b' $(c)\n"
    with pytest.raises(jl.jobs.JobFailed, match="exit code 5"):
        jl.run(["sh", "-c", "exit 5"]).result(30)


def test_an_unknown_machine_is_refused_with_those_there_are() -> None:
    with pytest.raises(LookupError, match="there is no machine 'nowhere'") as caught:
        jl.run(scale, 1, on="nowhere")
    assert "local" in caught.value.__notes__[0]


def test_times_are_hours_minutes_seconds() -> None:
    with pytest.raises(ValueError, match="time must be HH:MM:SS"):
        jl.run(scale, 1, time="soon")


def test_jobs_that_run_outlive_the_daemon(tmp_path: Path) -> None:
    job = jl.run(waits, str(tmp_path / "go"))
    next(job.follow())

    client.stop()
    (tmp_path / "go").touch()

    assert job.result(30) == "seen"
    assert job.info["attempt"] == 1


def test_the_card_of_a_job_has_nothing_that_runs() -> None:
    job = jl.run(echo_markup, name="<script>alert(1)</script>")
    job.result(30)

    card = job._repr_html_()

    assert "<script>" not in card
    assert "finished" in card


def echo_markup() -> None:
    print("<img src=x onerror=alert(1)>")


def jetlag_command(*words: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"JETLAG_JOBS_DIR": jl.settings.jobs_dir}
    return subprocess.run(
        [client.command_path(), *words], capture_output=True, text=True, env=env, timeout=60
    )


def test_the_command_line_does_the_same() -> None:
    submitted = jetlag_command("submit", "--wait", "--json", "--", "echo", "a  b")
    assert submitted.returncode == 0, submitted.stderr
    import json

    job = json.loads(submitted.stdout)

    assert job["state"] == "finished"
    assert jetlag_command("log", job["id"]).stdout == "a  b\n"
    assert job["id"] in jetlag_command("status").stdout
    assert "fetched" in jetlag_command("history", job["id"][:6]).stdout
    assert jetlag_command("result", job["id"]).returncode == 0
    assert "local" in jetlag_command("machines").stdout
    assert "mine  this machine  fork" in jetlag_command("machines", "add", "mine", "--scheduler",
                                                        "fork").stdout  # fmt: skip
    assert "mine" in jetlag_command("machines").stdout
    assert jetlag_command("machines", "forget", "mine").returncode == 0
    assert "mine" not in jetlag_command("machines").stdout
    bad = jetlag_command("machines", "add", "far", "--ssh", "no-such-host.invalid")
    assert bad.returncode != 0
    assert "cannot reach no-such-host.invalid by ssh: there is no host of that name" in bad.stderr
    missing = jetlag_command("status", "ffffffff")
    assert missing.returncode != 0
    assert "there is no job ffffffff" in missing.stderr
    assert jetlag_command("submit", "--wait", "false").returncode == 1


def test_many_who_ask_at_once_start_one_daemon(tmp_path: Path) -> None:
    store = tmp_path / "store"
    words = [client.command_path(), "status", "--json", "--jobs", str(store)]
    asking = [
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(8)
    ]

    said = [process.communicate(timeout=60) for process in asking]
    client.stop(store)

    assert said == [("[]\n", "")] * 8
