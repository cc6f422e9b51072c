"""What the processor counted, summed over the spans of each site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from jetlag.traces import Trace

_PREFIX = "/hardware{0/thread}/"


def by_site(trace: Trace) -> dict[str, Any]:
    """Each counter of the hardware, by its short name: what each site's spans used of it.

    Tasks and calls note running values of their thread at both ends, so a span used the last value
    inside less the first; what ran inside is part of it. NaN: no span of the site was metered.
    """
    names = trace.counters()["name"]
    wanted = [i for i, name in enumerate(names) if name.startswith(_PREFIX)]
    if not wanted:
        return {}
    samples, spans, sites = trace.samples(), trace.spans(), trace.sites()
    category = np.array([*sites["category"], ""])
    metered = np.flatnonzero((spans["task"] >= 0) | (category[spans["site"]] == "call"))
    used: dict[str, Any] = {}
    for counter in wanted:
        total = np.full(len(sites["name"]), np.nan)
        of_counter = samples["counter"] == counter
        if not of_counter.any():
            continue
        for thread in np.unique(spans["thread"][metered]):
            mine = of_counter & (samples["thread"] == thread)
            time, value = samples["time"][mine], samples["value"][mine]
            rows = metered[spans["thread"][metered] == thread]
            first = np.searchsorted(time, spans["begin"][rows], "left")
            last = np.searchsorted(time, spans["end"][rows], "right") - 1
            known = (last > first) & (spans["site"][rows] >= 0)
            site = spans["site"][rows][known]
            total[site] = np.where(np.isnan(total[site]), 0, total[site])
            np.add.at(total, site, value[last[known]] - value[first[known]])
        used[names[counter].removeprefix(_PREFIX)] = total
    return used
