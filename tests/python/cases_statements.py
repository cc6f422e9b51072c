"""Assignments and other simple statements, as functions with arguments; test_constructs.py runs them."""
# ruff: noqa (whatever Python allows is allowed here)

from __future__ import annotations

import numpy as np
from same import Table


table = Table()
native, opaque = table.native, table.opaque
A = np.arange(6.0)
M = np.arange(12.0).reshape(3, 4)


@native(3)
def no_return(n):
    x = n


@native(3)
def bare_return(n):
    if n > 2:
        return
    return n


@native(3)
def only_docstring(n):
    """Nothing."""


@native(3)
def only_pass(n):
    pass


@native(3)
def only_ellipsis(n): ...


@native(7)
def early_return(n):
    if n > 5:
        return 1
    if n > 3:
        return 2
    return 3


@native(5)
def return_in_loop(n):
    for i in range(n):
        if i * i > 5:
            return i
    return -1


@native(5)
def return_tuple(n):
    return n, n + 1


@native(5)
def return_nested_tuple(n):
    return (n, (n + 1, ())), n


@native(A)
def return_argument(a):
    return a


@native(A)
def return_view(a):
    return a[1:4]


@native(A, A)
def return_both(a, b):
    return b, a


@native(2)
def chained_assignment(n):
    x = y = z = n + 1
    return x, y, z


@native(A)
def chained_assignment_is_one_object(a):
    x = y = a + 1
    x[0] = 5
    return y


@native((1, 2))
def unpack_argument(t):
    a, b = t
    return b, a


@native(1, 2)
def swap(a, b):
    a, b = b, a
    return a, b


@native(A)
def swap_items(a):
    a[0], a[1] = a[1], a[0]
    return a


@native((1, (2, 3)))
def unpack_nested(t):
    a, (b, c) = t
    return a + b + c


@native((1, 2))
def unpack_list_target(t):
    [a, b] = t
    return a - b


@native(np.arange(4).reshape(2, 2))
def unpack_rows(m):
    a, b = m
    return a + b


@native((1, 2, 3))
def unpack_too_many(t):
    a, b = t
    return a


@native((1,))
def unpack_too_few(t):
    a, b = t
    return a


@native(5)
def unpack_number(n):
    a, b = n
    return a


@native((1, 2))
def unpack_and_chain(t):
    (a, b) = c = t
    return a, b, c


@native(A)
def store_item(a):
    a[2] = 9
    return a


@native(A)
def store_slice(a):
    a[1:4] = a[0]


@native(M)
def store_two_axes(m):
    m[1, 2] = -1
    m[0, :] = 7
    return m


@native(M)
def store_none_axis(m):
    m[:, None] = 3
    return m


@native(M)
def store_ellipsis(m):
    m[..., 0] = 5
    return m


@native(A)
def store_out_of_range(a):
    a[1] = 5
    a[17] = 3
    return a


@native(M)
def store_bad_shape(m):
    m[0] = m[:, 0]
    return m


@native(5)
def augment_all(n):
    x = n
    x += 3
    x -= 1
    x *= 6
    x //= 4
    x **= 2
    x %= 50
    x <<= 3
    x >>= 1
    x |= 5
    x &= 0xFFF
    x ^= 9
    x /= 2
    return x


@native(A)
def augment_in_place(a):
    b = a
    b += 1
    return a


@native(A)
def augment_item(a):
    a[2] += 5
    a[-1] *= 2
    return a


@native(A)
def augment_slice(a):
    a[1:] += a[:-1]
    return a


@native(M)
def augment_matmul(m):
    x = m @ m.T
    x @= x
    return x


@native(np.arange(3))
def augment_wrong_dtype(a):
    a += 1.5
    return a


@native(5)
def augment_unbound(n):
    if n < 0:
        x = 1
    x += n
    return x


@native(3)
def annotated(n):
    x: int = n
    y: int
    x += 1
    return x


@native(3)
def annotated_only(n):
    y: int
    return y


@native(3)
def delete(n):
    x = n
    y = x + 1
    del x
    return y


@native(3)
def delete_then_read(n):
    x = n
    del x
    return x


@native(3)
def delete_parameter(n):
    del n
    return n


@native(3)
def delete_twice(n):
    x, y = n, n
    del x, y
    del x


@native(3)
def delete_then_assign(n):
    del n
    n = 7
    return n


@opaque({"a": 1})
def delete_key(d):
    del d["a"]
    return d


@opaque([1, 2, 3])
def delete_item(items):
    del items[0], items[-1]
    return items


@opaque((1, 2, 3))
def unpack_starred(t):
    a, *b = t
    return a, b


@opaque(((1, 2, 3), (4, 5)))
def for_starred(t):
    s = []
    for a, *b in t:
        s.append((a, b))
    return s


@opaque(5)
def assert_fails(n):
    x = n + 1
    assert x < 3, "too big"
    return x


@native(1)
def assert_holds(n):
    assert n < 3, "too big"
    return n


@opaque(5)
def raises(n):
    if n > 3:
        raise ValueError("n is too big")
    return n


@native(2)
def does_not_raise(n):
    if n > 3:
        raise ValueError("n is too big")
    return n
