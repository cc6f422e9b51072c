"""The programs of examples/, which the benchmarks run as they stand."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

EXAMPLES = str(Path(__file__).parents[2] / "examples")


def example(name: str) -> ModuleType:
    """A module of examples/."""
    if EXAMPLES not in sys.path:
        sys.path.insert(0, EXAMPLES)
    return importlib.import_module(name)
