"""Who runs a row: NumPy, jetlag, and the others. A peer is one entry in PEERS.

Libraries are imported inside the functions: only the process of a peer loads what the peer needs.
"""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from types import ModuleType
from typing import Any

import numpy as np

from programs.row import Arguments, Program, Row


@dataclass(frozen=True)
class Peer:
    """A way to run the program of a row; how it differs from NumPy's."""

    name: str
    needs: tuple[str, ...]  # modules without which the peer is absent
    packages: tuple[str, ...]  # whose versions are told
    prepare: Callable[[Row, Arguments, int], Program]
    environment: Callable[[int], dict[str, str]] = lambda threads: {}  # read as libraries load
    taken: Callable[[Arguments], Arguments] = lambda arguments: arguments  # before the clock runs
    finished: Callable[[Any], Any] = lambda result: result  # before the clock stops
    answers: bool = True  # gives the result of the program, to be compared

    def present(self) -> bool:
        return all(importlib.util.find_spec(name) for name in self.needs)

    def versions(self) -> dict[str, str]:
        return {name: version(name) for name in self.packages}


def form(row: Row, where: str) -> Program | None:
    """What a peer has for a program, if anything."""
    name = f"{where}.{row.family}"
    if importlib.util.find_spec(name) is None:
        return None
    module: ModuleType = importlib.import_module(name)
    return getattr(module, row.program.__name__, None)


def own_form(row: Row, where: str) -> Program:
    found = form(row, where)
    if found is None:
        raise LookupError(f"{where}/{row.family}.py has no {row.program.__name__}")
    return found


def as_it_is(row: Row, arguments: Arguments, threads: int) -> Program:
    return row.program


def over_nonzeros(row: Row, arguments: Arguments, threads: int) -> Program:
    from programs.recommender import over_nonzeros

    return over_nonzeros


def decorated(row: Row, arguments: Arguments, threads: int) -> Program:
    import jetlag as jl

    jl.threads(threads)
    return jl.jit(row.program, strict=True)


def by_numba(row: Row, arguments: Arguments, threads: int) -> Program:
    import numba

    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    found = form(row, "numba_forms")
    if found is not None:
        return found
    # A loop that has no parallel form gains nothing from the option, and Numba warns about it.
    return numba.njit(parallel=row.kind != "loops", cache=True)(row.program)


def by_jax(row: Row, arguments: Arguments, threads: int) -> Program:
    return own_form(row, "jax_forms")


def jax_arrays(arguments: Arguments) -> Arguments:
    import jax.numpy as jnp

    return tuple(jnp.array(a) if isinstance(a, np.ndarray) else a for a in arguments)


def jax_ready(result: Any) -> Any:  # noqa: ANN401
    import jax

    return jax.block_until_ready(result)


def by_pythran(row: Row, arguments: Arguments, threads: int) -> Program:
    import pythran_forms

    return pythran_forms.compiled(row.program, arguments)


def by_cpp(row: Row, arguments: Arguments, threads: int) -> Program:
    return own_form(row, "cpp_forms")


def only_read(row: Row, arguments: Arguments, threads: int) -> Program:
    """The reads that a row cannot do without; see cpp_forms/stream.cpp."""
    from cpp_forms.stream import read_all

    assert row.streamed is not None
    passes = round(row.streamed(*arguments) / arguments[0].nbytes)
    return lambda x, *rest: read_all(x, passes, threads)


def blas_threads(threads: int) -> dict[str, str]:
    return {"OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}


def numba_threads(threads: int) -> dict[str, str]:
    return blas_threads(threads) | {"NUMBA_CACHE_DIR": "build/bench/numba"}


def jax_threads(threads: int) -> dict[str, str]:
    one = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    return {"JAX_PLATFORMS": "cpu", **({"XLA_FLAGS": one} if threads == 1 else {})}


PEERS = {
    peer.name: peer
    for peer in (
        Peer("numpy", (), ("numpy",), as_it_is, blas_threads),
        Peer("jetlag", ("jetlag",), ("jetlag",), decorated),
        Peer("numba", ("numba", "scipy"), ("numba",), by_numba, numba_threads),
        Peer("jax", ("jax",), ("jax",), by_jax, jax_threads, jax_arrays, jax_ready),
        Peer("pythran", ("pythran",), ("pythran",), by_pythran),
        Peer("cpp", (), (), by_cpp),
        Peer("nonzeros", (), (), over_nonzeros, blas_threads),
        Peer("stream", (), (), only_read, answers=False),
    )
}
