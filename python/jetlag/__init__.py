"""NumPy functions as asynchronous graphs of native tasks.

>>> import numpy as np
>>> import jetlag as jl
>>> @jl.jit
... def double(x):
...     return x + x
>>> double(np.arange(3.0))
array([0., 2., 4.])
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or "JETLAG_WITHOUT_ENGINE" not in os.environ:
    from jetlag.function import JitFunction, jit
else:
    from jetlag.plain import JitFunction, jit
from jetlag.parallel import prange, threads
from jetlag.reports import NotLowered, OpaqueWarning

if TYPE_CHECKING:
    from jetlag import jobs, policies
    from jetlag.configuration import cache_dir, settings
    from jetlag.counting import Counters, counter, counters
    from jetlag.explanation import Explanation, explain
    from jetlag.futures import Future
    from jetlag.jobs import Job, RemoteError, machines, map, progress, run
    from jetlag.policies import policy
    from jetlag.spaces import Space
    from jetlag.traces import Trace, open_trace
    from jetlag.tracing import span, trace
    from jetlag.trials import Tuned
    from jetlag.tuning import tune, tuned
    from jetlag.viewing import View, view

    __version__: str

__all__ = [
    "Counters",
    "Explanation",
    "Future",
    "JitFunction",
    "Job",
    "NotLowered",
    "OpaqueWarning",
    "RemoteError",
    "Space",
    "Trace",
    "Tuned",
    "View",
    "__version__",
    "cache_dir",
    "counter",
    "counters",
    "explain",
    "jit",
    "jobs",
    "machines",
    "map",
    "open_trace",
    "policies",
    "policy",
    "prange",
    "progress",
    "run",
    "settings",
    "span",
    "threads",
    "trace",
    "tune",
    "tuned",
    "view",
]

# What costs time to import, and where it is found once somebody asks for it.
_LATER = {
    "Counters": "jetlag.counting",
    "Explanation": "jetlag.explanation",
    "Future": "jetlag.futures",
    "Job": "jetlag.jobs",
    "RemoteError": "jetlag.jobs",
    "machines": "jetlag.jobs",
    "map": "jetlag.jobs",
    "progress": "jetlag.jobs",
    "run": "jetlag.jobs",
    "Space": "jetlag.spaces",
    "Tuned": "jetlag.trials",
    "Trace": "jetlag.traces",
    "View": "jetlag.viewing",
    "cache_dir": "jetlag.configuration",
    "counter": "jetlag.counting",
    "counters": "jetlag.counting",
    "explain": "jetlag.explanation",
    "open_trace": "jetlag.traces",
    "policy": "jetlag.policies",
    "settings": "jetlag.configuration",
    "tune": "jetlag.tuning",
    "tuned": "jetlag.tuning",
    "span": "jetlag.tracing",
    "trace": "jetlag.tracing",
    "load_ipython_extension": "jetlag.viewing",
    "view": "jetlag.viewing",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name == "__version__":
        value: Any = _version()
    elif name in ("jobs", "policies"):
        value = import_module(f"jetlag.{name}")
    elif name in _LATER:
        value = getattr(import_module(_LATER[name]), name)
    else:
        raise AttributeError(f"module 'jetlag' has no attribute {name!r}")
    globals()[name] = value
    return value


def _version() -> str:
    """The version of the installed package; a tree that is only on the path does not know it."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("jetlag")
    except PackageNotFoundError:
        return "unknown"


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
