"""What is computed from a row of the JSON: ratios, the best peer; and how figures are printed."""

from typing import Any

OURS = "jetlag"
# Peers that answer another question: reads alone, another program.
NOT_RIVALS = ("stream", "nonzeros")


def duration(seconds: float) -> str:
    """
    >>> duration(0.00123), duration(2.5), duration(0.0)
    ('1.23 ms', '2.5 s', '0 s')
    """
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds:.3g} s"


def ratio_to(row: dict[str, Any], peer: str) -> float | None:
    """A peer's time beside jetlag's: above 1 jetlag is faster."""
    theirs, ours = (row["peers"].get(name, {}).get("median") for name in (peer, OURS))
    return theirs / ours if theirs and ours else None


def rivals(row: dict[str, Any]) -> dict[str, float]:
    """Every peer that gave the right result, with its ratio."""
    ratios = {
        peer: ratio_to(row, peer)
        for peer, ran in row["peers"].items()
        if peer != OURS and peer not in NOT_RIVALS and ran["status"] == "ok"
    }
    return {peer: ratio for peer, ratio in ratios.items() if ratio is not None}


def best_peer(row: dict[str, Any]) -> tuple[str, float] | None:
    """The fastest rival and its ratio."""
    found = rivals(row)
    return min(found.items(), key=lambda item: item[1]) if found else None


def headline(data: dict[str, Any]) -> str:
    machine = data["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in data["versions"].items())
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory'] / 1e9:.0f} GB, "
        f"{machine['system']}; {machine['date']}, commit {machine['commit']}, "
        f"load {machine['load']:.1f}; {data['options']['runs']} runs, "
        f"{data['options']['threads']} threads; Python {machine['python']}, "
        f"{machine['compiler']}; {versions}"
    )
