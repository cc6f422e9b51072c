"""Branches and loops, as functions with arguments; test_constructs.py runs them."""
# ruff: noqa (whatever Python allows is allowed here)

from __future__ import annotations

import numpy as np
from same import Table


table = Table()
native, opaque = table.native, table.opaque
A = np.arange(6.0)
M = np.arange(12.0).reshape(3, 4)


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
    x = n; y = x + 1  # fmt: skip
    if y > 3: y = 3  # fmt: skip
    return y
