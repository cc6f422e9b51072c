"""The table of rules: what it says, and its switches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(__file__).parents[2] / "build/default/src/jetlag"

PROGRAM = """
import numpy as np, jetlag as jl

@jl.jit
def f(y, c, b):
    a = y.T @ np.diag(c) @ y
    return np.linalg.inv(a + np.eye(len(b))) @ b, chained(np.ones((40, 40)))

def chained(m):
    return m @ m @ m[0]

y = np.arange(12.0).reshape(4, 3) % 5
explained = jl.explain(f, y, np.array([0.0, 2.0, 0.0, 1.0]), np.ones(3))
print(sorted({rule for row in explained.rows for rule in (row.get("rule") or "").split(", ")}))
"""


def rules_used(folder: Path, words: str) -> str:
    program = folder / "program.py"
    program.write_text(PROGRAM)
    environment = os.environ | {"JETLAG_RULES": words}
    command = [sys.executable, str(program)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return ran.stdout


@pytest.fixture(scope="module")
def table() -> list[dict[str, object]]:
    if not COMMAND.exists():
        pytest.skip("the command is not built")
    ran = subprocess.run([COMMAND, "describe", "rules"], capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def test_every_rule_says_what_when_and_why(table: list[dict[str, object]]) -> None:
    names = [row["name"] for row in table]
    assert len(names) == len(set(names)) > 5
    for row in table:
        assert all(row[key] for key in ("before", "after", "guard", "why")), row


def test_rules_are_switched_off_by_name(tmp_path: Path) -> None:
    everything = rules_used(tmp_path, "")
    for rule in ("diagonal", "weighted-gram", "solve", "dot-chain"):
        assert rule in everything
        without = rules_used(tmp_path, f"-{rule}")
        assert f"'{rule}'" not in without
        assert f"'{rule}'" not in rules_used(tmp_path, "-all")
        assert f"'{rule}'" in rules_used(tmp_path, f"-{rule},+all")
