"""A running `jetlag serve`, and how tests ask it."""

import http.client
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


class Served:
    """A running server, and how to ask it."""

    def __init__(self, *arguments: str) -> None:
        tool = Path(sys.executable).parent / "jetlag"
        self.process = subprocess.Popen(
            [str(tool), "serve", "--with-input", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.line = self.process.stdout.readline()
        self.address = (re.findall(r"http://\S+", self.line) or [""])[0]
        self.token = urlsplit(self.address).query.removeprefix("token=")

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        token: str | None = None,
        body: str | None = None,
        **headers: str,
    ) -> Any:
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=30)
        bearer = {"Authorization": f"Bearer {self.token if token is None else token}"}
        connection.request(method, path, body=body, headers=bearer | headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer

    def json(self, path: str) -> Any:
        status, body, _ = self.ask(path)
        assert status == 200, body
        return json.loads(body)

    def stop(self) -> None:
        self.process.communicate(timeout=60)


def identity(served: Served, name: str) -> str:
    [row] = [row for row in served.json("/v1/traces") if row["name"] == name]
    return row["id"]
