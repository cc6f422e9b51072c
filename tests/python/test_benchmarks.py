"""The programs of the benchmarks give what NumPy gives, at sizes that take no time."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import bars  # noqa: E402
import buffers  # noqa: E402
import cpp_forms.loops  # noqa: E402
import figures  # noqa: E402
import harness  # noqa: E402
import peers  # noqa: E402
import pythran_forms  # noqa: E402
import report  # noqa: E402
import run as driver  # noqa: E402
from programs import BY_NAME, KINDS, ROWS, Row  # noqa: E402
from programs.recommender import over_nonzeros, recommend  # noqa: E402

LOOPS = [row for row in ROWS if row.kind == "loops"]


# Programs


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_is_numpys_and_native(row: Row) -> None:
    same_as_numpy(row.program, *row.arguments(tiny=True)(), rtol=1e-9)


@pytest.mark.parametrize("row", LOOPS, ids=lambda row: row.name)
def test_a_loop_in_cpp_gives_what_python_gives(row: Row) -> None:
    expected = row.program(*row.arguments(tiny=True)())

    result = getattr(cpp_forms.loops, row.program.__name__)(*row.arguments(tiny=True)())

    np.testing.assert_allclose(result, expected, rtol=1e-9)


def test_the_loop_over_nonzeros_gives_the_factors_of_the_listing() -> None:
    arguments = BY_NAME["als-6"].arguments(tiny=True)

    np.testing.assert_allclose(over_nonzeros(*arguments()), recommend(*arguments()), rtol=1e-9)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_that_writes_says_so(row: Row) -> None:
    arguments = row.arguments(tiny=True)
    before = [np.array(a) for a in arguments()]

    row.program(*arguments())

    assert all(np.array_equal(a, b) for a, b in zip(before, arguments(), strict=True))


def test_rows_have_names_of_their_own_classes_and_peers_that_exist() -> None:
    assert len(BY_NAME) == len(ROWS)
    assert {row.kind for row in ROWS} == set(KINDS)
    assert {peer for row in ROWS for peer in row.everyone} == set(peers.PEERS)


@pytest.mark.parametrize("row", [r for r in ROWS if "jax" in r.peers], ids=lambda row: row.name)
def test_a_row_of_jax_has_its_form(row: Row) -> None:
    text = (ROOT / f"benchmarks/jax_forms/{row.family}.py").read_text()

    assert f"\ndef {row.program.__name__}(" in text


def test_pythran_gets_the_program_and_what_it_calls() -> None:
    row = BY_NAME["black-scholes"]

    text = pythran_forms.source(row.program, row.arguments(tiny=True)())

    array = "float64[:]"
    export = f"#pythran export black_scholes({array}, {array}, {array}, float, float)"
    assert text.startswith(export + "\nimport numpy as np\ndef normal(x):\n")


# The harness


def options(**changes: Any) -> harness.Options:
    return harness.Options(**{"runs": 2, "tiny": True, "peers": ("jetlag", "cpp"), **changes})


def measured(row: Row, tmp_path: Path, **changes: Any) -> harness.Measured:
    return harness.measure(row, 2, tmp_path, options(**changes), lambda text: None)


def test_a_row_is_measured_on_its_peers_and_leaves_no_files(tmp_path: Path) -> None:
    result = measured(BY_NAME["fibonacci"], tmp_path)

    assert {peer: (ran.status, len(ran.seconds)) for peer, ran in result.ran.items()} == {
        "numpy": ("ok", 2), "jetlag": ("ok", 2), "cpp": ("ok", 2),
    }  # fmt: skip
    assert result.ran["jetlag"].apart == 0.0
    assert result.bits is not None
    assert (len(result.bits), len(set(result.bits.values()))) == (3, 1)
    assert result.ran["numpy"].rss is not None
    assert result.trouble() == []
    assert list(tmp_path.iterdir()) == []


def test_a_peer_that_has_spent_its_budget_gets_fewer_runs(tmp_path: Path) -> None:
    result = measured(BY_NAME["fibonacci"], tmp_path, runs=5, budget=0.0)

    assert {len(ran.seconds) for ran in result.ran.values()} == {1}


def test_a_wrong_result_is_trouble_and_has_no_time(tmp_path: Path) -> None:
    ran = {"numpy": harness.Ran(), "jetlag": harness.Ran()}
    np.savez(tmp_path / "expected.npz", np.arange(3.0))
    np.savez(tmp_path / "result.npz", np.array([0.0, 1.0, 2.5]))

    harness.attempt(
        ran["jetlag"],
        lambda: harness.check(
            BY_NAME["sum"],
            ran["jetlag"],
            str(tmp_path / "result.npz"),
            str(tmp_path / "expected.npz"),
        ),
    )

    result = harness.Measured(BY_NAME["sum"], 2, ran)
    why = "2.5e-01 away from numpy's result, 1e-09 allowed"
    assert result.trouble() == [f"sum: jetlag is wrong: {why}"]


def test_a_nan_is_no_right_result() -> None:
    with pytest.raises(harness.Wrong):
        harness.distance_of_arrays(np.array([np.nan]), np.array([1.0]))


def test_a_peer_that_is_not_installed_is_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = peers.Peer("cpp", ("no_such_module",), (), peers.by_cpp)
    monkeypatch.setitem(peers.PEERS, "cpp", nowhere)

    result = measured(BY_NAME["fibonacci"], tmp_path, bits=False, memory=False)

    assert result.ran["cpp"].status == "absent"
    assert result.trouble() == []


def test_a_peer_that_takes_too_long_is_ended_and_told_as_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness, "LONGEST_FIRST", 0.0)

    result = measured(BY_NAME["fibonacci"], tmp_path, bits=False, memory=False)

    assert {(ran.status, ran.why) for ran in result.ran.values()} == {("late", "over 0 s")}
    assert driver.cell(result, "cpp", 2) == "over 0 s"
    assert result.trouble() == [f"fibonacci: {p} is late: over 0 s" for p in ("numpy", "jetlag")]


def test_peers_run_when_the_threads_of_the_others_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    class Spinning:
        looks = 0

        def busy_seconds(self) -> float:
            self.looks += 1
            return float(min(self.looks, 4))

    monkeypatch.setattr(harness, "REST", 0.001)
    worker = Spinning()

    harness.wait_for_rest([worker])  # type: ignore[list-item]

    assert worker.looks == 5


def test_bits_that_depend_on_the_workers_are_trouble() -> None:
    result = harness.Measured(BY_NAME["sum"], 2, {}, bits={"1": "a", "2": "b", "4": "a"})

    assert len(result.trouble()) == 1


# The driver


def table(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "benchmarks/run.py", "--tiny", "--runs", "1", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def test_the_table_is_printed_and_written(tmp_path: Path) -> None:
    path = tmp_path / "t.json"

    ran = table("--only", "fibonacci", "--peers", "jetlag", "--results", str(path))

    assert ran.returncode == 0, ran.stderr
    assert "\nfibonacci " in ran.stdout
    data = json.loads(path.read_text())
    assert data["finished"]
    assert [row["row"] for row in data["rows"]] == ["fibonacci"]
    assert "| fibonacci | loops |" in report.text(data)


def test_ctrl_c_leaves_what_was_measured(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    command = ["benchmarks/run.py", "--tiny", "--only", "loops", "--peers", "jetlag"]
    process = subprocess.Popen(
        [sys.executable, *command, "--results", str(path)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    while "seidel-2d" not in process.stdout.readline():
        assert process.poll() is None

    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)

    assert process.returncode == 130
    data = json.loads(path.read_text())
    assert not data["finished"]
    assert data["rows"][0]["row"] == "seidel-2d"


def test_buffers_are_counted_on_both_sides() -> None:
    program, a = BY_NAME["add-one"].program, np.zeros(1_000_000)

    for peer, function in (("numpy", program), ("jetlag", jl.jit(program))):
        assert 8_000_000 <= (buffers.peak(peer, (a,), function) or 0) < 8_100_000


def test_an_unknown_row_is_named() -> None:
    ran = table("--only", "no-such-row")

    assert ran.returncode == 1
    assert ran.stderr.startswith("no row is called no-such-row\n    hint: there are array, bound")


def test_only_selects_by_name_by_beginning_and_by_class() -> None:
    def selected(only: str) -> tuple[list[str], list[str]]:
        rows, beside = driver.wanted(only)
        return [row.name for row in rows], beside

    assert selected("lu") == (["lu"], [])
    assert selected("als, calls") == (["als-6", "als-30", "als-100"], ["calls"])
    assert selected("loops")[0] == [row.name for row in LOOPS]


# Figures and bars


def row_of(name: str, kind: str, **medians: float) -> dict[str, Any]:
    told = {p: {"status": "ok", "median": m, "seconds": [m]} for p, m in medians.items()}
    return {"row": name, "kind": kind, "what": name, "bits": None, "peers": told}


def test_the_best_peer_is_the_fastest_that_runs_the_program() -> None:
    row = row_of("als-6", "als", numpy=8.0, jetlag=2.0, numba=6.0, nonzeros=1.0)

    assert figures.best_peer(row) == ("numba", 3.0)


def test_a_wrong_peer_is_no_rival() -> None:
    row = row_of("a", "array", numpy=8.0, jetlag=2.0, numba=1.0)
    row["peers"]["numba"] |= {"status": "wrong", "median": None}

    assert figures.best_peer(row) == ("numpy", 4.0)


def bars_of(*rows: dict[str, Any], **extras: Any) -> dict[str, list[str]]:
    return {line[0]: line[1:] for line in bars.bars({"rows": list(rows), "extras": extras})}


def test_the_mean_of_array_programs_caps_each_ratio_at_10() -> None:
    found = bars_of(
        row_of("a", "array", numpy=50.0, jetlag=1.0), row_of("b", "array", numpy=2.5, jetlag=1.0)
    )

    what = "array programs: geometric mean of 2, each at most 10"
    assert found[what] == ["≥ 2 ×", "5.00 ×", "yes"]


def test_a_bar_for_each_names_those_below_it() -> None:
    found = bars_of(
        row_of("a", "bound", numpy=2.0, jetlag=1.0), row_of("b", "bound", numpy=0.5, jetlag=1.0)
    )

    what = "bound kernels: each, the best peer's time"
    assert found[what] == ["≥ 0.95 ×", "1 of 2 below: b 0.50", "NO"]


def test_what_was_not_measured_is_said() -> None:
    assert {tuple(line[1:]) for line in bars_of().values()} == {("not measured", "-")}


def test_each_listing_and_each_kind_of_site_is_held_to_what_recording_may_cost() -> None:
    found = bars_of(
        spans={"a span": 30e-9, "two looks at the clock": 25e-9},
        sites={"an event": 2, "a span, begin and end": 8},
        overhead={"pairs": 40, "a": {"upper": 1.01, "share": 0.002}, "b": {"error": "gone"}},
        archives={"events a second and core": 4.5e6},
    )

    assert found["a span in a trace, beyond two looks at the clock"] == ["≤ 8 ns", "5 ns", "yes"]
    assert found["a site while nothing is recorded"] == ["≤ 3 instructions", "4 instructions", "NO"]
    assert found["listings, recorded and not, at most"] == ["≤ 1.02 ×", "1.01 ×", "yes"]
    assert found["listings: share of spans × cost"] == ["≤ 1 %", "0.2 %", "yes"]
    assert found["import of an OTF2 archive"] == [
        "≥ 4 M events/s and core",
        "4.50 M events/s and core",
        "yes",
    ]


def test_calls_are_held_to_pythons_and_numpys() -> None:
    calls = {
        "floats": {"python": 1e-7, "jetlag": 3e-7},
        "arrays": {"jetlag": 7e-7, "numpy.add": 4e-7},
    }

    found = bars_of(calls=calls)

    assert found["call on two floats, beyond Python's"] == ["≤ 0.25 us", "0.2 us", "yes"]
    assert found["call on two arrays of 10"] == ["≤ 0.8 us", "0.7 us", "yes"]
