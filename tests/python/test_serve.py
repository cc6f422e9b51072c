"""`jetlag serve`: traces over HTTP, for those who have the token."""

import http.client
import json
import os
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

import jetlag as jl


@jl.jit
def grow(x, rounds):
    for _ in range(rounds):
        x = np.exp(x) * 0.1
    return x


class Served:
    """A running server, and how to ask it."""

    def __init__(self, *arguments: str) -> None:
        tool = Path(sys.executable).parent / "jetlag"
        self.process = subprocess.Popen(
            [str(tool), "serve", "--with-input", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.line = self.process.stdout.readline()
        self.address = (re.findall(r"http://\S+", self.line) or [""])[0]
        self.token = urlsplit(self.address).query.removeprefix("token=")

    def ask(
        self, path: str, *, method: str = "GET", token: str | None = None, **headers: str
    ) -> Any:
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=30)
        bearer = {"Authorization": f"Bearer {self.token if token is None else token}"}
        connection.request(method, path, headers=bearer | headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer

    def json(self, path: str) -> Any:
        status, body, _ = self.ask(path)
        assert status == 200, body
        return json.loads(body)

    def stop(self) -> None:
        self.process.communicate(timeout=60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("traces")
    (folder / "below").mkdir()
    with jl.trace(folder / "below" / "run.jlt"):
        grow(np.ones(100_000), 5)
    (folder / "not a trace.jlt").write_text("something else")
    (folder / "notes.txt").write_text("not listed")
    return folder


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Served]:
    server = Served(str(folder))
    yield server
    server.stop()


def identity(served: Served, name: str) -> str:
    [row] = [row for row in served.json("/v1/traces") if row["name"] == name]
    return row["id"]


def test_the_traces_of_a_folder_are_listed(served: Served) -> None:
    names = {row["name"] for row in served.json("/v1/traces")}

    assert names == {"below/run.jlt", "not a trace.jlt"}
    assert "serves 2 traces at" in served.line


def test_a_trace_says_what_it_holds(served: Served, folder: Path) -> None:
    summary = served.json(f"/v1/traces/{identity(served, 'below/run.jlt')}")

    trace = jl.open_trace(folder / "below" / "run.jlt")
    assert summary["length"] == trace.length
    assert summary["spans"] == len(trace.spans()["begin"])
    assert summary["closed"] is True


def test_what_is_no_trace_is_a_problem(served: Served) -> None:
    status, body, answer = served.ask(f"/v1/traces/{identity(served, 'not a trace.jlt')}")

    assert status == 400
    assert answer.getheader("Content-Type") == "application/problem+json"
    assert "is no trace" in json.loads(body)["detail"]


def test_a_wrong_token_is_refused(served: Served) -> None:
    assert served.ask("/v1/traces", token="wrong")[0] == 401
    assert served.ask("/v1/traces", token="")[0] == 401
    assert served.ask(f"/v1/traces?token={served.token}", token="")[0] == 200


def test_the_token_in_the_address_becomes_a_cookie(served: Served) -> None:
    _, _, answer = served.ask(f"/v1?token={served.token}", token="")
    cookie = answer.getheader("Set-Cookie").partition(";")[0]

    assert served.ask("/v1/traces", token="", Cookie=cookie)[0] == 200


def test_other_sites_are_refused(served: Served) -> None:
    assert served.ask("/v1/traces", Origin="https://elsewhere.example")[0] == 403
    assert served.ask("/v1/traces", Host="elsewhere.example")[0] == 421


@pytest.mark.parametrize(
    "path",
    [
        "/v1/traces/../../etc/passwd",
        "/v1/traces/..%2F..%2Fetc%2Fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/v1/traces/%00",
    ],
)
def test_no_path_leads_out(served: Served, path: str) -> None:
    status, body, _ = served.ask(path)

    assert status == 404
    assert b"root:" not in body


def test_a_method_that_is_not_there_is_named(served: Served) -> None:
    status, body, _ = served.ask("/v1/traces", method="DELETE")

    assert status == 405
    assert json.loads(body)["hint"] == "what is: GET"


def test_a_trace_that_is_removed_is_gone(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "short.jlt"
    path.write_bytes((folder / "below" / "run.jlt").read_bytes())
    server = Served(str(path))
    name = identity(server, "short.jlt")
    assert server.ask(f"/v1/traces/{name}")[0] == 200

    path.unlink()
    status, body, _ = server.ask(f"/v1/traces/{name}")

    assert status == 404
    assert "removed" in json.loads(body)["detail"]
    server.stop()
    assert server.process.returncode == 0


def test_a_socket_needs_no_token_but_its_owner(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "s"
    server = Served("--socket", str(path), str(folder))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600

    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(b"GET /v1/traces HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))

    assert b"below/run.jlt" in answer
    server.stop()
    assert not path.exists()


def test_the_table_of_routes_is_described(served: Served) -> None:
    tool = Path(sys.executable).parent / "jetlag"
    described = json.loads(
        subprocess.run([str(tool), "describe", "routes"], capture_output=True, check=True).stdout
    )

    asked = [(row["method"], row["path"]) for row in served.json("/v1/routes")]
    assert asked == [(row["method"], row["path"]) for row in described]
