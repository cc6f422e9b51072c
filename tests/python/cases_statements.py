"""Statements, as functions with arguments; test_constructs.py runs them."""
# ruff: noqa: ANN001, ANN201, ANN202, E701, E702, E731, F841, B007, SIM108, B018, PT018, RUF005

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
def only_ellipsis(n):
    ...


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


@native(0)
def branch_assigns(n):
    if n:
        x = 1
    else:
        x = 2
    return x


@native(0)
def branch_leaves_unbound(n):
    if n:
        x = 1
    return x


@native(4)
def elif_chain(n):
    if n == 1:
        r = "one"
    elif n == 2:
        r = "two"
    elif n > 3:
        r = "many"
    else:
        r = "three"
    return r


@native(A)
def ambiguous_condition(a):
    if a:
        return 1
    return 2


@native(np.array([3.0]))
def one_element_condition(a):
    if a:
        return 1
    return 2


@native(5)
def while_counts(n):
    i = s = 0
    while i < n:
        s += i
        i += 1
    return s, i


@native(5)
def while_else(n):
    while n > 0:
        n -= 1
    else:
        n = 100
    return n


@native(5)
def while_break_skips_else(n):
    while n > 0:
        n -= 1
        if n == 2:
            break
    else:
        n = 100
    return n


@native(10)
def while_true(n):
    i = 0
    while True:
        i += 3
        if i > n:
            break
    return i


@native(10)
def while_continue(n):
    s = 0
    while n:
        n -= 1
        if n % 2:
            continue
        s += n
    return s


@native(10)
def nested_breaks(n):
    found = 0
    for i in range(n):
        for j in range(n):
            if j > i:
                break
            if (i + j) % 3:
                continue
            found += 1
        else:
            found += 100
    return found


@native(5)
def for_range(n):
    s = 0
    for i in range(n):
        s += i
    return s


@native(20)
def for_range_three(n):
    s = 0
    for i in range(n, 2, -3):
        s = s * 2 + i
    return s


@native(5)
def loop_variable_stays(n):
    for i in range(n):
        pass
    return i


@native(0)
def loop_variable_unbound(n):
    for i in range(n):
        pass
    return i


@native(5)
def loop_variable_assigned(n):
    seen = 0
    for i in range(n):
        seen += i
        i = 100
        seen += i
    return seen, i


@native(5)
def range_zero_step(n):
    for i in range(0, n, 0):
        pass


@native(5)
def for_else(n):
    for i in range(n):
        if i == 10:
            break
    else:
        i = -1
    return i


@native(A)
def for_array(a):
    s = 0
    for v in a:
        s = s + v
    return s


@native(M)
def for_rows(m):
    s = 0
    for row in m:
        s = s + row
        row[0] = 0
    return s


@native((1, 2.5, 3))
def for_tuple(t):
    s = 0
    for v in t:
        s += v
    return s


@native([3, 1, 2])
def for_list(items):
    s = 0
    for v in items:
        s = 10 * s + v
    return s


@native(((1, 2), (3, 4)))
def for_pairs(pairs):
    s = 0
    for a, b in pairs:
        s += a * b
    return s, a, b


@native(A)
def for_item_target(a):
    for a[0] in range(4):
        pass
    return a


@native(5)
def for_number(n):
    for i in n:
        pass


@native("abc")
def for_string(s):
    r = ""
    for c in s:
        r = c + r
    return r


@native(np.float64(3.0))
def for_scalar(s):
    for v in s:
        pass


@native(3)
def two_on_one_line(n):
    x = n; y = x + 1
    if y > 3: y = 3
    return y


@native(3, 4)
def pi_and_e_are_names(e, pi):
    inf = e + pi
    nil = inf * 2
    return nil


@native(3)
def names_of_primitives(dot):
    list = dot + 1
    sum = list * 2
    index = sum - dot
    block = index
    return dot, list, sum, block


@native(5)
def names_of_operators(__add):
    define = __add
    store = define + 1
    return store


@native(2)
def names_not_ascii(größe):
    ñ = größe * 2
    return ñ


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
