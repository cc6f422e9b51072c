"""What one line of the table is: a program in its NumPy form, its arguments, and who runs it.

The NumPy form is what NumPy runs and what jetlag decorates, the same source. The other peers find
theirs by its name: `numba_forms`, `jax_forms` and `cpp_forms` have a module for each module of
programs, and a function of the same name in it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Program = Callable[..., Any]
Arguments = tuple[Any, ...]
Kind = Literal["array", "bound", "loops", "als"]

NUMPY, OURS = "numpy", "jetlag"

KINDS: dict[str, str] = {
    "array": "array program",
    "bound": "BLAS-, bandwidth- or scalar-bound",
    "loops": "explicit loops",
    "als": "recommender",
}


@dataclass(frozen=True)
class Row:
    """A program and what is asked of it."""

    name: str
    what: str
    kind: Kind
    program: Program
    make: Callable[..., Arguments]  # always the same numbers
    size: tuple[Any, ...]  # what `make` gets
    tiny: tuple[Any, ...]  # the same for the tests
    peers: tuple[str, ...] = ("numba", "jax")  # beside NumPy and jetlag
    writes: bool = False  # into its arguments: every run gets fresh ones
    allowed: float = 1e-9  # how far apart results may be, beside their largest number
    streamed: Callable[..., float] | None = None  # bytes that no way around reading (of arguments)

    @property
    def family(self) -> str:
        """The module of programs, and of the peers' forms, that it belongs to."""
        # A listing of examples/ belongs to the family that makes its arguments.
        modules = (self.program.__module__, self.make.__module__)
        return next(m for m in modules if m.startswith("programs.")).partition(".")[2]

    @property
    def everyone(self) -> tuple[str, ...]:
        return (NUMPY, OURS, *self.peers)

    def arguments(self, tiny: bool = False) -> Callable[[], Arguments]:
        """What gives the arguments of a run; made once."""
        made = self.make(*(self.tiny if tiny else self.size))
        return (lambda: fresh(made)) if self.writes else (lambda: made)


def fresh(arguments: Arguments) -> Arguments:
    """Arguments that a run may write into."""
    return tuple(a.copy(order="K") if isinstance(a, np.ndarray) else a for a in arguments)


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    """Random numbers between 0 and 1."""
    return np.random.default_rng(seed).random(shape)
