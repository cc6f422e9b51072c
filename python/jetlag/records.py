"""Small classes of named values, which cost nothing to define.

A dataclass writes and compiles its methods when its module is imported. Lowering would spend half
of its first call on that.
"""

from __future__ import annotations

from typing import Any, dataclass_transform


@dataclass_transform(eq_default=False, frozen_default=True)
class Record:
    """Values named by the annotations of the class, given in their order or by name.

    >>> class Place(Record):
    ...     line: int
    ...     column: int = 1
    >>> Place(3).column, Place(column=4, line=3).line
    (1, 3)
    """

    _names: tuple[str, ...] = ()

    def __init_subclass__(cls) -> None:
        own = vars(cls).get("__annotations__", {})
        cls._names = (*cls._names, *own)

    def __init__(self, *values: Any, **named: Any) -> None:  # noqa: ANN401
        names = self._names
        if len(values) > len(names):
            raise TypeError(f"{type(self).__name__} takes {len(names)} values, not {len(values)}")
        given = dict(zip(names, values, strict=False)) | named
        for name in names:
            if name not in given and not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} lacks {name}")
        self.__dict__.update(given)
