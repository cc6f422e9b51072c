"""The daemon as Python sees it: found by its socket, started if need be, asked over HTTP."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

_START_SECONDS = 30
_ANSWER_SECONDS = 150
_LONGEST_SOCKET = 100


class DaemonError(RuntimeError):
    """The daemon of jobs cannot be started, or does not answer."""


class JobError(ValueError):
    """What the daemon refuses: an unknown machine, a field that is wrong, a job that has ended."""


def folder() -> Path:
    """Where jobs are kept: the setting `jobs_dir`, also where the engine is missing."""
    try:
        from jetlag.configuration import settings

        return Path(settings.jobs_dir).absolute()
    except ImportError:
        pass
    if given := os.environ.get("JETLAG_JOBS_DIR"):
        return Path(given).absolute()
    state = os.environ.get("XDG_STATE_HOME", "")
    return Path(state if state.startswith("/") else Path.home() / ".local/state") / "jetlag"


def socket_path(store: Path) -> str:
    """Where the daemon of a store listens; the same rule as the daemon's own."""
    path = str(store / "daemon.sock")
    if len(path.encode()) <= _LONGEST_SOCKET:
        return path
    digest = hashlib.sha256(str(store).encode()).hexdigest()[:8]
    return f"/tmp/jetlag-{os.getuid()}-{digest}/daemon.sock"


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _Kept(threading.local):
    """One connection for each thread, kept open."""

    def __init__(self) -> None:
        self.connection: _Connection | None = None
        self.place: tuple[str, int] | None = None


_kept = _Kept()
_starting = threading.Lock()


def ask(method: str, path: str, body: object = None, **query: object) -> Any:  # noqa: ANN401
    """Ask the daemon; gives what the JSON of the answer says, or its bytes.

    Raises JobError for a "no", LookupError for what is not there, OSError for trouble with files
    and machines, DaemonError if there is no daemon.
    """
    given = {name: value for name, value in query.items() if value is not None}
    if given:
        path += "?" + urlencode(given)
    data = json.dumps(body).encode() if body is not None else b""
    status, kind, answer = _exchange(method, path, data)
    if kind.startswith("application/octet-stream") and status < 300:
        return answer
    try:
        told = json.loads(answer)
    except ValueError:
        raise DaemonError(f"the daemon answers {status} {answer[:200]!r}") from None
    if status < 300:
        return told
    raise _error(status, told)


def _error(status: int, told: dict[str, Any]) -> Exception:
    message, hint = told.get("detail", "the daemon refuses"), told.get("hint")
    kind = told.get("title", "")
    if status == 404 or kind == "key":
        error: Exception = LookupError(message)
    elif kind in ("io", "runtime"):
        error = OSError(message)
    else:
        error = JobError(message)
    if hint:
        error.add_note(f"hint: {hint}")
    return error


def _exchange(method: str, path: str, data: bytes) -> tuple[int, str, bytes]:
    store = folder()
    place = (socket_path(store), os.getpid())
    headers = {"Content-Type": "application/json"} if data else {}
    for attempt in range(3):
        if _kept.connection is None or _kept.place != place:
            _kept.connection, _kept.place = _Connection(place[0]), place
        connection = _kept.connection
        try:
            connection.request(method, path, data, headers)
        except OSError:
            # Nothing was heard there, so it may be asked once more.
            _kept.connection = None
            if attempt:
                start(store)
            continue
        try:
            response = connection.getresponse()
            return response.status, response.headers.get("Content-Type", ""), response.read()
        except (OSError, http.client.HTTPException) as error:
            _kept.connection = None
            # An idle connection that the daemon closed, or a daemon that was killed. Whatever is
            # asked may be asked twice: a job has its id from here.
            if isinstance(error, TimeoutError) or attempt == 2:
                raise DaemonError(f"the daemon of jobs does not answer: {error}") from error
            if attempt:
                start(store)
    raise DaemonError(f"the daemon of jobs does not answer; see {store}/serve.log")


def start(store: Path) -> None:
    """Start the daemon of a store, unless it is there."""
    with _starting:
        command = [command_path(), "serve", "--background", "--jobs", str(store)]
        try:
            ran = subprocess.run(
                command,
                env=os.environ | _told_to_daemon(),
                capture_output=True,
                text=True,
                timeout=_START_SECONDS,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            raise DaemonError(f"the daemon of jobs did not start; see {store}/serve.log") from None
        if ran.returncode:
            raise DaemonError(f"the daemon of jobs did not start: {ran.stderr.strip()}")


def _told_to_daemon() -> dict[str, str]:
    """The settings of this program that the daemon it starts is to have."""
    try:
        from jetlag.configuration import settings
    except ImportError:
        return {}
    return {"JETLAG_MAIL_RELAY": settings.mail_relay, "JETLAG_JOBS_IDLE": str(settings.jobs_idle)}


def stop(store: Path | None = None) -> None:
    """End the daemon of a store; jobs that run go on, and the next daemon finds them."""
    lock = (store or folder()) / "lock"
    try:
        process = int(lock.read_text())
        os.kill(process, 15)
    except (OSError, ValueError):
        return
    with open(lock) as file:
        for _ in range(200):
            with contextlib.suppress(BlockingIOError):
                # Its own lock ends with it, sooner than its number.
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return
            time.sleep(0.02)


def command_path() -> str:
    """The `jetlag` command: beside this Python, else the first on the path."""
    beside = Path(sys.executable).with_name("jetlag")
    found = str(beside) if beside.is_file() else shutil.which("jetlag")
    if found is None:
        raise DaemonError(
            "there is no jetlag command, which keeps jobs: install jetlag where this Python is"
        )
    return found


def part(text: str) -> str:
    """One part of a path."""
    return quote(text, safe="")
