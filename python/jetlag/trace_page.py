"""A trace as HTML in a notebook: how busy the threads were, the critical path, the sites."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jetlag.traces import Trace

_ROWS = 30
_BINS = 120
_HEIGHT = 40  # pixels of the picture of how busy the threads were
_TITLES = ("site", "where", "self", "share", "total", "count", "median", "p99", "max")
_CELL = "padding:0 .6em;text-align:{};white-space:nowrap"


def page(trace: Trace) -> str:
    """The whole of it, in one element and without scripts."""
    parts = [_heading(trace), _busy(trace.utilisation(_BINS)), _critical(trace), _sites(trace)]
    return f"<div>{''.join(parts)}</div>"


def duration(ns: float) -> str:
    """Three digits and a unit.

    >>> duration(1_234_000), duration(0), duration(12)
    ('1.23 ms', '0 ns', '12 ns')
    """
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}"
    return f"{ns:.0f} ns"


def _heading(trace: Trace) -> str:
    spans, tasks = len(trace.spans()["begin"]), len(trace.tasks()["id"])
    lines = [
        f"<b>{html.escape(trace.path)}</b>: {duration(trace.length)}, {spans} spans, {tasks} tasks"
    ]
    if not trace.closed:
        lines.append("the process ended before the recording did")
    if trace.dropped:
        lines.append(f"{trace.dropped} spans and events found no room and are missing")
    lines += [html.escape(c) for c in trace.complaints]
    return "<br>".join(lines)


def _busy(shares: list[float]) -> str:
    """An area for the busy share of the threads over time."""
    points = " ".join(f"{i},{_HEIGHT * (1 - min(s, 1.0)):.1f}" for i, s in enumerate(shares))
    mean = sum(shares) / max(len(shares), 1)
    return (
        f'<svg viewBox="0 0 {_BINS - 1} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'style="display:block;width:100%;height:{_HEIGHT}px;background:#8883">'
        f"<title>threads busy: {mean:.0%} of the time</title>"
        f'<polygon fill="#4477aa" points="0,{_HEIGHT} {points} {_BINS - 1},{_HEIGHT}"/></svg>'
    )


def _critical(trace: Trace) -> str:
    length, path = trace.critical_path()
    if not length:
        return ""
    share = f" ({length / trace.length:.0%})" if trace.length else ""
    return f"critical path: {duration(length)}{share} through {len(path)} tasks"


def _sites(trace: Trace) -> str:
    rows = trace.profile()
    whole = max(int(rows["self"].sum()), 1)
    count = len(rows["site"])
    lines = [_line("th", _TITLES)]
    for i in range(min(count, _ROWS)):
        lines.append(_line("td", _cells(rows, i, whole)))
    rest = f"and {count - _ROWS} more sites" if count > _ROWS else ""
    return f"<table>{''.join(lines)}</table>{rest}"


def _cells(rows: dict[str, Any], i: int, whole: int) -> list[str]:
    file, line = rows["file"][i].rsplit("/", 1)[-1], rows["line"][i]
    return [
        rows["name"][i] or "(unknown)",
        f"{file}:{line}" if line else file,
        duration(rows["self"][i]),
        f"{rows['self'][i] / whole:.1%}",
        duration(rows["total"][i]),
        str(rows["count"][i]),
        *(duration(rows[name][i]) for name in ("median", "p99", "max")),
    ]


def _line(tag: str, cells: tuple[str, ...] | list[str]) -> str:
    styles = [_CELL.format("left" if i < 2 else "right") for i in range(len(cells))]
    inner = "".join(
        f'<{tag} style="{style}">{html.escape(cell)}</{tag}>'
        for style, cell in zip(styles, cells, strict=True)
    )
    return f"<tr>{inner}</tr>"
