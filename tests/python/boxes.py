"""An object for tests that sees all that is done with it."""

from __future__ import annotations

from typing import Any


class Box:
    """An object with attributes, a property, a method and subscripts that tell."""

    def __init__(self, value: int = 0) -> None:
        self.value = value
        self.seen: list[Any] = []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Box) and (self.value, self.seen) == (other.value, other.seen)

    __hash__ = None  # type: ignore[assignment]

    @property
    def twice(self) -> int:
        return 2 * self.value

    def add(self, k: int, scale: int = 1) -> Box:
        self.value += k * scale
        return self

    def note(self, what: Any) -> Any:
        self.seen.append(what)
        return what

    def __getitem__(self, key: Any) -> str:
        return repr(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.seen.append((repr(key), value))
