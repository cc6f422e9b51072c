"""Arrays that get another look in place, which every name for them sees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy


def shape_set(a, b):
    a.shape = (3, 2)
    return a + 1, b + 1, b.shape, a.sum(axis=1)


def shape_grown(a, b):
    c = a
    a.shape += (1,)
    return c * 2, b


def dtype_set(a, b):
    c = a
    a.dtype = np.int64
    return c + 1, b


def frozen(a, b):
    c = a
    a.flags.writeable = False
    c[0] = b[1]


def frozen_by_name(a, b):
    c = a
    a.flags["WRITEABLE"] = False
    c[0] = b[1]


def frozen_by_method(a, b):
    c = a
    a.setflags(write=False)
    c[0] = b[1]


def resized(a, b):
    c = a
    a.resize((2, 3), refcheck=False)
    return c + 1, b


def reshape(a):
    a.shape = (3, 2)


def shape_set_elsewhere(a, b):
    reshape(a)
    return a + 1, b + 1


def shape_set_inside(a, b):
    def inside():
        a.shape = (3, 2)

    inside()
    return a + 1, b + 1


@pytest.mark.parametrize(
    "function",
    [
        shape_set,
        shape_grown,
        dtype_set,
        frozen,
        frozen_by_name,
        frozen_by_method,
        resized,
        shape_set_elsewhere,
        shape_set_inside,
    ],
)
@pytest.mark.parametrize("twice", [False, True])
def test_every_name_sees_the_new_look(function: Any, twice: bool) -> None:
    a = np.arange(6.0)
    b = a if twice else np.arange(6.0)
    jitted = a.copy()

    same_as_numpy(function, jitted, jitted if twice else b, opaque=True)


def of_a_module(a):
    return np.resize(a, (2, 2)), a.shape


def test_a_function_of_that_name_is_another_thing() -> None:
    same_as_numpy(of_a_module, np.arange(3.0), opaque=True)

    told = jl.explain(jl.jit(of_a_module), np.arange(3.0))
    assert "whole function" not in str(told)


def test_under_strict_it_is_refused() -> None:
    for function in (shape_set, shape_set_elsewhere):
        with pytest.raises(jl.NotLowered, match="another shape, dtype or flag"):
            jl.jit(function, strict=True)(np.arange(6.0), np.arange(6.0))


def test_the_memory_of_an_array_cannot_be_exchanged() -> None:
    def exchanged(a, b):
        a.data = b.data
        return a + 1

    with pytest.raises(TypeError, match="cannot be exchanged here"):
        jl.jit(exchanged)(np.ones(3), np.zeros(3))


def test_other_objects_have_data_of_their_own() -> None:
    class Box:
        data = None

    def kept(box, a):
        box.data = a * 2
        return box.data + 1

    box = Box()
    result = jl.jit(kept, strict=True)(box, np.ones(3))

    assert result.tolist() == [3, 3, 3]
    assert box.data.tolist() == [2, 2, 2]
