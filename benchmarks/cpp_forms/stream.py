"""Reading an array as often as a program must, and nothing else."""

import ctypes
from typing import Any

from cpp_forms import library

STREAM = library("stream.cpp")
STREAM.read_all.restype = ctypes.c_double


def read_all(x: Any, passes: int, threads: int) -> float:  # noqa: ANN401
    """Read all of a contiguous array of doubles, `passes` times."""
    size, count = ctypes.c_int64(x.size), ctypes.c_int64(passes)
    return STREAM.read_all(ctypes.c_void_p(x.ctypes.data), size, count, ctypes.c_int64(threads))
