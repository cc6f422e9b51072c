"""Traces of several processes as one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import jetlag as jl

RANK = """
import sys
import jetlag as jl

with jl.trace(sys.argv[1]), jl.span("turn"):
    pass
"""


def test_traces_of_several_processes_are_the_ranks_of_one(tmp_path: Path) -> None:
    program = tmp_path / "rank.py"
    program.write_text(RANK)
    for rank in range(2):
        environment = dict(os.environ, OMPI_COMM_WORLD_RANK=str(rank))
        command = [sys.executable, str(program), str(tmp_path / f"{rank}.jlt")]
        subprocess.run(command, check=True, env=environment)
    paths = [tmp_path / "0.jlt", tmp_path / "1.jlt"]

    both = jl.open_trace(paths)

    assert sorted(set(both.threads()["rank"])) == [0, 1]
    assert both.complaints == []
    sites, spans, threads = both.sites(), both.spans(), both.threads()
    assert sites["name"].count("turn") == 1
    turns = np.flatnonzero(spans["site"] == sites["name"].index("turn"))
    ranks = threads["rank"][spans["thread"][turns]]
    first, second = (spans["begin"][turns[ranks == rank]][0] for rank in (0, 1))
    assert second - first > 0  # one process ran after the other
    tool = Path(sys.executable).parent / "jetlag"
    command = [str(tool), "profile", *map(str, paths)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "turn" in ran.stdout
    with pytest.raises(ValueError, match="at least one"):
        jl.open_trace([])
