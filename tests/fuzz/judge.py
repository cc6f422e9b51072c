"""Says whether a program behaves on the engine as it does in Python."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass
from typing import Any

import jetlag as jl

from . import checks
from .compare import Measure, differences
from .modes import Mode
from .outcome import Outcome, Program

CALLS = 2


@dataclass
class Verdict:
    """`kind` is empty if all was the same, "refused" if the question was not fair."""

    kind: str = ""
    told: str = ""
    opaque: int = 0


def judge(text: str, modes: list[Mode]) -> Verdict:
    """Run a program in plain Python and in each mode, and compare."""
    with checks.coarseness() as coarsest:
        reason = unfair(text)
    if reason:
        return Verdict("refused", reason)
    program = Program(text)
    measure = Measure(*names_of(text), coarsest.eps)
    try:
        return _compare(program, modes, measure)
    finally:
        program.close()


def _compare(program: Program, modes: list[Mode], measure: Measure) -> Verdict:
    expected = program.plain()
    first: Outcome | None = None
    for mode in modes:
        for number, outcome in enumerate(program.native(mode, CALLS)):
            where = f"{mode}, call {number + 1}"
            for kind, told in differences(outcome, expected, measure):
                return Verdict(kind, f"{where}: {kind}: {told}")
            if first is None:
                first = outcome
            # The engine agrees with itself bit for bit, whatever NumPy gives.
            for kind, told in differences(outcome, first):
                return Verdict(kind, f"{where}, beside {modes[0]}: {kind}: {told}")
    return Verdict(opaque=first.opaque if first else 0)


def unfair(text: str) -> str:
    """Why no two implementations need agree on the program; empty if they must."""
    names: dict[str, Any] = checks.world()
    names["jl"] = jl
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            checks.run(text, names)
            # Floating-point conditions must not raise here: the checks are quiet about them.
            names["f"](*names["make"]())
    except checks.Refused as refused:
        return str(refused)
    except SyntaxError as error:
        return f"no program: {error}"
    except Exception:  # noqa: BLE001
        return ""
    return ""


def names_of(text: str) -> tuple[list[str], list[str]]:
    """The names that the last return of `f` gives, and those of its arguments."""
    results: list[str] = []
    arguments: list[str] = []
    for node in ast.parse(text).body:
        if not (isinstance(node, ast.FunctionDef) and node.name == "f"):
            continue
        arguments = [argument.arg for argument in node.args.args]
        last = node.body[-1]
        if isinstance(last, ast.Return) and isinstance(last.value, ast.Name):
            results = [last.value.id]
        if isinstance(last, ast.Return) and isinstance(last.value, ast.Tuple):
            results = [n.id if isinstance(n, ast.Name) else "q0" for n in last.value.elts]
    return results, arguments
