"""What the tests of the tuner have in common: a space, and a function whose cost is known."""

from typing import Any

from jetlag.spaces import integer

TILES = {"tile": integer(1, 64, factor=2)}


def value(result: Any, seconds: float) -> float:
    """The result is the cost."""
    return result


def costs_of(tile: int) -> float:
    return 1.0 + abs(tile - 32)


class Calls:
    """Counts the calls of `costs_of` by their tiles."""

    def __init__(self) -> None:
        self.tiles: list[int] = []

    def __call__(self, tile: int) -> float:
        self.tiles.append(tile)
        return costs_of(tile)
