"""A server of jobs with users: tokens open it, each user finds what is theirs, and nothing else."""

import hashlib
import http.client
import json
import os
import re
import sqlite3
import subprocess
import sys
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
from jetlag.jobs import digest as digests
from serving import Served

LIMIT = 60
SECRET = "the-words-of-alice-4711"


def command(store: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [client.command_path(), *words],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env=os.environ | {"JETLAG_JOBS_DIR": str(store)} | environment,
    )


class Service:
    """A running server, and the tokens of its users."""

    def __init__(self, store: Path, traces: Path) -> None:
        self.store = store
        self.server = Served("--users", "--jobs", str(store), str(traces))
        self.origin = self.server.address.partition("?")[0]
        self.alice = self.token("alice")
        self.bob = self.token("bob")

    def token(self, user: str, *more: str) -> str:
        done = command(self.store, "token", "make", user, *more)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def ask(
        self, user: str, path: str, method: str = "GET", body: object = None
    ) -> tuple[int, bytes]:
        text = body if body is None or isinstance(body, str) else json.dumps(body)
        return self.server.ask(path, method=method, token=user, body=text)[:2]

    def job(self, user: str, *words: str, **more: object) -> dict[str, Any]:
        status, text = self.ask(user, "/v1/jobs", "POST", {"command": list(words)} | more)
        assert status == 201, text
        job: dict[str, Any] = json.loads(text)
        while not job["final"]:
            query = f"?wait=10&changes={job['changes']}"
            job = json.loads(self.ask(user, f"/v1/jobs/{job['id']}{query}")[1])
        return job


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory,
    jobs_in: Callable[[Path], AbstractContextManager[Path]],
) -> Iterator[Service]:
    traces = tmp_path_factory.mktemp("traces")
    with jobs_in(tmp_path_factory.mktemp("users") / "store") as store:
        with jl.trace(traces / "owner.jlt"):
            squares(np.ones(3))
        served = Service(store, traces)
        jl.machines.add("here", scheduler="fork", python=sys.executable)
        yield served
        served.server.stop()


@pytest.fixture
def as_alice(service: Service) -> Iterator[Service]:
    jl.settings.jobs_server = f"{service.origin}?token={service.alice}"
    yield service
    jl.settings.jobs_server = "none"


@jl.jit
def squares(x):
    return np.dot(x, x)


def fail(x):
    raise ValueError(f"no {x}")


def test_a_dry_run_brings_nothing_to_the_server(as_alice: Service, tmp_path: Path) -> None:
    blobs = as_alice.store / "blobs"
    (tmp_path / "data").write_text("nobody else has this: 0815")
    before = set(blobs.iterdir())

    plan = jl.run(squares, np.arange(17.0), on="here", data=[tmp_path / "data"], dry_run=True)
    plans = jl.map(squares, [np.arange(19.0)], on="here", data=[tmp_path / "data"], dry_run=True)

    assert set(blobs.iterdir()) == before
    assert plan.files["data"] == plans[0].files["data"] == 26
    assert plan.files["jetlag.zip"] > 100_000


def test_a_user_runs_functions_from_afar(as_alice: Service) -> None:
    job = jl.run(squares, np.arange(4.0), on="here")

    assert job.result(LIMIT) == 14.0
    assert job.info["user"] == "alice"
    assert (job.files / "result.jlv").exists()
    assert not job.files.is_relative_to(as_alice.store / "jobs")
    assert job.usage["seconds"] >= 0
    assert job.trace.report()


def test_an_exception_comes_from_afar(as_alice: Service) -> None:
    with pytest.raises(ValueError, match="no cake"):
        jl.run(fail, "cake", on="here").result(LIMIT)


def test_files_go_and_come_back(as_alice: Service, tmp_path: Path) -> None:
    data = os.urandom(5_000_000)
    (tmp_path / "x").write_bytes(data)

    job = jl.run(["cp", "x", "y"], on="here", data=[tmp_path / "x"], outputs=["y"])

    assert job.result(LIMIT) == 0
    assert (job.files / "y").read_bytes() == data


def test_the_command_line_asks_from_afar(service: Service, tmp_path: Path) -> None:
    address = service.token("alice", "--at", service.origin)
    (tmp_path / "in").write_text("seven")

    def jetlag(*words: str) -> str:
        done = command(service.store, *words, JETLAG_JOBS_SERVER=address)
        assert done.returncode == 0, done.stderr
        return done.stdout

    job = jetlag("submit", "--wait", "--input", str(tmp_path / "in"), "--", "cp", "in", "out")
    identity = job.split()[0]
    jetlag("result", identity, "-o", str(tmp_path / "back"))

    assert (tmp_path / "back/out").read_text() == "seven"
    assert identity in jetlag("status")


def test_nothing_of_one_user_is_seen_by_another(service: Service) -> None:
    digest = digests.of_bytes(SECRET.encode())
    assert service.ask(service.alice, f"/v1/blobs/{digest}", "PUT", SECRET)[0] == 200
    inputs = [{"path": "in", "digest": digest}]
    job = service.job(
        service.alice, "sh", "-c", "cat in; cp in out", inputs=inputs, outputs=["out"],
        name=SECRET, key="a-key-of-alice", environment={"A": SECRET},
    )  # fmt: skip
    trace = f"job-{job['id']}-{job['attempt']}"

    assert SECRET.encode() in service.ask(service.alice, f"/v1/jobs/{job['id']}/log/stdout")[1]
    paths = [
        f"/v1/jobs/{job['id']}", f"/v1/jobs/{job['id'][:6]}", f"/v1/jobs/{job['id']}/history",
        f"/v1/jobs/{job['id']}/log/stdout", f"/v1/jobs/{job['id']}/files",
        f"/v1/jobs/{job['id']}/file?name=out", "/v1/results/a-key-of-alice",
        f"/v1/blobs/{digest}", f"/v1/traces/{trace}", f"/v1/traces/{trace}/rows",
    ]  # fmt: skip
    for path in paths:
        status, text = service.ask(service.bob, path)
        assert status == 404, path
        assert SECRET.encode() not in text
    for verb in ("cancel", "resubmit"):
        assert service.ask(service.bob, f"/v1/jobs/{job['id']}/{verb}", "POST", {})[0] == 404
    assert job["id"].encode() not in service.ask(service.bob, "/v1/jobs?limit=10000")[1]

    asked = {"command": ["cat", "in"], "inputs": inputs}
    assert service.ask(service.bob, "/v1/jobs", "POST", asked)[0] == 400
    later = {"command": ["true"], "after": [job["id"]]}
    assert service.ask(service.bob, "/v1/jobs", "POST", later)[0] == 404
    same = {"command": ["true"], "id": job["id"]}
    status, text = service.ask(service.bob, "/v1/jobs", "POST", same)
    assert status == 400
    assert SECRET.encode() not in text


def test_events_tell_a_user_of_their_own_jobs(service: Service) -> None:
    connection = http.client.HTTPConnection(urlsplit(service.origin).netloc, timeout=LIMIT)
    connection.request("GET", "/v1/jobs/events", headers={"Authorization": f"Bearer {service.bob}"})
    stream = connection.getresponse()
    assert stream.readline() == b"event: list\n"

    theirs = service.job(service.alice, "true")
    mine = service.job(service.bob, "true")

    said = b""
    while mine["id"].encode() not in said:
        said += stream.readline()
    assert theirs["id"].encode() not in said
    connection.close()


def test_the_owner_sees_the_jobs_of_all(service: Service) -> None:
    job = service.job(service.bob, "true")

    rows = {row["id"]: row["user"] for row in service.server.json("/v1/jobs?limit=10000")}

    assert rows[job["id"]] == "bob"
    assert jl.jobs.get(job["id"]).state == "finished"


def test_users_change_neither_machines_nor_traces_nor_tokens(service: Service) -> None:
    machine = {"name": "x", "ssh": "-oProxyCommand=touch /tmp/x"}
    assert service.ask(service.alice, "/v1/machines", "POST", machine)[0] == 403
    assert service.ask(service.alice, "/v1/machines/here", "DELETE")[0] == 403
    assert service.ask(service.alice, "/v1/tokens")[0] == 403
    asked = {"user": "bob", "seconds": 60}
    assert service.ask(service.alice, "/v1/tokens", "POST", asked)[0] == 403
    assert service.ask(service.alice, "/v1/traces?name=a.jlt", "POST", "x")[0] == 403

    [trace] = service.server.json("/v1/traces")
    assert json.loads(service.ask(service.alice, "/v1/traces")[1]) == []
    assert service.ask(service.alice, f"/v1/traces/{trace['id']}")[0] == 404
    assert service.ask(service.alice, f"/v1/traces/{trace['id']}", "DELETE")[0] == 403


def test_an_expired_token_says_when_it_expired(service: Service) -> None:
    token = service.token("carol", "--time", "0:0:1")
    time.sleep(1.1)
    address = f"{service.origin}?token={token}"

    status, text = service.ask(token, "/v1/jobs")
    told = json.loads(text)
    assert status == told["status"] == 401
    assert re.fullmatch(r"the token of carol expired on [-0-9]+ [:0-9]+ UTC", told["detail"])
    assert told["hint"].endswith("`jetlag token make carol`")

    jl.settings.jobs_server = address
    try:
        with pytest.raises(client.NotLetIn, match="the token of carol expired on") as caught:
            jl.run(["true"])
    finally:
        jl.settings.jobs_server = "none"
    assert caught.value.__notes__ == [f"hint: {told['hint']}"]
    done = command(service.store, "status", JETLAG_JOBS_SERVER=address)
    assert done.returncode
    assert "the token of carol expired on" in done.stderr
    assert token not in done.stderr


def test_a_wrong_token_opens_nothing(service: Service) -> None:
    for token in ("", "x", service.alice[:-1], service.alice + "0", "é'; --", "0" * 64):
        status, text = service.ask(token.encode().decode("latin-1"), "/v1/jobs")
        assert status == 401, token
        assert "wrong" in json.loads(text)["detail"]


def test_a_revoked_token_opens_nothing_any_more(service: Service) -> None:
    token = service.token("dora")
    assert service.ask(token, "/v1/jobs")[0] == 200
    [row] = [r for r in service.server.json("/v1/tokens") if r["user"] == "dora"]

    assert command(service.store, "token", "revoke", row["id"]).returncode == 0

    status, text = service.ask(token, "/v1/jobs")
    assert status == 401
    assert "the token of dora was revoked on" in json.loads(text)["detail"]
    listed = command(service.store, "token", "list").stdout
    assert re.search(rf"{row['id']}  dora +revoked", listed)


def test_a_page_keeps_the_token_of_its_address(service: Service) -> None:
    _, _, answer = service.server.ask(f"/v1/jobs?token={service.alice}", token="")
    cookie = answer.headers["Set-Cookie"].partition(";")[0]

    assert service.server.ask("/v1/jobs", token="", Cookie=cookie)[0] == 200


def test_the_store_has_no_token(service: Service) -> None:
    for path in service.store.glob("jobs.sqlite*"):
        assert service.alice.encode() not in path.read_bytes()
    with sqlite3.connect(f"file:{service.store}/jobs.sqlite?mode=ro", uri=True) as database:
        hashes = [row[0] for row in database.execute("SELECT hash FROM token")]
    assert hashlib.sha256(service.alice.encode()).hexdigest() in hashes


def test_a_store_of_the_version_before_is_taken_over(
    tmp_path: Path, jobs_in: Callable[[Path], AbstractContextManager[Path]]
) -> None:
    with jobs_in(tmp_path / "store") as store:
        job = jl.run(["echo", "kept"])
        job.wait(LIMIT)
        client.stop()
        with sqlite3.connect(store / "jobs.sqlite") as database:
            database.executescript(
                "ALTER TABLE job DROP COLUMN user; DROP TABLE token; DROP TABLE brought;"
                "PRAGMA user_version = 1"
            )

        assert jl.jobs.get(job.id).log() == "kept\n"
        assert jl.run(["true"]).wait(LIMIT) == "finished"


def test_only_a_server_with_users_listens_elsewhere(tmp_path: Path) -> None:
    words = ["serve", "--address", "0.0.0.0", str(tmp_path)]
    done = subprocess.run(
        [client.command_path(), *words], capture_output=True, text=True, timeout=LIMIT
    )

    assert done.returncode
    assert "only a server with users listens elsewhere" in done.stderr


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_server_that_is_not_there_is_named_without_its_token(slash: str) -> None:
    jl.settings.jobs_server = f"http://127.0.0.1:1{slash}?token=secret"
    try:
        with pytest.raises(client.DaemonError) as told:
            client.ask("GET", "/v1/jobs")
    finally:
        jl.settings.jobs_server = "none"

    assert "http://127.0.0.1:1" in str(told.value)
    assert "secret" not in str(told.value)
