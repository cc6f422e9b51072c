"""Values as files: typed, hashed, and nothing in them can run.

A file is a mark, the bytes of the arrays one after another, a tree in JSON that says what they are,
and the length of that tree with its digest. Whoever reads one makes plain values of it: no class of
the file's choosing is ever imported. Only where both sides ask for it, `pickle=True`, may parts be
pickled: those can run anything, so read them only from where you would run a program.
"""

from __future__ import annotations

import base64
import datetime
import errno
import hashlib
import io
import json
import math
import os
import pickle as pickling
import struct
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any, BinaryIO

import numpy as np

from jetlag.jobs.digest import Digest

_MARK = b"jetlag values 1\n"
_END = struct.Struct("<Q32s8s")
_END_MARK = b"jlvalues"
_ALIGNMENT = 64
_PIECE = 8 << 20
_DEEPEST = 150

_PLAIN = (bool, int, str, type(None))


class CannotSend(TypeError):
    """A value that no file of values can hold, with the part of it that is to blame."""


class DamagedFile(ValueError):
    """A file of values that is not what was written."""


# ---- writing


class _Hashing:
    """Writes a file and computes its digest at the same time."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = Digest()
        self.size = 0

    def write(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        if view.nbytes == 0:
            return
        view = view.cast("B")
        self._reserve(view.nbytes)
        self.size += view.nbytes
        for at in range(0, view.nbytes, _PIECE):
            part = view[at : at + _PIECE]
            self._digest.update(part)
            self._file.write(part)
        # The array is its owner's again.
        self._digest.settle()

    def _reserve(self, more: int) -> None:
        """Room that is taken beforehand is written twice as fast, and a full disk tells at once."""
        if more < _PIECE:
            return
        self._file.flush()
        try:
            os.posix_fallocate(self._file.fileno(), self.size, more)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise

    def align(self) -> None:
        self.write(bytes(-self.size % _ALIGNMENT))

    def finish(self) -> str:
        return self._digest.hexdigest()


class _Writer:
    def __init__(
        self,
        out: _Hashing,
        pickle: bool,
        refer: Callable[[Any, str], dict[str, Any] | None] | None,
    ) -> None:
        self._out = out
        self._pickle = pickle
        self._refer = refer
        self._arrays: list[dict[str, Any]] = []
        self._known: dict[int, int] = {}
        self._kept: list[Any] = []  # so that no id is used twice
        self.pickled: list[str] = []

    def tree(self, value: Any, where: str, depth: int = 0) -> Any:  # noqa: ANN401
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is float:
            return value if math.isfinite(value) else {"t": "float", "v": repr(value)}
        if depth > _DEEPEST:
            raise CannotSend(f"{where} contains itself, or lies too deep")
        maker = _MAKERS.get(kind)
        if maker is not None:
            return maker(self, value, where, depth + 1)
        if self._refer is not None:
            reference = self._refer(value, where)
            if reference is not None:
                return reference
        if isinstance(value, np.generic):
            return {"t": "scalar", "v": self._array(np.asarray(value), where)}
        if isinstance(value, np.dtype):
            return {"t": "dtype", "v": _dtype_text(value, where)}
        if isinstance(value, PurePath):
            return {"t": "path", "v": str(value)}
        if _is_table(value):
            return self._table(value, where, depth + 1)
        return self._other(value, where)

    def _other(self, value: Any, where: str) -> Any:  # noqa: ANN401
        name = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
        if not self._pickle:
            raise CannotSend(
                f"{where} is of type {name}, which cannot be sent as data; send what it is made "
                "of, or say pickle=True if you trust both sides with each other's code"
            )
        try:
            data = pickling.dumps(value, protocol=5)
        except Exception as error:
            raise CannotSend(f"{where} cannot even be pickled: {error}") from error
        self.pickled.append(f"{where}: {name}")
        return {"t": "pickle", "v": base64.b64encode(data).decode()}

    def _array(self, array: np.ndarray[Any, Any], where: str) -> int:
        if id(array) in self._known:
            return self._known[id(array)]
        if array.dtype.hasobject:
            raise CannotSend(f"{where} is an array of Python objects; send a list of them")
        order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
        data = array if order == "F" else np.ascontiguousarray(array)
        self._out.align()
        begin = self._out.size
        flat = (data.T if order == "F" else data).reshape(-1)
        if flat.nbytes:
            self._out.write(memoryview(flat.view(np.uint8)))
        self._arrays.append(
            {
                "dtype": _dtype_text(array.dtype, where),
                "shape": list(array.shape),
                "order": order,
                "at": begin,
                "bytes": int(array.nbytes),
            }
        )
        self._known[id(array)] = len(self._arrays) - 1
        self._kept.append(array)
        return len(self._arrays) - 1

    def _table(self, table: Any, where: str, depth: int) -> Any:  # noqa: ANN401
        columns = [
            [self.tree(name, where), self.tree(_column(table[name]), f"{where}[{name!r}]", depth)]
            for name in table.columns
        ]
        return {"t": "table", "v": columns, "index": self.tree(_column(table.index), where, depth)}

    def finish(self, tree: Any) -> None:  # noqa: ANN401
        header = json.dumps({"tree": tree, "arrays": self._arrays}, allow_nan=False).encode()
        self._out.align()
        self._out.write(header)
        self._out.write(_END.pack(len(header), hashlib.sha256(header).digest(), _END_MARK))


def _column(values: Any) -> Any:  # noqa: ANN401
    array = values.to_numpy()
    return list(array) if array.dtype.hasobject else array


def _is_table(value: Any) -> bool:  # noqa: ANN401
    kind = type(value)
    return kind.__name__ == "DataFrame" and kind.__module__.partition(".")[0] == "pandas"


def _dtype_text(dtype: np.dtype[Any], where: str) -> Any:  # noqa: ANN401
    if dtype.metadata is not None or dtype.hasobject:
        raise CannotSend(f"{where} has the dtype {dtype}, which cannot be sent as data")
    text = np.lib.format.dtype_to_descr(dtype)
    return text if isinstance(text, str) else _lists(text)


def _lists(value: Any) -> Any:  # noqa: ANN401
    return [_lists(item) for item in value] if isinstance(value, list | tuple) else value


def _pairs(writer: _Writer, value: dict[Any, Any], where: str, depth: int) -> Any:  # noqa: ANN401
    pairs = []
    for key, item in value.items():
        tree = writer.tree(key, f"a key of {where}", depth)
        pairs.append([tree, writer.tree(item, f"{where}[{key!r}]", depth)])
    return {"t": "dict", "v": pairs}


def _items(kind: str | None) -> Callable[..., Any]:
    def make(writer: _Writer, value: Any, where: str, depth: int) -> Any:  # noqa: ANN401
        items = [writer.tree(item, f"{where}[{i}]", depth) for i, item in enumerate(value)]
        return items if kind is None else {"t": kind, "v": items}

    return make


def _text(kind: str, text: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda writer, value, where, depth: {"t": kind, "v": text(value)}


def _complex(writer: _Writer, value: complex, where: str, depth: int) -> Any:  # noqa: ANN401
    return {"t": "complex", "v": [repr(value.real), repr(value.imag)]}


def _slice(writer: _Writer, value: slice, where: str, depth: int) -> Any:  # noqa: ANN401
    parts = (value.start, value.stop, value.step)
    return {"t": "slice", "v": [writer.tree(part, where, depth) for part in parts]}


_MAKERS: dict[type, Callable[..., Any]] = {
    list: _items(None),
    tuple: _items("tuple"),
    set: _items("set"),
    frozenset: _items("frozenset"),
    dict: _pairs,
    bytes: _text("bytes", lambda v: base64.b64encode(v).decode()),
    bytearray: _text("bytearray", lambda v: base64.b64encode(v).decode()),
    complex: _complex,
    slice: _slice,
    range: _text("range", lambda v: [v.start, v.stop, v.step]),
    type(...): _text("ellipsis", lambda v: 0),
    datetime.datetime: _text("datetime", datetime.datetime.isoformat),
    datetime.date: _text("date", datetime.date.isoformat),
    datetime.timedelta: _text("timedelta", lambda v: [v.days, v.seconds, v.microseconds]),
    np.ndarray: lambda writer, value, where, depth: {
        "t": "array",
        "v": writer._array(value, where),
    },
}


def write(
    value: Any,  # noqa: ANN401
    path: str | os.PathLike[str],
    *,
    name: str = "the value",
    pickle: bool = False,
    refer: Callable[[Any, str], dict[str, Any] | None] | None = None,
) -> tuple[str, list[str]]:
    """Write a value to a file; gives its digest, and which parts were pickled.

    `name` is what messages call the value. `refer` may put a reference in the place of what is
    no data; `read` is given what it stands for.

    Raises CannotSend, with the part that is to blame; OSError if the file cannot be written.
    """
    return write_tree(lambda tree: tree(value, name), path, pickle=pickle, refer=refer)


def write_tree(
    make: Callable[[Callable[[Any, str], Any]], Any],
    path: str | os.PathLike[str],
    *,
    pickle: bool = False,
    refer: Callable[[Any, str], dict[str, Any] | None] | None = None,
) -> tuple[str, list[str]]:
    """The same, where the parts are found while others are written.

    `make` gets the function that turns a value into its tree, and gives the tree of the whole.
    """
    with open(path, "wb", buffering=0) as file:
        buffered = io.BufferedWriter(file, 1 << 16)
        out = _Hashing(buffered)
        out.write(_MARK)
        writer = _Writer(out, pickle, refer)
        writer.finish(make(writer.tree))
        buffered.flush()
        return out.finish(), writer.pickled


# ---- reading


class _Reader:
    def __init__(
        self,
        file: BinaryIO,
        header: dict[str, Any],
        pickle: bool,
        resolve: Callable[[dict[str, Any]], Any] | None,
    ) -> None:
        self._file = file
        self._rows = header["arrays"]
        self._arrays: dict[int, np.ndarray[Any, Any]] = {}
        self._pickle = pickle
        self._resolve = resolve

    def value(self, tree: Any) -> Any:  # noqa: ANN401
        if isinstance(tree, list):
            return [self.value(item) for item in tree]
        if not isinstance(tree, dict):
            return tree
        kind = tree.get("t")
        maker = _READERS.get(kind) if isinstance(kind, str) else None
        if maker is not None:
            return maker(self, tree["v"])
        if kind == "table":
            return self._table(tree)
        if kind == "pickle":
            if not self._pickle:
                raise DamagedFile(
                    "the file holds pickled parts, which can run anything: say pickle=True to "
                    "read them"
                )
            return pickling.loads(base64.b64decode(tree["v"]))
        if self._resolve is not None:
            return self._resolve(tree)
        raise DamagedFile(f"the file holds a value of the unknown kind {kind!r}")

    def array(self, index: int) -> np.ndarray[Any, Any]:
        if index not in self._arrays:
            row = self._rows[index]
            dtype = np.lib.format.descr_to_dtype(_tuples(row["dtype"]))
            if dtype.hasobject:
                raise DamagedFile("the file holds an array of Python objects")
            shape = tuple(row["shape"])
            if dtype.itemsize * math.prod(shape) != row["bytes"]:
                raise DamagedFile("an array of the file is not as long as its shape says")
            array: np.ndarray[Any, Any] = np.empty(shape, dtype, order=row["order"])
            self._file.seek(row["at"])
            flat = (array.T if row["order"] == "F" else array).reshape(-1)
            if flat.nbytes:
                view = memoryview(flat.view(np.uint8))
                while view.nbytes:
                    n = self._file.readinto(view)  # type: ignore[attr-defined]
                    if not n:
                        raise DamagedFile("the file is cut off")
                    view = view[n:]
            self._arrays[index] = array
        return self._arrays[index]

    def _table(self, tree: dict[str, Any]) -> Any:  # noqa: ANN401
        import pandas  # type: ignore[import-not-found, import-untyped, unused-ignore]

        index = self.value(tree["index"])
        data = {self.value(name): self.value(column) for name, column in tree["v"]}
        return pandas.DataFrame(data, index=index)


def _tuples(descr: Any) -> Any:  # noqa: ANN401
    """The form that NumPy wants: a field is a tuple, and so is a shape in one."""
    if isinstance(descr, str):
        return descr
    if descr and isinstance(descr[0], list):
        return [_field(field) for field in descr]
    return (_tuples(descr[0]), tuple(descr[1]))


def _field(field: list[Any]) -> tuple[Any, ...]:
    name = tuple(field[0]) if isinstance(field[0], list) else field[0]
    rest = [tuple(field[2])] if len(field) > 2 else []
    return (name, _tuples(field[1]), *rest)


_READERS: dict[str, Callable[[_Reader, Any], Any]] = {
    "float": lambda r, v: float(v),
    "complex": lambda r, v: complex(float(v[0]), float(v[1])),
    "tuple": lambda r, v: tuple(r.value(item) for item in v),
    "set": lambda r, v: {r.value(item) for item in v},
    "frozenset": lambda r, v: frozenset(r.value(item) for item in v),
    "dict": lambda r, v: {r.value(key): r.value(item) for key, item in v},
    "bytes": lambda r, v: base64.b64decode(v),
    "bytearray": lambda r, v: bytearray(base64.b64decode(v)),
    "slice": lambda r, v: slice(*(r.value(part) for part in v)),
    "range": lambda r, v: range(*v),
    "ellipsis": lambda r, v: ...,
    "datetime": lambda r, v: datetime.datetime.fromisoformat(v),
    "date": lambda r, v: datetime.date.fromisoformat(v),
    "timedelta": lambda r, v: datetime.timedelta(*v),
    "path": lambda r, v: Path(v),
    "array": lambda r, v: r.array(v),
    "scalar": lambda r, v: r.array(v)[()],
    "dtype": lambda r, v: np.lib.format.descr_to_dtype(_tuples(v)),
}


def read(
    path: str | os.PathLike[str],
    *,
    pickle: bool = False,
    resolve: Callable[[dict[str, Any]], Any] | None = None,
) -> Any:  # noqa: ANN401
    """The value that a file holds.

    Raises DamagedFile if it is not what `write` made, or holds pickled parts unasked.
    """
    with open(path, "rb", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size < len(_MARK) + _END.size:
            raise DamagedFile(f"{os.fspath(path)} is cut off")
        file.seek(0)
        if file.read(len(_MARK)) != _MARK:
            raise DamagedFile(f"{os.fspath(path)} is no file of values")
        file.seek(size - _END.size)
        length, digest, mark = _END.unpack(file.read(_END.size))
        if mark != _END_MARK or length > size:
            raise DamagedFile(f"{os.fspath(path)} is cut off")
        file.seek(size - _END.size - length)
        text = file.read(length)
        if hashlib.sha256(text).digest() != digest:
            raise DamagedFile(f"{os.fspath(path)} is damaged")
        header = json.loads(text)
        return _Reader(file, header, pickle, resolve).value(header["tree"])
