"""Compares two outcomes as docs/semantics.md says ("How it is tested")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .levels import EXACT, LOOSE, level_of_name
from .outcome import Outcome

ULPS = 16
LOOSELY = {2: 0.1, 4: 1e-4, 8: 1e-9}


@dataclass
class Measure:
    """How exactly to compare: the names of results and arguments tell their levels.

    `eps` is that of the coarsest dtype in which the program computed what is not exact; wider
    values that were made of it are no better.
    """

    results: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    eps: float = 0.0


SAME = Measure()


def differences(
    found: Outcome, expected: Outcome, measure: Measure = SAME
) -> Iterator[tuple[str, str]]:
    """Pairs of what differs (a word) and how."""
    if found.error != expected.error:
        yield "error", f"{told(found)}; expected {told(expected)}"
        return
    if found.frames != expected.frames:
        yield "place", f"{told(found)} at {found.frames}; expected {expected.frames}"
    if found.message != expected.message:
        yield "message", f"{told(found)}; expected {told(expected)}"
    if found.printed != expected.printed:
        yield "printed", f"{found.printed!r}; expected {expected.printed!r}"
    warned = in_users_file(found.warned, expected.warned)
    if warned != expected.warned:
        more = sorted(warned - expected.warned)
        less = sorted(expected.warned - warned)
        yield "warned", f"too many {more}, missing {less}"
    if not found.error:
        yield from of_values(found.value, expected.value, measure.results, "result", measure.eps)
        if aliases(found) != aliases(expected):
            yield "aliases", f"{aliases(found)}; expected {aliases(expected)}"
    given = measure.arguments
    yield from of_values(found.arguments, expected.arguments, given, "argument", measure.eps)


Warned = set[tuple[str, str, int]]


def in_users_file(found: Warned, expected: Warned) -> Warned:
    """What was found, at NumPy's own lines where NumPy warns there.

    A native warning has the user's line; NumPy's functions that are written in Python warn at
    theirs, which is line 0 here.
    """
    inside = {(category, words) for category, words, line in expected if line == 0}
    lines = {(category, words) for category, words, line in expected if line != 0}
    own = inside - lines
    return {(c, words, 0 if (c, words) in own else line) for c, words, line in found}


def told(outcome: Outcome) -> str:
    return f"{outcome.error}: {outcome.message}" if outcome.error else "no error"


def of_values(
    found: Any, expected: Any, names: list[str], where: str, eps: float, level: int = EXACT
) -> Iterator[tuple[str, str]]:
    """The differences of two values."""
    if type(found) is not type(expected):
        yield "type", f"{where}: {type(found).__name__}; expected {type(expected).__name__}"
        return
    if isinstance(expected, tuple | list):
        if len(found) != len(expected):
            yield "length", f"{where}: {len(found)}; expected {len(expected)}"
            return
        levels = [level_of_name(name) for name in names] if len(names) == len(found) else []
        for i, (one, other) in enumerate(zip(found, expected, strict=True)):
            own = levels[i] if levels else level
            yield from of_values(one, other, [], f"{where}[{i}]", eps, own)
        return
    if names and len(names) == 1:
        level = level_of_name(names[0])
    if isinstance(expected, np.ndarray):
        yield from of_arrays(found, expected, where, eps, level)
    elif isinstance(expected, np.generic):
        if found.dtype != expected.dtype:
            yield "dtype", f"{where}: {found.dtype}; expected {expected.dtype}"
        elif not agree(np.asarray(found), np.asarray(expected), eps, level):
            yield "value", f"{where}: {found!r}; expected {expected!r}"
    elif isinstance(expected, float | complex):
        if not agree(np.asarray(found), np.asarray(expected), eps, level):
            yield "value", f"{where}: {found!r}; expected {expected!r}"
    elif found != expected and not callable(expected):
        yield "value", f"{where}: {found!r}; expected {expected!r}"


def of_arrays(
    found: np.ndarray, expected: np.ndarray, where: str, eps: float, level: int
) -> Iterator[tuple[str, str]]:
    """The differences of two arrays, in all that Python shows of them."""
    if found.dtype != expected.dtype:
        yield "dtype", f"{where}: {found.dtype}; expected {expected.dtype}"
    if found.shape != expected.shape:
        yield "shape", f"{where}: {found.shape}; expected {expected.shape}"
    elif found.dtype == expected.dtype and not agree(found, expected, eps, level):
        yield "value", f"{where}:\n{found!r}\nexpected\n{expected!r}"
    if found.flags.writeable != expected.flags.writeable:
        yield "writeable", f"{where}: {found.flags.writeable}"
    for flag in ("c_contiguous", "f_contiguous"):
        if getattr(found.flags, flag) != getattr(expected.flags, flag):
            yield "layout", f"{where}: strides {found.strides}; expected {expected.strides}"
            return


def agree(found: np.ndarray, expected: np.ndarray, coarse: float, level: int) -> bool:
    """Whether numbers of one dtype and shape agree at that level; `coarse` is Measure.eps."""
    if expected.dtype.kind not in "fc":
        return bool(np.array_equal(found, expected))
    with np.errstate(all="ignore"):
        if level == EXACT:
            return same_bits(found, expected)
        if same_bits(found, expected):
            return True
        finite = np.isfinite(expected)
        if not np.array_equal(np.isfinite(found), finite):
            return False
        if not np.array_equal(found[~finite], expected[~finite], equal_nan=True):
            return False
        a, b = found[finite], expected[finite]
        eps = max(float(np.finfo(expected.dtype).eps), coarse)
        size = 8 if eps < 1e-10 else 4 if eps < 1e-5 else 2
        tiny = float(np.finfo(expected.dtype).tiny)
        if level == LOOSE or expected.dtype.kind == "c":
            rough = LOOSELY[size] if level == LOOSE else ULPS * eps
            bound = rough * max(float(np.abs(b).max(initial=0)), tiny)
            return bool((np.abs(a - b) <= bound).all())
        return bool((np.abs(a - b) <= ULPS * eps * np.abs(b) + tiny).all())


def same_bits(found: np.ndarray, expected: np.ndarray) -> bool:
    """Equal, with the signs of zeros; NaNs are all alike."""
    if not np.array_equal(found, expected, equal_nan=True):
        return False
    for one, other in [(found.real, expected.real), (found.imag, expected.imag)]:
        if not np.array_equal(np.signbit(one) | np.isnan(one), np.signbit(other) | np.isnan(other)):
            return False
    return True


def aliases(outcome: Outcome) -> list[tuple[str, str, str]]:
    """Which results and arguments are one object, or share memory."""
    values = [(f"argument[{i}]", a) for i, a in enumerate(outcome.arguments)]
    results = list(outcome.value) if isinstance(outcome.value, tuple) else [outcome.value]
    found = []
    for i, value in enumerate(results):
        name = f"result[{i}]"
        if isinstance(value, np.ndarray):
            for other, array in values:
                if value is array:
                    found.append((name, other, "is"))
                elif isinstance(array, np.ndarray) and shares(value, array):
                    found.append((name, other, "shares"))
        values.append((name, value))
    return found


def shares(one: np.ndarray, other: np.ndarray) -> bool:
    try:
        return bool(np.shares_memory(one, other, max_work=10_000))
    except np.exceptions.TooHardError:
        return bool(np.may_share_memory(one, other))
