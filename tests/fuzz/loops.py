"""Loops as people write them by hand: over indices, over rows, over scalars, and time loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import rewrites
from .levels import EXACT, level

if TYPE_CHECKING:
    from .statements import Statements

INNER = [
    "{a}[{i}, {j}] = {e}",
    "{a}[{i}, {j}] += {e}",
    "{a}[{i}, {j}] = {a}[{i} - 1, {j}] + {e}",
    "{a}[{i}, {j}] = {a}[{i}, {j} - 1] * 2 - {e}",
    "{a}[{i}, {j}] -= {a}[{j} % {a}.shape[0], {j}]",
    "{s} += {a}[{i}, {j}]",
    "{s} = max({s}, {a}[{i}, {j}])",
    "if {a}[{i}, {j}] > {e}:\n    {a}[{i}, {j}] = {e}",
    "if {i} == {j}:\n    continue\n{a}[{i}, {j}] = {e}",
    "if {a}[{i}, {j}] > 3:\n    break\n{s} += 1",
    "{a}[{i} + 1, {j}] = {e}",
    "{a}[{i}][{j}] = {e}",
    "{s} += {a}[{i}, {j}] * {a}[{i}, -1]",
    "{a}[-{i}, {j}] = {e}",
]
EXPRESSIONS = """{i} {j} {i}+{j} {i}*{j} {a}[{i},{j}]*2 {s} 2 {i}%3-{j} {i}//2 -{i} {i}*10+{j}
{i}-{j} abs({i}-{j}) min({i},{j}) {a}[{i},0]+{j} {i}**2 {a}[0,0] {i}/2 {i}<{j} {s}+{i}""".split()
LINES = [
    "{a}[{i}] = {a}[{i} - 1] + {i}",
    "{a}[{i}] += {i}",
    "{s} += {a}[{i}]",
    "{a}[{i}] = {s}",
    "{s} = {s} * 2 + {i}",
    "{s} = {s} * {s} + 1",
    "{a}[{i}] = {a}[-{i} - 1]",
    "{a}[{i} + 1] = {i}",
    "if {a}[{i}] > {s}:\n    {s} = {a}[{i}]",
    "if {i} % 2 == 0:\n    continue\n{s} += {i}",
    "if {s} > 4:\n    break\n{s} += 1",
    "{s} -= {i} // 2",
    "{a}[{i}] *= 2",
    "{a}[{i}] = {a}[{i}] // ({i} + 1)",
    "{a}[{i}] = {i} * 100",
    "{s} += {a}[{a}.shape[0] - 1 - {i}]",
    "{s} = {s} / ({i} + 1)",
]
ROWS = [
    "{a}[{i}, :] = {i}",
    "{a}[{i}, :] = {b}",
    "{a}[{i}] = {a}[{i}] + {b} * {i}",
    "{a}[{i}, :] = {a}[{i}, ::-1]",
    "{a}[{i}] += {a}[{i} - 1]",
    "{a}[:, {i}] = {i}",
    "{s} += np.sum({a}[{i}])",
    "{a}[{i}, :] = np.dot({m}, {b})",
    "{a}[{i}] = np.where({a}[{i}] > {i}, {i}, {b})",
    "{a}[{i}, 1:] = {a}[{i}, :-1]",
    "if {i} == 2:\n    {a}[{i}, 99] = 1\n{a}[{i}] = 0",
    "{a}[{i}] = {a}[{i}] @ {m}",
]
TIMES = [
    "{a}[1:-1] = ({a}[:-2] + {a}[2:]) * 0.5",
    "{a}[1:] += {a}[:-1]",
    "{c} = {a}.copy()\n{a}[1:-1] = {c}[:-2] - {c}[2:]",
    "{a} = {a} * 0.5 + {k}",
    "{a}[0] = {k}\n{c} = {a} + {a}[::-1]\n{a}[...] = {c}",
    "{c} = {a}\n{a} = {a} + 1",
    "{a}[:, 1:-1] = {a}[:, :-2] + {a}[:, 2:]\n{a}[1:-1, :] = {a}[:-2, :] - {a}[2:, :]",
    "{c} = np.sum({a}, axis=0)\n{a} -= {c} * 0",
    "{c} = {a} > {k}\n{a}[{c}] = {k}",
    "{c} = {a} - {k}\n{d} = {c} * {c}\n{a} = {d} - {c}",
]

STEPS = [
    "{s} = {s} * 3 + {i}",
    "{s} = {s} * {s} % 1000003",
    "{s} = {s} << 5",
    "{s} = -{s} // 2",
    "{s} += {i} if {i} % 2 else -{i}",
    "{s} = {s} ** 2 + {i}",
    "{s} = {s} / 3",
    "{s} ^= {i}",
    "{s} = {s} * 1.5 - {i}",
    "{s} = divmod({s}, 7)[1] + {i}",
    "{s} = {s} * 1000003 + {i}",
]


def draw(owner: Statements) -> list[str]:
    """One loop; its variables come from the scope."""
    kinds = [grid, grid, line, line, row, time, time, fixed, recursion]
    kinds += [rewrites.invariant, rewrites.products, rewrites.numbers, rewrites.numbers]
    kinds += [rewrites.chosen]
    kind = owner.rng.choice(kinds)
    owner.used[f"loop.{kind.__name__}"] += 1
    return kind(owner)


def _array(owner: Statements, rank: int, letters: str = "iufb") -> str:
    def fits(value: Any) -> bool:
        right = isinstance(value, np.ndarray) and value.ndim == rank
        return right and value.dtype.kind in letters and max(value.shape, default=0) < 100

    found = [t.text for t in owner.expressions.variables(fits) if level(t.text) == EXACT]
    return owner.rng.choice(found) if found else ""


def _scalar(owner: Statements) -> tuple[str, list[str]]:
    """An accumulator with its first value."""
    name = owner.fresh("n")
    return name, [f"{name} = {owner.rng.choice(['0', '1', '0.0', '2', '-1', 'np.int8(100)'])}"]


def _block(lines: list[str]) -> list[str]:
    return ["    " + part for line in lines for part in line.split("\n")]


def _bound(owner: Statements, length: str) -> str:
    forms = ["range({})", "range({})", "range({})", "range(1, {})", "range({} - 1)"]
    forms += ["range({} - 1, -1, -1)", "range({} + 1)", "range(0, {}, 2)"]
    (form,) = owner.rng.choices(forms, [6, 6, 6, 4, 3, 2, 1, 1])
    return form.format(length)


def grid(owner: Statements) -> list[str]:
    """Two index loops over a matrix."""
    a = _array(owner, 2)
    if not a:
        return []
    i, j = owner.fresh("n"), owner.fresh("n")
    s, lines = _scalar(owner)
    e = owner.rng.choice(EXPRESSIONS).format(i=i, j=j, a=a, s=s)
    inner = owner.rng.sample(INNER, owner.rng.choice([1, 1, 2]))
    inner = [form.format(i=i, j=j, a=a, s=s, e=e) for form in inner]
    lines.append(f"for {i} in {_bound(owner, f'{a}.shape[0]')}:")
    inside = [f"for {j} in {_bound(owner, f'{a}.shape[1]')}:", *_block(inner)]
    return lines + _block(inside)


def line(owner: Statements) -> list[str]:
    """An index loop over a vector, or over nothing but scalars."""
    a = _array(owner, 1)
    if not a:
        return []
    i = owner.fresh("n")
    s, lines = _scalar(owner)
    inner = [f.format(i=i, a=a, s=s) for f in owner.rng.sample(LINES, owner.rng.choice([1, 2, 3]))]
    lines.append(f"for {i} in {_bound(owner, f'len({a})')}:")
    if owner.rng.random() < 0.2:
        lines[-1:] = [f"{i} = -1", f"while {i} < len({a}) - 1:", f"    {i} += 1"]
    return lines + _block(inner)


def row(owner: Statements) -> list[str]:
    """A loop over the rows of a matrix, often independent of one another."""
    a = _array(owner, 2)
    b = _array(owner, 1)
    m = _array(owner, 2)
    if not a or not b:
        return []
    i = owner.fresh("n")
    s, lines = _scalar(owner)
    forms = owner.rng.sample(ROWS, owner.rng.choice([1, 1, 2]))
    inner = [form.format(i=i, a=a, b=b, s=s, m=m) for form in forms]
    word = "jl.prange" if owner.rng.random() < 0.15 else "range"
    lines.append(f"for {i} in {word}({a}.shape[0]):")
    return lines + _block(inner)


def time(owner: Statements) -> list[str]:
    """A time loop around statements on whole arrays."""
    a = _array(owner, owner.rng.choice([1, 2]), "if")
    if not a:
        return []
    k, c, d = owner.fresh("n"), owner.fresh("x"), owner.fresh("x")
    forms = owner.rng.sample(TIMES, owner.rng.choice([1, 2]))
    inner = [form.format(a=a, k=k, c=c, d=d) for form in forms]
    return [f"for {k} in range({owner.rng.choice([1, 2, 3, 5])}):", *_block(inner)]


def fixed(owner: Statements) -> list[str]:
    """Loops over nothing but Python numbers, which may leave 64 bits."""
    i, s = owner.fresh("n"), owner.fresh("n")
    step = owner.rng.choice(STEPS).format(s=s, i=i)
    count = owner.rng.choice([3, 6, 20]) if "** 2" not in step else 5
    start = owner.rng.choice(["1", "7", "-3", "2**40", "0"])
    return [f"{s} = {start}", f"for {i} in range({count}):", f"    {step}"]


RECURSIONS = {
    "r1": "def r1(p1):\n    return p1 if p1 < 2 else r1(p1 - 1) + r1(p1 - 2)",
    "r2": "def r2(p1, p2):\n    return p1 if p2 == 0 else r2(p2, p1 % p2)",
    "r3": "def r3(p1):\n    if p1 <= 0:\n        return 1\n    return p1 * r3(p1 - 1)",
}
CALLS = {"r1": ["r1(9)", "r1(3)"], "r2": ["r2(48, 36)", "r2(7, 0)"], "r3": ["r3(5)", "r3(25)"]}


def recursion(owner: Statements) -> list[str]:
    """A function on scalars that calls itself."""
    name = owner.rng.choice(list(RECURSIONS))
    if RECURSIONS[name] not in owner.functions:
        owner.functions.append(RECURSIONS[name])
        exec(RECURSIONS[name], owner.names)
    return [f"{owner.fresh('n')} = {owner.rng.choice(CALLS[name])}"]
