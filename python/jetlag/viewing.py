"""Looking at traces: `jl.view(trace)` in a notebook, `.save("run.html")` for others, `%%jetlag`."""

from __future__ import annotations

import atexit
import html
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

from jetlag.trace_page import page
from jetlag.traces import Trace, open_trace
from jetlag.tracing import trace as record

_HEIGHT = 640  # pixels of a frame in a notebook
_PICTURED = 200_000_000  # bytes of a trace; larger ones would take seconds to sum up


def view(
    trace: str | os.PathLike[str] | Trace, *, height: int = _HEIGHT, embed: bool = False
) -> View:
    """Show a trace: its value is the viewer in a notebook's cell, and `.url` for a browser.

    >>> jl.view("run.jlt").save("run.html")  # doctest: +SKIP

    trace: a file, an OTF2 archive, or what `jl.open_trace` gave. height: of the frame, in pixels.
    embed: put the trace itself into the output, so that a saved notebook still shows all of it
    where nothing runs; else the frame asks a `jetlag serve` that ends with this process. Either
    way a picture and the table of sites stay in the output.

    Raises OSError if there is no such file, RuntimeError if the viewer cannot be started.
    """
    path = Path(trace.path if isinstance(trace, Trace) else trace)
    if not path.exists():
        raise FileNotFoundError(f"no trace {str(path)!r}")
    return View(path.resolve(), height, embed)


class View:
    """A trace to look at."""

    def __init__(self, path: Path, height: int, embed: bool) -> None:
        self._path = path
        self._height = height
        self._embed = embed

    @property
    def url(self) -> str:
        """The address of the viewer, with its token; it answers while this process runs."""
        return _server().address_of(self._path)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one HTML file that shows the trace anywhere, without a server or a network.

        Raises OSError if the file cannot be written, ValueError if the trace cannot be read.
        """
        done = subprocess.run(
            [_tool(), "view", str(self._path), "-o", os.fspath(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            kind, _, message = done.stderr.strip().partition(": ")
            raise (OSError if kind == "io" else ValueError)(message or done.stderr.strip())

    def _repr_html_(self) -> str:
        style = f'style="width:100%;height:{self._height}px;border:1px solid #8884"'
        title = f'title="the trace {html.escape(self._path.name)}"'
        if self._embed:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "view.html"
                self.save(file)
                content = html.escape(file.read_text(encoding="utf-8"), quote=True)
            return f'<iframe srcdoc="{content}" {title} {style}></iframe>{self._picture()}'
        source = html.escape(_through_proxy(self.url))
        return (
            f'<iframe src="{source}" {title} {style}></iframe>'
            f'<a href="{source}" target="_blank">open in a tab of its own</a>{self._picture()}'
        )

    def _picture(self) -> str:
        """What a saved notebook still shows where no kernel runs, and viewers that drop frames."""
        if self._path.is_file() and self._path.stat().st_size > _PICTURED:
            return ""
        return (
            "<details><summary>as it was when this cell ran</summary>"
            f"{page(open_trace(self._path))}</details>"
        )

    def __repr__(self) -> str:
        return f"jl.view({str(self._path)!r})"


def load_ipython_extension(shell: Any) -> None:  # noqa: ANN401
    """`%load_ext jetlag`: cells that begin with %%jetlag are traced and shown.

    `%%jetlag run.jlt` keeps the trace under this name.
    """

    def traced(line: str, cell: str) -> View:
        name = line.strip()
        if not name:
            name = str(Path(tempfile.mkdtemp(prefix="jetlag-")) / "cell.jlt")
        with record(name):
            shell.run_cell(cell).raise_error()
        return view(name)

    shell.register_magic_function(traced, "cell", "jetlag")


class _Server:
    """A `jetlag serve` that ends with this process. It serves a folder of links to traces."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="jetlag-view-")
        self.process = subprocess.Popen(
            [_tool(), "serve", "--with-input", self._folder.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        line = self.process.stdout.readline()
        found = re.search(r"http://\S+", line)
        if not found:
            raise RuntimeError(f"jetlag serve did not start: {line.strip() or 'it said nothing'}")
        self.address = found[0]
        self._owner = os.getpid()
        atexit.register(self.stop)

    def is_running(self) -> bool:
        # The child of a fork shares neither the pipe nor the end of its parent.
        return self.process.poll() is None and self._owner == os.getpid()

    def address_of(self, path: Path) -> str:
        # The name is what the viewer shows; a number tells apart those of one name.
        digits = f"{abs(hash(str(path))) % 10**6:06}"
        link = Path(self._folder.name) / digits / (path.name if path.suffix else f"{path.name}.jlt")
        link.parent.mkdir(exist_ok=True)
        if not link.exists():
            link.symlink_to(path)
        base, _, token = self.address.partition("?")
        with urllib.request.urlopen(f"{base}v1/traces?{token}", timeout=10) as answer:
            rows = json.load(answer)
        wanted = f"{digits}/{link.name}"
        [trace] = [row["id"] for row in rows if row["name"] == wanted]
        return f"{self.address}#trace={trace}"

    def stop(self) -> None:
        if self._owner == os.getpid() and self.process.stdin:
            self.process.stdin.close()


_running: list[_Server] = []


def _server() -> _Server:
    if not _running or not _running[-1].is_running():
        _running[:] = [_Server()]
    return _running[-1]


def _tool() -> str:
    """The command `jetlag`: beside this Python, or on the path."""
    beside = Path(sys.executable).parent / "jetlag"
    found = str(beside) if beside.exists() else shutil.which("jetlag")
    if not found:
        raise RuntimeError("the command jetlag was not found: it shows traces; pip installs it")
    return found


def _through_proxy(url: str) -> str:
    """The address as the notebook's page reaches it.

    On a hub the browser cannot reach this machine's ports; jupyter-server-proxy hands them on.
    """
    if importlib.util.find_spec("jupyter_server_proxy") is None:
        return url
    prefix = os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/")
    return re.sub(r"^http://127\.0\.0\.1:(\d+)/", rf"{prefix}proxy/\1/", url)
