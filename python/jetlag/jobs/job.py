"""A job as its user holds it: what it does, what it says, what it gives."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

from jetlag.jobs import client, exchange, limits, values

R = TypeVar("R")

_WAIT_SECONDS = 20


class JobFailed(RuntimeError):
    """A job that ended without a result, and by no exception of its own: the reason says why."""


class JobCancelled(JobFailed):
    """A job that was cancelled."""


class Job(Generic[R]):
    """A function or command that runs elsewhere, as `jl.run` and `jl.job` give it.

    All of it is asked of the daemon, so a job can be held by any number of programs, and taken up
    again in another by its id: `jl.job("3f2a…")`.
    """

    def __init__(
        self, record: dict[str, Any], *, pickle: bool = False, reused: bool = False
    ) -> None:
        self._record = record
        self._pickle = pickle
        self.reused = reused
        """Whether an earlier call has answered: nothing was run for this one."""

    # ---- what it is

    @property
    def id(self) -> str:
        """The name that finds it again."""
        return str(self._record["id"])

    @property
    def machine(self) -> str:
        """Where it runs."""
        return str(self._record["machine"])

    @property
    def state(self) -> str:
        """pending, staging, submitting, queued, running, fetching, cancelling; then finished,
        failed or cancelled."""
        return str(self._fresh()["state"])

    @property
    def reason(self) -> str:
        """Why it is as it is, in a sentence; empty where there is nothing to say."""
        return str(self._fresh()["reason"])

    @property
    def info(self) -> dict[str, Any]:
        """All that is known of it."""
        return dict(self._fresh())

    @property
    def usage(self) -> dict[str, Any]:
        """Processor seconds, peak memory (MB), bytes read and written, once it has run."""
        names = ("cpu_seconds", "peak_memory_mb", "read_bytes", "written_bytes", "seconds")
        told = self._told("run.json")
        return {name: told[name] for name in names if name in told}

    @property
    def suggested(self) -> dict[str, int]:
        """Limits for the next such job: what this one needed, and half as much again."""
        return limits.after(self.usage)

    def history(self) -> list[dict[str, Any]]:
        """What happened to it, in order."""
        rows: list[dict[str, Any]] = self._ask("GET", "/history")["history"]
        return rows

    def messages(self) -> list[dict[str, Any]]:
        """The messages that `notify=` asked for, and what became of them."""
        rows: list[dict[str, Any]] = self._ask("GET", "/history")["messages"]
        return rows

    # ---- what it says

    def log(self, name: str = "stdout", *, last: int = 0) -> str:
        """What it has printed so far; `name` may be stderr, progress or script.log as well.

        last: only so many bytes of its end.
        """
        if last:
            end: bytes = self._ask("GET", f"/log/{client.part(name)}", **{"from": -last})
            return end.decode(errors="replace")
        return b"".join(self._pieces(name)).decode(errors="replace")

    def follow(self, name: str = "stdout") -> Iterator[str]:
        """What it prints, as it prints it, until it has ended."""
        at = 0
        while True:
            ended = self._fresh()["final"]
            piece = self._ask(
                "GET",
                f"/log/{client.part(name)}",
                **{"from": at, "wait": 0 if ended else 10},
            )
            at += len(piece)
            if piece:
                yield piece.decode(errors="replace")
            elif ended:
                return

    @property
    def progress(self) -> dict[str, Any] | None:
        """What it last told by `jl.progress`: done, total and text."""
        lines = self._ask("GET", "/log/progress", **{"from": -4096}).splitlines()
        for line in reversed(lines):
            try:
                told: dict[str, Any] = json.loads(line)
            except ValueError:
                continue  # the beginning of a line is beyond the part that was read
            return told
        return None

    # ---- what one does with it

    def cancel(self) -> None:
        """Stop it, with all that it has begun. Does nothing if it has ended."""
        try:
            self._record = self._ask("POST", "/cancel")
        except client.JobError:
            if not self._fresh()["final"]:
                raise

    def resubmit(self) -> Job[R]:
        """Ask for the same once more; gives the new job."""
        return Job(self._ask("POST", "/resubmit"), pickle=self._pickle)

    def wait(self, timeout: float | None = None) -> str:
        """Wait for its end; gives the state. Raises TimeoutError after so many seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        while not self._record["final"]:
            left = _WAIT_SECONDS if end is None else min(_WAIT_SECONDS, end - time.monotonic())
            if left <= 0:
                reason = f": {self._record['reason']}" if self._record["reason"] else ""
                raise TimeoutError(f"job {self.id} is {self._record['state']} still{reason}")
            self._record = self._ask(
                "GET", "", changes=self._record["changes"], wait=int(left) or 1
            )
        return str(self._record["state"])

    def result(self, timeout: float | None = None) -> R:
        """The value, once it has ended; or its exception, raised at the user's line.

        Raises JobFailed with the reason where it ended without either, JobCancelled where somebody
        cancelled it, TimeoutError after `timeout` seconds.
        """
        state = self.wait(timeout)
        if not self._record["function"]:
            if state != "finished":
                self._fail(state)
            code: Any = self._record["exit_code"]
            return code  # type: ignore[no-any-return]
        if state == "cancelled":
            self._fail(state)
        told = self._told("error.json")
        if told:
            self._raise(told)
        if state != "finished":
            self._fail(state)
        path = client.file_of(self._record, "result.jlv")
        if not path.exists():
            raise JobFailed(f"job {self.id} has ended and left no result; see job.log('stderr')")
        value: R = values.read(path, pickle=self._pickle)
        return value

    def exception(self, timeout: float | None = None) -> Exception | None:
        """What `result` would raise, or None."""
        try:
            self.result(timeout)
        except Exception as error:
            if not self._record["final"]:
                raise
            return error
        return None

    @property
    def trace(self) -> Any:  # noqa: ANN401
        """The trace of the run, as `jl.open_trace` gives it, once it has ended."""
        from jetlag.traces import open_trace

        self.wait()
        told = self._told("run.json")
        path = client.file_of(self._record, "trace.jlt")
        if not path.exists():
            why = told.get("trace") or "run it with trace=True"
            raise FileNotFoundError(f"job {self.id} has no trace: {why}")
        return open_trace(path)

    @property
    def files(self) -> Path:
        """The folder with what it began with and what came back."""
        return client.files_of(self._fresh())

    # ---- inside

    def _raise(self, told: dict[str, Any]) -> None:
        error = exchange.exception(told, f"{self.machine}, job {self.id}")
        exchange.raise_there(error, told["frames"])

    def _fail(self, state: str) -> None:
        reason = self._record["reason"] or "no reason is known"
        kind = JobCancelled if state == "cancelled" else JobFailed
        error = kind(f"job {self.id} on {self.machine} {state}: {reason}")
        last = self.log("stderr", last=2000).strip() or self.log("script.log", last=2000).strip()
        if last:
            error.add_note(f"its last words:\n{last}")
        raise error

    def _fresh(self) -> dict[str, Any]:
        if not self._record["final"]:
            self._record = self._ask("GET", "")
        return self._record

    def _ask(self, method: str, more: str, **query: object) -> Any:  # noqa: ANN401
        return client.ask(method, f"/v1/jobs/{client.part(self.id)}{more}", **query)

    def _told(self, name: str) -> dict[str, Any]:
        try:
            told: dict[str, Any] = json.loads(client.file_of(self._fresh(), name).read_text())
        except FileNotFoundError:
            return {}
        return told

    def _pieces(self, name: str) -> Iterator[bytes]:
        at = 0
        while piece := self._ask("GET", f"/log/{client.part(name)}", **{"from": at}):
            at += len(piece)
            yield piece

    def __repr__(self) -> str:
        record = self._fresh()
        reason = f": {record['reason']}" if record["reason"] else ""
        name = f" {record['name']}" if record["name"] else ""
        return f"<jetlag job {self.id}{name} on {self.machine}, {record['state']}{reason}>"

    def _repr_html_(self) -> str:
        from jetlag.jobs import notebook

        return notebook.card(self)

    def _ipython_display_(self) -> None:
        from jetlag.jobs import notebook

        notebook.show(self)
