"""Who keeps the jobs, as Python sees it: the daemon here, found by its socket and started if need
be, or the server of the setting `jobs_server`; asked over HTTP."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO, TextIO
from urllib.parse import parse_qs, quote, urlencode, urlsplit

_START_SECONDS = 30
_END_SECONDS = 30
_ANSWER_SECONDS = 150
_LONGEST_SOCKET = 100


class DaemonError(RuntimeError):
    """The daemon of jobs cannot be started, or does not answer."""


class JobError(ValueError):
    """What the daemon refuses: an unknown machine, a field that is wrong, a job that has ended."""


def server() -> str:
    """The address of the server that keeps the jobs, with its token; empty: a daemon here does."""
    try:
        from jetlag.configuration import settings

        address = settings.jobs_server
    except ImportError:
        address = os.environ.get("JETLAG_JOBS_SERVER", "none")
    return "" if address in ("", "none") else address


def folder() -> Path:
    """Where the files of jobs are, here: the store, or what was brought from the server."""
    if not (far := server()):
        return store_folder()
    name = hashlib.sha256(far.encode()).hexdigest()[:16]
    return store_folder() / "servers" / name


def store_folder() -> Path:
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


class NotLetIn(PermissionError):
    """The server of jobs does not let this program in: its token is wrong, or has expired."""


class _Local(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _connect(far: str) -> tuple[http.client.HTTPConnection, dict[str, str]]:
    """A connection to the server, or the daemon, with the headers that it wants."""
    if not far:
        return _Local(socket_path(store_folder())), {}
    parts = urlsplit(far)
    token = parse_qs(parts.query).get("token", [""])[0]
    try:
        if parts.scheme not in ("http", "https") or not parts.hostname or not token:
            raise ValueError
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        connection = kind(parts.hostname, parts.port, timeout=_ANSWER_SECONDS)
    except ValueError:
        error = DaemonError("jobs_server must be an address, http://HOST:PORT/?token=TOKEN")
        error.add_note("hint: `jetlag token make` prints it")
        raise error from None
    return connection, {"Authorization": f"Bearer {token}"}


class _Kept(threading.local):
    """One connection for each thread, kept open."""

    def __init__(self) -> None:
        self.connection: http.client.HTTPConnection | None = None
        self.headers: dict[str, str] = {}
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
    if status == 401:
        error: Exception = NotLetIn(message)
    elif status == 404 or kind == "key":
        error = LookupError(message)
    elif kind in ("io", "runtime"):
        error = OSError(message)
    else:
        error = JobError(message)
    if hint:
        error.add_note(f"hint: {hint}")
    return error


def _exchange(
    method: str, path: str, data: bytes | BinaryIO, bytes_: int = -1
) -> tuple[int, str, bytes]:
    far, store = server(), store_folder()
    place = (far or socket_path(store), os.getpid())
    headers = {"Content-Type": "application/json"} if data else {}
    if bytes_ >= 0:
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(bytes_)}
    for attempt in range(3):
        if _kept.connection is None or _kept.place != place:
            _kept.connection, _kept.headers = _connect(far)
            _kept.place = place
        connection = _kept.connection
        try:
            if not isinstance(data, bytes):
                data.seek(0)
            connection.request(method, path, data, headers | _kept.headers)
        except OSError as error:
            # Nothing was heard there, so it may be asked once more.
            _kept.connection = None
            if far and attempt:
                raise DaemonError(f"the server of jobs at {_shown(far)}: {error}") from error
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
                who = f"server of jobs at {_shown(far)}" if far else "daemon of jobs"
                raise DaemonError(f"the {who} does not answer: {error}") from error
            if attempt and not far:
                start(store)
    if far:
        raise DaemonError(f"the server of jobs at {_shown(far)} does not answer")
    raise DaemonError(f"the daemon of jobs does not answer; see {store}/serve.log")


def _shown(address: str) -> str:
    """An address without its token."""
    return address.partition("?")[0].rstrip("/")


# ---- files of a server that is not here


def size_of(digest: str) -> int:
    """How long a file of ours in the store is; LookupError if it is not there."""
    if server():
        return int(ask("GET", f"/v1/blobs/{digest}")["bytes"])
    try:
        return (folder() / "blobs" / digest).stat().st_size
    except FileNotFoundError:
        raise LookupError(f"the store has no file {digest}") from None


def has_file(digest: str) -> bool:
    """Whether the store has this file of ours already."""
    try:
        size_of(digest)
    except LookupError:
        return False
    return True


def send_file(path: Path, digest: str) -> None:
    """Bring a file to the server, which checks its digest."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        status, _, answer = _exchange("PUT", f"/v1/blobs/{digest}", file, size)
    if status >= 300:
        raise _error(status, json.loads(answer))


def file_of(record: dict[str, Any], name: str) -> Path:
    """Where a file of a job is; it is brought from the server first. It may not exist."""
    if not server():
        return Path(record["folder"]) / "files" / name
    place = folder() / "jobs" / f"{record['id']}-{record['attempt']}" / "files"
    path = place / name
    if not path.resolve().is_relative_to(place.resolve()):
        raise DaemonError(f"the server names a file outside of the job: {name!r}")
    if record["final"] and path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    with contextlib.suppress(LookupError):
        _fetch(f"/v1/jobs/{part(record['id'])}/file?{urlencode({'name': name})}", partial)
        partial.rename(path)
    return path


def files_of(record: dict[str, Any]) -> Path:
    """The folder with the files of a job; they are brought from the server first."""
    if not server():
        return Path(record["folder"]) / "files"
    for row in ask("GET", f"/v1/jobs/{part(record['id'])}/files"):
        file_of(record, row["name"])
    return folder() / "jobs" / f"{record['id']}-{record['attempt']}" / "files"


def _fetch(path: str, to: Path) -> None:
    connection, headers = _connect(server())
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        if response.status >= 300:
            raise _error(response.status, json.loads(response.read()))
        with open(to, "wb") as file:
            shutil.copyfileobj(response, file, 1 << 20)
    except (OSError, http.client.HTTPException) as error:
        to.unlink(missing_ok=True)
        if isinstance(error, NotLetIn):
            raise
        raise DaemonError(f"the server of jobs at {_shown(server())}: {error}") from error
    finally:
        connection.close()


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
    lock = (store or store_folder()) / "lock"
    try:
        with open(lock) as file:
            # Its own lock ends with it; its number may be that of another process by then.
            if _is_free(file):
                return
            os.kill(int(file.read()), signal.SIGTERM)
            end = time.monotonic() + _END_SECONDS
            while not _is_free(file) and time.monotonic() < end:
                time.sleep(0.02)
    except (OSError, ValueError):
        return


def _is_free(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


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
