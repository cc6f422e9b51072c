"""The one assertion about decorated functions: they do what Python and NumPy do."""

from __future__ import annotations

import contextlib
import copy
import inspect
import io
import math
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import jetlag as jl
from jetlag.reports import Reporter

PACKAGE = str(Path(jl.__file__).parent)


@dataclass
class Outcome:
    """All that a call did which its caller can see."""

    value: Any = None
    error: str = ""
    line: int = 0
    printed: str = ""
    warned: list[tuple[str, str, int]] = field(default_factory=list)
    opaque: list[str] = field(default_factory=list)
    arguments: tuple[Any, ...] = ()


def same_as_numpy(
    function: Callable[..., Any],
    *args: Any,
    workers: int | None = None,
    opaque: bool = False,
    rtol: float = 0.0,
) -> Any:
    """Run a function plain and decorated, on copies of its arguments, and compare.

    Value, type, dtype, layout, aliasing, the arguments afterwards, prints, warnings and
    exceptions with their lines must agree. Fails if a step ran in Python, unless `opaque`
    says that one must.
    """
    if workers is not None:
        jl.threads(workers)
    plain = observe(function, args)
    Reporter.forget()
    jitted = observe(jl.jit(function), args)

    assert (jitted.error, jitted.line) == (plain.error, plain.line)
    compare(jitted.value, plain.value, rtol)
    compare(jitted.arguments, plain.arguments, rtol)
    assert aliases(jitted) == aliases(plain)
    assert jitted.printed == plain.printed
    assert jitted.warned == plain.warned
    assert bool(jitted.opaque) == opaque, jitted.opaque
    return jitted.value


def observe(function: Callable[..., Any], args: tuple[Any, ...]) -> Outcome:
    """Call a function on copies of the arguments, and note what is seen from outside."""
    outcome = Outcome(arguments=Copier().copy(args))
    printed = io.StringIO()
    with warnings.catch_warnings(record=True) as seen, contextlib.redirect_stdout(printed):
        warnings.simplefilter("always")
        try:
            outcome.value = function(*outcome.arguments)
        except BaseException as error:
            outcome.error = f"{type(error).__name__}: {error}"
            outcome.line = line_of(error)
    outcome.printed = printed.getvalue()
    if inspect.iscoroutine(outcome.value):
        outcome.value.close()
    for warning in seen:
        if issubclass(warning.category, jl.OpaqueWarning):
            outcome.opaque.append(str(warning.message))
        else:
            name = warning.category.__name__
            outcome.warned.append((name, str(warning.message), warning.lineno))
    return outcome


def line_of(error: BaseException) -> int:
    """The line of the innermost frame in a test file; 0 if the call itself was wrong."""
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(PACKAGE)
    ]
    ours = [f for f in frames[1:] if "/tests/" in f.filename]
    return (ours[-1].lineno or 0) if ours else 0


class Copier:
    """Copies values with their layout; views of one array stay views of one array."""

    def __init__(self) -> None:
        self._roots: dict[int, np.ndarray] = {}

    def copy(self, value: Any) -> Any:
        if isinstance(value, np.ndarray) and type(value) is np.ndarray:
            return self._array(value)
        if type(value) in (list, tuple):
            return type(value)(self.copy(item) for item in value)
        if type(value) is dict:
            return {key: self.copy(item) for key, item in value.items()}
        return copy.deepcopy(value)

    def _array(self, array: np.ndarray) -> np.ndarray:
        root = array
        while isinstance(root.base, np.ndarray):
            root = root.base
        copied = self._roots.setdefault(id(root), root.copy(order="K"))
        if root is array:
            return copied
        offset = array.__array_interface__["data"][0] - root.__array_interface__["data"][0]
        view = np.ndarray(
            array.shape, array.dtype, copied.reshape(-1, order="A").data, offset, array.strides
        )
        view.flags.writeable = array.flags.writeable
        return view


def compare(found: Any, expected: Any, rtol: float) -> None:
    """Assert that two values are the same in all that Python shows of them."""
    assert type(found) is type(expected)
    if isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        assert found.shape == expected.shape
        assert found.flags.c_contiguous == expected.flags.c_contiguous
        assert found.flags.f_contiguous == expected.flags.f_contiguous
        assert found.flags.writeable == expected.flags.writeable
        same_numbers(found, expected, rtol)
    elif isinstance(expected, np.generic):
        same_numbers(np.asarray(found), np.asarray(expected), rtol)
    elif isinstance(expected, tuple | list):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            compare(a, b, rtol)
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            compare(found[key], expected[key], rtol)
    elif isinstance(expected, float):
        both_nan = math.isnan(found) and math.isnan(expected)
        assert both_nan or math.isclose(found, expected, rel_tol=rtol)
    elif isinstance(expected, bool | int | str | complex | bytes | type(None)):
        assert found == expected


def same_numbers(found: np.ndarray, expected: np.ndarray, rtol: float) -> None:
    if rtol:
        np.testing.assert_allclose(found, expected, rtol=rtol)
    else:
        np.testing.assert_array_equal(found, expected)
        if expected.dtype.kind in "fc":
            np.testing.assert_array_equal(np.signbit(found.real), np.signbit(expected.real))


def aliases(outcome: Outcome) -> list[tuple[str, int, str]]:
    """Which arguments the results are, or share memory with."""
    found = []
    for name, value in leaves(outcome.value, "result"):
        for position, argument in enumerate(outcome.arguments):
            if value is argument and isinstance(value, np.ndarray | list | dict):
                found.append((name, position, "is"))
            elif are_arrays(value, argument) and np.shares_memory(value, argument):
                found.append((name, position, "shares"))
    return found


def are_arrays(*values: Any) -> bool:
    return all(isinstance(value, np.ndarray) for value in values)


def leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    yield name, value
    if isinstance(value, tuple | list):
        for position, item in enumerate(value):
            yield from leaves(item, f"{name}[{position}]")


@dataclass
class Case:
    """A function of the tables, with arguments to call it with."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    opaque: bool


class Table:
    """Collects the functions of a file of cases."""

    def __init__(self) -> None:
        self.cases: list[Case] = []

    def native(self, *args: Any) -> Callable[[Any], Any]:
        """A function that must not need Python."""
        return self._note(args, opaque=False)

    def opaque(self, *args: Any) -> Callable[[Any], Any]:
        """A function of which some part must be seen to stay in Python."""
        return self._note(args, opaque=True)

    def _note(self, args: tuple[Any, ...], *, opaque: bool) -> Callable[[Any], Any]:
        def note(function: Any) -> Any:
            self.cases.append(Case(function, args, opaque))
            return function

        return note
