"""The daemon of jobs is killed at each point where something is done and not yet written down, or
the other way round: every job reaches its end, once, and every message arrives."""

import http.server
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import jetlag as jl
from jetlag.jobs import client

POINTS = [
    "asked",
    "ready stored",
    "stage done",
    "staged stored",
    "submit begun",
    "submit done",
    "submitted stored",
    "started stored",
    "ended_well stored",
    "fetch done",
    "fetched stored",
    "message sent",
]


@pytest.fixture
def heard() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """An address, and what was posted there."""
    told: list[dict[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.append(json.loads(body) | {"path": self.path})
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", told
    server.shutdown()


def counted(path: str, lock: str = "", first: str = "") -> int:
    with open(path, "a") as file:
        file.write("x\n")
    while lock and Path(lock).read_text() == first:
        time.sleep(0.02)
    return len(Path(path).read_text())


KINDS = ["function", "command"]


@pytest.mark.parametrize(("point", "kind"), [(p, KINDS[i % 2]) for i, p in enumerate(POINTS)])
def test_a_daemon_killed_at_a_point_loses_nothing(
    point: str, kind: str, store: Path, heard: tuple[str, list[dict[str, str]]], tmp_path: Path
) -> None:
    kill_at(point, kind, store, heard, tmp_path)


@pytest.mark.parametrize(("point", "kind"), [(p, KINDS[1 - i % 2]) for i, p in enumerate(POINTS)])
def test_slow_nor_does_one_of_the_other_kind(
    point: str, kind: str, store: Path, heard: tuple[str, list[dict[str, str]]], tmp_path: Path
) -> None:
    kill_at(point, kind, store, heard, tmp_path)


def kill_at(
    point: str, kind: str, store: Path, heard: tuple[str, list[dict[str, str]]], tmp_path: Path
) -> None:
    url, told = heard
    os.environ["JETLAG_DIE_AT"] = point
    try:
        client.start(store)
    finally:
        del os.environ["JETLAG_DIE_AT"]
    first = (store / "lock").read_text()
    path = tmp_path / "count"
    notify = url + "/${JOB_ID}/${JOB_STATE}"

    # A job that has ended by the next look was never seen to have started: it lasts until the
    # next daemon has the lock.
    waits = [str(store / "lock"), first] if point.startswith("started") else []
    if kind == "function":
        job = jl.run(counted, str(path), *waits, notify=notify)
    else:
        script = 'echo x >> "$0"; while [ "$1" ] && [ "$(cat "$1")" = "$2" ]; do sleep 0.02; done'
        job = jl.run(["sh", "-c", script, str(path), *waits], notify=notify)

    assert job.wait(60) == "finished"
    assert path.read_text() == "x\n"
    assert len(jl.jobs.list()) == 1
    wait_for_message(job)
    assert {row["path"] for row in told} == {f"/{job.id}/finished"}
    assert (store / "lock").read_text() != first


def wait_for_message(job: jl.Job[int]) -> None:
    for _ in range(1200):
        if all(row["state"] == "sent" for row in job.messages()):
            return
        time.sleep(0.05)
    raise TimeoutError(job.messages())


def test_a_message_that_nobody_takes_is_tried_again_and_kept(store: Path) -> None:
    job = jl.run(["true"], notify="http://127.0.0.1:9/gone")
    job.wait(30)

    for _ in range(1200):
        row = job.messages()[0]
        if row["tries"] >= 1:
            break
        time.sleep(0.05)
    assert row["state"] == "waiting"
    assert "onnect" in row["said"]


def test_a_runner_that_is_killed_is_begun_anew(store: Path, tmp_path: Path) -> None:
    path = tmp_path / "count"
    jl.run(counted, str(path)).result(30)
    found = subprocess.run(
        ["pgrep", "-P", (store / "lock").read_text()], capture_output=True, text=True
    ).stdout.split()
    for number in found:
        os.kill(int(number), 9)

    assert jl.run(counted, str(path)).result(30) == 4


def test_a_command_whose_daemon_is_killed_asks_the_next_one_for_the_same(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as killed:
        killed.setenv("JETLAG_DIE_AT", "asked")
        client.start(store)
    command = [client.command_path(), "submit", "--wait", "--jobs", str(store), "--", "true"]

    asked = subprocess.run(command, capture_output=True, text=True)

    assert asked.returncode == 0, asked.stderr
    [job] = jl.jobs.list()
    assert job.state == "finished"


def test_to_end_a_daemon_that_is_gone_ends_nobody_else(tmp_path: Path) -> None:
    other = subprocess.Popen(["sleep", "1000"])
    (tmp_path / "lock").write_text(str(other.pid))

    client.stop(tmp_path)

    other.kill()
    assert other.wait() == -9
