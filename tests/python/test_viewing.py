"""`jl.view`: traces in notebooks, in browsers and in files."""

import base64
import html
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from jetlag import viewing


@jl.jit
def grow(x, rounds):
    for _ in range(rounds):
        x = np.exp(x) * 0.1
    return x


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("traces") / "run <b>1 🦆.jlt"
    with jl.trace(path), jl.span("<script>alert(1)</script> 🦆"):
        grow(np.ones(100_000), 5)
    return path


def fetched(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=30) as answer:
        return answer.read()


def data_of(page: str) -> Any:
    [packed] = re.findall(r'id="jetlag-trace">([^<]*)<', page)
    return json.loads(zlib.decompress(base64.b64decode(packed)))


def test_a_view_is_a_frame_that_the_server_fills(run: Path) -> None:
    shown = jl.view(run)._repr_html_()

    address = html.unescape(re.findall(r'<iframe src="([^"]*)"', shown)[0])
    base, _, rest = address.partition("?")
    token, _, view = rest.partition("#")
    assert b"<title>jetlag</title>" in fetched(f"{base}?{token}")
    trace = view.removeprefix("trace=")
    summary = json.loads(fetched(f"{base}v1/traces/{trace}?{token}"))
    assert summary["spans"] == len(jl.open_trace(run).spans()["begin"])
    with pytest.raises(urllib.error.HTTPError, match="401"):
        fetched(f"{base}v1/traces/{trace}")


@pytest.mark.parametrize("embed", [False, True])
def test_a_picture_stays_in_a_saved_notebook(run: Path, *, embed: bool) -> None:
    shown = jl.view(run, embed=embed)._repr_html_()

    picture = shown[shown.rindex("</iframe>") :]
    assert "<svg" in picture
    assert "<td" in picture
    assert html.escape(run.name) in picture
    assert "<script" not in picture


def test_all_views_of_a_process_have_one_server(run: Path) -> None:
    first, second = jl.view(run).url, jl.view(jl.open_trace(run)).url

    assert first == second


def test_the_server_ends_with_its_process(run: Path) -> None:
    code = "import jetlag as jl, sys; print(jl.view(sys.argv[1]).url)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(run)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    address = done.stdout.strip()

    assert address.startswith("http://127.0.0.1:")
    for _ in range(100):
        try:
            fetched(address.partition("#")[0])
        except urllib.error.URLError:
            return
    pytest.fail("it goes on")


def test_a_saved_view_holds_the_trace(run: Path, tmp_path: Path) -> None:
    jl.view(run).save(tmp_path / "run.html")

    page = (tmp_path / "run.html").read_text()
    data, trace = data_of(page), jl.open_trace(run)
    spans = trace.spans()
    assert data["spans"]["begin"] == spans["begin"].tolist()
    assert data["spans"]["site"] == spans["site"].tolist()
    assert data["spans"]["parent"] == spans["parent"].tolist()
    assert data["sites"]["name"] == trace.sites()["name"]
    assert "def grow(x, rounds)" in data["texts"][__file__]
    assert len(data["tasks"]) == len(trace.tasks()["begin"])
    # Nothing of it is taken for a part of the page, and nothing is loaded from elsewhere.
    assert "<script>alert" not in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)


def test_an_embedded_view_needs_no_server(run: Path) -> None:
    shown = jl.view(run, embed=True)._repr_html_()

    page = html.unescape(re.findall(r'srcdoc="([^"]*)"', shown)[0])
    assert data_of(page)["summary"]["path"] == run.name


def test_what_cannot_be_shown_says_why(tmp_path: Path, run: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no trace"):
        jl.view(tmp_path / "none.jlt")
    (tmp_path / "text.jlt").write_text("no trace")
    with pytest.raises(ValueError, match="is no trace"):
        jl.view(tmp_path / "text.jlt").save(tmp_path / "x.html")
    with pytest.raises(OSError, match="cannot write"):
        jl.view(run).save(tmp_path / "no" / "x.html")


def test_a_proxy_of_jupyter_hands_the_page_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/me/")
    monkeypatch.setattr(viewing.importlib.util, "find_spec", lambda name: object())

    address = viewing._through_proxy("http://127.0.0.1:4711/?token=t#trace=1")

    assert address == "/user/me/proxy/4711/?token=t#trace=1"


class Shell:
    """As much of IPython as the extension asks for."""

    def __init__(self) -> None:
        self.magics: dict[str, Any] = {}
        self.names: dict[str, Any] = {"np": np, "grow": grow}

    def register_magic_function(self, function: Any, kind: str, name: str) -> None:
        self.magics[f"%%{name}" if kind == "cell" else name] = function

    def run_cell(self, cell: str) -> "Shell":
        exec(cell, self.names)
        return self

    def raise_error(self) -> None:
        pass


def test_a_cell_is_traced_and_shown(tmp_path: Path) -> None:
    shell = Shell()
    jl.load_ipython_extension(shell)

    shown = shell.magics["%%jetlag"](str(tmp_path / "cell.jlt"), "y = grow(np.ones(3), 2)")

    assert "grow" in jl.open_trace(tmp_path / "cell.jlt").sites()["name"]
    assert repr(shown) == f"jl.view({os.fspath(tmp_path / 'cell.jlt')!r})"
    assert "<iframe" in shell.magics["%%jetlag"]("", "y = grow(y, 2)")._repr_html_()
