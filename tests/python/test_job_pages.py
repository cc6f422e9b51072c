"""What a page sees of jobs: `jetlag serve` answers for them, whoever keeps them."""

import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

import jetlag as jl
from jetlag.jobs import client
from test_serve import Served

JobsIn = Callable[[Path], AbstractContextManager[Path]]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, jobs_in: JobsIn) -> Iterator[Path]:
    with jobs_in(tmp_path_factory.mktemp("pages") / "store") as folder:
        yield folder


@pytest.fixture(scope="module")
def page(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server beside the daemon that has the jobs: what a page is served from."""
    jl.run(["true"]).wait(30)
    os.environ["JETLAG_JOBS_DIR"] = str(store)
    server = Served(str(tmp_path_factory.mktemp("traces")))
    del os.environ["JETLAG_JOBS_DIR"]
    yield server
    server.stop()


@jl.jit
def grow(x):
    return np.exp(x) * 0.1 + x


def tells(n: int, seen: str) -> int:
    for i in range(n):
        jl.progress(i + 1, n, "so far")
    while not os.path.exists(seen):
        time.sleep(0.02)
    return n


def test_a_page_sees_the_jobs_of_the_daemon(page: Served) -> None:
    job = jl.run(["sh", "-c", "echo out"], name="<b>&\"'")
    job.wait(30)

    seen = {row["id"]: row for row in page.json("/v1/jobs")}

    assert seen[job.id]["state"] == "finished"
    assert seen[job.id]["name"] == "<b>&\"'"
    status, text, _ = page.ask(f"/v1/jobs/{job.id}/log/stdout")
    assert (status, text) == (200, b"out\n")


def test_a_page_needs_the_token_for_jobs(page: Served) -> None:
    for method, path in [("GET", "/v1/jobs"), ("GET", "/v1/jobs/events"), ("POST", "/v1/jobs")]:
        assert page.ask(path, method=method, token="wrong")[0] == 401


def test_a_page_stops_a_job(page: Served) -> None:
    job = jl.run(["sleep", "1000"])

    status, _, _ = page.ask(f"/v1/jobs/{job.id}/cancel", method="POST")

    assert status == 200
    assert job.wait(30) == "cancelled"


def test_a_page_opens_the_trace_of_a_job(page: Served) -> None:
    job = jl.run(grow, np.ones(1000))
    job.result(30)

    trace = page.json(f"/v1/jobs/{job.id}")["trace"]

    assert page.json(f"/v1/traces/{trace}")["spans"] > 0
    assert page.ask("/v1/traces/job-..-1")[0] == 404
    assert trace not in [row["id"] for row in page.json("/v1/traces")]


def test_a_page_sees_progress(page: Served, tmp_path: Path) -> None:
    job = jl.run(tells, 3, str(tmp_path / "seen"))
    seen = None
    while seen is None and not job.info["final"]:
        seen = page.json(f"/v1/jobs/{job.id}")["progress"]
    (tmp_path / "seen").touch()

    assert seen is not None
    assert (seen["total"], seen["text"]) == (3, "so far")
    assert job.result(30) == 3


def test_a_file_that_a_job_left_comes_through(page: Served) -> None:
    job = jl.run(["sh", "-c", "head -c 3000000 /dev/zero > big"])
    job.wait(30)

    assert page.ask(f"/v1/jobs/{job.id}/file?name=big")[1] == bytes(3_000_000)
    assert page.ask(f"/v1/jobs/{job.id}/file?name=../../../jobs.sqlite")[0] == 404


def events(page: Served) -> Iterator[tuple[str, Any]]:
    connection = http.client.HTTPConnection(urlsplit(page.address).netloc, timeout=30)
    connection.request("GET", f"/v1/jobs/events?token={page.token}")
    answer = connection.getresponse()
    assert answer.headers["Content-Type"] == "text/event-stream"
    kind = ""
    while line := answer.readline().decode().rstrip("\n"):
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))
            answer.readline()
        elif line == ":":
            answer.readline()


def test_events_tell_of_each_job(page: Served) -> None:
    stream = events(page)
    assert next(stream) == ("list", {})

    job = jl.run(["true"])

    for kind, row in stream:
        if kind == "job" and row["id"] == job.id and row["final"]:
            break
    assert row["state"] == "finished"


def test_a_daemon_that_died_is_started_for_a_page(page: Served, store: Path) -> None:
    job = jl.run(["true"])
    job.wait(30)
    os.kill(int((store / "lock").read_text()), signal.SIGKILL)

    assert job.id in [row["id"] for row in page.json("/v1/jobs")]


def test_a_daemon_with_nothing_to_do_ends(tmp_path: Path) -> None:
    tool = client.command_path()
    environment = os.environ | {"JETLAG_JOBS_IDLE": "0.3"}
    folder = str(tmp_path / "s")
    subprocess.run([tool, "serve", "--background", "--jobs", folder], check=True, env=environment)
    asked = subprocess.run(
        [tool, "submit", "--jobs", folder, "--json", "--", "sleep", "1.5"],
        capture_output=True, text=True, env=environment, check=True,
    )  # fmt: skip
    id = json.loads(asked.stdout)["id"]
    # On a busy machine the first may have ended before the job came.
    number = int((tmp_path / "s/lock").read_text())

    status = tmp_path / f"s/jobs/{id}/1/status"

    def has_ended() -> bool:
        return status.exists() and "end" in status.read_text()

    while not has_ended():
        assert Path(f"/proc/{number}").exists() or has_ended(), "it ended while a job ran"
        time.sleep(0.05)
    for _ in range(1200):
        if (
            not Path(f"/proc/{number}").exists()
            or "\nState:\tZ" in Path(f"/proc/{number}/status").read_text()
        ):
            break
        time.sleep(0.05)
    else:
        raise TimeoutError("the daemon did not end")
    assert not (tmp_path / "s/daemon.sock").exists()


def test_a_client_is_not_kept_waiting_by_what_a_job_holds_open(store: Path) -> None:
    job = jl.run(["sleep", "1000"])
    while job.state != "running":
        time.sleep(0.02)
    session = job.info["scheduler_id"]

    open_there = [os.readlink(p) for p in Path(f"/proc/{session}/fd").iterdir()]

    assert not [name for name in open_there if name.startswith("socket:")]
    job.cancel()
