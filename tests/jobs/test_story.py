"""The story of a job, told through a real sshd and a real Slurm of four nodes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from services import Slurm, Sshd, run, short_folder, wait_until

import jetlag as jl
from jetlag.jobs import client

LIMIT = 120


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    with short_folder() as folder:
        cluster = Slurm(folder / "s")
        yield cluster
        cluster.stop()


@pytest.fixture(scope="module")
def sshd(slurm: Slurm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    server = Sshd(tmp_path_factory.mktemp("ssh") / "d")
    yield server
    server.stop()


@pytest.fixture(scope="module", autouse=True)
def cluster(
    sshd: Sshd,
    tmp_path_factory: pytest.TempPathFactory,
    jobs_in: Callable[[Path], AbstractContextManager[Path]],
) -> Iterator[Any]:
    with jobs_in(tmp_path_factory.mktemp("store")):
        yield jl.machines.add("cluster", ssh="cluster", options=sshd.options, python=sys.executable)


@pytest.fixture(scope="module")
def bare(cluster: Any, sshd: Sshd) -> str:
    """The same machine without its queue."""
    jl.machines.add(
        "bare", ssh="cluster", options=sshd.options, python=sys.executable, scheduler="fork"
    )
    return "bare"


@jl.jit
def descend(x, y, rate, rounds):
    w = np.zeros(x.shape[1])
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-np.dot(x, w)))
        w = w - rate * np.dot(x.T, p - y)
    return w


def chatty(n: int) -> int:
    for i in range(n):
        print("line", i, flush=True)
        jl.progress(i + 1, n)
        time.sleep(0.1)
    return n


def fails() -> float:
    return 1 / 0


def waits(seconds: float) -> str:
    print("begun", flush=True)
    time.sleep(seconds)
    return "done"


def counts(path: str) -> int:
    with open(path, "a") as file:
        file.write("x\n")
    print("begun", flush=True)
    time.sleep(1)
    return 1


def test_a_look_at_the_machine_says_what_there_is(cluster: Any) -> None:
    assert cluster.scheduler == "slurm"
    names = {row["name"]: row for row in cluster.found["partitions"]}
    assert names["debug"]["default"]
    assert names["debug"]["nodes"] == "4"
    assert cluster.found["pythons"][0]["numpy"] == np.__version__


@pytest.mark.parametrize("machine", ["cluster", "bare"])
def test_the_value_and_the_trace_come_back(machine: str, bare: str) -> None:
    generator = np.random.default_rng(0)
    x, y = generator.random((5000, 10)), (generator.random(5000) > 0.5).astype(float)

    job = jl.run(descend, x, y, 1e-4, 50, on=machine, nodes=1, time="00:05:00")

    np.testing.assert_array_equal(job.result(LIMIT), descend(x, y, 1e-4, 50))
    assert len(job.trace.spans()["begin"]) > 0
    assert [row["state"] for row in job.history()][-3:] == ["running", "fetching", "finished"]


@pytest.mark.parametrize("machine", ["cluster", "bare"])
def test_an_exception_is_raised_at_the_users_line(machine: str, bare: str) -> None:
    job = jl.run(fails, on=machine)

    with pytest.raises(ZeroDivisionError) as caught:
        job.result(LIMIT)
    assert Path(caught.traceback[-1].path).name == "test_story.py"
    assert job.reason == "ZeroDivisionError: division by zero"


def test_the_log_and_the_progress_stream() -> None:
    job = jl.run(chatty, 20, on="cluster")
    pieces = []
    for piece in job.follow():
        pieces.append(piece)

    assert "".join(pieces) == "".join(f"line {i}\n" for i in range(20))
    assert len(pieces) > 1
    assert job.result(LIMIT) == 20
    assert job.progress is not None
    assert job.progress["done"] == 20


@pytest.mark.parametrize("machine", ["cluster", "bare"])
def test_a_job_is_cancelled_there(machine: str, bare: str) -> None:
    job = jl.run(waits, 1000.0, on=machine)
    next(job.follow())

    job.cancel()

    with pytest.raises(jl.jobs.JobCancelled):
        job.result(LIMIT)
    wait_until(lambda: not run("squeue", "-h").strip(), "something is left in the queue")


def test_a_waiting_job_is_cancelled_and_never_begins(tmp_path: Path) -> None:
    first = jl.run(waits, 1000.0, on="cluster", nodes=4, directives=["--exclusive"])
    next(first.follow())
    second = jl.run(counts, str(tmp_path / "count"), on="cluster")
    wait_until(lambda: "free nodes" in second.reason or "priority" in second.reason, second.reason)

    second.cancel()
    assert second.wait(LIMIT) == "cancelled"
    first.cancel()
    first.wait(LIMIT)

    assert not (tmp_path / "count").exists()


def test_a_time_limit_ends_it_with_its_reason(bare: str) -> None:
    job = jl.run(waits, 1000.0, on=bare, time=2)

    with pytest.raises(jl.jobs.JobFailed, match="it reached its time limit of 00:00:02"):
        job.result(LIMIT)


def test_slow_a_time_limit_of_the_scheduler_is_told() -> None:
    job = jl.run(waits, 1000.0, on="cluster", time=60)

    with pytest.raises(jl.jobs.JobFailed, match="it reached its time limit"):
        job.result(240)


def test_what_the_queue_cannot_run_says_why() -> None:
    job = jl.run(waits, 0.0, on="cluster", partition="short", time="00:30:00")
    wait_until(lambda: "partition" in job.reason.lower(), f"no reason: {job.reason}")
    job.cancel()
    job.wait(LIMIT)

    missing = jl.run(waits, 0.0, on="cluster", partition="gpu")
    with pytest.raises(jl.jobs.JobFailed, match="nvalid partition"):
        missing.result(LIMIT)


def test_a_lost_node_begins_it_again_where_that_is_asked_for(slurm: Slurm, tmp_path: Path) -> None:
    path = tmp_path / "count"
    job = jl.run(counts_slowly, str(path), on="cluster", attempts=2)
    next(job.follow())
    record = job.info
    node = run("squeue", "-h", "-j", record["scheduler_id"], "-o", "%N").strip()

    slurm.kill_node(int(node[1:]))
    slurm.kill_job(record["scheduler_id"])
    try:
        assert job.result(LIMIT) == 2
    finally:
        slurm.start_node(int(node[1:]))
    assert job.info["attempt"] == 2


def counts_slowly(path: str) -> int:
    with open(path, "a+") as file:
        file.write("x\n")
        file.seek(0)
        n = len(file.readlines())
    print("begun", flush=True)
    time.sleep(1000 if n == 1 else 0)
    return n


def picky(n: int) -> int:
    if n == 3:
        raise ValueError(f"no {n}")
    if n == 4:
        time.sleep(600)
    print("this is", n)
    return n * n


def array_of(job: Any) -> tuple[str, int]:
    number, _, index = job.info["scheduler_id"].partition("_")
    return number, int(index)


def test_a_map_is_one_array_whose_elements_have_ends_of_their_own() -> None:
    jobs = jl.map(picky, range(6), on="cluster", time="00:05:00")
    while jobs[4].state != "running":
        assert jobs[4].state not in ("failed", "finished")
        time.sleep(0.1)
    jobs[4].cancel()

    assert [jobs[i].result(LIMIT) for i in (0, 1, 2, 5)] == [0, 1, 4, 25]
    with pytest.raises(ValueError, match="no 3"):
        jobs[3].result(LIMIT)
    assert jobs[4].wait(LIMIT) == "cancelled"
    assert jobs[5].log() == "this is 5\n"
    assert len({array_of(job)[0] for job in jobs}) == 1
    assert sorted(array_of(job)[1] for job in jobs) == list(range(6))


def test_a_map_that_is_longer_than_an_array_may_be_is_several(cluster: Any) -> None:
    most = cluster.found["array"]
    jobs = jl.map(str, range(2 * most + 3), on="cluster", time="00:05:00")

    assert [job.result(LIMIT) for job in jobs] == [str(n) for n in range(2 * most + 3)]
    elements: dict[str, int] = {}
    for job in jobs:
        number = job.info["scheduler_id"].partition("_")[0]
        elements[number] = elements.get(number, 0) + 1
    assert max(elements.values()) <= most
    assert len(elements) <= 4


def test_each_element_of_an_array_that_is_refused_says_why() -> None:
    jobs = jl.map(str, range(3), on="cluster", partition="nowhere")

    for job in jobs:
        assert job.wait(LIMIT) == "failed"
        assert "invalid partition" in job.reason.lower()


def test_a_job_is_asked_for_once_more() -> None:
    job = jl.run(waits, 0.0, on="cluster")
    job.result(LIMIT)

    again = job.resubmit()

    assert again.id != job.id
    assert again.result(LIMIT) == "done"


def test_a_network_that_is_cut_loses_nothing(sshd: Sshd, tmp_path: Path) -> None:
    path = tmp_path / "count"
    job = jl.run(counts, str(path), on="cluster")
    next(job.follow())

    sshd.drop_connections()
    sshd.stop()
    time.sleep(1)
    sshd.start()

    assert job.result(LIMIT) == 1
    assert path.read_text() == "x\n"


def test_a_controller_that_dies_loses_nothing(slurm: Slurm, tmp_path: Path) -> None:
    path = tmp_path / "count"
    job = jl.run(counts, str(path), on="cluster")
    next(job.follow())

    slurm.kill_controller()
    time.sleep(2)
    slurm.start_controller()
    slurm.resume_nodes()

    assert job.result(LIMIT) == 1
    assert path.read_text() == "x\n"


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.15, 0.4, 1.0])
def test_a_daemon_that_is_killed_loses_nothing_and_doubles_nothing(
    delay: float, tmp_path: Path
) -> None:
    path = tmp_path / "count"
    job = jl.run(counts, str(path), on="cluster")
    time.sleep(delay)

    os.kill(int((client.folder() / "lock").read_text()), signal.SIGKILL)

    assert job.result(LIMIT) == 1
    assert path.read_text() == "x\n"


def test_a_file_of_some_size_goes_and_returns_unchanged() -> None:
    x = np.random.default_rng(1).random(4_000_000)

    np.testing.assert_array_equal(jl.run(double, x, on="bare").result(LIMIT), 2 * x)


def double(x: Any) -> Any:
    return 2 * x


# Bad input


def test_a_wrong_host_key_is_told(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other")
    key = (tmp_path / "other.pub").read_text().split()
    known.write_text(f"[127.0.0.1]:{sshd.port} {key[0]} {key[1]}\n")

    with pytest.raises(OSError, match="its host key is") as caught:
        jl.machines.add(
            "other", ssh="cluster", options=["-o", f"UserKnownHostsFile={known}", *sshd.options]
        )
    assert "hint" in caught.value.__notes__[0]


def test_a_machine_that_takes_no_key_is_explained(sshd: Sshd, tmp_path: Path) -> None:
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "stranger")

    options = ["-o", f"IdentityFile={tmp_path}/stranger", "-F", str(tmp_path / "config")]
    text = (sshd.folder / "ssh_config").read_text()
    (tmp_path / "config").write_text(
        "\n".join(line for line in text.splitlines() if not line.startswith("IdentityFile "))
    )
    with pytest.raises(OSError, match="it does not take any key") as caught:
        jl.machines.add("other", ssh="cluster", options=options)
    assert "never asks for a password" in caught.value.__notes__[0]


def test_a_machine_that_is_not_there_is_told(sshd: Sshd) -> None:
    with pytest.raises(OSError, match="there is no host of that name"):
        jl.machines.add("other", ssh="no-such-host.invalid")
    with pytest.raises(jl.jobs.JobError, match="is no address for ssh"):
        jl.machines.add("other", ssh="-oProxyCommand=touch /tmp/x")


def test_a_plain_command_with_files_runs_there(tmp_path: Path) -> None:
    (tmp_path / "a b.txt").write_text("from here\n")

    job = jl.run(
        ["sh", "-c", "cat 'a b.txt' > \"$1\"; echo $SLURM_JOB_ID", "sh", "out $(x).txt"],
        on="cluster",
        data=[tmp_path / "a b.txt"],
        outputs=["out*"],
    )

    assert job.result(LIMIT) == 0
    assert (job.files / "out $(x).txt").read_text() == "from here\n"
    assert job.log().strip() == job.info["scheduler_id"]


def test_nothing_is_left_running() -> None:
    wait_until(lambda: not run("squeue", "-h").strip(), "something is left in the queue")
    left = subprocess.run(
        ["pgrep", "-f", f"{client.folder()}/jobs"], capture_output=True, text=True
    ).stdout.split()
    assert [n for n in left if int(n) != os.getpid()] == []
