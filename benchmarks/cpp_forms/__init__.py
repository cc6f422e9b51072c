"""Programs in C++, built once for this machine into build/bench and called through ctypes."""

import ctypes
import hashlib
import os
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
BUILT = HERE.parents[1] / "build/bench/cpp"
FLAGS = ("-std=c++20", "-O3", "-march=native", "-shared", "-fPIC", "-pthread")


def library(source: str) -> ctypes.CDLL:
    """The shared library of a source here; built if this text was never built before."""
    path = HERE / source
    text = path.read_bytes() + " ".join(FLAGS).encode()
    built = BUILT / f"{path.stem}-{hashlib.sha256(text).hexdigest()[:12]}.so"
    if not built.exists():
        BUILT.mkdir(parents=True, exist_ok=True)
        unfinished = built.with_suffix(f".{os.getpid()}")
        subprocess.run(["g++", *FLAGS, str(path), "-o", str(unfinished)], check=True)
        unfinished.rename(built)
    return ctypes.CDLL(str(built))
