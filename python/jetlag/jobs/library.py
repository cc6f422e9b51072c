"""What function jobs on other machines need of jetlag itself: it travels with them, once."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import sys
import zipfile
from functools import lru_cache
from pathlib import Path

from jetlag.jobs import digest as digests
from jetlag.jobs.keeping import Store

_PACKAGE = Path(__file__).parents[1]
_TIME = (2000, 1, 1, 0, 0, 0)  # the same bytes for the same files


def inputs(packages: dict[str, str], store: Store) -> list[dict[str, str]]:
    """The files of a job that bring jetlag along and say what it needs."""
    from jetlag.jobs import client

    archive, digest = _archive(str(client.folder()))
    if not store.has(digest):
        store.file(archive)
    needs = json.dumps({"packages": packages, "jetlag": digest, "made_on": platform_name()})
    start = (_PACKAGE / "jobs/start.py").read_text()
    return [
        {"path": "jetlag.zip", "digest": digest},
        {"path": "needs.json", "digest": store.text(needs)},
        {"path": "start.py", "digest": store.text(start)},
    ]


def platform_name() -> str:
    """Where compiled modules of this Python run."""
    return f"{sys.platform} {platform.machine()} {sys.version_info[0]}.{sys.version_info[1]}"


@lru_cache(maxsize=4)
def _archive(store: str) -> tuple[Path, str]:
    """The package as an archive in the store, made anew when a file of it has changed."""
    files = sorted(
        path
        for path in _PACKAGE.rglob("*")
        if path.suffix in (".py", ".so", ".pyi") and "__pycache__" not in path.parts
    )
    marks = "".join(f"{f} {f.stat().st_size} {f.stat().st_mtime_ns}\n" for f in files)
    name = hashlib.sha256(marks.encode()).hexdigest()[:16]
    folder = Path(store) / "library"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{name}.zip"
    if not path.exists():
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for file in files:
                entry = zipfile.ZipInfo(f"jetlag/{file.relative_to(_PACKAGE).as_posix()}", _TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, file.read_bytes(), compresslevel=1)
        part = path.with_suffix(".part")
        part.write_bytes(data.getvalue())
        part.rename(path)
    return path, digests.of_bytes(path.read_bytes())
