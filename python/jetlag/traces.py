"""Reading traces: the tables of one as columns, and what can be said of them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from jetlag.bottleneck import Machine
from jetlag.engine import core
from jetlag.hardware import by_site
from jetlag.trace_page import page

Columns = dict[str, Any]


def open_trace(path: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> Trace:
    """Open a trace: one that is complete, one that a crash left, or one that still grows.

    The traces of several processes are one: each is a rank, at the time of one clock. Those of one
    machine share its clock; others are held against the messages between them, or, where there are
    none, against the time of day, which `complaints` then says.

    OTF2 archives, ours and other tools', open too: name the folder or the file NAME.otf2 in it.

    Raises OSError if the file cannot be read, ValueError if it is no trace or was written by a
    later jetlag. Parts that are damaged are left out and named in `complaints`.
    """
    single = isinstance(path, str | os.PathLike)
    paths = [path] if single else list(path)
    if not paths:
        raise ValueError("name at least one trace")
    return Trace(list(map(os.fspath, paths)))


class Trace:
    """What a recording holds. Times are nanoseconds from its beginning.

    Each table is a dict of columns of one length (NumPy arrays, and lists of text), which
    `pandas.DataFrame` takes as it is. Sites, threads and tasks are named by their row; -1 is none.
    """

    def __init__(self, paths: list[str]) -> None:
        self._data = core().TraceData(paths)
        self.path = paths[0]
        """The file; of several, the first."""

    def spans(self) -> Columns:
        """What ran: begin, end, site, thread, parent (the span around it), task."""
        return self._table("spans")

    def tasks(self) -> Columns:
        """Tasks: who made them, when they were ready and ran, bytes, flops, slack."""
        return self._table("tasks")

    def edges(self) -> Columns:
        """Which task waited for which, and the bytes that were handed over."""
        return self._table("edges")

    def sites(self) -> Columns:
        """Where spans come from: name, category, function, file, line, column, node, PhySL."""
        return self._table("sites")

    def threads(self) -> Columns:
        """Threads: name, rank, the time in which they were busy, how many spans they have."""
        return self._table("threads")

    def counters(self) -> Columns:
        """Measured quantities: name, unit, kind, meaning, and figures of their samples.

        Those are samples (how many), first, last, min, mean, max, and growth: last less first, of
        all threads together.
        """
        return self._table("counters")

    def samples(self) -> Columns:
        """Values of counters over time: time, counter and thread (their rows), value."""
        return self._table("samples")

    def points(self) -> Columns:
        """Moments: steals, allocations, plans, messages, policies, trials.

        `value` is what the event says (bytes, a cost), `rank` the other end of a message, or -1;
        `argument` is the same as it was recorded.
        """
        return self._table("points")

    def events(self) -> Columns:
        """All that happened, in order of time, one row each, whatever its kind.

        event: its kind; a span's is the category of its site (call, step, compile, opaque, wait,
        user). time, duration (0 of a moment), thread and task (-1: none), name (of the site, or of
        the counter), value (bytes, a cost, a counter's value; NaN where the kind has none), rank
        (the other end of a message, else -1).
        """
        from jetlag.timeline import merged

        return merged(self)

    def profile(self) -> Columns:
        """Each site with its count, total and own time, min, median, p99, max, bytes, flops.

        The site's name, file and line stand in the same row. Most own time first. If the trace
        was recorded with `hardware`, each of its counters has a column: what the tasks and calls
        of the site used, with all that ran inside them on their thread.
        """
        rows = self._table("profile")
        sites = self.sites()
        for name in ("name", "file", "line", "text"):
            known = sites[name]
            rows[name] = [
                known[s] if s >= 0 else ("" if name != "line" else 0) for s in rows["site"]
            ]
        for name, used in by_site(self).items():
            rows[name] = np.append(used, np.nan)[rows["site"]]
        return rows

    def tree(self) -> Columns:
        """Spans by the sites around them: parent is a row, the figures are those of profile()."""
        return self._table("tree")

    def roofline(self, *, bandwidth: float | None = None, peak: float | None = None) -> Columns:
        """Each site that says what it moved and computed, held against what the machine can do.

        intensity: flops for a byte; rate: flops a second (bytes, where there are no flops); roof:
        the most that the machine could give at this intensity; share: how much of it was reached.
        A share above 1 comes from caches. The machine is the one that we run on, with the workers
        that it has now; give bandwidth (bytes a second) and peak (flops a second) for another.
        """
        machine = Machine.this() if bandwidth is None or peak is None else Machine()
        bandwidth = bandwidth or machine.bandwidth or math.nan
        peak = peak or machine.peak or math.nan
        rows = self.profile()
        said = rows["bytes"] > 0
        moved, flops = rows["bytes"][said], rows["flops"][said]
        seconds = np.array([self._elapsed(site) for site in rows["site"][said]]) * 1e-9
        computes = flops > 0
        intensity = flops / moved
        roof = np.where(computes, np.minimum(peak, intensity * bandwidth), bandwidth)
        with np.errstate(divide="ignore"):
            rate = np.where(computes, flops, moved) / seconds
        names = [name for name, wanted in zip(rows["name"], said, strict=True) if wanted]
        return {
            "site": rows["site"][said],
            "name": names,
            "bytes": moved,
            "flops": flops,
            "intensity": intensity,
            "rate": rate,
            "roof": roof,
            "share": rate / roof,
        }

    def critical_path(self) -> tuple[int, Any]:
        """The longest way through the run: its length in nanoseconds, and the tasks on it.

        It goes through tasks and through what the threads that made them did themselves.
        """
        length, tasks = self._data.critical_path()
        return int(length), tasks

    def what_if(self, site: int, times: float) -> int:
        """The length of the critical path if what a site does were so many times faster."""
        return int(self._data.what_if(site, times))

    def utilisation(self, bins: int = 100) -> list[float]:
        """The busy share of the threads in each of so many equal parts of the time."""
        return list(self._data.utilisation(bins))

    def imbalance(self) -> tuple[float, float]:
        """The busiest worker's time over the mean of all workers', and the same for ranks.

        1 is even; 0 if there is none to compare.
        """
        return float(self._data.imbalance()), float(self._data.imbalance_of_ranks())

    def report(
        self,
        *,
        sort: str = "self",
        filter: str = "",
        rows: int = 30,
        tree: bool = False,
    ) -> str:
        """What `jetlag profile` prints.

        sort: self, total, count, median, most, bytes, flops or name. filter: only sites that
        hold this text. rows: at most, 0 for all. tree: calls by the calls around them.
        """
        text: str = self._data.report(sort, filter, rows, tree)
        return text

    def export(self, path: str | os.PathLike[str], *, to: str) -> None:
        """Write the trace for another tool, over a file that is there.

        to: chrome, csv, dot, hatchet, newick, otf2, perfetto or speedscope; `jetlag describe
        formats` says what each holds and who reads it. Raises ValueError for another, OSError if
        the file cannot be written. An OTF2 archive is a folder, which must not be there.
        """
        self._data.write(os.fspath(path), to)

    @property
    def length(self) -> int:
        """Nanoseconds from the first record to the last."""
        return int(self._data.length)

    @property
    def dropped(self) -> int:
        """Spans and events that found no room when they were recorded."""
        return int(self._data.dropped)

    @property
    def closed(self) -> bool:
        """Whether the recording ended in order."""
        return bool(self._data.closed)

    @property
    def complaints(self) -> list[str]:
        """What is damaged."""
        return list(self._data.complaints)

    @property
    def facts(self) -> dict[str, str]:
        """What is known of the run: program, host, versions."""
        return dict(self._data.facts())

    def __repr__(self) -> str:
        return f"jl.open_trace({self.path!r})"

    def __str__(self) -> str:
        return self.report()

    def _repr_html_(self) -> str:
        return page(self)

    def _elapsed(self, site: int) -> int:
        """Nanoseconds in which at least one thread was in a span of the site."""
        spans = self.spans()
        mine = np.flatnonzero(spans["site"] == site)
        mine = mine[np.argsort(spans["begin"][mine])]
        begin, end = spans["begin"][mine], np.maximum.accumulate(spans["end"][mine])
        if not len(mine):
            return 0
        gaps = np.maximum(begin[1:] - end[:-1], 0)
        return int(end[-1] - begin[0] - gaps.sum())

    def _table(self, name: str) -> Columns:
        columns: Columns = self._data.table(name)
        return columns
