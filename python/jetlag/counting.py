"""Counters: what the engine, the process and the machine measure, by name."""

from __future__ import annotations

import html
import math
import threading
from typing import Any

from jetlag.engine import core

_COLUMNS = ("name", "unit", "kind", "doc", "missing")


def counters(*patterns: str) -> Counters:
    """Choose counters by name, to list and to read them.

    >>> jl.counters("/tasks/executed").read()  # doctest: +SKIP
    {'/tasks{0/total}/executed': 1204.0}
    >>> print(jl.counters("/memory*"))  # doctest: +SKIP

    patterns: names, `/object{rank/instance}/name`, in which `*` stands for any text and `?` for one
    character: `/tasks{*}/executed` are those of all workers and their total. Without braces and
    wildcards the total is meant. `@rate` at the end gives the growth a second of counters that only
    grow. Without patterns: all.

    Raises KeyError for a name that no counter has (a pattern may fit nothing), ValueError for one
    that does not begin with `/` or a wildcard.
    """
    return Counters(patterns or ("*",))


def counter(name: str, unit: str = "1", *, kind: str = "gauge", doc: str = "") -> Any:  # noqa: ANN401
    """A counter of your own, `/user{0/total}/NAME`; the same one for the same name.

    >>> residual = jl.counter("residual", "1", doc="of the last round")  # doctest: +SKIP
    >>> residual.set(0.25)  # doctest: +SKIP
    >>> rows = jl.counter("rows", "rows", kind="monotone")  # doctest: +SKIP
    >>> rows.add(100)  # doctest: +SKIP

    It has `add(more)`, `set(value)`, `value`, `name` and `unit`, and any thread may use it. While a
    trace is recorded each change is a sample in it, on the thread that made it. A `/` in the name
    makes groups: "solver/residual" is `/user/solver{0/total}/residual`.

    kind: gauge, or monotone for what only grows: then `@rate` gives its growth a second, and what
    would make it smaller raises ValueError.

    Raises ValueError for a name with spaces or any of `{}*?@`, and for a name that another unit or
    kind was given to.
    """
    if kind not in ("gauge", "monotone"):
        raise ValueError(f"kind is 'gauge' or 'monotone', not {kind!r}")
    return core().user_counter(name, unit, kind, doc or "a counter of the program")


class Counters:
    """Counters that were chosen with `jl.counters`."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._patterns = patterns
        self._lock = threading.Lock()
        self._reader = core().CounterReader(list(patterns))
        for pattern in patterns:
            if not set(pattern) & {"*", "?"} and not self._known(pattern):
                raise KeyError(
                    f"there is no counter {pattern!r}; jl.counters() shows those there are"
                )

    def read(self) -> dict[str, float]:
        """The values now, by name.

        Averages and rates are those since the read before: nan where nothing happened meanwhile.
        The first read gives averages since the process began, and no rates. Counters that are
        missing on this machine are left out: `table()` says why.
        """
        with self._lock:
            self._reader.look()
            return dict(zip(self._reader.names(), self._reader.read(), strict=True))

    def table(self) -> dict[str, list[Any]]:
        """Name, unit, kind, meaning, why it is missing, and value: columns, as pandas takes them.

        Kinds are gauge (a quantity at the moment), monotone (only grows), average and rate.
        """
        values = self.read()
        with self._lock:
            rows = {row[0]: row for row in self._reader.rows()}
        for pattern in self._patterns:
            for row in core().list_counters(pattern):
                rows.setdefault(row[0], row)
        ordered = [rows[name] for name in sorted(rows)]
        columns: dict[str, list[Any]] = {
            title: [row[i] for row in ordered] for i, title in enumerate(_COLUMNS)
        }
        columns["value"] = [values.get(row[0], math.nan) for row in ordered]
        return columns

    @property
    def names(self) -> list[str]:
        """The names of those that can be read."""
        with self._lock:
            self._reader.look()
            return sorted(self._reader.names())

    def __repr__(self) -> str:
        return f"jl.counters({', '.join(map(repr, self._patterns))})"

    def __str__(self) -> str:
        table = self.table()
        rows = zip(table["name"], table["value"], table["unit"], table["missing"], strict=True)
        return "\n".join(
            f"{'-' if math.isnan(value) else format(value, '.10g'):>16} {unit:<8} {name}"
            + (f"  (missing: {missing})" if missing else "")
            for name, value, unit, missing in rows
        )

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def _known(self, name: str) -> bool:
        plain = name.removesuffix("@rate")
        return bool(core().list_counters(plain))
