"""Draws what the rewrite rules look for, so that each meets operands that nobody thought of.

Reductions of expressions and of what a mask picks, what many indices take, expressions that stand
in a program twice, outer products that are reduced at once, and loops with invariants or with one
matrix in several products. Some forms only look like what a rule takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .levels import EXACT, level

if TYPE_CHECKING:
    from .expressions import Expressions, Term
    from .statements import Statements

REDUCED = """np.sum np.sum np.min np.max np.mean np.any np.all np.argmin np.argmax
np.count_nonzero np.prod""".split()
METHODS = "sum sum min max mean any all prod".split()
OF_EXPRESSIONS = [
    "{r}({e}{x})",
    "{r}({e} * {b}{x})",
    "{r}(({e} - {b}) ** 2{x})",
    "np.sum({e} > {b}{x})",
    "({e} + {b}).{m}()",
    "np.sum(np.abs({e} - {b}){x})",
    "np.max({e}{x}) - np.min({e}{x})",
]
MASKED = [
    "{r}({a}[{k}])",
    "{a}[{k}].{m}()",
    "np.sum(np.where({k}, {a}, 0){x})",
    "np.max(np.where({k}, {a}, -9){x})",
    "({a} * ({k})).sum()",
    "np.sum({a}[{k}] ** 2)",
    "np.sum({a}[{k}] * {b}[{k}])",
    "{a}[{k}] * 2 - {a}[{k}]",
    "np.count_nonzero(({k}) & ({a} > 1))",
    "np.sum({a}[~({k})]) + {a}[{k}].size",
]
SHARED = [
    "({e}) * ({e})",
    "({e}) + 1 - ({e})",
    "np.maximum({e}, 0) - np.minimum({e}, 0)",
    "np.sum({e}) + np.max({e})",
    "np.where(({e}) > 1, {e}, -({e}))",
    "({e}) - np.mean({e})",
    "({e})[::-1] + ({e})",
    "({e} + {b}) * 2 - ({b} + {e})",
]
OUTER = [
    "np.sum({v}[:, None] * {w}, axis={n})",
    "({v}[:, None] - {w}[None, :]).min(axis={n})",
    "np.outer({v}, {w}).sum(axis={n})",
    "np.argmin(np.abs({v}[:, None] - {w}), axis={n})",
    "np.any({v}[:, None] == {w}, axis={n})",
    "np.sum({v}[None] * {w}[..., None], axis=0)",
    "np.multiply.outer({v}, {w}).max(axis={n})",
    "np.sum((({m}[:, None, :] - {m}[None, :, :]) ** 2), axis=2)",
    "np.argmin((({m}[:, None] - {m}[None]) ** 2).sum(axis=-1), axis={n})",
    "np.dot(np.outer({v}, {w}), {w})",
]
GATHERED = [
    "({v}[{i}] * 2 + {v}[{i}])[::700]",
    "np.sum({v}[{i}] * {v}[{i}])",
    "np.max(np.abs({v}[{i}] - {w}[{j}]))",
    "({w}[{j}] > {v}[{i}]).sum(axis={n})",
    "np.where({v}[{i}] > 1, {w}[{j}], 2)[-3:]",
    "({v}[({i}).reshape(60, 100)] * {w}[{j}][:100]).sum(axis={n})[:9]",
    "(np.sqrt(np.abs({v}[{i}])) + {i})[:4]",
]
INDICES = ["np.arange(6000) * 7 % {}.size", "np.arange(6000) % {0}.size - {0}.size"]
INVARIANTS = [
    "{c} = {b} * 2 + 1\n{a} = {a} + np.sum({c})",
    "{c} = np.sum({b} ** 2)\n{a} = {a} + {c} * {k}",
    "if {k} > 0:\n    {c} = {b} - {k}\n    {a} = {a} + np.sum({c})",
    "{c} = np.abs({b} * {b})\n{b}[0] = {k}\n{a} = {a} + {c}.sum()",
    "{c} = {b}[::-1] - {b}\n{a} = {a} + {c}.size",
    "{c} = 1 // {b}\n{a} = {a} - np.max({c})",
    "{c} = {b} + {k} * 0\n{d} = {b} + 1\n{a} = {a} * 0 + np.min({d}) + np.max({c})",
    "{c} = {b} > 1\n{d} = np.sum({b}[{c}])\n{a} = {a} + {d}",
    "{c} = {b}\n{c} += 1\n{a} = {a} + np.sum({b})",
    "{c} = np.sqrt({b})\n{d} = np.sum({b} * 2)\nif {k} == 1:\n    break\n{a} = {a} + {d}",
]
PRODUCTS = [
    "{c} = np.dot({m}, {w})\n{d} = np.dot({m}.T, {c} % 3)\n{w} = {w} - np.sign({d})",
    "{c} = {m} @ {w}\n{d} = {c} @ {m}\n{w} = {d} % 4",
    "{c} = np.dot({m}, {w})\n{m}[0] = {k}\n{d} = np.dot({m}.T, {c})\n{w} = {d} % 5",
    "{c} = np.dot({m}, {w}) - {k}\n{d} = {c} * {c}\n{w} = {w} + np.dot({d}, {m}) % 2",
    "{c} = np.dot({m}, {w})\n{d} = {m}.dot({w} + 1)\n{w} = {w} * 0 + np.sum({c} - {d}) % 7",
    "{c} = np.dot({m}.T, {m})\n{w} = np.dot({c}, {w}) % 3",
]
CHOSEN = [
    "{c}[{c} > {k}] = {k}",
    "{c}[{m}] *= {k}",
    "{c}[{m}] -= 0.5",
    "{c}[~{m}] = -{k}",
    "{c}[{m}] /= {k}",
    "{c}[{c} != {c}[0]] += 1",
    "{m} = {c} < 1",
    "{m}[{m}] = False",
    "{m}[::2] = True",
    "{d} = {c}[1:]\n{d}[{m}[1:]] += {k}",
    "{d} = {c} * 2\n{c}[{m}] = {d}[{m}]",
]
NUMBERS = [
    "{s} += math.floor({a}[{i}] / 2)",
    "{s} = math.sqrt(abs({s}) + {i})",
    "{s} += math.fabs({a}[{i}])",
    "{s} = max({s}, math.ceil({i} / 3))",
    "{s} = math.copysign({s}, {a}[{i}] - 1)",
    "{s} += math.isqrt({i}) + math.trunc({i} / 2)",
    "if math.isnan({a}[{i}]) or {s} > 50:\n    break\n{s} += 0.5",
    "{a}[{i}] = math.sqrt({i})",
    "{s} = math.sqrt({a}[{i}])",
    "{s} = min({s}, math.inf) - {i}",
    "{s} += math.gcd({i}, 6)",
    "{q} = {q} + math.sin({a}[{i}])",
    "{q} = math.exp({q} * 0.1) - math.cos({i})",
    "{q} += math.log({i} + 1) * {a}[{i}]",
    "{q} = math.atan2({q}, {i} + 1) + math.pi",
]


def expression(owner: Expressions, depth: int) -> str:
    """One of the forms; like every family it may turn out not to work."""
    rng = owner.rng
    arrays = owner.variables(_is_small)
    vectors = [t for t in arrays if t.value.ndim == 1]
    matrices = [t for t in arrays if t.value.ndim == 2]
    if not arrays:
        return ""
    a = rng.choice(arrays)
    like = [t for t in arrays if t.value.shape == a.value.shape]
    masks = [t.text for t in like if t.value.dtype.kind == "b"]
    names = {
        "a": a.text,
        "b": rng.choice(like).text,
        "e": owner.draw(depth).inside if rng.random() < 0.5 else _of(owner, like),
        "k": rng.choice([*masks, f"{rng.choice(like).text} {rng.choice(['>', '<=', '=='])} 1"]),
        "m": rng.choice(METHODS),
        "n": rng.choice(["0", "1", "-1"]),
        "r": rng.choice(REDUCED),
        "x": rng.choice(["", "", ", axis=0", ", axis=-1", ", axis=0, keepdims=True"]),
    }
    tables = [OF_EXPRESSIONS, MASKED, SHARED]
    if vectors:
        names |= {"v": rng.choice(vectors).text, "w": rng.choice(vectors).text}
        names |= {"i": rng.choice(INDICES).format(names["v"])}
        names |= {"j": rng.choice(INDICES).format(names["w"])}
        tables.append(GATHERED)
    if vectors and matrices:
        tables.append(OUTER)
    form = rng.choice(rng.choice(tables))
    if matrices and form in OUTER:
        names["m"] = rng.choice(matrices).text
    return form.format(**names)


def _of(owner: Expressions, like: list[Term]) -> str:
    one, other = owner.rng.choice(like).text, owner.rng.choice(like).text
    return f"({one} {owner.rng.choice('+-*')} {owner.rng.choice([other, '2', '0.5'])})"


def _is_small(value: Any) -> bool:
    return isinstance(value, np.ndarray) and max(value.shape, default=0) < 64 and value.size < 512


def _names(owner: Statements, rank: int, letters: str = "iuf") -> list[Term]:
    terms = owner.expressions.variables(_is_small)
    terms = [t for t in terms if t.value.ndim == rank and t.value.dtype.kind in letters]
    return [t for t in terms if level(t.text) == EXACT]


def block(text: str) -> list[str]:
    """Lines of the body of a loop."""
    return ["    " + line for line in text.split("\n")]


def invariant(owner: Statements) -> list[str]:
    """A loop around work that is, or only seems to be, the same in every round."""
    arrays = [*_names(owner, 1), *_names(owner, 2)]
    if not arrays:
        return []
    a, b = owner.rng.choice(arrays).text, owner.rng.choice(arrays).text
    k, c, d = owner.fresh("n"), owner.fresh("x"), owner.fresh("x")
    lines = [f"for {k} in range({owner.rng.choice([0, 1, 2, 3])}):"]
    for form in owner.rng.sample(INVARIANTS, owner.rng.choice([1, 1, 2])):
        lines += block(form.format(a=a, b=b, c=c, d=d, k=k))
    return lines


def products(owner: Statements) -> list[str]:
    """A loop in which several products read one matrix."""
    matrices = _names(owner, 2)
    if not matrices:
        return []
    m = owner.rng.choice(matrices)
    fitting = [t for t in _names(owner, 1) if t.value.shape[0] == m.value.shape[1]]
    k, c, d = owner.fresh("n"), owner.fresh("x"), owner.fresh("x")
    lines = []
    if fitting:
        w = owner.rng.choice(fitting).text
    else:
        w = owner.fresh("x")
        lines = [f"{w} = np.arange({m.text}.shape[1]) % 3 + 0.5"]
    lines.append(f"for {k} in range({owner.rng.choice([1, 2, 3])}):")
    form = owner.rng.choice(PRODUCTS)
    return lines + block(form.format(m=m.text, w=w, c=c, d=d, k=k))


def chosen(owner: Statements) -> list[str]:
    """A loop that changes an array where masks are true."""
    k, c, d, m = owner.fresh("n"), owner.fresh("x"), owner.fresh("x"), owner.fresh("x")
    made = owner.rng.choice(["* 0.5", "- 4", "% 2 == 0", "* np.float32(0.25)"])
    lines = [f"{c} = np.arange(9000) * 5 % 11 {made}", f"{m} = np.arange(9000) % 3 == 0"]
    lines.append(f"for {k} in range({owner.rng.choice([1, 2, 3])}):")
    for form in owner.rng.sample(CHOSEN, owner.rng.choice([1, 2, 3])):
        lines += block(form.format(c=c, d=d, k=k, m=m))
    return lines


def numbers(owner: Statements) -> list[str]:
    """An index loop over numbers, with Python's own functions."""
    vectors = _names(owner, 1)
    if not vectors:
        return []
    a = owner.rng.choice(vectors).text
    i, s, q = owner.fresh("n"), owner.fresh("n"), owner.fresh("q")
    lines = [f"{s} = {owner.rng.choice(['0', '0.0', '1.5', '-2'])}", f"{q} = 0.25"]
    lines.append(f"for {i} in range(len({a})):")
    for form in owner.rng.sample(NUMBERS, owner.rng.choice([1, 2, 3])):
        lines += block(form.format(a=a, i=i, s=s, q=q))
    return lines
