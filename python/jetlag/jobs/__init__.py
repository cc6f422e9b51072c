"""Jobs: the same call, on another machine, with the value back in the same cell (docs/jobs.md)."""

from __future__ import annotations

from typing import Any

from jetlag.jobs import client, machines
from jetlag.jobs.client import DaemonError, JobError
from jetlag.jobs.exchange import RemoteError
from jetlag.jobs.job import Job, JobCancelled, JobFailed
from jetlag.jobs.launch import CannotReuse, map, run
from jetlag.jobs.telling import progress
from jetlag.jobs.values import CannotSend, DamagedFile

__all__ = [
    "CannotReuse",
    "CannotSend",
    "DaemonError",
    "DamagedFile",
    "Job",
    "JobCancelled",
    "JobError",
    "JobFailed",
    "RemoteError",
    "get",
    "list",
    "machines",
    "map",
    "progress",
    "run",
]


def get(id: str, *, pickle: bool = False) -> Job[Any]:
    """A job by its id, or the beginning of it."""
    return Job(client.ask("GET", f"/v1/jobs/{client.part(id)}"), pickle=pickle)


def list(
    *,
    state: str | None = None,
    machine: str | None = None,
    text: str | None = None,
    limit: int = 100,
) -> list[Job[Any]]:
    """The last jobs, the newest first; only those in a state, on a machine, with a text in their
    name."""
    rows = client.ask("GET", "/v1/jobs", state=state, machine=machine, text=text, limit=limit)
    return [Job(row) for row in rows]
