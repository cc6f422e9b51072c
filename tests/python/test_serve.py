"""`jetlag serve`: traces over HTTP, for those who have the token."""

import http.client
import itertools
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
from serving import Served, identity


@jl.jit
def grow(x, rounds):
    for _ in range(rounds):
        x = np.exp(x) * 0.1
    return x


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
    assert json.loads(body)["hint"] == "what is: GET, POST"


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


def window(served: Served, name: str, **parameters: object) -> list[dict[str, np.ndarray]]:
    """The rows to draw, by track, as docs/serving.md says that they lie."""
    query = "&".join(f"{key}={value}" for key, value in parameters.items())
    status, body, _ = served.ask(f"/v1/traces/{name}/rows?{query}")
    assert status == 200, body
    tracks = len(served.json(f"/v1/traces/{name}")["tracks"])
    counts = np.frombuffer(body, np.uint32, tracks)
    rows, at = int(counts.sum()), (tracks + tracks % 2) * 4
    columns = {}
    kinds = {
        "begin": "f8",
        "end": "f8",
        "busy": "f4",
        "lit": "f4",
        "count": "u4",
        "site": "i4",
        "span": "i4",
    }
    for key, kind in kinds.items():
        columns[key] = np.frombuffer(body, kind, rows, at)
        at += columns[key].nbytes
    assert at == len(body)
    edges = [0, *np.cumsum(counts).tolist()]
    return [{k: c[a:b] for k, c in columns.items()} for a, b in itertools.pairwise(edges)]


def test_rows_hold_every_span_at_any_zoom(served: Served, folder: Path) -> None:
    name = identity(served, "below/run.jlt")
    spans = jl.open_trace(folder / "below" / "run.jlt").spans()
    length = spans["end"].max()

    for bins in (1, 7, 1920):
        rows = window(served, name, bins=bins, begin=-1, end=length + 1)

        assert sum(int(r["count"].sum()) for r in rows) == len(spans["begin"])
        busy = sum(float(r["busy"].sum()) for r in rows)
        assert busy == pytest.approx(float((spans["end"] - spans["begin"]).sum()), rel=1e-5)


def test_a_selection_lights_up_its_spans(served: Served, folder: Path) -> None:
    name = identity(served, "below/run.jlt")
    trace = jl.open_trace(folder / "below" / "run.jlt")
    spans = trace.spans()
    site = trace.sites()["name"].index("grow")

    rows = window(served, name, bins=100, begin=-1, end=trace.length + 1, sites=site)

    lit = sum(float(r["lit"].sum()) for r in rows)
    mine = spans["site"] == site
    assert lit == pytest.approx(float((spans["end"] - spans["begin"])[mine].sum()), rel=1e-5)


def test_a_set_of_spans_is_found_by_what_is_true_of_them(served: Served, folder: Path) -> None:
    name = identity(served, "below/run.jlt")
    spans = jl.open_trace(folder / "below" / "run.jlt").spans()
    took = spans["end"] - spans["begin"]
    least, most = int(np.median(took)), int(took.max())
    wanted = (took >= least) & (took < most)

    found = served.json(f"/v1/traces/{name}/spans?least={least}&most={most}&limit=2")

    assert found["count"] == int(wanted.sum())
    assert found["time"] == int(took[wanted].sum())
    assert dict(zip(found["sites"], found["counts"], strict=True)) == {
        int(s): int(((spans["site"] == s) & wanted).sum()) for s in set(spans["site"][wanted])
    }
    assert sorted(found["duration"]) == sorted(took[wanted])[-2:]
    assert found["begin"] == spans["begin"][found["span"]].tolist()


def test_a_span_names_its_site_and_the_node_of_the_tree(served: Served) -> None:
    name = identity(served, "below/run.jlt")
    tree = served.json(f"/v1/traces/{name}/tree")

    span = served.json(f"/v1/traces/{name}/spans/0")

    assert tree["site"][span["tree"]] == span["site"]
    status, body, _ = served.ask(f"/v1/traces/{name}/spans/999999999")
    assert status == 404
    assert "has no span" in json.loads(body)["detail"]


def test_moments_are_those_of_the_trace(served: Served, folder: Path) -> None:
    points = jl.open_trace(folder / "below" / "run.jlt").points()
    shown = [e in ("fire", "trial", "decide", "mark") for e in points["event"]]

    told = served.json(f"/v1/traces/{identity(served, 'below/run.jlt')}/points")

    assert told["time"] == [int(t) for t, s in zip(points["time"], shown, strict=True) if s]


def test_what_does_not_change_is_sent_once(served: Served) -> None:
    name = identity(served, "below/run.jlt")
    path = f"/v1/traces/{name}/rows?bins=100"
    tag = served.ask(path)[2].getheader("ETag")

    assert served.ask(path, **{"If-None-Match": tag})[0] == 304
    revision = served.json(f"/v1/traces/{name}")["revision"]
    kept = served.ask(f"{path}&rev={revision}")[2].getheader("Cache-Control")
    assert "immutable" in kept


@pytest.mark.parametrize("query", ["bins=0", "bins=x", "begin=5&end=5", "sites=a", "tree=-2"])
def test_a_window_that_cannot_be_is_refused(served: Served, query: str) -> None:
    name = identity(served, "below/run.jlt")

    status, body, _ = served.ask(f"/v1/traces/{name}/rows?{query}")

    assert status == 400
    assert json.loads(body)["detail"]


def test_only_sources_that_the_trace_names_are_read(served: Served) -> None:
    name = identity(served, "below/run.jlt")
    files = served.json(f"/v1/traces/{name}")["files"]
    [number] = [i for i, file in enumerate(files) if file == __file__]

    assert "def grow(x, rounds)" in served.json(f"/v1/traces/{name}/sources/{number}")["text"]
    assert served.ask(f"/v1/traces/{name}/sources/{len(files)}")[0] == 404


def test_a_running_program_is_seen_at_once(tmp_path: Path) -> None:
    path = tmp_path / "live.jlt"
    with jl.trace(path):
        grow(np.ones(1000), 2)
        server = Served(str(path))
        name = identity(server, "live.jlt")
        answer = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=30)
        answer.request("GET", f"/v1/traces/{name}/events?token={server.token}")
        lines = answer.getresponse()

        def told() -> Any:
            while not (line := lines.readline()).startswith(b"data:"):
                assert line
            return json.loads(line[5:])

        before = told()
        grow(np.ones(1000), 2)
        after = told()

    assert not before["closed"]
    assert after["spans"] > before["spans"]
    answer.close()
    server.stop()


def test_the_page_is_the_viewer_and_loads_nothing_from_elsewhere(served: Served) -> None:
    status, body, answer = served.ask("/", token="")

    assert status == 200
    assert b"<title>jetlag</title>" in body
    assert not re.findall(rb'(?:src|href)="(?!data:)', body)
    assert "default-src 'none'" in answer.getheader("Content-Security-Policy")
