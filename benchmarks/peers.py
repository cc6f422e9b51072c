"""Who is measured: each peer is one entry that says how it is told its threads and given a program.

A later peer (numba, jax …) is one more entry in PEERS. Imports stand inside the functions: only the
process of a peer imports what the peer needs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Program = Callable[..., Any]


@dataclass(frozen=True)
class Peer:
    """A way to run a NumPy function."""

    name: str
    versions: Callable[[], dict[str, str]]
    prepare: Callable[[Program, int], Program]
    environment: Callable[[int], dict[str, str]]  # read by libraries when they are loaded
    module: str  # what is imported to use it


def as_it_is(program: Program, threads: int) -> Program:
    return program


def decorated(program: Program, threads: int) -> Program:
    import jetlag as jl

    jl.threads(threads)
    return jl.jit(program, strict=True)


def numpy_versions() -> dict[str, str]:
    import numpy as np

    config: dict[str, Any] = np.show_config(mode="dicts")
    blas = config["Build Dependencies"]["blas"]
    return {"numpy": np.__version__, "blas": f"{blas['name']} {blas['version']}"}


def jetlag_versions() -> dict[str, str]:
    import jetlag as jl

    return {"jetlag": jl.__version__, **numpy_versions()}


def blas_threads(threads: int) -> dict[str, str]:
    return {"OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}


PEERS = {
    peer.name: peer
    for peer in (
        Peer("numpy", numpy_versions, as_it_is, blas_threads, "numpy"),
        Peer("jetlag", jetlag_versions, decorated, lambda threads: {}, "jetlag"),
    )
}
