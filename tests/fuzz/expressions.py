"""Draws expressions over the variables that a program has so far, and evaluates them as it goes.

Every value is known while drawing, so an operation is drawn that its operands can take, most of
the time.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import checks, rewrites
from .levels import BANNED, EXACT, NAMES, level

UNARY = """-{} -{} +{} abs({}) np.abs({}) np.sqrt({}) np.square({}) np.floor({}) np.ceil({})
np.trunc({}) np.rint({}) np.sign({}) np.isnan({}) np.isfinite({}) np.isinf({}) np.logical_not({})
np.negative({}) np.positive({}) np.fabs({}) np.reciprocal({}) np.signbit({}) np.real({})
np.imag({}) np.conj({}) np.conjugate({}) np.absolute({}) ~{} ~{} np.invert({}) {}**2 {}**0.5 {}**2
np.isposinf({}) np.isneginf({})""".split()
NEAR_UNARY = """np.exp np.sin np.cos np.log np.log1p np.expm1 np.tanh np.exp2 np.log2 np.log10
np.arctan np.sinh np.cosh np.cbrt np.arcsinh np.tan np.arcsin np.arccos np.arccosh np.arctanh
np.deg2rad np.radians np.degrees np.rad2deg""".split()
BINARY = """{}+{} {}-{} {}*{} {}/{} {}+{} {}-{} {}*{} {}//{} {}%{} np.maximum({},{})
np.minimum({},{}) np.add({},{}) np.multiply({},{}) np.subtract({},{}) np.fmax({},{}) np.fmin({},{})
np.fmod({},{}) np.floor_divide({},{}) np.remainder({},{}) np.copysign({},{}) np.divide({},{})
np.logical_and({},{}) np.logical_or({},{}) np.logical_xor({},{}) np.mod({},{})
np.heaviside({},{})""".split()
BITS = """{}&{} {}|{} {}^{} {}<<{} {}>>{} np.gcd({},{}) np.lcm({},{}) np.bitwise_and({},{})
np.bitwise_or({},{}) np.bitwise_xor({},{}) np.left_shift({},{}) {}**{}""".split()
NEAR_BINARY = """{}**{} np.power({},{}) np.arctan2({},{}) np.hypot({},{}) np.logaddexp({},{})
np.float_power({},{}) np.logaddexp2({},{})""".split()
COMPARE = """{}<{} {}<={} {}>{} {}>={} {}=={} {}!={} np.less({},{}) np.equal({},{})
np.greater_equal({},{}) np.not_equal({},{})""".split()
REDUCE = """np.sum np.sum np.prod np.mean np.min np.max np.any np.all np.argmin np.argmax
np.count_nonzero np.ptp np.var np.std .sum .sum .prod .mean .min .max .any .all .argmin .argmax
np.amax np.amin .var .std""".split()
VIEWS = """{}.T {}.T np.transpose({}) {}.ravel() np.ravel({}) {}[::-1] {}[1:] {}[:-1] {}[::2]
{}[None] {}[..., None] np.expand_dims({},0) np.squeeze({}) np.flip({}) {}.reshape(-1) {}.real
{}[...] {}[-3:] {}[:2] np.diagonal({}) np.atleast_1d({}) np.atleast_2d({}) np.flipud({}) {}[5:1:-2]
np.asarray({}) {}[-1:0:-1] {}[()] {}.imag""".split()
COPIES = """{}.copy() np.copy({}) {}.flatten() np.array({}) np.roll({},1) np.repeat({},2)
np.tile({},2) np.triu({}) np.tril({}) np.diag({}) np.zeros_like({}) np.ones_like({})
np.concatenate(({},{})) np.stack(({},{})) np.vstack(({},{})) np.hstack(({},{})) np.array([{},{}])
np.column_stack(({},{})) np.full_like({},3) np.dstack(({},{})) np.concatenate(({},{}),axis=-1)
np.tril({},-1) np.roll({},-2,axis=0) np.repeat({},2,axis=0) np.stack(({},{}),axis=-1)""".split()
TWO_AXES = """{}[:,0] {}[:,::-1] {}[:,None] {}[1:,1:] {}[0] {}[-1] {}[:,-1] {}[::2,::2] {}[1:-1,1:-1]
{}[:,1:] {}[:,:-1] {}[::-1,::-1] np.swapaxes({},0,1) np.moveaxis({},0,-1) {}.transpose(1,0)
{}.swapaxes(0,1) np.fliplr({}) np.trace({}) {}[...,0] {}[0,...] {}[1,0] {}[-1,-1]""".split()
CREATE = """np.zeros({}) np.ones({}) np.full({},7) np.full({},2.5) np.zeros({},dtype=np.int32)
np.ones({},dtype=bool) np.zeros({},'float32')""".split()
ONE_SIZE = """np.arange({}) np.arange(1.0,{}) np.eye({}) np.identity({}) np.arange({},0,-1)
np.linspace(0.0,1.0,{}) np.arange({},dtype=np.int16) np.eye({},k=1) np.linspace(0,8,{})""".split()
PRODUCTS = """np.dot({},{}) {}@{} np.matmul({},{}) {}.dot({}) np.outer({},{}) np.inner({},{})
np.vdot({},{}) np.dot({}.T,{}) {}@{}.T np.dot({},{})""".split()
SCALAR_OF = """int({}) float({}) bool({}) {}.item() abs({}) round({}) np.float32({}) np.int64({})
np.float64({}) np.int8({})""".split()
FACTS = """{}.shape {}.shape[0] {}.size {}.ndim len({}) {}.shape[-1] np.shape({}) np.size({})
np.ndim({})""".split()
TYPES = """np.float32 np.float64 np.int32 np.int64 np.int8 float int bool np.uint8 'float32'
np.complex128""".split()
LITERALS = """0 1 2 3 -1 -2 0.5 2.0 1.5 -0.25 True 10 np.float32(0.5) np.int8(5) np.int64(3)
np.float64(2) 100 1e3 np.uint8(250) 0.0 4 -3""".split()
SIDE = 500  # rows of a matrix made of a vector


@dataclass
class Term:
    """A part of an expression, with its value."""

    text: str
    value: Any

    @property
    def inside(self) -> str:
        """The text where an operator or a dot may follow."""
        return (
            self.text
            if re.fullmatch(r"[\w.]+(\([^()]*\)|\[[^\[\]]*\])?", self.text)
            and not (self.text[0].isdigit() and "." not in self.text)
            else f"({self.text})"
        )


def is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def is_number(value: Any) -> bool:
    return isinstance(value, bool | int | float | complex | np.generic)


def kind_of(value: Any) -> str:
    """The letter of the dtype that a value has or would have."""
    return np.asarray(value).dtype.kind


class Expressions:
    """Draws from one generator of random numbers; counts what it used."""

    def __init__(self, rng: random.Random, names: dict[str, Any], used: Counter[str]) -> None:
        self.rng = rng
        self.names = names
        self.used = used
        self.failing = ""  # an expression that raised while drawing

    # What there is

    def variables(self, fits: Any = None) -> list[Term]:
        found = [Term(name, value) for name, value in self.names.items() if NAMES.match(name)]
        found = [t for t in found if is_array(t.value) or is_number(t.value)]
        return [term for term in found if fits is None or fits(term.value)]

    def leaf(self, fits: Any = None) -> Term:
        """A variable that fits if there is one, else a literal."""
        terms = self.variables(fits)
        if terms and self.rng.random() < 0.87:
            return self.rng.choice(terms)
        text = self.rng.choice(LITERALS)
        return Term(text, checks.value_of(text, self.names))

    def array(self, rank: int = 0, letters: str = "") -> Term:
        """An array variable of at least that rank, if there is one."""

        def fits(value: Any) -> bool:
            right = is_array(value) and value.ndim >= rank
            return right and (not letters or value.dtype.kind in letters)

        terms = self.variables(fits)
        return self.rng.choice(terms) if terms else self.leaf(is_array)

    # Drawing

    def draw(self, depth: int) -> Term:
        """An expression of at most that depth."""
        if depth <= 0:
            return self.leaf()
        families = [
            (self.unary, 8),
            (self.binary, 24),
            (self.bits, 5),
            (self.near, 4),
            (self.compare, 6),
            (self.where, 5),
            (self.reduce, 10),
            (self.view, 12),
            (self.two_axes, 7),
            (self.copy, 7),
            (self.gather, 8),
            (self.create, 3),
            (self.product, 5),
            (self.cast, 4),
            (self.scalar, 3),
            (self.fact, 4),
            (self.clip, 2),
            (self.reshape, 4),
            (self.choice, 2),
            (self.rewritten, 8),
        ]
        for _ in range(8):
            (family,) = self.rng.choices([f for f, _ in families], [w for _, w in families])
            term = self.attempt(family, depth - 1)
            if term is not None:
                return term
        return self.leaf()

    def attempt(self, family: Any, depth: int) -> Term | None:
        """What the family draws, if it can be evaluated and compared."""
        text = family(depth)
        try:
            if not text or len(text) > 160 or level(text) == BANNED:
                return None
            term = Term(text, checks.value_of(text, self.names))
        except checks.Refused:
            return None
        except Exception:  # noqa: BLE001
            self.failing = text
            return None
        name = family.__name__
        self.used[name] += 1
        for call in re.findall(r"np\.[a-z_.0-9]+|\.[a-z_]+(?=\()", text):
            self.used[call] += 1
        return term

    def exact(self, depth: int, fits: Any) -> Term | None:
        """An expression whose value is exact and fits, or None."""
        for _ in range(10):
            term = self.draw(depth)
            if fits(term.value) and level(term.text) == EXACT:
                return term
        return None

    # Families: each gives a text, which may turn out not to work

    def unary(self, depth: int) -> str:
        return self.rng.choice(UNARY).format(self.draw(depth).inside)

    def near(self, depth: int) -> str:
        if self.rng.random() < 0.3:
            return self.pair(NEAR_BINARY, depth)
        return f"{self.rng.choice(NEAR_UNARY)}({self.draw(depth).text})"

    def pair(self, forms: list[str], depth: int, letters: str = "") -> str:
        """An operation on two terms that broadcast."""
        left = self.draw(depth)
        shape = np.shape(left.value)

        def fits(value: Any) -> bool:
            if letters and kind_of(value) not in letters:
                return False
            try:
                return math.prod(np.broadcast_shapes(np.shape(value), shape)) <= checks.LARGEST
            except ValueError:
                return False

        right = self.draw(depth) if self.rng.random() < 0.3 else self.leaf(fits)
        if np.size(left.value) * np.size(right.value) > checks.LARGEST and not fits(right.value):
            return ""
        if self.rng.random() < 0.3:
            left, right = right, left
        return self.rng.choice(forms).format(left.inside, right.inside)

    def binary(self, depth: int) -> str:
        return self.pair(BINARY, depth)

    def compare(self, depth: int) -> str:
        return self.pair(COMPARE, depth)

    def bits(self, depth: int) -> str:
        whole = self.variables(lambda v: kind_of(v) in "biu")
        if not whole:
            return ""
        left = self.rng.choice(whole)
        right = self.rng.choice([*whole, Term("2", 2), Term("1", 1), Term("5", 5)])
        return self.rng.choice(BITS).format(left.inside, right.inside)

    def where(self, depth: int) -> str:
        masks = self.variables(lambda v: is_array(v) and v.dtype.kind == "b")
        mask = self.rng.choice(masks).text if masks and self.rng.random() < 0.4 else ""
        a = self.draw(depth)
        mask = mask or f"{a.inside} {self.rng.choice(['>', '<', '=='])} {self.leaf(is_number).text}"
        b = self.leaf(lambda v: np.shape(v) in {np.shape(a.value), ()})
        return f"np.where({mask}, {a.text}, {b.text})"

    def clip(self, depth: int) -> str:
        low, high = self.rng.choice([("0", "2"), ("-1.5", "2.5"), ("None", "1"), ("-1", "3")])
        form = self.rng.choice(["np.clip({},{},{})", "{}.clip({},{})"])
        return form.format(self.draw(depth).inside, low, high)

    def reduce(self, depth: int) -> str:
        a = self.draw(depth) if self.rng.random() < 0.5 else self.array()
        rank = np.ndim(a.value)
        given = ""
        if rank and self.rng.random() < 0.6:
            given = f"axis={self.rng.randint(-rank, rank - 1)}"
            if rank > 1 and self.rng.random() < 0.15:
                given = "axis=(0, 1)" if self.rng.random() < 0.7 else "axis=(-1, 0)"
        if self.rng.random() < 0.25:
            given += ", keepdims=True" if given else "keepdims=True"
        name = self.rng.choice(REDUCE)
        if name.endswith(("sum", "prod", "mean")) and self.rng.random() < 0.1:
            given += (", " if given else "") + self.rng.choice(["dtype=np.float64", "dtype=float"])
        if name[0] == ".":
            return f"{a.inside}{name}({given})"
        return f"{name}({a.text}{', ' + given if given else ''})"

    def view(self, depth: int) -> str:
        a = self.array() if self.rng.random() < 0.6 else self.draw(depth)
        if self.rng.random() < 0.3:
            return f"{a.inside}[{self.slices(np.ndim(a.value))}]"
        return self.rng.choice(VIEWS).format(a.inside)

    def two_axes(self, depth: int) -> str:
        a = self.array(2) if self.rng.random() < 0.8 else self.draw(depth)
        return self.rng.choice(TWO_AXES).format(a.inside) if np.ndim(a.value) >= 2 else ""

    def slices(self, rank: int) -> str:
        """Basic subscripts for some of the axes."""
        rng = self.rng
        bounds = ["", "", "1", "0", "-1", "2", "-2", "-9", "9"]
        items = []
        for _ in range(rng.randint(1, max(rank, 1))):
            chance = rng.random()
            step = rng.choice(["", "", ":2", ":-1", ":-2", ":1", ":3"])
            if chance < 0.65:
                items.append(f"{rng.choice(bounds)}:{rng.choice(bounds)}{step}")
            elif chance < 0.85:
                items.append(rng.choice(["0", "-1", "0", "1"]))
            else:
                items.append(rng.choice(["None", "...", ":"]))
        return ", ".join(items)

    def gather(self, depth: int) -> str:
        return (lambda a: f"{a.inside}[{self.subscript(a)}]")(self.array(1))

    def subscript(self, a: Term) -> str:
        """Any subscript for an array: masks, lists, arrays of indices, slices, scalars."""
        rng = self.rng
        rank = np.ndim(a.value)
        size = max(np.shape(a.value)[0], 1) if rank else 1
        picks = [str(rng.randint(-size, size - 1)) for _ in range(rng.choice([1, 2, 3]))]
        rest = np.size(a.value) // size
        whole = self.variables(
            lambda v: kind_of(v) in "iu" and np.ndim(v) <= 2 and np.size(v) * rest < checks.LARGEST
        )
        masks = self.variables(
            lambda v: is_array(v) and v.dtype.kind == "b" and v.shape == np.shape(a.value)[: v.ndim]
        )
        forms = [f"[{', '.join(picks)}]", f"{a.inside} > {self.leaf(is_number).text}", picks[0]]
        if masks:
            forms += [rng.choice(masks).text] * 2
        if whole:
            index = rng.choice(whole).inside
            forms += [f"{index} % {size}", f"{index} % {size}", index]
        if rank > 1:
            forms += [f"[{', '.join(picks)}], 0", f":, [{rng.choice(picks)}, 0]", "[0, -1], [0, 0]"]
            forms += [f"[{', '.join(picks)}], ::-1", f"np.array([[0], [-1]]), {picks[0]}"]
        if rank == 0:
            forms = ["()", "...", "None"]
        return rng.choice([*forms, self.slices(rank), self.slices(rank)])

    def create(self, depth: int) -> str:
        rng = self.rng
        sizes = self.variables(lambda v: type(v) is int and 0 <= v < 9)
        lengths = [
            f"{t.inside}.shape[0]"
            for t in self.variables(lambda v: is_array(v) and v.ndim and v.shape[0] < SIDE)
        ]
        lengths += [t.text for t in sizes] + ["3", "4", "2"]
        if rng.random() < 0.5:
            return rng.choice(ONE_SIZE).format(rng.choice(lengths))
        shape = rng.choice([rng.choice(lengths), f"({rng.choice(lengths)}, {rng.choice(lengths)})"])
        return rng.choice(CREATE).format(shape)

    def product(self, depth: int) -> str:
        a = self.array(1)
        pairs = self.variables(
            lambda v: (
                is_array(v)
                and v.ndim
                and a.value.ndim
                and (v.shape[0] in a.value.shape or v.shape[-1] in a.value.shape)
            )
        )
        b = self.rng.choice(pairs) if pairs and is_array(a.value) else self.array(1)
        return self.rng.choice(PRODUCTS).format(a.inside, b.inside)

    def cast(self, depth: int) -> str:
        a = self.draw(depth)
        form = self.rng.choice(["{}.astype({})", "{}.astype({})", "np.array({}, dtype={})"])
        return form.format(a.inside, self.rng.choice(TYPES))

    def scalar(self, depth: int) -> str:
        a = self.draw(depth)
        return self.rng.choice(SCALAR_OF).format(a.inside) if np.size(a.value) == 1 else ""

    def fact(self, depth: int) -> str:
        return self.rng.choice(FACTS).format(self.array().inside)

    def reshape(self, depth: int) -> str:
        a = self.array() if self.rng.random() < 0.6 else self.draw(depth)
        size = np.size(a.value)
        divisors = [n for n in (1, 2, 3, 4, 5, 6) if size % n == 0]
        n = self.rng.choice(divisors)
        shapes = [f"({n}, -1)", f"(-1, {n})", "-1", f"({size // n}, {n})", f"({n}, 1, -1)"]
        form = self.rng.choice(["{}.reshape({})", "np.reshape({}, {})"])
        return form.format(a.inside, self.rng.choice(shapes))

    def choice(self, depth: int) -> str:
        condition = self.condition()
        return f"{self.draw(depth).inside} if {condition} else {self.leaf().text}"

    def copy(self, depth: int) -> str:
        a = self.array() if self.rng.random() < 0.6 else self.draw(depth)
        b = self.leaf(lambda v: np.shape(v) == np.shape(a.value))
        form = self.rng.choice(COPIES)
        makes_a_matrix = any(word in form for word in ("diag", "tri")) and np.ndim(a.value) < 2
        if makes_a_matrix and np.size(a.value) > SIDE:
            return ""
        if form.startswith("{}") or form.count("{}") == 1:
            return form.format(a.inside if form.startswith("{}") else a.text)
        return form.format(a.text, b.text)

    def rewritten(self, depth: int) -> str:
        return rewrites.expression(self, depth)

    def condition(self) -> str:
        """A condition on exact values, for a branch or a loop."""
        rng = self.rng
        numbers = [t for t in self.variables(is_number) if level(t.text) == EXACT]
        arrays = [t for t in self.variables(is_array) if level(t.text) == EXACT]
        forms = ["True", "1 < 2"]
        if numbers:
            a, b = rng.choice(numbers), rng.choice([*numbers, Term("2", 2), Term("0", 0)])
            forms += [f"{a.text} {rng.choice(['>', '<', '==', '!='])} {b.text}"] * 3
            forms += [f"{a.text} > 0 and {b.text} < 3", f"not {a.text}", f"-1 <= {a.text} < 2"]
        if arrays:
            a = rng.choice(arrays)
            forms += [f"np.any({a.text} > 1)", f"({a.text} >= 0).all()", f"{a.text}.ndim > 1"]
            forms += [f"{a.text}.size > 3", f"{a.text}.shape[0] == 3 if {a.text}.ndim else False"]
        text = rng.choice(forms)
        try:
            bool(checks.value_of(text, self.names))
        except Exception:  # noqa: BLE001
            return "True"
        return text
