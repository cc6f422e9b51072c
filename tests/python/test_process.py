"""What whole processes do: import, fork, interrupts, the end of the interpreter."""

from __future__ import annotations

import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROLOGUE = """
import os, sys, threading, time, warnings
import numpy as np
import jetlag as jl

@jl.jit
def work(a, n):
    for i in range(n):
        a = a * 1.0000001 + 1e-9
    return a

@jl.jit
def spin(a, n):
    while True:
        for j in range(n):
            a[0] = a[0] * 0.5 + j

def branch(n):
    return n if n < 2 else branch(n - 1) + branch(n - 2)

@jl.jit
def recurse(n):
    return branch(n)
"""


def run(tmp_path: Path, program: str, *, wait: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own, from a file, so that it has a source."""
    file = write(tmp_path, program)
    return subprocess.run(
        [sys.executable, file], capture_output=True, text=True, timeout=wait, check=False
    )


def write(tmp_path: Path, program: str) -> Path:
    file = tmp_path / "program.py"
    file.write_text(PROLOGUE + program)
    return file


def test_importing_is_quick_and_loads_no_engine(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
print(sorted(m for m in sys.modules if m.startswith("jetlag")))
print("asyncio" in sys.modules, "concurrent.futures" in sys.modules)
""",
    )

    assert "_core" not in done.stdout
    assert "False False" in done.stdout


def test_importing_costs_little_beyond_numpy() -> None:
    # Of the processor's time, so that others on the machine do not count.
    program = (
        "import time; begin = time.process_time(); import numpy; numpys = time.process_time();"
        "import jetlag; print((time.process_time() - numpys) / (numpys - begin))"
    )
    command = [sys.executable, "-c", program]
    shares = [
        float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    ]

    assert min(shares) < 1


def test_memory_of_threads_is_found_without_a_call_of_the_loader() -> None:
    """Which has 512 bytes for all libraries that come later (`rtld.optional_static_tls`)."""
    from jetlag import _core

    header = struct.Struct("<IIQQQQQQ")  # Elf64_Phdr
    file = Path(_core.__file__).read_bytes()
    (first,) = struct.unpack_from("<Q", file, 32)
    size, count = struct.unpack_from("<HH", file, 54)
    headers = (header.unpack_from(file, first + k * size) for k in range(count))
    of_threads = [memory for kind, *_, memory, _ in headers if kind == 7]  # PT_TLS

    assert len(of_threads) == 1
    assert 0 < of_threads[0] <= 512


def test_a_fork_goes_on_in_the_child_and_says_so_once(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
a = np.arange(100_000.0)
expected = work(a, 5)
pid = os.fork()
if pid == 0:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        same = np.array_equal(work(a, 5), expected)
        work(a, 5)
    message = [str(w.message) for w in seen if "forked" in str(w.message)]
    future = work.submit(a, 5)
    same = same and np.array_equal(future.result(20), expected)
    print("child", same, len(message), flush=True)
    os._exit(0)
os.waitpid(pid, 0)
print("parent", np.array_equal(work(a, 5), expected))
""",
    )

    assert done.stdout.split("\n")[:2] == ["child True 1", "parent True"]


def test_a_fork_while_calls_are_pending_does_not_hang(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
warnings.simplefilter("ignore")
a = np.arange(100_000.0)
futures = [work.submit(a, 200) for _ in range(4)]
pid = os.fork()
if pid == 0:
    print("child", work(a, 1)[0], flush=True)
    os._exit(0)
os.waitpid(pid, 0)
print("parent", [future.result(50).shape for future in futures][0])
""",
    )

    assert done.stdout.startswith("child 1e-09\nparent (100000,)")


@pytest.mark.parametrize(
    "call",
    [
        "work(a, 10**9)",
        "work.submit(a, 10**5).result()",
        "spin(a, 10)",
        "spin(a, 10**15)",
        "recurse(90)",
    ],
)
def test_an_interrupt_ends_a_call(tmp_path: Path, call: str) -> None:
    file = write(
        tmp_path,
        f"""
a = np.arange(1_000_000.0)
work(a, 1)
try:
    print("ready", flush=True)
    {call}
except KeyboardInterrupt:
    print("interrupted", flush=True)
    os._exit(0)
""",
    )
    process = subprocess.Popen([sys.executable, str(file)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.3)  # so that the call has begun: it cannot tell us

    process.send_signal(signal.SIGINT)
    # The work would take hours: that the line comes at all is the point.
    line = process.stdout.readline()
    process.kill()
    process.wait()
    process.stdout.close()

    assert line == "interrupted\n"


def test_the_end_of_the_interpreter_waits_for_pending_calls(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
import threading
at_the_end = threading.Event()

class Tells:
    def __init__(self, name):
        self.name = name
    def tell(self, a):
        at_the_end.wait()
        print(self.name, flush=True)
        return a

@jl.jit
def slow(tells, a):
    for i in range(200):
        a += 1
    tells.tell(a)
    return a

warnings.simplefilter("ignore")
a = np.zeros(100_000)
for name in ("first", "second", "third"):
    slow.submit(Tells(name), a)
print("end of program", flush=True)
at_the_end.set()
""",
    )

    assert done.stdout == "end of program\nfirst\nsecond\nthird\n"
    assert done.returncode == 0


def test_threads_can_be_counted_and_set(tmp_path: Path) -> None:
    done = run(tmp_path, "print(jl.threads(2), jl.threads() >= 1)\n")

    assert done.stdout == "2 True\n"


def test_the_process_lives_on_after_errors(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
@jl.jit
def big(n):
    return np.zeros(n)

@jl.jit
def singular(a):
    return np.linalg.inv(a)

for call in (lambda: big(25_000_000_000), lambda: singular(np.zeros((3, 3))), lambda: work("a", 2)):
    try:
        call()
    except Exception as error:
        print(type(error).__name__)
print(work(np.ones(1), 0)[0])
""",
    )

    assert done.stdout.split() == ["MemoryError", "LinAlgError", "TypeError", "1.0"], done.stderr


def test_errors_that_tasks_were_beside_do_not_disturb_the_end(tmp_path: Path) -> None:
    program = """
@jl.jit
def refused(row, y):
    for i in range(y.shape[0]):
        y[i, :] = row
    return y

jl.threads(4)
for _ in range(3):
    try:
        refused(np.ones(5), np.zeros((4, 1), order="F"))
    except ValueError:
        pass
"""
    done = [run(tmp_path, program) for _ in range(5)]

    assert [d.returncode for d in done] == [0] * 5, done
