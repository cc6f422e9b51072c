"""The trace of a program that a real launcher starts on several nodes at once."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from services import Slurm

import jetlag as jl

RANKS = 4

PROGRAM = """
import os

import numpy as np

import jetlag as jl


@jl.jit
def work(x, rounds):
    for _ in range(rounds):
        x = np.exp(-x) * 0.5 + x
    return x


rank = int(os.environ["SLURM_PROCID"])
jl.threads(1)
with jl.span("share"):
    work(np.ones(20_000), 5 + 8000 * (rank == 3))
"""


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    folder = Path("/tmp") / f"jl-slurm-{os.getpid()}"
    folder.mkdir(mode=0o755)
    cluster = Slurm(folder / "s")
    yield cluster
    cluster.stop()


@pytest.mark.usefixtures("slurm")
def test_ranks_of_a_launcher_are_one_trace(tmp_path: Path) -> None:
    program = tmp_path / "share.py"
    program.write_text(PROGRAM)
    environment = dict(os.environ, JETLAG_TRACE=str(tmp_path / "run-%p.jlt"))
    command = ["srun", "-Q", "-N", "4", "-n", str(RANKS), sys.executable, str(program)]
    ran = subprocess.run(command, env=environment, timeout=120, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    paths = sorted(tmp_path.glob("run-*.jlt"))
    assert len(paths) == RANKS

    run = jl.open_trace(paths)

    assert run.complaints == []
    assert sorted(set(run.threads()["rank"])) == list(range(RANKS))
    sites, spans, threads = run.sites(), run.spans(), run.threads()
    share = np.flatnonzero(spans["site"] == sites["name"].index("share"))
    ranks = threads["rank"][spans["thread"][share]]
    assert sorted(ranks) == list(range(RANKS))
    lengths = (spans["end"] - spans["begin"])[share]
    assert ranks[np.argmax(lengths)] == RANKS - 1
    _, of_ranks = run.imbalance()
    assert of_ranks > 1.5

    tool = Path(sys.executable).parent / "jetlag"
    archive = tmp_path / "archive"
    subprocess.run([tool, "trace", "export", *paths, "--to", "otf2", "-o", archive], check=True)
    said = subprocess.run(
        ["otf2-print", "-G", archive / "traces.otf2"], capture_output=True, text=True, check=True
    ).stdout
    groups = [line for line in said.splitlines() if line.startswith("LOCATION_GROUP")]
    assert len(groups) >= RANKS
