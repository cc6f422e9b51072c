"""What a dry run tells: what would travel, and what the machine lacks."""

from __future__ import annotations

import html
from typing import Any

from jetlag.jobs.bundle import Bundle


class Plan:
    """A function job that was not sent."""

    def __init__(
        self,
        request: dict[str, Any],
        bundle: Bundle,
        machine: dict[str, Any],
        image: str,
        sizes: dict[str, int],
        suggested: dict[str, int],
    ) -> None:
        self.machine: str = machine["name"]
        self.request = request
        self.image = image
        """The container image in which it would run; empty for none."""
        self.manifest = bundle.manifest()
        self.suggested = suggested
        """Limits by what earlier jobs of this function needed there: time (s), memory (MB)."""
        self.files: dict[str, int] = {
            row["path"]: sizes[row["digest"]] for row in request["inputs"]
        }
        """The files that would travel, with their bytes."""
        self.missing: list[str] = list(machine.get("missing", []))
        """What the machine lacks, as sentences."""
        if not image:  # what is in an image is seen there
            self.missing += _missing_packages(bundle.packages, machine)

    def __repr__(self) -> str:
        where = f"{self.machine}, in {self.image}" if self.image else self.machine
        rows = [f"{self.request['name']} on {where}: nothing was sent", "would travel:"]
        rows += [f"    {path:<24} {_size(size)}" for path, size in self.files.items()]
        for kind in ("functions", "classes", "sources"):
            if self.manifest[kind]:
                rows.append(f"{kind}: " + ", ".join(self.manifest[kind]))
        if self.manifest["modules"]:
            rows.append("modules: " + ", ".join(self.manifest["modules"]))
        packages = (f"{name} {version}" for name, version in self.manifest["packages"].items())
        rows.append("packages, not sent: " + ", ".join(packages))
        if limits := self.suggested:
            rows.append(f"suggested limits: time {limits['time']} s, memory {limits['memory']} MB")
        rows += [f"missing there: {text}" for text in self.missing]
        return "\n".join(rows)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


def _missing_packages(packages: dict[str, str], machine: dict[str, Any]) -> list[str]:
    pythons = machine.get("found", {}).get("pythons")
    if not pythons:
        return []
    there = pythons[0].get("packages", {})
    rows = []
    for name, version in packages.items():
        found = there.get(name.lower().replace("_", "-"))
        if found is None:
            rows.append(f"package {name} {version}: it would be installed for the job")
        elif found != version:
            rows.append(f"package {name} is {found} there and {version} here")
    return rows


def _size(size: int) -> str:
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.3g} {unit}"
