"""`jl.run`: a function and its arguments become files of the store, and a request to the daemon."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import shutil
import sys
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from jetlag.jobs import bundle as bundles
from jetlag.jobs import client, library, purity, values
from jetlag.jobs import digest as digests
from jetlag.jobs.job import Job
from jetlag.jobs.plan import Plan

R = TypeVar("R")

_RESULTS = ["result.jlv", "error.json", "run.json", "trace.jlt"]


class CannotReuse(ValueError):
    """A call whose result may differ from time to time, so that no earlier one stands for it."""


def run(
    function: Callable[..., R] | Sequence[str],
    /,
    *args: Any,  # noqa: ANN401
    on: str = "local",
    nodes: int = 1,
    time: str | float | None = None,
    memory: int = 0,
    cores: int = 0,
    tasks: int = 0,
    gpus: int = 0,
    account: str = "",
    partition: str = "",
    reservation: str = "",
    directives: Sequence[str] = (),
    name: str = "",
    attempts: int = 1,
    after: Iterable[Job[Any] | str] = (),
    notify: str | Sequence[str | Mapping[str, Any]] = (),
    environment: Mapping[str, str] | None = None,
    data: Mapping[str, str | os.PathLike[str]] | Sequence[str | os.PathLike[str]] = (),
    outputs: Sequence[str] = (),
    trace: bool | None = None,
    pickle: bool = False,
    reuse: bool = False,
    dry_run: bool = False,
    **kwargs: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    """Run a function on another machine, or here in a process of its own; returns at once.

    `function(*args, **kwargs)` is called there; its arguments are taken as they are now. A list of
    text is a command instead. What is returned is a Job: `job.result()` is the value.

    on: a machine that `jl.machines.add` has made known, or "local". time: "HH:MM:SS", or seconds;
    memory in MB a node; nodes, tasks (processes a node), cores, gpus, account, partition,
    reservation and directives as the scheduler there means them.
    attempts: how often it may begin if its node is lost. after: jobs that must have finished.
    notify: URLs or mailto: addresses that are told of its end; {"target": …, "on": ["running"]}
    for other states. data: files and folders that it finds in its folder. outputs: patterns of
    names of files that come back. trace: record the run (default: for functions of `jl.jit`).
    pickle=True sends what is no plain data as pickles, which can run anything on either side.
    reuse=True answers an equal call from the store; CannotReuse says why that cannot be.
    dry_run=True sends nothing and gives a Plan: what would travel, and what the machine lacks.
    """
    limits = {
        "nodes": nodes,
        "memory": memory,
        "cores": cores,
        "tasks": tasks,
        "gpus": gpus,
        "account": account,
        "partition": partition,
        "reservation": reservation,
        "directives": list(directives),
        "attempts": attempts,
        "seconds": seconds_of(time),
    }
    request: dict[str, Any] = {key: value for key, value in limits.items() if value}
    request["machine"] = on
    request["id"] = uuid.uuid4().hex[:16]
    request["after"] = [job.id if isinstance(job, Job) else str(job) for job in after]
    request["notify"] = _notices(notify)
    request["environment"] = dict(environment or {})
    request["inputs"] = [row for name, path in _named(data) for row in _kept_files(name, path)]
    request["outputs"] = list(outputs)
    if not callable(function):
        if args or kwargs:
            raise TypeError("a command has its arguments in its list")
        request.update(name=name, command=[str(word) for word in function])
        return Job(client.ask("POST", "/v1/jobs", request))
    job = Prepared(function, on, pickle=pickle, trace=trace, name=name)
    return job.call(args, kwargs, request, reuse=reuse, dry_run=dry_run)


def map(
    function: Callable[..., R],
    items: Iterable[Any],
    *,
    on: str = "local",
    **options: Any,  # noqa: ANN401
) -> list[Job[R]]:
    """Run `function(item)` for each item, as jobs of their own; gives the jobs, in order.

    The options are those of `run`. The function travels once, and a scheduler that has arrays
    (Slurm) takes all of them by one command; each is a job of its own nonetheless.
    """
    every = list(items)
    if not every:
        return []
    keep = ("pickle", "trace", "name")
    prepared = Prepared(function, on, **{k: options[k] for k in keep if k in options})
    prepared.group = {"group": uuid.uuid4().hex, "group_size": len(every)}
    return [run(prepared, item, on=on, **options) for item in every]


class Prepared:
    """A function whose bundle lies in the store, so that calls of it need only their arguments."""

    def __init__(
        self,
        function: Any,  # noqa: ANN401
        on: str,
        *,
        pickle: bool = False,
        trace: bool | None = None,
        name: str = "",
    ) -> None:
        if isinstance(function, Prepared):
            self.__dict__.update(function.__dict__)
            return
        self.function = function
        self.group: dict[str, Any] = {}
        """What calls of it have in common, for a scheduler that takes many at once."""
        self.machine = client.ask("GET", f"/v1/machines/{client.part(on)}")
        self.pickle = pickle
        self.bundle, self.reference = bundles.gather(function)
        self.trace = self.reference["t"] == "jit" or _is_jit(function) if trace is None else trace
        self.name = name or getattr(function, "__qualname__", type(function).__name__)
        self.digest = _keep(lambda p: self.bundle.write(self.reference, p, pickle=pickle))
        call = json.dumps({"trace": self.trace, "pickle": pickle})
        self.inputs = [
            {"path": "bundle.jlv", "digest": self.digest},
            {"path": "call.json", "digest": keep_text(call)},
        ]
        if self.is_here:
            self.command = [sys.executable]
        else:
            self.command = [self.machine.get("python", "python3"), "start.py"]
            self.inputs += library.inputs(self.bundle.packages, keep_text, keep_file)

    def __call__(self) -> None:
        raise TypeError("what is prepared is run by jl.run")

    @property
    def is_here(self) -> bool:
        """Whether the machine is this one, so that the resident runner takes it."""
        if client.server():
            return False
        return not self.machine.get("ssh") and self.machine.get("scheduler", "fork") == "fork"

    def call(
        self,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        request: dict[str, Any],
        *,
        reuse: bool,
        dry_run: bool,
    ) -> Any:  # noqa: ANN401
        """Ask for one call."""
        digest = _keep(
            lambda path: _write_arguments(args, kwargs, path, self.bundle, pickle=self.pickle)
        )
        key = ""
        if reuse:
            if reason := purity.reason_against(self.function):
                raise CannotReuse(f"an earlier result cannot stand for this call: {reason}")
            key = self._key(digest, request)
            if (found := _answered(key)) is not None:
                return Job(found, pickle=self.pickle, reused=True)
        request["inputs"] += [*self.inputs, {"path": "arguments.jlv", "digest": digest}]
        request["outputs"] += _RESULTS
        request.update(name=self.name, command=self.command, function=True, key=key, **self.group)
        request["note"] = self.bundle.manifest() | {"pickle": self.pickle}
        if dry_run:
            return Plan(request, self.bundle, self.machine, client.size_of)
        return Job(client.ask("POST", "/v1/jobs", request), pickle=self.pickle)

    def _key(self, arguments: str, request: dict[str, Any]) -> str:
        from jetlag import __version__

        parts = [
            self.digest,
            arguments,
            platform.python_version(),
            __version__,
            json.dumps(self.bundle.packages, sort_keys=True),
            json.dumps(request["inputs"], sort_keys=True),
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _write_arguments(
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    path: Path,
    bundle: bundles.Bundle,
    *,
    pickle: bool,
) -> str:
    def make(tree: Callable[[Any, str], Any]) -> Any:  # noqa: ANN401
        positional = [tree(value, f"argument {i + 1}") for i, value in enumerate(args)]
        named = [[name, tree(value, f"argument {name}")] for name, value in kwargs.items()]
        both = [{"t": "tuple", "v": positional}, {"t": "dict", "v": named}]
        return {"t": "tuple", "v": both}

    return values.write_tree(make, path, pickle=pickle)[0]


def _answered(key: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = client.ask("GET", f"/v1/results/{key}")
    except LookupError:
        return None
    told = json.loads(client.file_of(found, "run.json").read_text())
    if told.get("opaque"):
        raise CannotReuse(
            f"an earlier result cannot stand for this call: it ran in Python, {told['opaque']}"
        )
    return found


def _is_jit(function: object) -> bool:
    from jetlag import JitFunction

    return isinstance(function, JitFunction)


# ---- the store


def _keep(write: Callable[[Path], str]) -> str:
    """Have a file written into the store; it is called by the digest that is given back."""
    blobs = client.folder() / "blobs"
    try:
        blobs.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise OSError(error.errno, f"jobs cannot be kept: {error.strerror}", str(blobs)) from None
    part = blobs / f".{uuid.uuid4().hex}"
    try:
        digest = write(part)
        part.chmod(0o400)
        if client.server():
            if not client.has_file(digest):
                client.send_file(part, digest)
        else:
            part.rename(blobs / digest)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        free = shutil.disk_usage(blobs).free >> 20
        full = OSError(error.errno, f"a job's files cannot be kept: {error.strerror}", str(blobs))
        full.add_note(f"hint: {free} MB are free there; make room, or set jl.settings.jobs_dir")
        raise full from None
    finally:
        part.unlink(missing_ok=True)
    return digest


def keep_text(text: str) -> str:
    """Keep a text; gives its digest."""

    def write(path: Path) -> str:
        path.write_text(text)
        return digest

    digest = digests.of_bytes(text.encode())
    return digest if client.has_file(digest) else _keep(write)


def keep_file(path: Path) -> str:
    """Keep a copy of a file; gives its digest."""

    def write(part: Path) -> str:
        with open(path, "rb", buffering=0) as source, open(part, "wb") as target:
            return digests.copy(source, target)

    return _keep(write)


def _named(
    data: Mapping[str, str | os.PathLike[str]] | Sequence[str | os.PathLike[str]],
) -> list[tuple[str, Path]]:
    if isinstance(data, Mapping):
        return [(name, Path(path)) for name, path in data.items()]
    if isinstance(data, str | os.PathLike):
        data = [data]
    return [(Path(path).name, Path(path)) for path in data]


def _kept_files(name: str, path: Path) -> list[dict[str, str]]:
    """A file, or all files of a folder; links in it that lead to folders are not followed."""
    if path.is_dir():
        found = [file for file in sorted(path.rglob("*")) if file.is_file()]
        base = name.rstrip("/")
        return [
            {"path": f"{base}/{file.relative_to(path).as_posix()}", "digest": keep_file(file)}
            for file in found
        ]
    if not path.is_file():
        raise FileNotFoundError(f"data: there is no file {path}")
    return [{"path": name, "digest": keep_file(path)}]


def _notices(notify: str | Sequence[str | Mapping[str, Any]]) -> list[dict[str, Any]]:
    wanted = [notify] if isinstance(notify, str) else list(notify)
    return [{"target": item} if isinstance(item, str) else dict(item) for item in wanted]


def seconds_of(time: str | float | None) -> int:
    """Seconds of a wall time: a number, or "[D-]H:M:S", "M:S".

    >>> seconds_of("00:10:00"), seconds_of("1-00:00:00"), seconds_of(90), seconds_of(None)
    (600, 86400, 90, 0)
    """
    if time is None:
        return 0
    if not isinstance(time, str):
        return int(time)
    days, _, rest = time.rpartition("-")
    try:
        parts = [int(part) for part in rest.split(":")]
        whole = int(days or 0) * 86_400
    except ValueError:
        raise ValueError(f"time must be HH:MM:SS or a number of seconds, not {time!r}") from None
    seconds = 0
    for part in parts:
        seconds = seconds * 60 + part
    return whole + seconds
