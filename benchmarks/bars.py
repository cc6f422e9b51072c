"""The bars: what was promised, what a run measured, and whether that is met."""

import math
from collections.abc import Iterator
from typing import Any

from figures import OURS, best_peer, ratio_to, rivals

CAP = 10.0
Data = dict[str, Any]
Bar = list[str]


def bar(what: str, wanted: float, measured: float | None, unit: str = " ×") -> Bar:
    """A row of the table; the measured figure must not be below the wanted one."""
    if measured is None:
        return [what, f"≥ {wanted:g}{unit}", "not measured", "-"]
    met = "yes" if measured >= wanted else "NO"
    return [what, f"≥ {wanted:g}{unit}", f"{measured:.2f}{unit}", met]


def at_most(what: str, wanted: float, measured: float | None, unit: str, scale: float) -> Bar:
    """The same for a figure, in seconds unless the unit says otherwise, that must not be above."""
    shown = f"≤ {wanted / scale:.3g}{unit}"
    if measured is None:
        return [what, shown, "not measured", "-"]
    return [what, shown, f"{measured / scale:.3g}{unit}", "yes" if measured <= wanted else "NO"]


def bars(data: Data) -> list[Bar]:
    """Every bar, in the order of the table."""
    rows = {row["row"]: row for row in data["rows"]}
    return [
        *regression(rows),
        reads(data["extras"].get("reads", {})),
        *recommender(rows),
        *classes(data["rows"]),
        *latencies(data["extras"].get("latency", {})),
        *calls(data["extras"].get("calls", {})),
        *recording(data["extras"]),
        buffers(data["rows"]),
        bits(data["rows"]),
    ]


def of(rows: dict[str, Data], name: str, peer: str) -> float | None:
    return ratio_to(rows[name], peer) if name in rows else None


def regression(rows: dict[str, Data]) -> Iterator[Bar]:
    share = of(rows, "logistic-10000", "stream")
    yield bar("logistic-10000: share of the read bandwidth", 80, share and 100 * share, " %")
    best = best_peer(rows["logistic-10000"]) if "logistic-10000" in rows else None
    yield bar("logistic-10000: the best peer's time", 1.8, best and best[1])
    yield bar("logistic-569: NumPy's time", 5, of(rows, "logistic-569", "numpy"))


def reads(data: Data) -> Bar:
    what, wanted = "logistic regression 2000: reads of x in a round", "≤ 1.15"
    if "reads" not in data:
        return [what, wanted, "not measured", "-"]
    return [what, wanted, f"{data['reads']:.3f}", "yes" if data["reads"] <= 1.15 else "NO"]


def recommender(rows: dict[str, Data]) -> Iterator[Bar]:
    yield bar("als-6: NumPy's time", 150, of(rows, "als-6", "numpy"))
    yield bar("als-6: time of the loop over non-zeros", 1.5, of(rows, "als-6", "nonzeros"))
    found = rivals(rows["als-6"]) if "als-6" in rows else {}
    others = [ratio for peer, ratio in found.items() if peer != "numpy"]
    yield bar("als-6: the best peer that runs the listing", 10, min(others, default=None))
    for name in ("als-30", "als-100"):
        yield bar(f"{name}: NumPy's time", 1, of(rows, name, "numpy"))


def classes(rows: list[Data]) -> Iterator[Bar]:
    best = [found[1] for row in rows if row["kind"] == "array" and (found := best_peer(row))]
    capped = [math.log(min(CAP, ratio)) for ratio in best]
    mean = math.exp(sum(capped) / len(capped)) if capped else None
    yield bar(f"array programs: geometric mean of {len(best)}, each at most 10", 2, mean)
    bound = {r["row"]: f[1] for r in rows if r["kind"] == "bound" and (f := best_peer(r))}
    yield lowest("bound kernels: each, the best peer's time", 0.95, bound)
    for peer, wanted in (("numba", 0.95), ("cpp", 0.9)):
        loops = {
            r["row"]: ratio for r in rows if r["kind"] == "loops" and (ratio := ratio_to(r, peer))
        }
        yield lowest(f"explicit loops: each, the time of {peer}", wanted, loops)


def lowest(what: str, wanted: float, ratios: dict[str, float]) -> Bar:
    """A bar for each of many; those below it are named."""
    result = bar(what, wanted, min(ratios.values(), default=None))
    below = sorted((ratio, name) for name, ratio in ratios.items() if ratio < wanted)
    if below:
        named = ", ".join(f"{name} {ratio:.2f}" for ratio, name in below)
        result[2] = f"{len(below)} of {len(ratios)} below: {named}"
    return result


def latencies(data: Data) -> Iterator[Bar]:
    ours = [peers[OURS] for peers in data.values() if "first" in peers.get(OURS, {})]
    disk = [p[f"{OURS}, disk"] for p in data.values() if "first" in p.get(f"{OURS}, disk", {})]
    first = max((t["first"] - t["cached"] for t in ours), default=None)
    compiled = max((t["compiled"] for t in ours), default=None)
    filled = max((t["first"] - t["cached"] for t in disk), default=None)
    yield at_most("first call beyond the cached one", 0.030, first, " ms", 1e-3)
    yield at_most("compiled code in use after", 0.120, compiled, " ms", 1e-3)
    yield at_most("first call from the disk cache", 0.015, filled, " ms", 1e-3)


def calls(data: Data) -> Iterator[Bar]:
    floats, arrays = data.get("floats"), data.get("arrays")
    beyond = floats[OURS] - floats["python"] if floats else None
    yield at_most("call on two floats, beyond Python's", 0.25e-6, beyond, " us", 1e-6)
    limit = max(0.6e-6, 2 * arrays["numpy.add"]) if arrays else 0.6e-6
    yield at_most("call on two arrays of 10", limit, arrays and arrays[OURS], " us", 1e-6)


def recording(data: Data) -> Iterator[Bar]:
    """A span's begin and its end are a site each."""
    spans, sites = data.get("spans", {}), data.get("sites", {})
    cost = spans["a span"] - spans["two looks at the clock"] if "a span" in spans else None
    yield at_most("a span in a trace, beyond two looks at the clock", 8e-9, cost, " ns", 1e-9)
    counts = [sites["an event"], sites["a span, begin and end"] / 2] if "an event" in sites else []
    most = max(counts, default=None)
    yield at_most("a site while nothing is recorded", 3, most, " instructions", 1)
    runs = [run for run in data.get("overhead", {}).values() if isinstance(run, dict)]
    upper = [run["upper"] for run in runs if "upper" in run]
    yield at_most("listings, recorded and not, at most", 1.02, max(upper, default=None), " ×", 1)
    share = [run["share"] for run in runs if "share" in run]
    yield at_most("listings: share of spans × cost", 0.01, max(share, default=None), " %", 0.01)
    rate = data.get("archives", {}).get("events a second and core")
    yield bar("import of an OTF2 archive", 4, rate and rate / 1e6, " M events/s and core")


def buffers(rows: list[Data]) -> Bar:
    """Bytes of arrays beyond NumPy's; a megabyte is allowed."""
    what, wanted = "buffers beyond NumPy's, each row", "≤ 1 MB"
    beyond = {}
    for row in rows:
        ours, theirs = (row["peers"].get(p, {}).get("buffers") for p in (OURS, "numpy"))
        if ours is not None and theirs is not None:
            beyond[row["row"]] = (ours - theirs) / 1e6
    if not beyond:
        return [what, wanted, "not measured", "-"]
    above = sorted(((mb, name) for name, mb in beyond.items() if mb > 1), reverse=True)
    named = ", ".join(f"{name} {mb:.1f} MB" for mb, name in above)
    return [what, wanted, named or f"{len(beyond)} rows", "NO" if above else "yes"]


def bits(rows: list[Data]) -> Bar:
    what, wanted = "bits with 1, 2 and 4 workers", "the same"
    digests = {row["row"]: set(row["bits"].values()) for row in rows if row.get("bits")}
    if not digests:
        return [what, wanted, "not measured", "-"]
    other = [name for name, found in digests.items() if len(found) > 1]
    return [what, wanted, ", ".join(other) or f"{len(digests)} rows", "NO" if other else "yes"]
