"""Draws arguments for any row of the table of primitives, and compares with its NumPy twin.

A row needs no test of its own: what to draw follows from the names of its parameters.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from jetlag import _core

DTYPES = [
    np.dtype(name)
    for name in (
        "bool int8 uint8 int16 uint16 int32 uint32 int64 uint64 "
        "float32 float64 complex64 complex128"
    ).split()
]
SIZES = st.sampled_from([0, 1, 2, 3, 5, 8])
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e-3, 7.25, np.inf, -np.inf, np.nan]


def numpy_function(dotted: str) -> Callable[..., Any]:
    """Find "numpy.linalg.inv"."""
    module, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(module), name)


def native(row: dict[str, Any], count: int, keywords: tuple[str, ...]) -> _core.Program:
    """Make a program of one call of the primitive, with that many arguments."""
    names = [f"p{i}" for i in range(count)]
    given = [_core.name(n) for n in names[: count - len(keywords)]]
    for keyword, name in zip(keywords, names[count - len(keywords) :], strict=True):
        given.append(_core.call("__arg", [_core.name(keyword), _core.name(name)]))
    body = _core.call("return", [_core.call(row["name"], given)])
    params = [_core.name(n) for n in names]
    node = _core.call("define", [_core.name("f"), *params, body], attribute="python")
    return _core.Program([(node, "table", "f", tuple(names), [], None)], [], strict=True)


@st.composite
def arrays(
    draw: st.DrawFn, shape: tuple[int, ...], dtypes: list[np.dtype] | None = None
) -> np.ndarray:
    """An array of any dtype and layout: C, Fortran, strided, reversed or read-only."""
    dtype = draw(st.sampled_from(dtypes or DTYPES))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    layout = draw(st.sampled_from(["C", "F", "stepped", "reversed"]))
    whole = tuple(2 * n for n in shape) if layout == "stepped" else shape
    if dtype.kind == "b":
        a = rng.integers(0, 2, whole).astype(bool)
    elif dtype.kind in "iu":
        low = 0 if dtype.kind == "u" else -20
        a = rng.integers(low, 20, whole).astype(dtype)
    else:
        a = rng.integers(-6, 7, whole).astype(dtype)
        if draw(st.booleans()):
            a = (a + rng.random(whole)).astype(dtype)
        if draw(st.integers(0, 4)) == 0 and a.size:
            a.flat[rng.integers(0, a.size, 3)] = rng.choice(SPECIAL, 3)
    if layout == "F":
        return np.asfortranarray(a)
    if layout == "stepped":
        return a[tuple(slice(None, None, 2) for _ in shape)]
    if layout == "reversed":
        return a[tuple(slice(None, None, -1) for _ in shape)]
    return a


@st.composite
def shapes(draw: st.DrawFn, least: int = 0, most: int = 3) -> tuple[int, ...]:
    """A shape; empty axes included."""
    return tuple(draw(st.lists(SIZES, min_size=least, max_size=most)))


@st.composite
def elementwise(draw: st.DrawFn, arity: int) -> tuple[list[Any], dict[str, Any]]:
    """Operands that broadcast; some are Python's or NumPy's scalars."""
    shape = draw(shapes())
    operands: list[Any] = []
    for _ in range(arity):
        kind = draw(st.sampled_from(["array", "array", "array", "python", "numpy"]))
        if kind == "python":
            operands.append(draw(st.sampled_from([0, 1, 2, -3, 0.5, -2.0, True, 1 + 2j])))
        elif kind == "numpy":
            operands.append(draw(arrays(()))[()])
        else:
            own = tuple(1 if draw(st.integers(0, 3)) == 0 else n for n in shape)
            operands.append(draw(arrays(own[draw(st.integers(0, len(own))) :])))
    return operands, {}


@st.composite
def reduction(draw: st.DrawFn, params: list[str]) -> tuple[list[Any], dict[str, Any]]:
    """An array with an axis (or axes) and keepdims, where the row has them."""
    shape = draw(shapes(most=4))
    keywords: dict[str, Any] = {}
    if "axis" in params and shape and draw(st.booleans()):
        keywords["axis"] = draw(st.integers(-len(shape), len(shape) - 1))
        if draw(st.integers(0, 3)) == 0 and "keepdims" in params:
            keywords["axis"] = tuple(draw(st.sets(st.integers(0, len(shape) - 1))))
    if "keepdims" in params and draw(st.booleans()):
        keywords["keepdims"] = draw(st.booleans())
    return [draw(arrays(shape))], keywords


@st.composite
def product(draw: st.DrawFn) -> tuple[list[Any], dict[str, Any]]:
    """Two operands of dot or matmul: most fit, some do not."""
    m, k, n = draw(SIZES), draw(SIZES), draw(SIZES)
    left = draw(st.sampled_from([(k,), (m, k), (2, m, k)]))
    right = draw(st.sampled_from([(k,), (k, n), (n, k), (2, k, n)]))
    return [draw(arrays(left)), draw(arrays(right))], {}


@st.composite
def square(draw: st.DrawFn, right: bool) -> tuple[list[Any], dict[str, Any]]:
    """A matrix far from singular, and a right-hand side if one is wanted."""
    n = draw(st.integers(0, 5))
    batch = draw(st.sampled_from([(), (3,)]))
    dtypes = [d for d in DTYPES if d.kind in "fci" and d.itemsize >= 4]
    a = draw(arrays((*batch, n, n), dtypes))
    a = np.nan_to_num(a, posinf=1, neginf=-1) + (40 * np.eye(n)).astype(a.dtype)
    given = [a]
    if right:
        given.append(np.nan_to_num(draw(arrays((*batch, n, 2), dtypes)), posinf=1, neginf=-1))
    return given, {}


def ulps(dtype: np.dtype, count: float) -> float:
    """That many units in the last place, relative."""
    return count * float(np.finfo(dtype).eps) if dtype.kind in "fc" else 0.0


def outcome(call: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """What a call gives: its value, or what it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return call(), None
        except Exception as error:  # noqa: BLE001
            return None, error


def assert_same(got: Any, expected: Any, tolerance: float, where: str) -> None:  # noqa: ANN401
    """Same type, dtype, shape; values bit for bit, or within the tolerance in ulps."""
    if isinstance(expected, tuple):
        assert type(got) is tuple and len(got) == len(expected), where
        for one, other in zip(got, expected, strict=True):
            assert_same(one, other, tolerance, where)
        return
    assert type(got) is type(expected), f"{where}: {type(got)} is not {type(expected)}"
    if not isinstance(expected, np.ndarray | np.generic):
        assert got == expected, where
        return
    assert got.dtype == expected.dtype, f"{where}: dtype {got.dtype}, not {expected.dtype}"
    assert got.shape == expected.shape, f"{where}: shape {got.shape}, not {expected.shape}"
    if tolerance == 0 or expected.dtype.kind not in "fc":
        np.testing.assert_array_equal(got, expected, err_msg=where)
        return
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=0.0) if expected.size else 0.0
    relative = ulps(expected.dtype, tolerance)
    np.testing.assert_allclose(
        got, expected, rtol=relative, atol=relative * float(scale), err_msg=where
    )
