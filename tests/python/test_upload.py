"""Traces that are sent to `jetlag serve`, and taken away."""

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

import jetlag as jl
from serving import Served, identity


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("made") / "run.jlt"
    with jl.trace(path), jl.span("<b>a span</b> 🚀"):
        pass
    return path.read_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def served(folder: Path) -> Iterator[Served]:
    server = Served("--no-jobs", str(folder))
    yield server
    server.stop()


def send(served: Served, name: str, content: bytes) -> tuple[int, dict[str, object]]:
    connection = http.client.HTTPConnection(urlsplit(served.address).netloc, timeout=30)
    headers = {"Authorization": f"Bearer {served.token}"}
    connection.request("POST", f"/v1/traces?name={name}", body=content, headers=headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_trace_that_is_sent_is_served(served: Served, folder: Path, content: bytes) -> None:
    status, said = send(served, "sent.jlt", content)

    assert status == 201
    assert said["id"] == identity(served, "sent.jlt")
    assert (folder / "sent.jlt").read_bytes() == content
    assert served.json(f"/v1/traces/{said['id']}")["spans"] == 1


def test_an_upload_that_breaks_off_leaves_nothing(
    served: Served, folder: Path, content: bytes
) -> None:
    place = urlsplit(served.address)
    head = (
        f"POST /v1/traces?name=half.jlt HTTP/1.1\r\nHost: {place.netloc}\r\n"
        f"Authorization: Bearer {served.token}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall(head.encode() + content[: len(content) // 2])

    status, _ = send(served, "whole.jlt", content)

    assert status == 201
    assert files(folder) == ["whole.jlt"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a.txt",
        ".hidden.jlt",
        "..%2Fout.jlt",
        "a%2Fb.jlt",
        "a%00.jlt",
        "a%0A.jlt",
        "x" * 300 + ".jlt",
    ],
)
def test_names_that_lead_elsewhere_are_refused(
    served: Served, folder: Path, content: bytes, name: str
) -> None:
    status, problem = send(served, name, content)

    assert status == 400
    assert "a name ends in .jlt" in str(problem["hint"])
    assert files(folder) == []


def test_names_may_be_odd(served: Served, folder: Path, content: bytes) -> None:
    status, _ = send(served, "%3Cb%3E%20%F0%9F%9A%80.jlt", content)

    assert status == 201
    assert [row["name"] for row in served.json("/v1/traces")] == ["<b> 🚀.jlt"]


def test_what_is_no_trace_is_not_kept(served: Served, folder: Path, content: bytes) -> None:
    later = bytearray(content)
    later[8:12] = (1000).to_bytes(4, "little")

    _, text = send(served, "text.jlt", b"something else" * 100)
    _, empty = send(served, "empty.jlt", b"")
    _, newer = send(served, "newer.jlt", bytes(later))

    assert text["detail"] == "what came is no trace of jetlag"
    assert empty["detail"] == "what came is no trace of jetlag"
    assert "was written by a later jetlag" in str(newer["detail"])
    assert newer["hint"] == "update the server"
    assert files(folder) == []


def test_a_trace_is_not_overwritten(served: Served, folder: Path, content: bytes) -> None:
    send(served, "run.jlt", content)

    status, problem = send(served, "run.jlt", content + bytes(4096))

    assert status == 409
    assert "there is a trace" in str(problem["detail"])
    assert (folder / "run.jlt").read_bytes() == content


def test_files_that_were_named_are_no_folder(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.jlt").write_bytes(content)
    served = Served("--no-jobs", str(tmp_path / "run.jlt"))

    status, problem = send(served, "sent.jlt", content)
    served.stop()

    assert status == 409
    assert problem["hint"] == "start it with a folder: jetlag serve FOLDER"


def test_a_trace_is_removed_with_what_was_kept(
    served: Served, folder: Path, content: bytes
) -> None:
    (folder / "run.jlt").write_bytes(content)
    (folder / "run.jlt.index").write_text("kept")
    trace = identity(served, "run.jlt")

    status, _, _ = served.ask(f"/v1/traces/{trace}", method="DELETE")

    assert status == 200
    assert files(folder) == []
    assert served.ask(f"/v1/traces/{trace}")[0] == 404


def test_answers_come_as_messagepack(served: Served, content: bytes) -> None:
    _, said = send(served, "run.jlt", content)

    _, body, answer = served.ask(f"/v1/traces/{said['id']}/tree", Accept="application/msgpack")

    tree = served.json(f"/v1/traces/{said['id']}/tree")
    assert answer.getheader("Content-Type") == "application/msgpack"
    assert answer.getheader("Vary") == "Accept"
    # A map of five keys; "count" is the first.
    assert body[:8] == bytes([0x85, 0xA5]) + b"count"[:6] + bytes([0x90 + len(tree["count"])])
    assert np.all(np.array(tree["count"]) > 0)
