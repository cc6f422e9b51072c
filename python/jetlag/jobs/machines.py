"""`jl.machines`: what machines are known, and one look at a new one."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jetlag.jobs import client

_SHARED = ("~/.config/jetlag/machines", "/etc/jetlag/machines")


class Machine:
    """A machine that is known: how it is reached, what was found there and what is missing."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record
        self.name: str = record["name"]
        self.scheduler: str = record.get("scheduler", "fork")
        self.found: dict[str, Any] = record.get("found", {})
        self.missing: list[str] = record.get("missing", [])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the definition to a file that others `load`; nothing of the user's own is in it."""
        kept = {k: v for k, v in self.record.items() if k not in ("found", "missing", "root")}
        if "@" in kept.get("ssh", ""):
            kept["ssh"] = kept["ssh"].partition("@")[2]
        Path(path).write_text(json.dumps(kept, indent=2) + "\n")

    def __repr__(self) -> str:
        where = self.record.get("ssh") or "this machine"
        rows = [f"{self.name}: {where}, {self.scheduler}"]
        for row in self.found.get("partitions", []):
            default = " (default)" if row.get("default") else ""
            rows.append(
                f"    partition {row['name']}{default}: {row.get('nodes', '?')} nodes of "
                f"{row.get('processors', '?')} processors, at most {row.get('time', '?')}"
            )
        rows += [
            f"    {row['path']} {row['version']}, numpy {row['numpy']}, jetlag {row['jetlag']}"
            for row in self.found.get("pythons", [])
        ]
        rows += [f"    images by {text}" for text in self.found.get("images", [])]
        if image := self.record.get("image"):
            rows.append(f"    jobs run in {image}")
        rows += [f"    missing: {text}" for text in self.missing]
        return "\n".join(rows)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


def add(
    name: str,
    *,
    ssh: str = "",
    scheduler: str = "",
    python: str = "",
    root: str = "",
    setup: Sequence[str] = (),
    options: Sequence[str] = (),
    account: str = "",
    partition: str = "",
    reservation: str = "",
    slots: int = 0,
    image: str = "",
    runner: str = "",
    runner_options: Sequence[str] = (),
) -> Machine:
    """Make a machine known, under a name for `on=`: looks at it once and says what it found.

    ssh: "user@host" or a name of your ssh configuration; your keys, agent and known hosts hold, and
    no key is handed over. scheduler: fork, slurm or pbs (default: what is found). python: for
    function jobs. root: the folder for jobs there. setup: lines of shell at the head of each job,
    such as "module load python". options: more for ssh. slots: jobs at once without a scheduler.
    image: the container image for jobs that name none; runner: what runs images (apptainer,
    singularity, charliecloud or podman; default: what is found); runner_options: more for it, such
    as "--bind=/scratch".

    Raises OSError if it cannot be reached, with what to do.
    """
    given = {
        "name": name,
        "ssh": ssh,
        "scheduler": scheduler,
        "python": python,
        "root": root,
        "setup": [*setup],
        "options": [*options],
        "account": account,
        "partition": partition,
        "reservation": reservation,
        "slots": slots,
        "image": image,
        "runner": runner,
        "runner_options": [*runner_options],
    }
    wanted = {key: value for key, value in given.items() if value}
    return Machine(client.ask("POST", "/v1/machines", wanted))


def load(source: str | os.PathLike[str], *, user: str = "") -> Machine:
    """Make known a machine that somebody has described in a file: its path, or its name.

    Names are looked for in ~/.config/jetlag/machines and /etc/jetlag/machines. user: your name
    there, where it is not the one that ssh takes.
    """
    path = Path(source)
    if path.suffix != ".json" and os.sep not in os.fspath(source):
        places = [Path(folder).expanduser() / f"{path}.json" for folder in _SHARED]
        found = [place for place in places if place.is_file()]
        if not found:
            raise LookupError(f"no machine {path} is described in {' or '.join(_SHARED)}")
        path = found[0]
    record = json.loads(path.read_text())
    if not isinstance(record, dict):
        raise ValueError(f"{path} describes no machine")
    if user and record.get("ssh"):
        record["ssh"] = f"{user}@{record['ssh'].rpartition('@')[2]}"
    return Machine(client.ask("POST", "/v1/machines", record))


def list() -> list[Machine]:
    """The machines that are known."""
    return [Machine(record) for record in client.ask("GET", "/v1/machines")]


def get(name: str) -> Machine:
    """One of them."""
    return Machine(client.ask("GET", f"/v1/machines/{client.part(name)}"))


def forget(name: str) -> None:
    """Forget one."""
    client.ask("DELETE", f"/v1/machines/{client.part(name)}")
