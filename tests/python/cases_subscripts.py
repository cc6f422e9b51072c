"""Subscripts, attributes and methods, as functions with arguments; test_constructs.py runs them."""
# ruff: noqa (whatever Python allows is allowed here)

from __future__ import annotations

import numpy as np
from boxes import Box
from same import Table


table = Table()
native, opaque = table.native, table.opaque
A = np.arange(6.0)
M = np.arange(12.0).reshape(3, 4)


@native(A)
def subscripts(a):
    return a[0], a[-1], a[1:3], a[::-1], a[::2], a[4:1:-1], a[:], a[-2:]


@native(M)
def many_subscripts(m):
    return m[1], m[1, 2], m[1:, 2], m[:, -1], m[::2, ::-1], m[..., 0], m[0, ...]


@native(M)
def new_axes(m):
    return m[:, None], m[None], m[None, :, 1:2], m[np.newaxis, 0]


@native(M)
def empty_subscript(m):
    return m[()], m[...]


@native(A)
def one_tuple_subscript(a):
    return a[1,], a[(2,)]


@native(A)
def step_zero(a):
    return a[::0]


@native(A)
def index_out_of_range(a):
    x = a[2]
    return a[6]


@native(M)
def too_many_indices(m):
    return m[0, 0, 0]


@native(A)
def float_index(a):
    return a[1.5]


@native(A, np.array([0, 2, 2]))
def fancy_index(a, i):
    return a[i]


@native(A)
def boolean_mask(a):
    return a[a > 2]


@native({"k": 1, (1, 2): 3})
def dict_subscript(d):
    d["new"] = 5
    d["k"] += 1
    return d["k"], d[1, 2]


@native({"k": 1})
def missing_key(d):
    return d["missing"]


@native([1, 2, 3])
def list_subscript(items):
    items[0] = items[-1]
    return items[1:], items[::-1]


@native((1, 2, 3))
def tuple_subscript(t):
    return t[0], t[1:], t[-1]


@native("text")
def string_subscript(s):
    return s[0], s[::-1], s[1:3]


@native(Box())
def object_subscripts(box):
    box[1] = 2
    box[1, 2:3, None, ...] = 4
    return box[5], box[1:2], box[1,], box[()], box[1, 2], box["k"], box[...], box[None], box


@native(Box(5))
def attributes(box):
    box.value = box.twice
    box.value += 1
    return box.value


@native(Box())
def missing_attribute(box):
    return box.nothing


@native(A)
def array_attributes(a):
    return a.shape, a.ndim, a.size, a.dtype, a.T


@native(M)
def array_methods(m):
    return m.sum(), m.sum(axis=0), m.T.max(), m.reshape(4, 3), m.transpose()


@opaque(Box(1))
def object_methods(box):
    box.add(3).add(2, scale=10)
    return box.value


@opaque("text")
def string_methods(s):
    return s.upper(), s.replace("t", "T")


@opaque([2, 1])
def list_methods(items):
    items.append(3)
    items.sort()
    return items
