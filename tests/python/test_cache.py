"""Object code on disk: kept from process to process, and never in the way."""

import os
import shutil
import struct
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


LOOP = """
import numpy as np
import jetlag as jl

def f(a, b):
    total = 0.0
    for i in range(a.shape[0]):
        total += a[i] * b[i]
    return total

a = np.linspace(0, 1, 1000)
b = np.linspace(1, 2, 1000)
jl.settings.jit = "off"
expected = jl.jit(f)(a, b)
jl.settings.jit = "always"
print(jl.jit(f)(a, b) == expected)
"""

# Says more than "True" if LLVM is in memory.
WITHOUT_LLVM = """
if "libjetlag_llvm" in open("/proc/self/maps").read():
    print("LLVM was loaded")
"""

PROGRAMS = {"elements": PROGRAM, "loop": LOOP}


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return source(tmp_path_factory.mktemp("source"), PROGRAMS[request.param])


MODULE = Path(__file__).parents[2] / "build" / "default" / "src" / "libjetlag_llvm.so"
HEADER = struct.Struct("<8sQQQ")  # magic, bytes of the key, bytes of the code, checksum


def parts(whole: bytes) -> tuple[bytes, bytes]:
    """The key of a file, and its code."""
    key_bytes = HEADER.unpack_from(whole)[1]
    rest = whole[HEADER.size :]
    return rest[:key_bytes], rest[key_bytes:]


def joined(key: bytes, code: bytes) -> bytes:
    """A file that is whole, as far as its checksum goes."""
    checksum = 0xCBF29CE484222325
    for byte in key + code:
        checksum = (checksum ^ byte) * 0x100000001B3 % 2**64
    return HEADER.pack(b"JETLAGO1", len(key), len(code), checksum) + key + code


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


@pytest.mark.parametrize("code", PROGRAMS.values(), ids=PROGRAMS)
def test_code_from_disk_runs_without_llvm(tmp_path: Path, code: str) -> None:
    file = source(tmp_path, code + WITHOUT_LLVM)
    folder = tmp_path / "cache"
    assert start(folder, file).communicate() == ("True\nLLVM was loaded\n", "")

    run(folder, file)


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


def test_code_that_cannot_be_placed_is_made_again(tmp_path: Path, program: Path) -> None:
    run(tmp_path, program)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    key, code = parts(whole)
    file.write_bytes(joined(key, code[: len(code) // 2]))

    run(tmp_path, program)

    assert file.read_bytes() == whole


def test_code_of_another_version_is_not_used(tmp_path: Path, program: Path) -> None:
    run(tmp_path, program)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    key, code = parts(whole)
    assert b"\njetlag " in key
    file.write_bytes(joined(key.replace(b"\njetlag ", b"\njetlag 0."), bytes(len(code))))

    run(tmp_path, program)

    assert file.read_bytes() == whole


def test_the_next_version_keeps_its_code_beside_that_of_this_one(
    tmp_path: Path, program: Path
) -> None:
    run(tmp_path, program)
    (file,) = tmp_path.iterdir()
    package = tmp_path / "next" / "jetlag"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(MODULE, package)
    module = package / MODULE.name
    os.utime(module, (1, 1))

    environment = {"PYTHONPATH": str(package.parent)}
    process = start(tmp_path, program, **environment)

    assert process.communicate() == ("True\n", "")
    assert len(list(tmp_path.glob("*.object"))) == 2
    assert file.exists()


def test_what_a_crash_left_aside_goes_after_a_while(tmp_path: Path, program: Path) -> None:
    old, new = (tmp_path / f"{i:016x}.object.{i}.0" for i in range(2))
    old.write_bytes(b"half")
    new.write_bytes(b"half")
    os.utime(old, (1_000_000, 1_000_000))

    run(tmp_path, program)

    assert not old.exists()
    assert new.exists()


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


def test_a_full_disk_is_done_without(tmp_path: Path) -> None:
    code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))\n"
    for name, program in PROGRAMS.items():
        file = source(tmp_path, code + program)
        run(tmp_path / name, file)
        assert list((tmp_path / name).iterdir()) == []


def test_a_folder_that_may_hold_nothing_holds_nothing(tmp_path: Path, program: Path) -> None:
    run(tmp_path, program, JETLAG_CACHE_LIMIT="0")

    assert list(tmp_path.iterdir()) == []


def test_the_oldest_files_make_room(tmp_path: Path, program: Path) -> None:
    for number in range(5):
        old = tmp_path / f"{number:016x}.object"
        old.write_bytes(bytes(20_000))
        os.utime(old, (1_000_000 + number, 1_000_000 + number))

    run(tmp_path, program, JETLAG_CACHE_LIMIT="80000")

    sizes = [file.stat().st_size for file in tmp_path.iterdir()]
    assert sum(sizes) <= 80_000
    assert not (tmp_path / f"{0:016x}.object").exists()
    assert (tmp_path / f"{4:016x}.object").exists()


def test_processes_at_once_do_not_disturb_each_other(tmp_path: Path, program: Path) -> None:
    processes = [start(tmp_path, program) for _ in range(3)]

    assert [p.communicate() for p in processes] == [("True\n", "")] * 3
    assert [file.suffix for file in tmp_path.iterdir()] == [".object"]


def test_the_command_lists_and_clears(tmp_path: Path, program: Path) -> None:
    run(tmp_path, program)

    listed = jetlag("cache", "list", folder=tmp_path)
    assert "elements" in listed or "loop of 2 arrays" in listed
    assert "1 object," in listed
    assert jetlag("cache", "clear", folder=tmp_path) == f"1 object removed from {tmp_path}\n"
    assert list(tmp_path.iterdir()) == []
    assert jetlag("cache", "list", folder=tmp_path).startswith("0 objects,")


@pytest.mark.parametrize("code", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize("module", ["absent", "damaged"])
def test_without_the_compiler_the_interpreter_answers_and_says_so_once(
    tmp_path: Path, code: str, module: str
) -> None:
    package = tmp_path / "jetlag"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    if module == "damaged":
        (package / MODULE.name).write_text("no module")
    more = "print(jl.jit(lambda a: a * a + 1.0)(a).sum() > 0)"

    process = start(tmp_path / "cache", source(tmp_path, code + more), PYTHONPATH=str(tmp_path))
    out, err = process.communicate()

    assert (process.returncode, out) == (0, "True\nTrue\n")
    words = "no machine code, so array steps and loops are interpreted: "
    words += {
        "absent": "libjetlag_llvm.so is not beside jetlag",
        "damaged": f"{package / MODULE.name}: ",
    }[module]
    assert err.count("RuntimeWarning") == err.count(words) == 1


def test_a_process_that_is_killed_leaves_nothing_that_others_stumble_over(
    tmp_path: Path, program: Path
) -> None:
    for number in range(4):
        process = start(tmp_path, program)
        # Dies at the first file that it makes, or a little later.
        while process.poll() is None and len(list(tmp_path.iterdir())) <= number:
            pass
        process.kill()
        process.communicate()

    run(tmp_path, program)


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


def test_an_installed_command_finds_the_compiler_in_the_package(tmp_path: Path) -> None:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    package = tmp_path / "lib" / version / "site-packages" / "jetlag"
    package.mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    shutil.copy(MODULE, package)
    command = shutil.copy(MODULE.parent / "jetlag", tmp_path / "bin")
    folder = tmp_path / "cache"

    done = subprocess.run(
        [command, "run", "--code", "sum(arange(1000.0) * 2.0 + 1.0)"],
        env={**os.environ, "JETLAG_JIT": "always", "JETLAG_CACHE_DIR": str(folder)},
        capture_output=True,
        text=True,
    )

    assert (done.stdout.strip(), done.stderr) == ("1000000.0", "")
    assert len(list(folder.glob("*.object"))) >= 1
