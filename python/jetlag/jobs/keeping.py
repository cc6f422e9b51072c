"""The files of a job on their way into the store, each called by the digest of what it holds."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

from jetlag.jobs import client
from jetlag.jobs import digest as digests


class Store:
    """Keeps files in the store of the daemon, or brings them to the server."""

    def keep(self, write: Callable[[Path], str]) -> str:
        """Have a file written into the store; it is called by the digest that is given back."""
        blobs = client.folder() / "blobs"
        try:
            blobs.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            what = f"jobs cannot be kept: {error.strerror}"
            raise OSError(error.errno, what, str(blobs)) from None
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
            what = f"a job's files cannot be kept: {error.strerror}"
            full = OSError(error.errno, what, str(blobs))
            full.add_note(f"hint: {free} MB are free there; make room, or set jl.settings.jobs_dir")
            raise full from None
        finally:
            part.unlink(missing_ok=True)
        return digest

    def text(self, text: str) -> str:
        """Keep a text; gives its digest."""

        def write(path: Path) -> str:
            path.write_text(text)
            return digest

        digest = digests.of_bytes(text.encode())
        return digest if self.has(digest) else self.keep(write)

    def file(self, path: Path) -> str:
        """Keep a copy of a file; gives its digest."""

        def write(part: Path) -> str:
            with open(path, "rb", buffering=0) as source, open(part, "wb") as target:
                return digests.copy(source, target)

        return self.keep(write)

    def has(self, digest: str) -> bool:
        """Whether this file is there already."""
        return client.has_file(digest)


class Scales(Store):
    """Keeps nothing and sends nothing: tells how long each file is."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}

    def keep(self, write: Callable[[Path], str]) -> str:
        """Have a file written, weigh it, and forget it."""
        with tempfile.TemporaryDirectory(prefix="jetlag-") as folder:
            part = Path(folder) / "part"
            digest = write(part)
            self.sizes[digest] = os.stat(part).st_size
        return digest

    def has(self, digest: str) -> bool:
        """Whether it was weighed already."""
        return digest in self.sizes
