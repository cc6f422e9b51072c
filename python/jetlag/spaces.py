"""What may be tuned: spaces of named parameters, and sessions that ask for candidates in them.

>>> space = Space({"tile": integer(8, 64, factor=2), "order": ["rows", "columns"]})
>>> session = space.session("exhaustive")
>>> candidate = session.ask()
>>> candidate.values
{'tile': 8, 'order': 'rows'}
>>> session.tell(candidate, cost=3.5)
>>> session.best.values, session.best_cost
({'tile': 8, 'order': 'rows'}, 3.5)
"""

from __future__ import annotations

import contextlib
import keyword
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType
from typing import Any

Values = dict[str, Any]
KNOB = "jetlag."  # how the names of parameters begin that are knobs of the runtime


@dataclass(frozen=True)
class Parameter:
    """One thing to be tuned; made by `integer`, `real`, `choice` and `flag`."""

    kind: str
    low: float = 0
    high: float = 0
    step: float = 1
    log: bool = False
    choices: tuple[Any, ...] = ()
    when: tuple[str, tuple[Any, ...]] | None = None

    def row(self, name: str, parent: Parameter | None) -> dict[str, Any]:
        """What the engine wants to know."""
        row: dict[str, Any] = {
            "name": name,
            "kind": self.kind,
            "low": float(self.low),
            "high": float(self.high),
            "step": float(self.step),
            "log": self.log,
            "choices": [label(value) for value in self.choices],
        }
        if self.when:
            row["parent"], wanted = self.when
            is_choice = parent is not None and parent.kind == "choice"
            row["parent_values"] = [label(v) if is_choice else str(v) for v in wanted]
        return row


def integer(
    low: int,
    high: int,
    *,
    step: int = 1,
    factor: float | None = None,
    when: Mapping[str, Any] | None = None,
) -> Parameter:
    """An integer from low to high, in steps, or each `factor` times the one before.

    `when={"order": "rows"}`, here and below: it exists only while that parameter, which stands
    before it, has that value, or one of a list of values.
    """
    low, high, step = operator.index(low), operator.index(high), operator.index(step)
    if factor is not None and step != 1:
        raise TypeError("an integer goes in steps or by a factor, not both")
    logarithmic = factor is not None
    between = float(factor) if factor is not None else step
    return Parameter("integer", low, high, between, logarithmic, when=_condition(when))


def real(
    low: float, high: float, *, log: bool = False, when: Mapping[str, Any] | None = None
) -> Parameter:
    """A real number from low to high; `log` searches its orders of magnitude evenly."""
    return Parameter("real", float(low), float(high), 1, log, when=_condition(when))


def choice(values: Iterable[Any], *, when: Mapping[str, Any] | None = None) -> Parameter:
    """One of some values: strings, numbers, functions, or whatever has a text that stays."""
    return Parameter("choice", choices=tuple(values), when=_condition(when))


def flag(*, when: Mapping[str, Any] | None = None) -> Parameter:
    """False or True."""
    return Parameter("flag", when=_condition(when))


def _condition(when: Mapping[str, Any] | None) -> tuple[str, tuple[Any, ...]] | None:
    if when is None:
        return None
    if len(when) != 1:
        raise ValueError(f"a parameter depends on one other, not on {len(when)}")
    ((name, wanted),) = when.items()
    return name, tuple(wanted) if isinstance(wanted, list) else (wanted,)


def label(value: object) -> str:
    """The text of a choice: the same in every process.

    >>> label("rows"), label((2, None)), label(operator.add)
    ("'rows'", '(2, None)', '_operator.add')
    """
    if isinstance(value, FunctionType | BuiltinFunctionType | type):
        return f"{value.__module__}.{value.__qualname__}"
    named = getattr(value, "__wrapped__", None)
    if named is not None:
        return label(named)
    if type(value).__repr__ is object.__repr__:
        raise TypeError(f"an object of type {type(value).__name__} has no text to be kept by")
    return repr(value)


class Space:
    """Named parameters, and which of their combinations are allowed.

    `parameters` maps names to `integer`, `real`, `choice` and `flag`, or for short to a range, a
    list of choices, or `bool`. `where` is called with the values of a candidate as a dict, and
    says whether it may be tried. A name such as "jetlag.threads" or "jetlag.jit" is a knob of the
    runtime: the number of workers, or a setting.
    """

    def __init__(
        self,
        parameters: Mapping[str, Any] | Iterable[tuple[str, Any]],
        where: Callable[[Values], object] | None = None,
    ) -> None:
        pairs = list(parameters.items() if isinstance(parameters, Mapping) else parameters)
        self.where = where
        self.parameters: dict[str, Parameter] = {}
        rows = []
        for name, given in pairs:
            _check_name(name)
            parameter = _parameter(name, given)
            parent = self.parameters.get(parameter.when[0]) if parameter.when else None
            rows.append(parameter.row(name, parent))
            self.parameters[name] = parameter
        self._values = {
            name: {label(value): value for value in parameter.choices}
            for name, parameter in self.parameters.items()
        }
        from jetlag.engine import core

        self._space = core().Space(rows)

    def __repr__(self) -> str:
        """The same text for the same space, in every process."""
        rows = [
            f"{name}={parameter.row(name, None)}" for name, parameter in self.parameters.items()
        ]
        return f"Space({', '.join(rows)})"

    def count(self, most: int) -> int | None:
        """How many candidates there are, `where` aside; None if more than that, or real ones."""
        found: int | None = self._space.count(most)
        return found

    def session(
        self, strategy: str = "hill-climbing", seed: int = 0, start: Values | None = None
    ) -> Session:
        """Begin to search; `jetlag describe strategies` lists the ways.

        `start` is asked first. The same seed and costs lead to the same candidates.
        """
        from jetlag.engine import core

        where, decode = self.where, self.decode
        allows = None if where is None else lambda values: _is_allowed(where, decode(values))
        begin = None if start is None else self.encode(start)
        return Session(self, core().Session(self._space, strategy, seed, begin, allows))

    def encode(self, values: Values) -> Values:
        """The values as the engine and files know them: choices by their text."""
        for name in values:
            if name not in self.parameters:
                raise ValueError(f"the space has no parameter {name!r}")
        return {name: self._plain(name, value) for name, value in values.items()}

    def decode(self, values: Values) -> Values:
        """The values of what `encode` made; KeyError for a choice that there is not."""
        return {
            name: self._values[name][value] if self.parameters[name].choices else value
            for name, value in values.items()
        }

    def holds(self, values: Values) -> bool:
        """Whether these encoded values are those of one of the candidates."""
        try:
            return bool(self._space.holds(values))
        except (ValueError, TypeError, RuntimeError):
            return False

    def _plain(self, name: str, value: object) -> object:
        kind = self.parameters[name].kind
        if kind == "choice":
            return label(value)
        if kind == "real":
            return float(value)  # type: ignore[arg-type]
        return bool(value) if kind == "flag" else operator.index(value)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Candidate:
    """What a session asks for: values of the parameters that exist together."""

    id: int
    values: Values


class Session:
    """Asks for candidates and is told what they cost; made by `Space.session`.

    It never asks twice for the same candidate.
    """

    def __init__(self, space: Space, session: Any) -> None:  # noqa: ANN401
        self.space = space
        self._session = session
        self._asked: dict[int, Candidate] = {}

    def ask(self) -> Candidate | None:
        """The next candidate; None if its strategy waits for costs, or if it has finished."""
        return next(iter(self.ask_several(1)), None)

    def ask_several(self, most: int) -> list[Candidate]:
        """Candidates that may be measured at the same time: as many as the strategy can use."""
        found = [
            Candidate(number, self.space.decode(values))
            for number, values in self._session.ask(most)
        ]
        self._asked.update((candidate.id, candidate) for candidate in found)
        return found

    def tell(self, candidate: Candidate, cost: float) -> None:
        """Say what a candidate costs: a finite number, the less the better."""
        self._session.tell(candidate.id, float(cost))

    def fail(self, candidate: Candidate) -> None:
        """Say that a candidate cannot be used."""
        self._session.fail(candidate.id)

    @property
    def finished(self) -> bool:
        """Whether nothing will be asked any more, because everything was."""
        return bool(self._session.finished)

    @property
    def best(self) -> Candidate | None:
        """The candidate that cost least so far."""
        found = self._session.best()
        return self._asked[found[0]] if found else None

    @property
    def best_cost(self) -> float | None:
        """What it cost."""
        found = self._session.best()
        return float(found[1]) if found else None


def _is_allowed(where: Callable[[Values], object], values: Values) -> bool:
    try:
        return bool(where(values))
    except Exception as error:
        error.add_note(f"raised by the constraint of a space, for {text_of(values)}")
        raise


def text_of(values: Values) -> str:
    """Values in one line.

    >>> text_of({"tile": 8, "order": "rows"})
    "tile=8 order='rows'"
    """
    return " ".join(
        f"{name}={value:.6g}" if isinstance(value, float) else f"{name}={label(value)}"
        for name, value in values.items()
    )


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"a parameter's name must be a str, not {type(name).__name__}")
    if name.startswith(KNOB):
        knob(name)
    elif not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"a parameter is passed by keyword, which {name!r} cannot be")


def _parameter(name: str, given: object) -> Parameter:
    if isinstance(given, Parameter):
        return given
    if isinstance(given, range):
        if not given:
            raise ValueError(f"parameter {name!r} has an empty range")
        upwards = given if given.step > 0 else given[::-1]
        return integer(upwards[0], upwards[-1], step=upwards.step)
    if isinstance(given, list):
        return choice(given)
    if given is bool:
        return flag()
    raise TypeError(
        f"parameter {name!r} must be a range, a list of choices, bool, or made by "
        f"jetlag.spaces, not {type(given).__name__}"
    )


# ---- knobs of the runtime ----


def knob(name: str) -> tuple[Callable[[], Any], Callable[[Any], object]]:
    """How a knob is read and set: "jetlag.threads", or a setting that changes no result."""
    from jetlag.configuration import settings
    from jetlag.engine import core
    from jetlag.parallel import threads

    word = name.removeprefix(KNOB)
    if word == "threads":
        return threads, threads
    # Switches of rules change how results are rounded, and a folder is where results are kept.
    words = [
        row["name"] for row in core().settings() if row["kind"] in ("choice", "bytes", "number")
    ]
    if word not in words:
        known = ", ".join(KNOB + other for other in ["threads", *words])
        raise ValueError(f"there is no knob {name!r}; there are {known}")
    return lambda: getattr(settings, word), lambda value: setattr(settings, word, value)


def keywords(values: Values) -> Values:
    """The values that are passed to the function: those that are no knobs."""
    return {name: value for name, value in values.items() if not name.startswith(KNOB)}


@contextlib.contextmanager
def turned(values: Values) -> Iterator[None]:
    """Turn the knobs that are among the values; turn them back afterwards."""
    with contextlib.ExitStack() as stack:
        for name, value in values.items():
            if name.startswith(KNOB):
                read, turn = knob(name)
                stack.callback(turn, read())
                turn(value)
        yield
