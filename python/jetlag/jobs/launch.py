"""`jl.run`: a function and its arguments become files of the store, and a request to the daemon."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from jetlag.jobs import bundle as bundles
from jetlag.jobs import client, library, limits, purity, values
from jetlag.jobs.job import Job
from jetlag.jobs.keeping import Scales, Store
from jetlag.jobs.limits import SUGGESTED
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
    memory: int | str = 0,
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
    image: str | None = None,
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
    memory in MB a node; either may be "suggested": what the last jobs of this function needed on
    this machine, and half as much again, or no limit if none has finished there. nodes, tasks
    (processes a node), cores, gpus, account, partition, reservation and directives as the
    scheduler there means them.
    attempts: how often it may begin if its node is lost. after: jobs that must have finished.
    notify: URLs or mailto: addresses that are told of its end; {"target": …, "on": ["running"]}
    for other states. data: files and folders that it finds in its folder. outputs: patterns of
    names of files that come back. image: a container image in which it runs, as what runs images
    there names it; "" for none where the machine has one for all jobs.
    trace: record the run (default: for functions of `jl.jit`).
    pickle=True sends what is no plain data as pickles, which can run anything on either side.
    reuse=True answers an equal call from the store; CannotReuse says why that cannot be.
    dry_run=True sends nothing and gives a Plan: what would travel, and what the machine lacks.
    """
    given = {
        "nodes": nodes,
        "memory": 0 if memory == SUGGESTED else memory,
        "cores": cores,
        "tasks": tasks,
        "gpus": gpus,
        "account": account,
        "partition": partition,
        "reservation": reservation,
        "directives": list(directives),
        "attempts": attempts,
        "seconds": 0 if time == SUGGESTED else seconds_of(time),
    }
    request: dict[str, Any] = {key: value for key, value in given.items() if value}
    request["machine"] = on
    request["id"] = uuid.uuid4().hex[:16]
    request["after"] = [job.id if isinstance(job, Job) else str(job) for job in after]
    request["notify"] = _notices(notify)
    request["environment"] = dict(environment or {})
    store = function.store if isinstance(function, Prepared) else shelf(dry_run)
    request["inputs"] = [row for name, path in _named(data) for row in _kept(name, path, store)]
    request["outputs"] = list(outputs)
    if image is not None:
        request["image"] = image
    wanted = [kind for kind, v in (("time", time), ("memory", memory)) if v == SUGGESTED]
    if not callable(function):
        if wanted:
            raise TypeError(f"{wanted[0]} can be suggested for functions, not for commands")
        if args or kwargs:
            raise TypeError("a command has its arguments in its list")
        request.update(name=name, command=[str(word) for word in function])
        if dry_run:
            raise TypeError("dry_run is for functions: a command takes along its data alone")
        return Job(client.ask("POST", "/v1/jobs", request))
    job = Prepared(function, on, store, pickle=pickle, trace=trace, name=name, image=image)
    if wanted:
        for kind in wanted:
            request["seconds" if kind == "time" else kind] = job.suggested.get(kind, 0)
    return job.call(args, kwargs, request, reuse=reuse)


def shelf(dry_run: bool) -> Store:
    """Where the files of a call go."""
    return Scales() if dry_run else Store()


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
    keep = ("pickle", "trace", "name", "image")
    store = shelf(bool(options.get("dry_run")))
    prepared = Prepared(function, on, store, **{k: options[k] for k in keep if k in options})
    prepared.group = {"group": uuid.uuid4().hex, "group_size": len(every)}
    return [run(prepared, item, on=on, **options) for item in every]


class Prepared:
    """A function whose bundle lies in the store, so that calls of it need only their arguments."""

    def __init__(
        self,
        function: Any,  # noqa: ANN401
        on: str,
        store: Store,
        *,
        pickle: bool = False,
        trace: bool | None = None,
        name: str = "",
        image: str | None = None,
    ) -> None:
        if isinstance(function, Prepared):
            self.__dict__.update(function.__dict__)
            return
        self.function = function
        self.store = store
        self.group: dict[str, Any] = {}
        """What calls of it have in common, for a scheduler that takes many at once."""
        self.machine = client.ask("GET", f"/v1/machines/{client.part(on)}")
        self.image: str = self.machine.get("image", "") if image is None else image
        self.pickle = pickle
        self.bundle, self.reference = bundles.gather(function)
        self.trace = self.reference["t"] == "jit" or _is_jit(function) if trace is None else trace
        self.name = name or getattr(function, "__qualname__", type(function).__name__)
        self.digest = store.keep(lambda p: self.bundle.write(self.reference, p, pickle=pickle))
        call = json.dumps({"trace": self.trace, "pickle": pickle})
        self.inputs = [
            {"path": "bundle.jlv", "digest": self.digest},
            {"path": "call.json", "digest": store.text(call)},
        ]
        if self.is_here:
            self.command = [sys.executable]
        else:
            # The machine's own Python is outside of an image.
            python = "python3" if self.image else self.machine.get("python", "python3")
            self.command = [python, "start.py"]
            self.inputs += library.inputs(self.bundle.packages, store)

    def __call__(self) -> None:
        raise TypeError("what is prepared is run by jl.run")

    @property
    def is_here(self) -> bool:
        """Whether the machine is this one, so that the resident runner takes it."""
        if client.server() or self.image:
            return False
        return not self.machine.get("ssh") and self.machine.get("scheduler", "fork") == "fork"

    @cached_property
    def suggested(self) -> dict[str, int]:
        """Limits by what its last jobs on this machine needed."""
        return limits.suggested(self.name, self.machine["name"])

    def call(
        self,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        request: dict[str, Any],
        *,
        reuse: bool,
    ) -> Any:  # noqa: ANN401
        """Ask for one call."""
        digest = self.store.keep(
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
        if isinstance(self.store, Scales):
            sizes = self.store.sizes
            return Plan(request, self.bundle, self.machine, self.image, sizes, self.suggested)
        return Job(client.ask("POST", "/v1/jobs", request), pickle=self.pickle)

    def _key(self, arguments: str, request: dict[str, Any]) -> str:
        from jetlag import __version__

        parts = [
            self.digest,
            arguments,
            platform.python_version(),
            __version__,
            self.image,
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


# ---- what is asked for


def _named(
    data: Mapping[str, str | os.PathLike[str]] | Sequence[str | os.PathLike[str]],
) -> list[tuple[str, Path]]:
    if isinstance(data, Mapping):
        return [(name, Path(path)) for name, path in data.items()]
    if isinstance(data, str | os.PathLike):
        data = [data]
    return [(Path(path).name, Path(path)) for path in data]


def _kept(name: str, path: Path, store: Store) -> list[dict[str, str]]:
    """A file, or all files of a folder; links in it that lead to folders are not followed."""
    if path.is_dir():
        found = [file for file in sorted(path.rglob("*")) if file.is_file()]
        base = name.rstrip("/")
        return [
            {"path": f"{base}/{file.relative_to(path).as_posix()}", "digest": store.file(file)}
            for file in found
        ]
    if not path.is_file():
        raise FileNotFoundError(f"data: there is no file {path}")
    return [{"path": name, "digest": store.file(path)}]


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
