"""The values of variables at one time; views of one array stay views of one array."""

from __future__ import annotations

from typing import Any

import numpy as np

from .levels import NAMES


class Snapshot:
    """Copies of all variables, made when it is made."""

    def __init__(self, names: dict[str, Any]) -> None:
        self._roots: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._arrays: dict[int, np.ndarray] = {}
        self.values = {name: self._copy(v) for name, v in names.items() if NAMES.match(name)}

    def restore(self, names: dict[str, Any]) -> None:
        """Put the variables back; the snapshot can be restored again."""
        for name in [name for name in names if NAMES.match(name)]:
            del names[name]
        names.update(Snapshot(self.values).values)

    def _copy(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            if id(value) not in self._arrays:
                self._arrays[id(value)] = self._array(value)
            return self._arrays[id(value)]
        if isinstance(value, list | tuple):
            return type(value)(self._copy(item) for item in value)
        return value

    def _array(self, array: np.ndarray) -> np.ndarray:
        root = array
        while isinstance(root.base, np.ndarray):
            root = root.base
        if id(root) not in self._roots:
            # The root is kept: its address must not be used again.
            self._roots[id(root)] = (root, root.copy(order="K"))
        copied = self._roots[id(root)][1]
        if root.size == 0 or array.size == 0:
            view = array.copy()
        elif copied.strides != root.strides:  # memory that no array owns
            view = array.copy(order="K")
        else:
            offset = array.__array_interface__["data"][0] - root.__array_interface__["data"][0]
            flat = np.lib.stride_tricks.as_strided(copied, (copied.size,), (root.itemsize,))
            if array.itemsize != root.itemsize:
                flat = flat.view(np.uint8)
            view = np.ndarray(array.shape, array.dtype, flat, offset, array.strides)
        view.flags.writeable = array.flags.writeable
        return view
