"""Draws statements, and runs each as it is drawn, so that the next one knows every value."""

from __future__ import annotations

import random
import textwrap
from collections import Counter
from typing import Any

import numpy as np

from . import checks, loops
from .expressions import Expressions, Term, is_array, is_number
from .levels import BANNED, EXACT, LOOSE, NAMES, NEAR, level
from .snapshot import Snapshot

Lines = list[str]
AUGMENTS = ["+", "-", "*", "+", "-", "*", "/", "//", "%", "&", "|", "^", "<<", ">>", "**"]


def indent(lines: Lines) -> Lines:
    return textwrap.indent("\n".join(lines), "    ").split("\n")


class Ended(Exception):
    """The program raised on purpose: nothing follows."""

    def __init__(self, lines: Lines) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class Statements:
    """Draws the body of a function. `depth` counts the blocks around a statement."""

    def __init__(
        self, rng: random.Random, names: dict[str, Any], used: Counter[str], functions: Lines
    ) -> None:
        self.rng = rng
        self.names = names
        self.used = used
        self.functions = functions  # the texts of the functions that are called
        self.expressions = Expressions(rng, names, used)
        self.count = 10 + 20 * len(functions)
        self.loops = 0  # how many are around what is drawn
        self.held: set[str] = set()  # counters, which nothing may assign

    def fresh(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def body(self, count: int, depth: int = 0) -> Lines:
        """That many statements, less those that did not work."""
        lines: Lines = []
        for _ in range(count):
            try:
                lines += self.statement(depth)
            except Ended as end:
                raise Ended([*lines, *end.lines]) from None
        return lines or ["pass"]

    def statement(self, depth: int) -> Lines:
        """One statement that ran; none if nothing was found."""
        kinds = [
            (self.assign, 30),
            (self.assign_again, 10),
            (self.store, 14),
            (self.augment, 12),
            (self.augment_item, 8),
            (self.unpack, 3),
            (self.swap, 1),
            (self.alias, 2),
            (self.show, 2),
            (self.twice, 4),
            (self.method, 1),
            (self.call, 3),
            (self.opaque, 1),
        ]
        if depth < 3:
            kinds += [(self.branch, 6), (self.loop, 7), (self.count_down, 3), (self.idiom, 9)]
            kinds += [(self.attempt, 0.3), (self.while_condition, 1)]
        if self.loops:
            kinds += [(self.leave, 3)]
        if depth == 0 and self.rng.random() < 0.012:
            return self.fail()
        for _ in range(6):
            (kind,) = self.rng.choices([k for k, _ in kinds], [w for _, w in kinds])
            lines = kind(depth)
            if lines:
                self.used[f"stmt.{kind.__name__}"] += 1
                return lines
        return []

    # Running what was drawn

    def works(self, lines: Lines) -> bool:
        """Run simple statements; what raises is kept now and then, and ends the program."""
        try:
            checks.run("\n".join(lines), self.names)
        except (checks.Refused, SyntaxError):
            return False
        except Exception:  # noqa: BLE001
            return self._may_end(lines)
        return True

    def _may_end(self, lines: Lines) -> bool:
        if not self.loops and self.rng.random() < 0.06:
            raise Ended(lines)
        return False

    def whole(self, before: Snapshot, lines: Lines) -> Lines:
        """Run a block from its beginning; its first pass was run while it was drawn."""
        before.restore(self.names)
        if self.loops:  # the block around it runs it again
            again = Snapshot(self.names)
            if self.works(lines):
                return lines
            again.restore(self.names)
            return []
        try:
            checks.run("\n".join(lines), self.names)
        except (checks.Refused, SyntaxError):
            before.restore(self.names)
            return []
        except Exception:  # noqa: BLE001
            if self.rng.random() < 0.2:
                raise Ended(lines) from None
            before.restore(self.names)
            return []
        return lines

    # Simple statements

    def term(self, depth: int = 3) -> Term:
        return self.expressions.draw(self.rng.choice([1, 1, 2, 2, depth]))

    def name_for(self, term: Term) -> str:
        """A new name that may hold the value."""
        worst = level(term.text)
        if worst == BANNED:
            return ""
        if kind_is_complex(term.value):
            worst = max(worst, NEAR)
        return self.fresh({NEAR: "t", LOOSE: "q"}.get(worst, "x" if is_array(term.value) else "n"))

    def assign(self, depth: int) -> Lines:
        term = self.term()
        if not (is_array(term.value) or is_number(term.value) or isinstance(term.value, tuple)):
            return []
        name = self.name_for(term)
        lines = [f"{name} = {term.text}"]
        if self.rng.random() < 0.03:
            lines = [f"{name} = {self.fresh(name[0])} = {term.text}"]
        return lines if name and self.works(lines) else []

    def assign_again(self, depth: int) -> Lines:
        term = self.term()
        names = [n for n in self.names if NAMES.match(n) and n not in self.held]
        names = [n for n in names if n[0] != "g" and not checks.sharper(n, level(term.text))]
        if not names or not (is_array(term.value) or is_number(term.value)):
            return []
        if kind_is_complex(term.value):
            names = [n for n in names if n[0] in "tq"]
        similar = [n for n in names if is_array(self.names[n]) == is_array(term.value)]
        if not similar:
            return []
        lines = [f"{self.rng.choice(similar)} = {term.text}"]
        return lines if self.works(lines) else []

    def store(self, depth: int) -> Lines:
        a = self.expressions.array(1)
        if not is_array(a.value) or not NAMES.match(a.text):
            return []
        where = self.expressions.subscript(a)
        try:
            shape = np.shape(checks.value_of(f"{a.text}[{where}]", self.names))
        except Exception:  # noqa: BLE001
            return []
        value = self.expressions.leaf(lambda v: np.shape(v) in {shape, (), shape[1:]})
        if self.rng.random() < 0.5:
            value = self.term(2)
        lines = [f"{a.text}[{where}] = {value.text}"]
        return lines if self.works(lines) else []

    def augment(self, depth: int) -> Lines:
        terms = [t for t in self.expressions.variables() if t.text not in self.held]
        if not terms:
            return []
        target = self.rng.choice(terms)
        shape = np.shape(target.value)
        value = self.expressions.leaf(lambda v: np.shape(v) in {shape, (), shape[1:]})
        if self.rng.random() < 0.4:
            value = self.term(2)
        lines = [f"{target.text} {self.rng.choice(AUGMENTS)}= {value.text}"]
        return lines if self.works(lines) else []

    def augment_item(self, depth: int) -> Lines:
        a = self.expressions.array(1)
        if not is_array(a.value) or not NAMES.match(a.text):
            return []
        where = self.expressions.subscript(a)
        value = self.expressions.leaf(lambda v: np.ndim(v) < 2)
        if self.rng.random() < 0.4:
            value = self.term(2)
        lines = [f"{a.text}[{where}] {self.rng.choice(AUGMENTS)}= {value.text}"]
        return lines if self.works(lines) else []

    def unpack(self, depth: int) -> Lines:
        first, second = self.term(2), self.term(2)
        names = [self.name_for(first), self.name_for(second)]
        if not all(names):
            return []
        lines = [f"{names[0]}, {names[1]} = {first.text}, {second.text}"]
        rows = [t for t in self.expressions.variables(is_array) if np.shape(t.value)[:1] == (2,)]
        if rows and self.rng.random() < 0.5:
            row = self.rng.choice(rows)
            letter = row.text[0] if row.text[0] in "tq" else "x"
            lines = [f"{self.fresh(letter)}, {self.fresh(letter)} = {row.text}"]
        return lines if self.works(lines) else []

    def swap(self, depth: int) -> Lines:
        names = [t.text for t in self.expressions.variables(is_array) if level(t.text) == EXACT]
        if len(names) < 2:
            return []
        a, b = self.rng.sample(names, 2)
        return [f"{a}, {b} = {b}, {a}"] if self.works([f"{a}, {b} = {b}, {a}"]) else []

    def alias(self, depth: int) -> Lines:
        a = self.expressions.array()
        if not NAMES.match(a.text):
            return []
        view = self.rng.choice(["", "[:]", ".T", "[1:]", "[::-1]", ".reshape(-1)", "[...]", "[0]"])
        lines = [f"{self.fresh(a.text[0])} = {a.text}{view}"]
        return lines if self.works(lines) else []

    def twice(self, depth: int) -> Lines:
        """Two statements that have an expression in common, perhaps with a store in between."""
        term = self.term(2)
        names = [self.name_for(term), self.name_for(term)]
        if not is_array(term.value) or not all(names):
            return []
        second = self.rng.choice(["{0}", "{0}", "{0} + 1", "-{0}", "{0} * 2"]).format(term.inside)
        lines = [f"{names[0]} = {term.text}", f"{names[1]} = {second}"]
        if self.rng.random() < 0.3:
            between = self.store(depth) or self.augment(depth)
            lines[1:1] = between
        return lines if self.works(lines) else []

    def show(self, depth: int) -> Lines:
        terms = [t for t in self.expressions.variables() if level(t.text) == EXACT]
        terms = [t for t in terms if np.size(t.value) < 50]
        if not terms:
            return []
        picked = [self.rng.choice(terms).text for _ in range(self.rng.choice([1, 1, 2]))]
        lines = [f"print({', '.join(picked)})"]
        return lines if self.works(lines) else []

    def method(self, depth: int) -> Lines:
        a = self.expressions.array()
        forms = ["{}.fill(3)", "{}.fill(-1)", "{}.fill(0.5)", "{}.sort()", "{}.sort(axis=0)"]
        (form,) = self.rng.choices(forms, [6, 6, 4, 1, 1])
        if not NAMES.match(a.text):
            return []
        lines = [form.format(a.text)]
        return lines if self.works(lines) else []

    def opaque(self, depth: int) -> Lines:
        """What has no primitive runs in Python, between what runs natively."""
        a = self.expressions.array()
        if not NAMES.match(a.text) or level(a.text) != EXACT:
            return []
        form = self.rng.choice(
            [
                "np.unique({})",
                "np.sort({}, axis=None)",
                "np.argsort({}, kind='stable')",
                "np.sort({}, kind='stable')",
                "np.nonzero({})[0]",
                "np.isin({}, [1, 2])",
                "sum([n0 for n0 in range({}.size)])",
                "np.searchsorted(np.sort({}.ravel()), 2)",
            ]
        )
        lines = [f"{self.fresh('x')} = {form.format(a.text)}"]
        if self.rng.random() < 0.3:
            lines = [f"with np.errstate(all='{self.rng.choice(['ignore', 'raise', 'warn'])}'):"]
            lines += indent([f"{self.fresh('x')} = {a.text} // 2 + {a.text} % 2"])
        return lines if self.works(lines) else []

    def call(self, depth: int) -> Lines:
        """A call of a function of the program: an old one, or one that is made for it."""
        exact = [t for t in self.expressions.variables() if level(t.text) == EXACT]
        if not exact or self.loops > 1:
            return []
        arguments = [self.rng.choice(exact) for _ in range(self.rng.choice([1, 2, 2, 3]))]
        known = [n for n in self.names if n[0] == "g" and NAMES.match(n)]
        if known and self.rng.random() < 0.5:
            name = self.rng.choice(known)
        else:
            name = self._new_function(arguments)
        if not name:
            return []
        lines = [f"{self.fresh('x')} = {name}({', '.join(t.text for t in arguments)})"]
        return lines if self.works(lines) else []

    def _new_function(self, arguments: list[Term]) -> str:
        if len(self.functions) >= 3:
            return ""
        name = f"g{len(self.functions) + 1}"
        inner = {k: v for k, v in self.names.items() if not NAMES.match(k) or k[0] == "g"}
        given = Snapshot({t.text: t.value for t in arguments}).values
        parameters = [f"p{i + 1}" for i in range(len(arguments))]
        inner |= {p: given[t.text] for p, t in zip(parameters, arguments, strict=True)}
        self.functions.append("")
        scope = Statements(self.rng, inner, self.used, self.functions)
        place = self.functions.index("")
        try:
            body = scope.body(self.rng.choice([1, 2, 3]), depth=1)
        except Ended:
            body = ["pass"]
        results = [t for t in scope.expressions.variables() if level(t.text) == EXACT]
        results = [t for t in results if t.text[0] != "g"]
        if not results:
            self.functions.pop(place)
            return ""
        body.append(f"return {self.rng.choice(results[-2:]).text}")
        text = [f"def {name}({', '.join(parameters)}):", *indent(body)]
        self.functions[place] = "\n".join(text)
        try:
            checks.run(self.functions[place], self.names)
        except (checks.Refused, SyntaxError):
            self.functions.pop(place)
            return ""
        return name

    # Statements with blocks

    def branch(self, depth: int) -> Lines:
        condition = self.expressions.condition()
        before = Snapshot(self.names)
        first = self.body(self.rng.choice([1, 1, 2, 3]), depth + 1)
        lines = [f"if {condition}:", *indent(first)]
        if self.rng.random() < 0.5:
            before.restore(self.names)
            second = self.body(self.rng.choice([1, 2]), depth + 1)
            if self.rng.random() < 0.3:
                lines += [f"elif {self.expressions.condition()}:", *indent(["pass"])]
            lines += ["else:", *indent(second)]
        return self.whole(before, lines)

    def loop(self, depth: int) -> Lines:
        """A for loop over a range, the rows of an array, or pairs."""
        rng = self.rng
        before = Snapshot(self.names)
        name = self.fresh("n")
        rows = [t for t in self.expressions.variables(is_array) if np.shape(t.value)[:1] > (0,)]
        rows = [t for t in rows if np.shape(t.value)[0] < 6 and level(t.text) == EXACT]
        heads = [("range(3)", 0), ("range(1, 4)", 1), ("range(4, 0, -1)", 4), ("range(2)", 0)]
        if rows:
            row = rng.choice(rows)
            heads += [(f"range({row.text}.shape[0])", 0), (f"range(len({row.text}))", 0)]
            heads += [(row.text, row.value[0])]
        source, first = rng.choice(heads)
        target = name
        self.names[name] = first
        if rng.random() < 0.12:
            target, source = f"n{self.count + 1}, {name}", f"enumerate({source})"
            self.names[self.fresh("n")] = 0
        self.held.add(name)
        self.loops += 1
        body = self.body(rng.choice([1, 2, 3, 4]), depth + 1)
        self.loops -= 1
        self.held.discard(name)
        lines = [f"for {target} in {source}:", *indent(body)]
        if rng.random() < 0.1:
            lines += ["else:", *indent(self.assign(depth) or ["pass"])]
        return self.whole(before, lines)

    def count_down(self, depth: int) -> Lines:
        """A while loop that counts."""
        before = Snapshot(self.names)
        name = self.fresh("n")
        self.names[name] = 1
        self.held.add(name)
        self.loops += 1
        body = self.body(self.rng.choice([1, 2, 3]), depth + 1)
        self.loops -= 1
        self.held.discard(name)
        most = self.rng.choice([2, 3, 4])
        also = f" and {self.expressions.condition()}" if self.rng.random() < 0.3 else ""
        lines = [f"{name} = 0", f"while {name} < {most}{also}:"]
        lines += indent([f"{name} += 1", *body])
        return self.whole(before, lines)

    def while_condition(self, depth: int) -> Lines:
        """A while loop on the state of an array, which ends."""
        arrays = [t for t in self.expressions.variables(is_array) if level(t.text) == EXACT]
        arrays = [t for t in arrays if t.value.dtype.kind in "if" and t.value.size]
        if not arrays:
            return []
        before = Snapshot(self.names)
        name, counter = self.rng.choice(arrays).text, self.fresh("n")
        test = self.rng.choice([f"np.sum({name}) < 20", f"{name}.max() < 9", f"np.any({name} < 3)"])
        body = [f"{counter} += 1", f"{name} = {name} + {counter}"]
        if self.rng.random() < 0.5:
            body[1] = f"{name} += 1"
        lines = [f"{counter} = 0", f"while {test} and {counter} < 5:", *indent(body)]
        return self.whole(before, lines)

    def idiom(self, depth: int) -> Lines:
        """A loop as people write them by hand."""
        if self.loops:
            return []
        before = Snapshot(self.names)
        lines = loops.draw(self)
        return self.whole(before, lines) if lines else []

    def attempt(self, depth: int) -> Lines:
        before = Snapshot(self.names)
        risky = self.rng.choice(["n0 = 1 // 0", "n0 = [1][3]", "n0 = np.zeros(3)[5]"])
        kept = ", ".join(["ZeroDivisionError", "IndexError"])
        lines = ["try:", *indent(self.assign(depth) + self.store(depth) + [risky])]
        lines += [f"except ({kept}):", *indent(self.assign(depth) or ["pass"])]
        return self.whole(before, lines)

    def leave(self, depth: int) -> Lines:
        """break, continue or return under a condition; not run while the body is drawn."""
        word = self.rng.choice(["break", "continue", "break", "continue", "return 5"])
        return [f"if {self.expressions.condition()}:", f"    {word}"] if self.loops else []

    def fail(self) -> Lines:
        """A statement that raises, and ends the program."""
        a = self.expressions.array(1)
        n = self.expressions.leaf(is_number)
        text = self.rng.choice(
            [
                f"x0 = {a.text}[99]",
                f"{a.text}[[0, 99]] = 1",
                f"x0 = {a.text} + np.ones((2, 3, 7))",
                f"x0 = {a.text}.reshape(7, 13)",
                f"x0 = np.sum({a.text}, axis=5)",
                f"n0 = {n.text} // 0",
                "n0 = n9999",
                "x0 = np.ones(3)[1.5]",
                f"x0 = {a.text}[0, 0, 0, 0, 0]",
                f"x0 = {a.text} @ np.ones((11, 13))",
                f"x0 = np.concatenate(({a.text}, np.ones((2, 9, 9))))",
                "raise ValueError('on purpose')",
                f"assert {a.text}.size < 0, 'never'",
                f"n0 = int({a.text})",
                f"if {a.text}:\n    pass",
                f"x0 = {a.text}.nothing",
                f"{a.text}[0] = 'text'",
                f"{a.text} += 1j",
                "n0, n1 = 1, 2, 3",
                f"x0 = np.int8(3) + 1000 + {n.text}",
                f"x0 = {a.text}.astype('nothing')",
                f"for n0 in range(3):\n    {a.text}[n0 * 50] = n0",
                "n0 = 2.0 ** 5000",
                "n0 = 1.5 / 0",
                "x0 = np.linalg.inv(np.zeros((2, 2)))",
            ]
        )
        try:
            checks.run(text, dict(self.names))
        except (checks.Refused, SyntaxError):
            return []
        except Exception:  # noqa: BLE001
            raise Ended(text.split("\n")) from None
        return []


def kind_is_complex(value: Any) -> bool:
    return isinstance(value, complex) or getattr(getattr(value, "dtype", None), "kind", "") == "c"
