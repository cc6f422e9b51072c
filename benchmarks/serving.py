"""A `jetlag serve` for as long as something is measured."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any


class Served:
    """A server of its own, on the traces that it is given; started at once."""

    def __init__(self, *arguments: str) -> None:
        tool = Path(sys.executable).parent / "jetlag"
        self._process = subprocess.Popen(
            [str(tool), "serve", "--no-jobs", "--with-input", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        line = self._process.stdout.readline()
        self.base, self._token = re.findall(r"(http://\S+)\?token=(\S+)", line)[0]

    def open(self, path: str, timeout: float | None = None) -> Any:  # noqa: ANN401
        """The answer, to be read."""
        request = urllib.request.Request(
            self.base + path, headers={"Authorization": f"Bearer {self._token}"}
        )
        return urllib.request.urlopen(request, timeout=timeout)

    def json(self, path: str) -> Any:  # noqa: ANN401
        with self.open(path) as answer:
            return json.load(answer)

    def stop(self) -> None:
        """It ends with its input."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()
