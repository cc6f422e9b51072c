"""What jl.tune found is kept, for the same machine, program and class of arguments."""

import _thread
import functools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from costs import TILES, Calls, costs_of, value
from jetlag import fingerprint
from jetlag.spaces import integer

pytestmark = pytest.mark.usefixtures("folder")


# From call to call, and from process to process


def test_what_was_found_is_found_again() -> None:
    calls = Calls()
    first = jl.tune(calls, TILES, cost=value)
    count = len(calls.tiles)

    again = jl.tuned(calls, TILES, cost=value)

    assert len(calls.tiles) == count
    assert again.kept
    assert (again.best, again.cost, again.trials) == (first.best, first.cost, first.trials)
    assert (again.title, str(again)) == (
        first.title,
        str(first).replace("trials", "trials, kept on disk", 1),
    )


def test_what_was_not_found_is_tuned() -> None:
    tuned = jl.tuned(costs_of, TILES, cost=value)

    assert (tuned.best, tuned.kept) == ({"tile": 32}, False)


def test_tuning_again_begins_with_what_was_found() -> None:
    jl.tune(costs_of, TILES, cost=value)

    again = jl.tune(costs_of, TILES, cost=value, trials=1)

    assert again.best == {"tile": 32}


def test_nothing_is_kept_unless_wanted(folder: Path) -> None:
    jl.tune(costs_of, TILES, cost=value, keep=False)

    assert not folder.exists()
    assert not jl.tuned(costs_of, TILES, cost=value, keep=False).kept


def of_argument(x: np.ndarray, tile: int) -> float:
    return costs_of(tile)


def of_argument_too(x: np.ndarray, tile: int) -> float:
    return costs_of(tile) + 1


@pytest.mark.parametrize(
    "again",
    [
        lambda: jl.tuned(of_argument_too, TILES, np.ones(100), cost=value),
        lambda: jl.tuned(of_argument, {"tile": [1, 2]}, np.ones(100), cost=value),
        lambda: jl.tuned(of_argument, TILES, np.ones(1000), cost=value),
        lambda: jl.tuned(of_argument, TILES, np.ones(100, np.float32), cost=value),
        lambda: jl.tuned(of_argument, TILES, np.ones(200)[::2], cost=value),
        lambda: jl.tuned(of_argument, TILES, np.ones(100), cost=lambda r, s: -r),
        lambda: jl.tuned(of_argument, jl.Space(TILES, where=bool), np.ones(100), cost=value),
    ],
)
def test_another_program_space_argument_or_cost_is_another_result(
    again: Callable[[], jl.Tuned],
) -> None:
    jl.tune(of_argument, TILES, np.ones(100), cost=value)

    assert jl.tuned(of_argument, TILES, np.zeros(101), cost=value).kept
    assert not again().kept


def test_values_of_every_kind_are_kept() -> None:
    space = {
        "f": [np.add, sorted, None],
        "x": jl.spaces.real(0.1, 10, log=True),
        "b": bool,
        "n": integer(1, 3, when={"b": True}),
    }

    def f(f: Any, x: float, b: bool, n: int = 0) -> float:
        return x + 10 * (f is not sorted) + 5 * (not b) + n

    found = jl.tune(f, space, cost=value, trials=60)
    again = jl.tuned(f, space, cost=value)

    assert again.kept
    assert again.best == found.best
    assert again.best["f"] is sorted
    assert again() == found.cost


PROGRAM = """
import sys
import jetlag as jl

def f(tile=1):
    print("tile", tile)
    return abs(tile - 8)

tuned = jl.tuned(f, {"tile": [1, 2, 4, 8]}, cost=lambda result, seconds: result, repeats=1)
print(tuned.kept, tuned.best, tuned())
"""


def run(program: str, tmp_path: Path) -> list[str]:
    file = tmp_path / "program.py"
    file.write_text(program)
    environment = {**os.environ, "JETLAG_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, file], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_the_next_process_begins_with_the_best(tmp_path: Path) -> None:
    first = run(PROGRAM, tmp_path)
    second = run(PROGRAM, tmp_path)
    moved = run("\n\n# elsewhere in the file\n" + PROGRAM, tmp_path)
    changed = run(PROGRAM.replace("tile - 8", "tile - 2"), tmp_path)

    assert first[:4] == ["tile 1", "tile 2", "tile 4", "tile 8"]
    assert first[-1] == "False {'tile': 8} 0"
    assert second == moved == ["tile 8", "True {'tile': 8} 0"]
    assert changed[-1] == "False {'tile': 2} 0"


def test_processes_at_once_each_find_the_best(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    environment = {**os.environ, "JETLAG_CACHE_DIR": str(tmp_path / "cache")}

    processes = [
        subprocess.Popen([sys.executable, file], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]

    for process in processes:
        out, _ = process.communicate()
        assert out.splitlines()[-1].endswith("{'tile': 8} 0")
    assert len(list((tmp_path / "cache" / "tuned").iterdir())) == 1


@pytest.mark.parametrize("damage", ["", "jetlag tuned 2 0\n{}", "\0" * 5000])
def test_a_damaged_file_or_another_version_is_tuned_anew(folder: Path, damage: str) -> None:
    jl.tune(costs_of, TILES, cost=value)
    (file,) = folder.iterdir()
    whole = file.read_text()
    file.write_text(damage)

    assert not jl.tuned(costs_of, TILES, cost=value).kept
    assert file.read_text() == whole


def test_values_that_the_space_has_not_are_tuned_anew() -> None:
    from jetlag.engine import core
    from jetlag.tuning import _key

    space = jl.Space(TILES)
    key = _key(costs_of, space, (), {}, value)
    for text in (
        "{}",
        "[]",
        "null",
        '{"best": 3}',
        '{"best": {"tile": [4]}}',
        '{"best": {"tile": 3}}',
        '{"best": {"tile": 4}}',
        "{",
    ):
        core().store_result(*key, text)

        assert not jl.tuned(costs_of, space, cost=value).kept


def test_a_folder_that_cannot_be_written_is_told_and_done_without() -> None:
    jl.settings.cache_dir = "/proc/self"

    with pytest.warns(RuntimeWarning, match="only known to this process: .*/proc/self/tuned"):
        found = jl.tune(costs_of, TILES, cost=value)

    assert found.best == {"tile": 32}
    assert jl.tuned(costs_of, TILES, cost=value).kept


def test_a_full_disk_is_told_and_done_without(tmp_path: Path) -> None:
    program = """
import resource
import warnings
import jetlag as jl

def f(tile):
    return abs(tile - 8)

resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    tuned = jl.tune(f, {"tile": [1, 2, 4, 8]}, cost=lambda result, seconds: result)
(told,) = caught
print(tuned.best, "File too large" in str(told.message), told.filename == __file__)
"""

    assert run(program, tmp_path) == ["{'tile': 8} True True"]
    assert list((tmp_path / "cache" / "tuned").iterdir()) == []


def test_ctrl_c_keeps_what_was_found() -> None:
    def f(tile: int) -> float:
        if tile == 32 and not stopped:
            stopped.append(True)
            _thread.interrupt_main()
            for _ in range(10**6):
                pass
        return costs_of(tile)

    stopped: list[bool] = []
    with pytest.raises(KeyboardInterrupt) as stop:
        jl.tune(f, TILES, cost=value, start={"tile": 1})

    assert stop.value.__notes__ == ["jl.tuned begins with the best of 5 trials"]
    again = jl.tuned(f, TILES, cost=value)
    assert (again.kept, again.best, len(again.trials)) == (True, {"tile": 16}, 5)


def test_the_command_lists_and_clears(folder: Path) -> None:
    jl.tune(of_argument, TILES, np.ones(100), cost=value)
    (file,) = folder.iterdir()
    (folder / "0.tuned").write_text("damaged")
    command = Path(sys.executable).parent / "jetlag"

    def jetlag(word: str) -> list[str]:
        environment = {**os.environ, "JETLAG_CACHE_DIR": str(folder.parent)}
        done = subprocess.run(
            [command, "tune", word], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.splitlines()

    listed = jetlag("list")
    assert any(
        line.startswith(file.name) and line.endswith("of_argument(f64[2^7] C): tile=32")
        for line in listed
    )
    assert any(line.endswith("damaged, or of another version") for line in listed)
    assert listed[-1] == f"2 results in {folder}"
    assert jetlag("clear") == [f"2 results removed from {folder}"]
    assert list(folder.iterdir()) == []


# What a result is good for

SCALE = 2


def scaled(x: int) -> int:
    return SCALE * helper(x)


def helper(x: int) -> int:
    return x + 1


def test_a_program_is_known_by_its_functions_and_constants(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint.program(scaled)

    assert fingerprint.program(scaled) == before
    assert fingerprint.program(jl.jit(scaled)) == before
    assert fingerprint.program(functools.partial(scaled, 1)) != before
    monkeypatch.setitem(globals(), "helper", lambda x: x + 2)
    changed = fingerprint.program(scaled)
    monkeypatch.setitem(globals(), "SCALE", 3)
    assert len({before, changed, fingerprint.program(scaled)}) == 3


def test_an_object_is_known_by_what_a_call_of_it_does() -> None:
    def made(body: Callable[..., int]) -> object:
        return type("Callee", (), {"__call__": body})()

    one, same, other = map(made, (lambda self: 1, lambda self: 1, lambda self: 2))

    assert fingerprint.program(one) == fingerprint.program(same)
    assert fingerprint.program(one) != fingerprint.program(other)


def test_a_program_is_the_same_whatever_the_order_of_sets() -> None:
    code = """
from jetlag import fingerprint
def f(x): return x in {"a", "b", "c", "d", "e", "f"}
print(fingerprint.program(f))
"""
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert len(digests) == 1


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        (np.zeros((3, 0, 1)), "f64[2^2,0,1] C"),
        (np.zeros((8, 8), np.int16, order="F"), "i16[2^3,2^3] F"),
        (np.zeros((8, 8))[:, ::2], "f64[2^3,2^2] -"),
        (np.float32(1.5), "float32"),
        (True, "True"),
        (-1000, "int -2^10"),
        ({"b": 1, "a": [2.0]}, "dict 2 of int or list 1 of float"),
        ([], "list 0"),
        ("a\nb", r"'a\nb'"),
    ],
)
def test_arguments_are_told_by_their_class(argument: object, text: str) -> None:
    assert fingerprint.shapes((argument,), {}) == text
