"""What a call did, step by step: the rows of `jl.explain`, as text, as HTML and as JSON."""

from __future__ import annotations

import html
import inspect
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from jetlag import bottleneck
from jetlag.bottleneck import Machine, Row
from jetlag.function import JitFunction, jit

TIMES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))
_SIZES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B"))
_COUNTS = ((1e12, "TF"), (1e9, "GF"), (1e6, "MF"), (1e3, "kF"), (1.0, "F"))
_LONGEST_TEXT = 60
_MISSING = "-"
_NUMERIC = "fiuc"  # kinds of dtypes that are named by their bits
_SCHEMA = 1  # of to_dict(); docs/explain.md says what it holds


def explain(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Explanation:  # noqa: ANN401
    """Call a function, and tell step by step what was done.

    The call is a real one: its effects happen, and its result is the explanation's `result`.
    `print` shows the steps with their figures, held against what this machine was measured to
    reach; `to_dict()` and `json()` give the same for programs.
    """
    jitted = function if isinstance(function, JitFunction) else jit(function)
    title = f"{getattr(jitted, '__name__', 'function')}({_described(jitted, args, kwargs)})"
    result, rows = jitted.explained(args, kwargs)
    if rows is None:
        why = f"stays in Python: {jitted.why_python}"
        rows = [{"depth": 0, "kind": "opaque", "text": why, "native": False}]
    return Explanation(title, result, rows, Machine.this())


@dataclass
class Explanation:
    """The result of a call, and the rows that tell how it came about."""

    title: str
    result: Any = field(repr=False)
    rows: list[Row] = field(repr=False)
    machine: Machine = field(default_factory=Machine, repr=False)

    def __str__(self) -> str:
        cells = [[column.title for column in _COLUMNS], *self._cells()]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [self._heading(), *(_line(row, widths) for row in cells), *self._notes()]
        return "\n".join(line.rstrip() for line in lines)

    def summary(self) -> str:
        """One line that names the bottleneck; empty if the call took no time."""
        found = self.bottleneck()
        return str(found) if found else ""

    def bottleneck(self) -> bottleneck.Bottleneck | None:
        """The step that took most of the time, and what held it up."""
        return bottleneck.find(self.rows, self.machine)

    def to_dict(self) -> dict[str, Any]:
        """All that is known, in plain values; docs/explain.md describes the keys."""
        found = self.bottleneck()
        total = bottleneck.total_time(self.rows)
        first: Row = self.rows[0] if self.rows else {}
        return {
            "schema": _SCHEMA,
            "title": self.title,
            "summary": self.summary(),
            "bottleneck": asdict(found) if found else None,
            "machine": asdict(self.machine),
            "time": total,
            "bytes": first.get("bytes"),
            "needed": first.get("needed"),
            "flops": first.get("flops"),
            "steps": [
                _step_dict(number, row, total, self.machine)
                for number, row in enumerate(self.rows, 1)
            ],
        }

    def json(self, indent: int | None = None) -> str:
        """`to_dict()` as JSON."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(column.title)}</th>" for column in _COLUMNS)
        rows = "".join(
            f"<tr>{''.join(_html_cell(*pair) for pair in zip(_COLUMNS, row, strict=True))}</tr>"
            for row in self._cells()
        )
        title = html.escape(self._heading())
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self._notes())
        return f"<table><caption>{title}</caption><tr>{head}</tr>{rows}</table>{notes}"

    def _heading(self) -> str:
        known = [
            quantity(self.machine.bandwidth, _SIZES) + "/s" if self.machine.bandwidth else "",
            quantity(self.machine.peak, _COUNTS) + "/s" if self.machine.peak else "",
        ]
        machine = ", ".join(filter(None, known))
        return f"{self.title}      this machine: {machine}" if machine else self.title

    def _cells(self) -> list[list[str]]:
        total = bottleneck.total_time(self.rows)
        return [
            [
                column.show({**row, "number": number, "total": total}, self.machine)
                for column in _COLUMNS
            ]
            for number, row in enumerate(self.rows, 1)
        ]

    def _notes(self) -> Iterator[str]:
        """What has no column: refusals, compilations, opaque steps, and the summary."""
        for number, row in enumerate(self.rows, 1):
            for rule, why in row.get("refused") or ():
                yield f"refused in step {number}: {rule}: {why}"
            for what, seconds in row.get("compiled") or ():
                yield f"compiled for step {number}: {what} in {quantity(seconds, TIMES)}"
        opaque = [n for n, row in enumerate(self.rows, 1) if row.get("native") is False]
        if opaque:
            yield f"opaque: {'step' if len(opaque) == 1 else 'steps'} {_listed(opaque)}"
        if self.summary():
            yield self.summary()


@dataclass(frozen=True)
class _Column:
    title: str
    show: Callable[[Row, Machine], str]
    right: bool = True


def quantity(value: float | None, units: Sequence[tuple[float, str]]) -> str:
    """A number with its unit, in three digits.

    >>> quantity(0.0491, TIMES), quantity(248e6, _SIZES), quantity(0, _COUNTS)
    ('49.1 ms', '248 MB', '0 F')
    >>> quantity(None, TIMES)
    '-'
    """
    if value is None:
        return _MISSING
    if value == 0:
        return f"0 {units[-1][1] if units is not TIMES else 's'}"
    for position, (size, unit) in enumerate(units):
        # 999.6 would print as a thousand: it belongs to the unit above.
        if value >= 0.9995 * size or position == len(units) - 1:
            scaled = value / size
            return f"{scaled:.{_decimals(scaled)}f}".removesuffix(".0") + f" {unit}"
    raise AssertionError("units are empty")


def _decimals(value: float) -> int:
    """How many decimals make three digits."""
    if value >= 99.95 or value == int(value):
        return 0
    return 1 if value >= 9.995 else 2


def _listed(numbers: Sequence[int]) -> str:
    *most, last = map(str, numbers)
    return f"{', '.join(most)} and {last}" if most else last


def _line(cells: list[str], widths: list[int]) -> str:
    padded = [
        cell.rjust(width) if column.right else cell.ljust(width)
        for column, cell, width in zip(_COLUMNS, cells, widths, strict=True)
    ]
    return "  ".join(padded)


def _html_cell(column: _Column, text: str) -> str:
    side = "right" if column.right else "left"
    return f'<td style="text-align:{side};white-space:pre">{html.escape(text)}</td>'


# ---- a row as cells, and as values ----


def _step(row: Row) -> str:
    text = " ".join(str(row.get("text") or "").split())
    if len(text) > _LONGEST_TEXT:
        text = text[: _LONGEST_TEXT - 1] + "…"
    return f"{'  ' * int(row.get('depth') or 0)}{row.get('kind') or '':<8} {text}"


def _shape(row: Row) -> list[int] | None:
    """The shape of what a step gave; None if that was no array."""
    shape = row.get("shape")
    if shape is None or shape == "":
        return None
    if isinstance(shape, str):
        return [int(n) for n in shape.strip("[]").split(",") if n]
    return list(shape)


def _of_shape(row: Row) -> str:
    dtype, shape = row.get("dtype"), _shape(row)
    inside = ",".join(map(str, shape or ()))
    return f"{dtype or ''}[{inside}]" if inside else str(dtype or _MISSING)


def _count(name: str) -> Callable[[Row, Machine], str]:
    return lambda row, _: _MISSING if row.get(name) is None else f"{row[name]:,}"


def _amount(name: str, units: Sequence[tuple[float, str]]) -> Callable[[Row, Machine], str]:
    return lambda row, _: quantity(row.get(name), units)


def _percent(share: float | None) -> str:
    return _MISSING if share is None else f"{100 * share:.0f}%"


def _time_share(row: Row, total: float) -> float | None:
    time = row.get("time")
    return None if time is None or not total else time / total


_COLUMNS = (
    _Column("", lambda row, _: str(row["number"])),
    _Column("step", lambda row, _: _step(row), right=False),
    _Column("line", lambda row, _: str(row.get("line") or _MISSING)),
    _Column("value", lambda row, _: _of_shape(row), right=False),
    _Column(
        "runs", lambda row, _: "opaque" if row.get("native") is False else "native", right=False
    ),
    _Column("calls", _count("calls")),
    _Column("tasks", _count("tasks")),
    _Column("time", _amount("time", TIMES)),
    _Column("share", lambda row, _: _percent(_time_share(row, row["total"]))),
    _Column("bytes", _amount("bytes", _SIZES)),
    _Column("needed", _amount("needed", _SIZES)),
    _Column("flops", _amount("flops", _COUNTS)),
    _Column("memory", lambda row, machine: _percent(bottleneck.memory_share(row, machine))),
    _Column("peak", lambda row, machine: _percent(bottleneck.peak_share(row, machine))),
    _Column("rule", lambda row, _: str(row.get("rule") or ""), right=False),
)

_PLAIN = ("line", "calls", "tasks", "time", "bytes", "needed", "flops")


def _step_dict(number: int, row: Row, total: float, machine: Machine) -> dict[str, Any]:
    return {
        "step": number,
        "depth": int(row.get("depth") or 0),
        "kind": row.get("kind") or "",
        "text": row.get("text") or "",
        "file": row.get("file") or None,
        "dtype": row.get("dtype") or None,
        "shape": _shape(row),
        "native": row.get("native") is not False,
        **{name: row.get(name) for name in _PLAIN},
        "share": _time_share(row, total),
        "memory": bottleneck.memory_share(row, machine),
        "peak": bottleneck.peak_share(row, machine),
        "rules": [rule for rule in str(row.get("rule") or "").split(", ") if rule],
        "refused": [{"rule": rule, "why": why} for rule, why in row.get("refused") or ()],
        "compiled": [{"what": what, "time": time} for what, time in row.get("compiled") or ()],
    }


def _described(function: JitFunction, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """The arguments by name, with what they are."""
    try:
        given = inspect.signature(function).bind(*args, **kwargs)
    except (TypeError, ValueError):  # the call will say better what is wrong
        return ""
    given.apply_defaults()
    return ", ".join(f"{name} {_kind(value)}" for name, value in given.arguments.items())


def _kind(value: object) -> str:
    """What an argument is: `f64[3,4]`, `i8`, `int`.

    >>> import numpy as np
    >>> _kind(np.zeros((3, 4))), _kind(np.uint8(1)), _kind(3)
    ('f64[3,4]', 'u8', 'int')
    """
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if not isinstance(shape, tuple) or dtype is None:
        return type(value).__name__
    numeric = getattr(dtype, "kind", "") in _NUMERIC
    name = f"{dtype.kind}{8 * dtype.itemsize}" if numeric else str(dtype)
    return f"{name}[{','.join(map(str, shape))}]" if shape else name
