"""Runs programs in child processes: one that crashes or hangs is a finding, and the rest goes on."""

from __future__ import annotations

import json
import os
import select
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds that one program may take


class Child:
    """A process that answers requests, one line each."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.fuzz.child"]
        environment = {**os.environ, "PYTHONFAULTHANDLER": "0"}
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        self.asked: dict[str, Any] | None = None
        self.since = 0.0

    def ask(self, request: dict[str, Any]) -> None:
        self.asked, self.since = request, time.monotonic()
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request).encode() + b"\n")

    def answer(self, patience: float = PATIENCE) -> dict[str, Any]:
        """The answer, waited for that long; a crash if the process ended instead."""
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], patience)[0]:
            self.end()
            return {"kind": "hang", "told": f"no answer within {patience:g} seconds"}
        line = self.process.stdout.readline()
        self.asked = None
        if line:
            return json.loads(line)
        code = self.process.wait()
        return {"kind": "crash", "told": f"the process ended with {code}"}

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@dataclass
class Answer:
    """What became of a request."""

    request: dict[str, Any]
    result: dict[str, Any]


class Pool:
    """Keeps some children busy."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.children: list[Child] = []

    def run(self, requests: Iterator[dict[str, Any]]) -> Iterator[Answer]:
        """Answers in the order in which they come."""
        selector = selectors.DefaultSelector()
        for request in requests:
            if len(self.children) < self.size:
                self._begin(selector, request)
                continue
            yield from self._wait(selector, request)
        while self.children:
            yield from self._wait(selector, None)
        selector.close()

    def _begin(self, selector: selectors.BaseSelector, request: dict[str, Any]) -> None:
        child = Child()
        self.children.append(child)
        selector.register(child.process.stdout, selectors.EVENT_READ, child)
        child.ask(request)

    def _wait(
        self, selector: selectors.BaseSelector, after: dict[str, Any] | None
    ) -> Iterator[Answer]:
        """Wait for some answers; the first child that is free gets the next request."""
        ready: list[Child] = []
        while not ready:
            ready = [key.data for key, _ in selector.select(timeout=1.0)]
            late = [c for c in self.children if time.monotonic() - c.since > PATIENCE]
            for child in [c for c in late if c not in ready]:
                child.process.kill()
                ready.append(child)
        for child in ready:
            request = child.asked or {}
            hung = time.monotonic() - child.since > PATIENCE
            result = child.answer()
            if result["kind"] == "crash" and hung:
                result = {"kind": "hang", "told": f"no answer within {PATIENCE:g} seconds"}
            yield Answer(request, result)
            if result["kind"] in ("crash", "hang") or after is None:
                selector.unregister(child.process.stdout)
                self.children.remove(child)
                child.end()
                if after is not None:
                    self._begin(selector, after)
            else:
                child.ask(after)
            after = None

    def close(self) -> None:
        for child in self.children:
            child.end()
        self.children = []
