"""`python -m jetlag.show`: forms of functions in files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import jetlag as jl

print("imported as", __name__)

@jl.jit
def marked(x):
    return x + 1

def plain(x):
    return x * 2

class Model:
    @jl.jit
    def method(self, x):
        return x - 1

if __name__ == "__main__":
    raise SystemExit("ran as a script")
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


def show(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jetlag.show", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_marked_functions_are_shown(file: Path) -> None:
    done = show("physl", file)

    assert done.returncode == 0, done.stderr
    assert "imported as program" in done.stdout
    assert "{python}(marked" in done.stdout
    assert "plain" not in done.stdout


@pytest.mark.parametrize("name", ["marked", "plain", "Model.method"])
def test_a_function_is_found_by_name(file: Path, name: str) -> None:
    done = show("physl", f"{file}:{name}")

    assert done.returncode == 0, done.stderr
    assert name.rpartition(".")[2] in done.stdout


@pytest.mark.parametrize("form", ["text", "dot", "newick"])
def test_trees_have_three_formats(file: Path, form: str) -> None:
    done = show("tree", f"{file}:marked", "--format", form)

    assert done.returncode == 0, done.stderr
    assert "marked" in done.stdout


def test_a_plan_is_shown(file: Path) -> None:
    done = show("plan", f"{file}:marked")

    assert done.returncode == 0, done.stderr
    assert "marked" in done.stdout


def test_a_missing_file_is_named() -> None:
    done = show("physl", "nowhere.py:f")

    assert (done.returncode, done.stderr) == (2, "jetlag show: no file nowhere.py\n")


def test_an_unknown_function_is_named_with_those_there(file: Path) -> None:
    done = show("physl", f"{file}:nothing")

    assert done.returncode == 2
    assert f"no function nothing in {file}" in done.stderr
    assert "hint: functions there: marked, plain" in done.stderr


def test_a_file_without_marked_functions_says_so(tmp_path: Path) -> None:
    path = tmp_path / "none.py"
    path.write_text("x = 1\n")
    done = show("physl", path)

    assert done.returncode == 2
    assert "is marked jl.jit" in done.stderr


def test_a_syntax_error_has_its_place(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("def f(:\n")
    done = show("physl", path)

    assert done.returncode == 2
    assert f"{path}:1:7: invalid syntax" in done.stderr


def test_a_file_that_raises_has_its_line(tmp_path: Path) -> None:
    path = tmp_path / "raises.py"
    path.write_text("x = 1\ny = x / 0\n")
    done = show("physl", path)

    assert done.returncode == 1
    assert f"{path}:2: ZeroDivisionError: division by zero" in done.stderr


def test_a_strict_function_that_cannot_be_lowered_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "strict.py"
    path.write_text("import jetlag as jl\n@jl.jit(strict=True)\ndef f(x):\n    return {x}\n")
    done = show("physl", path)

    assert done.returncode == 1
    assert "strict.py:4:12: opaque: a set cannot be lowered" in done.stderr
