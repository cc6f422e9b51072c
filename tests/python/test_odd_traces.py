"""Traces that are empty, odd or huge in one way: all are served, in reasonable time."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import jetlag as jl
from serving import Served, identity

ODD = "<script>alert('1')</script> & \"quoted\" 🚀\n\x1b[31m"
MANY_SITES = """
import sys
import jetlag as jl
with jl.trace(sys.argv[1], counters=[]):
    for i in range(100_000):
        with jl.span(f"site {i}"):
            pass
"""
QUESTIONS = (
    "",
    "/sites",
    "/tree",
    "/plan",
    "/graph",
    "/messages",
    "/points",
    "/critical",
    "/sql",
    "/rows?bins=1920",
    "/rows?bins=1920&measure=slack",
    "/busy?bins=1920",
    "/histogram",
)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[], Served]]:
    servers: list[Served] = []

    def start() -> Served:
        servers.append(Served("--no-jobs", str(tmp_path)))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def answers(served: Served, name: str) -> dict[str, Any]:
    base = f"/v1/traces/{identity(served, name)}"
    found = {}
    for question in QUESTIONS:
        status, body, _ = served.ask(base + question)
        assert status == 200, body
        found[question] = body if question.startswith("/rows") else json.loads(body)
    return found


def test_a_folder_without_traces_lists_none(serve: Callable[[], Served]) -> None:
    assert serve().json("/v1/traces") == []


def test_an_empty_trace_has_answers_without_rows(
    serve: Callable[[], Served], tmp_path: Path
) -> None:
    with jl.trace(tmp_path / "run.jlt", counters=[]):
        pass

    found = answers(serve(), "run.jlt")

    assert found[""]["spans"] == 0
    assert found["/plan"]["site"] == []
    assert found["/histogram"]["counts"] == []
    assert found["/critical"]["path"] == []


def test_odd_names_come_back_as_they_are(serve: Callable[[], Served], tmp_path: Path) -> None:
    with jl.trace(tmp_path / "run.jlt"), jl.span(ODD):
        pass

    found = answers(serve(), "run.jlt")

    assert ODD in found["/sites"]["name"]


def test_a_trace_of_a_hundred_thousand_sites_is_served(
    serve: Callable[[], Served], tmp_path: Path
) -> None:
    # Sites are the process's, and stay.
    subprocess.run([sys.executable, "-c", MANY_SITES, str(tmp_path / "run.jlt")], check=True)

    found = answers(serve(), "run.jlt")

    assert len(found["/sites"]["name"]) >= 100_000
    assert sum(found["/sites"]["count"]) == 100_000


def test_a_later_version_is_said_to_be_one(serve: Callable[[], Served], tmp_path: Path) -> None:
    path = tmp_path / "run.jlt"
    with jl.trace(path):
        pass
    content = bytearray(path.read_bytes())
    content[8:12] = (1000).to_bytes(4, "little")
    path.write_bytes(content)
    served = serve()

    status, body, _ = served.ask(f"/v1/traces/{identity(served, 'run.jlt')}")

    problem = json.loads(body)
    assert status == 400
    assert "was written by a later jetlag" in problem["detail"]
    assert "update jetlag" in problem["hint"]
