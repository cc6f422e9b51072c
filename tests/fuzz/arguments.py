"""Draws arguments: arrays of every dtype and layout, views of one another, and scalars."""

from __future__ import annotations

import random

# Opens every program, so that a saved one needs nothing else.
PRELUDE = '''\
import math

import numpy as np


def data(shape, dtype, step=7, low=-4, span=9, special=()):
    """Small whole numbers in no order, and some special ones."""
    count = math.prod(shape)
    values = ((np.arange(count) * step + 3) % span + low).astype(dtype).reshape(shape)
    for place, value in enumerate(special):
        if count:
            values.flat[(place * 5 + 1) % count] = value
    return values
'''

INTEGERS = "int8 int16 int32 int64 uint8 uint16 uint32 uint64".split()
FLOATS = ["float32", "float64"]
COMPLEX = ["complex64", "complex128"]
DTYPES = ["bool"] * 2 + INTEGERS + ["int64", "int32"] * 2 + FLOATS * 3 + ["float64"] * 4 + COMPLEX

SCALARS = """0 1 2 3 -1 -2 5 7 0.5 2.0 -1.5 0.0 True False 10**20 127 np.float32(2.5) np.int8(3)
np.float64(-1.0) np.int64(4) np.uint8(200) np.bool_(True) np.int32(-7) np.int64(2**62)""".split()


class Arguments:
    """Draws the arguments of one program, as lines of its `make`."""

    def __init__(self, rng: random.Random, *, large: bool) -> None:
        self.rng = rng
        self.lines: list[str] = []
        self.names: list[str] = []
        sizes = [1, 2, 3, 4, 5] if not large else [3, 60, 400, 400]
        self.sizes = [rng.choice(sizes) for _ in range(3)]
        self.large = large

    def draw(self) -> None:
        """Between one and five arguments."""
        rng = self.rng
        for _ in range(rng.choice([1, 2, 2, 3, 3, 4])):
            arrays = [name for name in self.names if name[0] in "xt"]
            chance = rng.random()
            if arrays and chance < 0.12:
                self._view(rng.choice(arrays))
            elif arrays and chance < 0.2:
                self._again(rng.choice(arrays))
            elif self.names and chance < 0.35:
                self._scalar()
            else:
                self._array()

    def _add(self, letter: str, text: str) -> str:
        name = f"{letter}{len(self.names) + 1}"
        self.lines.append(f"{name} = {text}")
        self.names.append(name)
        return name

    def shape(self) -> tuple[int, ...]:
        """A shape of the few sizes that the program has, so that shapes often fit."""
        rng = self.rng
        rank = rng.choice([1, 1, 1, 2, 2, 2, 2, 3, 0] if not self.large else [1, 2, 2, 2])
        sizes = [*self.sizes, 1] if not self.large else self.sizes
        if self.large and rank == 1 and rng.random() < 0.4:
            return (20000,)
        shape = tuple(0 if rng.random() < 0.03 else rng.choice(sizes) for _ in range(rank))
        return shape if self.large or max(shape, default=0) < 9 else shape[:1]

    def _array(self) -> None:
        rng = self.rng
        dtype = rng.choice(DTYPES)
        shape = self.shape()
        if dtype == "bool":
            low, span = 0, 2
        elif dtype[0] == "u":
            low, span = 0, rng.choice([5, 9, 12])
        else:
            low, span = rng.choice([(-4, 9), (0, 6), (1, 7), (-3, 5)])
        special = ""
        if dtype[0] in "fc" and rng.random() < 0.12:
            special = f", special=({rng.choice(['np.nan', 'np.inf', '-np.inf', '-0.0', '0.5'])},)"
        elif dtype[0] in "iu" and rng.random() < 0.12:
            special = f", special=(np.iinfo('{dtype}').{rng.choice(['max', 'min'])},)"
        self._lay_out(dtype, shape, f"{rng.choice([5, 7, 11, 13])}, {low}, {span}{special}")

    def _lay_out(self, dtype: str, shape: tuple[int, ...], rest: str) -> None:
        rng = self.rng
        letter = "t" if dtype[0] == "c" else "x"
        text = "data({shape}, {dtype!r}, " + rest + ")"
        plain = text.format(shape=shape, dtype=dtype)
        layout = rng.random()
        if layout < 0.55 or not shape:
            self._add(letter, plain)
        elif layout < 0.68:
            self._add(letter, f"np.asfortranarray({plain})")
        elif layout < 0.78:
            double = tuple(2 * size for size in shape)
            steps = ", ".join("::2" for _ in shape)
            self._add(letter, f"{text.format(shape=double, dtype=dtype)}[{steps}]")
        elif layout < 0.88:
            steps = ", ".join(rng.choice(["::-1", "::-1", ":"]) for _ in shape)
            self._add(letter, f"{plain}[{steps}]")
        elif layout < 0.94:
            name = self._add(letter, plain)
            self.lines.append(f"{name}.flags.writeable = False")
        else:
            one = text.format(shape=(*shape[:-1], 1), dtype=dtype)
            self._add(letter, f"np.broadcast_to({one}, {shape})")

    def _view(self, name: str) -> None:
        view = self.rng.choice(["[1:]", "[:-1]", "[::-1]", ".T", "[...]", "[::2]", ".reshape(-1)"])
        guard = f"{name}{view} if {name}.ndim else {name}"
        self._add(name[0], guard)

    def _again(self, name: str) -> None:
        self._add(name[0], name)

    def _scalar(self) -> None:
        self._add("n", self.rng.choice(SCALARS))

    def text(self) -> str:
        """The function that makes the arguments."""
        body = [*self.lines, f"return ({', '.join(self.names)},)"]
        return "\n".join(["def make():", *(f"    {line}" for line in body)]) + "\n"
