"""Object code on disk: kept from process to process, and never in the way."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "python" / "jetlag"

PROGRAM = """
import numpy as np
import jetlag as jl

def f(a, b):
    return (a * b + a) / (b + 2.0) - 0.5 * np.exp(a)

a = np.linspace(0, 1, 1000)
b = np.linspace(1, 2, 1000)
jl.settings.jit = "off"
expected = jl.jit(f)(a, b)
jl.settings.jit = "always"
print(jl.jit(f)(a, b).tobytes() == expected.tobytes())
"""


@pytest.fixture
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return source(tmp_path_factory.mktemp("source"), PROGRAM)


def source(folder: Path, code: str) -> Path:
    file = folder / "program.py"
    file.write_text(code)
    return file


def start(folder: object, file: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, file],
        env={**os.environ, "JETLAG_CACHE_DIR": str(folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(folder: object, file: Path, **environment: str) -> None:
    process = start(folder, file, **environment)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (0, "True\n", "")


def jetlag(*words: str, folder: Path) -> str:
    command = Path(sys.executable).parent / "jetlag"
    environment = {**os.environ, "JETLAG_CACHE_DIR": str(folder)}
    done = subprocess.run(
        [command, *words], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_next_process_finds_what_one_compiled(tmp_path: Path, program: Path) -> None:
    folder = tmp_path / "not" / "yet"
    run(folder, program)
    before = {file: file.read_bytes() for file in folder.iterdir()}
    inodes = {file.stat().st_ino for file in folder.iterdir()}

    run(folder, program)

    assert len(before) == 1
    assert {file: file.read_bytes() for file in folder.iterdir()} == before
    assert {file.stat().st_ino for file in folder.iterdir()} == inodes


@pytest.mark.parametrize("keep", [0, 10, 40, 500, -1])
def test_a_truncated_file_is_made_again(tmp_path: Path, program: Path, keep: int) -> None:
    run(tmp_path, program)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:keep])

    run(tmp_path, program)

    assert file.read_bytes() == whole


@pytest.mark.parametrize("where", [0, 9, 30, 100, -50])
def test_a_damaged_file_is_made_again(tmp_path: Path, program: Path, where: int) -> None:
    run(tmp_path, program)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    damaged = bytearray(whole)
    damaged[where] ^= 0x10
    file.write_bytes(damaged)

    run(tmp_path, program)

    assert file.read_bytes() == whole


def test_a_file_that_others_may_write_is_not_trusted(tmp_path: Path, program: Path) -> None:
    run(tmp_path, program)
    (file,) = tmp_path.iterdir()
    inode = file.stat().st_ino
    file.chmod(0o666)

    run(tmp_path, program)

    assert file.stat().st_ino != inode
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_is_done_without(tmp_path: Path, program: Path) -> None:
    (tmp_path / "file").write_text("no folder")

    run(tmp_path / "file" / "cache", program)


def test_a_folder_that_may_hold_nothing_holds_nothing(tmp_path: Path, program: Path) -> None:
    run(tmp_path, program, JETLAG_CACHE_LIMIT="0")

    assert list(tmp_path.iterdir()) == []


def test_the_oldest_files_make_room(tmp_path: Path, program: Path) -> None:
    for number in range(5):
        old = tmp_path / f"{number:016x}.object"
        old.write_bytes(bytes(2000))
        os.utime(old, (1_000_000 + number, 1_000_000 + number))

    run(tmp_path, program, JETLAG_CACHE_LIMIT="8000")

    sizes = [file.stat().st_size for file in tmp_path.iterdir()]
    assert sum(sizes) <= 8000
    assert not (tmp_path / f"{0:016x}.object").exists()
    assert (tmp_path / f"{4:016x}.object").exists()


def test_processes_at_once_do_not_disturb_each_other(tmp_path: Path, program: Path) -> None:
    processes = [start(tmp_path, program) for _ in range(3)]

    assert [p.communicate() for p in processes] == [("True\n", "")] * 3
    assert [file.suffix for file in tmp_path.iterdir()] == [".object"]


def test_the_command_lists_and_clears(tmp_path: Path, program: Path) -> None:
    run(tmp_path, program)

    listed = jetlag("cache", "list", folder=tmp_path)
    assert "elements" in listed
    assert "1 object," in listed
    assert jetlag("cache", "clear", folder=tmp_path) == f"1 object removed from {tmp_path}\n"
    assert list(tmp_path.iterdir()) == []
    assert jetlag("cache", "list", folder=tmp_path).startswith("0 objects,")


def test_without_the_compiler_the_interpreter_answers_and_says_so_once(tmp_path: Path) -> None:
    package = tmp_path / "jetlag"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    code = PROGRAM + "print(jl.jit(lambda a: a * a + 1.0)(a).sum() > 0)"

    process = start(tmp_path / "cache", source(tmp_path, code), PYTHONPATH=str(tmp_path))
    out, err = process.communicate()

    assert (process.returncode, out) == (0, "True\nTrue\n")
    words = (
        "no machine code, so array steps are interpreted: libjetlag_llvm.so is not beside jetlag"
    )
    assert err.count("RuntimeWarning") == err.count(words) == 1


def test_a_process_may_end_while_its_code_is_made(tmp_path: Path) -> None:
    code = """
import numpy as np
import jetlag as jl
jl.settings.jit = "auto"
a = np.linspace(0, 1, 300_000)
print(bool(jl.jit(lambda a: np.exp(a) * a + 1.0)(a).all()))
"""
    run(tmp_path / "cache", source(tmp_path, code))


def test_a_forked_child_computes(tmp_path: Path) -> None:
    code = """
import os
import numpy as np
import jetlag as jl
jl.settings.jit = "always"
f, g = jl.jit(lambda a: a * a + 1.0), jl.jit(lambda a: a * a - 1.0)
a = np.arange(1000.0)
f(a)
child = os.fork()
if child == 0:
    os._exit(0 if (f(a) == a * a + 1).all() and (g(a) == a * a - 1).all() else 1)
print(os.waitpid(child, 0)[1] == 0)
"""
    run(tmp_path / "cache", source(tmp_path, code), PYTHONWARNINGS="ignore")
