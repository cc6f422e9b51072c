"""What a call did, step by step: the rows of `jl.explain`, as text and as HTML."""

from __future__ import annotations

import html
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from jetlag.function import JitFunction, jit

Row = dict[str, Any]

_TIMES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))
_SIZES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B"))
_COUNTS = ((1e12, "TF"), (1e9, "GF"), (1e6, "MF"), (1e3, "kF"), (1.0, "F"))
_LONGEST_TEXT = 60
_MISSING = "-"
_NUMERIC = "fiuc"  # kinds of dtypes that are named by their bits


def explain(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Explanation:  # noqa: ANN401
    """Call a function, and tell step by step what was done."""
    jitted = function if isinstance(function, JitFunction) else jit(function)
    title = f"{getattr(jitted, '__name__', 'function')}({_described(jitted, args, kwargs)})"
    result, rows = jitted.explained(args, kwargs)
    if rows is None:
        why = f"stays in Python: {jitted.why_python}"
        rows = [{"depth": 0, "kind": "opaque", "text": why, "native": False}]
    return Explanation(title, result, rows)


@dataclass
class Explanation:
    """The result of a call, and the rows that tell how it came about."""

    title: str
    result: Any = field(repr=False)
    rows: list[Row] = field(repr=False)

    def __str__(self) -> str:
        cells = [[column.title for column in _COLUMNS], *self._cells()]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [self.title, *(_line(row, widths) for row in cells)]
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(column.title)}</th>" for column in _COLUMNS)
        rows = "".join(
            f"<tr>{''.join(_html_cell(*pair) for pair in zip(_COLUMNS, row, strict=True))}</tr>"
            for row in self._cells()
        )
        title = html.escape(self.title)
        return f"<table><caption>{title}</caption><tr>{head}</tr>{rows}</table>"

    def _cells(self) -> list[list[str]]:
        total = _total(self.rows)
        return [
            [column.show({**row, "number": number, "total": total}) for column in _COLUMNS]
            for number, row in enumerate(self.rows, 1)
        ]


@dataclass(frozen=True)
class _Column:
    title: str
    show: Callable[[Row], str]
    right: bool = True


def quantity(value: float | None, units: Sequence[tuple[float, str]]) -> str:
    """A number with its unit, in three digits.

    >>> quantity(0.0491, _TIMES), quantity(248e6, _SIZES), quantity(0, _COUNTS)
    ('49.1 ms', '248 MB', '0 F')
    >>> quantity(None, _TIMES)
    '-'
    """
    if value is None:
        return _MISSING
    if value == 0:
        return f"0 {units[-1][1] if units is not _TIMES else 's'}"
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


def _line(cells: list[str], widths: list[int]) -> str:
    padded = [
        cell.rjust(width) if column.right else cell.ljust(width)
        for column, cell, width in zip(_COLUMNS, cells, widths, strict=True)
    ]
    return "  ".join(padded)


def _html_cell(column: _Column, text: str) -> str:
    side = "right" if column.right else "left"
    return f'<td style="text-align:{side};white-space:pre">{html.escape(text)}</td>'


def _step(row: Row) -> str:
    text = " ".join(str(row.get("text") or "").split())
    if len(text) > _LONGEST_TEXT:
        text = text[: _LONGEST_TEXT - 1] + "…"
    return f"{'  ' * int(row.get('depth') or 0)}{row.get('kind') or '':<8} {text}"


def _of_shape(row: Row) -> str:
    dtype, shape = row.get("dtype"), row.get("shape")
    if shape is None:
        return str(dtype or _MISSING)
    inside = ",".join(map(str, shape)) if isinstance(shape, tuple | list) else shape.strip("[]")
    return f"{dtype or ''}[{inside}]" if inside else str(dtype or _MISSING)


def _count(name: str) -> Callable[[Row], str]:
    return lambda row: _MISSING if row.get(name) is None else f"{row[name]:,}"


def _share(row: Row) -> str:
    time, total = row.get("time"), row["total"]
    return _MISSING if time is None or not total else f"{100 * time / total:.0f}%"


_COLUMNS = (
    _Column("", lambda row: str(row["number"])),
    _Column("step", _step, right=False),
    _Column("line", lambda row: str(row.get("line") or _MISSING)),
    _Column("value", _of_shape, right=False),
    _Column("runs", lambda row: "opaque" if row.get("native") is False else "native", right=False),
    _Column("calls", _count("calls")),
    _Column("tasks", _count("tasks")),
    _Column("time", lambda row: quantity(row.get("time"), _TIMES)),
    _Column("share", _share),
    _Column("bytes", lambda row: quantity(row.get("bytes"), _SIZES)),
    _Column("flops", lambda row: quantity(row.get("flops"), _COUNTS)),
    _Column("rule", lambda row: str(row.get("rule") or ""), right=False),
)


def _total(rows: list[Row]) -> float:
    """The time of the whole run: of the step that holds all others, or of those that hold none."""
    depths = [int(row.get("depth") or 0) for row in rows]
    leaves = [
        row for row, own, after in zip(rows, depths, [*depths[1:], 0], strict=True) if after <= own
    ]
    times = [row.get("time") or 0.0 for row in rows]
    return float(max([sum(row.get("time") or 0.0 for row in leaves), *times]))


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
