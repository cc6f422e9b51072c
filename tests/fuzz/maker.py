"""Makes a program from a seed: functions of their own text, arguments, and how to run them."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import jetlag as jl

from . import checks
from .arguments import PRELUDE, Arguments
from .levels import NAMES
from .statements import Ended, Statements, indent

ERRSTATES = ["{}"] * 8 + [
    "{'all': 'ignore'}",
    "{'divide': 'raise'}",
    "{'invalid': 'raise', 'over': 'raise'}",
    "{'all': 'raise', 'under': 'ignore'}",
]


@dataclass
class Made:
    """The text of a program, and which constructs and functions it has."""

    text: str
    used: Counter[str] = field(default_factory=Counter)


def make(seed: int) -> Made:
    """The program of a seed: the same one every time."""
    rng = random.Random(f"jetlag {seed}")
    large = rng.random() < 0.08
    arguments = Arguments(rng, large=large)
    arguments.draw()
    names = checks.world()
    names["jl"] = jl
    exec(PRELUDE, names)
    exec(arguments.text(), names)
    used: Counter[str] = Counter()
    functions: list[str] = []
    inner = dict(names)
    inner.update(zip(arguments.names, names["make"](), strict=True))
    scope = Statements(rng, inner, used, functions)
    ended = False
    try:
        body = scope.body(rng.choice([2, 4, 6, 9, 12] if not large else [2, 3, 4]))
    except Ended as end:
        body, ended = end.lines, True
    if not ended:
        body.append(_result(rng, inner))
    used["program.large"] += large
    used["program.ends in an error"] += ended
    head = f"# seed {seed}\n{PRELUDE}\nimport jetlag as jl\n\nERRSTATE = {rng.choice(ERRSTATES)}\n"
    parts = [head, arguments.text(), *(f"{text}\n" for text in functions)]
    parts.append("\n".join([f"def f({', '.join(arguments.names)}):", *indent(body)]) + "\n")
    return Made("\n\n".join(parts), used)


def _result(rng: random.Random, names: dict[str, Any]) -> str:
    """A return statement with most of the variables, or with one."""
    found = [n for n, v in names.items() if NAMES.match(n) and n[0] not in "gr"]
    if not found or rng.random() < 0.03:
        return "return None"
    if rng.random() < 0.25:
        return f"return {rng.choice(found)}"
    kept = [name for name in found if rng.random() < 0.85] or found[:1]
    return f"return {', '.join(kept)},"
