"""Operators, displays and other expressions, as functions with arguments; test_constructs.py runs them."""
# ruff: noqa (whatever Python allows is allowed here)

from __future__ import annotations

import numpy as np
from boxes import Box
from same import Table


table = Table()
native, opaque = table.native, table.opaque
A = np.arange(6.0)
M = np.arange(12.0).reshape(3, 4)


@native(7, 3)
def integer_arithmetic(a, b):
    return a + b, a - b, a * b, a / b, a // b, a % b, a**b, -a, +a, ~a


@native(-7, 3)
def negative_division(a, b):
    return a // b, a % b, a // -b, a % -b


@native(7, 3)
def bit_operations(a, b):
    return a & b, a | b, a ^ b, a << b, a >> b


@native(7.5, -2.0)
def float_arithmetic(a, b):
    return a + b, a - b, a * b, a / b, a // b, a % b, -a


@native(1 + 2j, 3)
def complex_arithmetic(a, b):
    return a + b, a * b, a - 2.5j, -a


@native(2)
def big_integers(n):
    x = n**100
    return x + 1, 123456789012345678901234567890, x // 3, -x


@native(2**62)
def integer_overflow(n):
    return n + n, n * n, n * 4 - n


@native(1)
def divide_by_zero(n):
    x = n - 1
    return n / x


@native(1)
def modulo_by_zero(n):
    return n % (n - 1)


@native(1.0)
def float_divide_by_zero(x):
    return x / (x - 1.0)


@native(1, "a")
def wrong_operands(a, b):
    return a + b


@native(True, 3)
def booleans_are_integers(a, b):
    return a + b, a * 2, -a, a & True, not a


@native(A)
def array_arithmetic(a):
    return a + 1, 2 * a, a - a, a / 2, a // 2, a % 4, a**2, -a


@native(A, M)
def broadcast_error(a, m):
    x = a + 1
    return x + m


@native(3)
def negative_literals(n):
    return n - 1, n * -1, -0.0, -(2), --3


@native(3)
def literals(n):
    return 1, 1.5, 2j, True, None, "text", "", 'q"uo\\te\n', "größe", 1e300, 1e-5, 10**18


@native(1e999)
def infinite_literals(x):
    return x, 1e999, -1e999


@native(3)
def comparisons(n):
    return n < 3, n <= 3, n == 3, n != 3, n > 3, n >= 3


@native(3)
def chained_comparison(n):
    return 1 < n < 5, 1 < n > 5, 0 <= n < 3 < 4, n == 3 == 3.0


@native(3)
def chained_with_arithmetic(n):
    return 1 < n * 2 < 5, 10 > n + 1 >= 4


@native(A)
def chained_arrays(a):
    return 1 < a < 3


@opaque(Box())
def chained_evaluates_once(box):
    r = 1 < box.note(3) < 5
    s = 1 < box.note(0) < box.note(9)
    return r, s


@native(A)
def array_comparison(a):
    return a < 3, a == 2, a != a


@native(None)
def is_none(x):
    return x is None, x is not None, None is x


@native(True)
def is_true(x):
    return x is True, x is False, x is not True


@native(1)
def equal_is_not_identical(x):
    return x is True, x == True


@native(0, 5)
def boolean_operators(a, b):
    return a and b, a or b, b and a, b or a, not a, a or b and 7, a and b or 9


@native(0, 5)
def boolean_operators_of_three(a, b):
    return a or 0 or b, a and b and 3, b and 7 and a


@opaque(Box())
def short_circuit(box):
    r = box.note(0) and box.note(1)
    s = box.note(2) or box.note(3)
    return r, s


@native(A)
def ambiguous_and(a):
    return a and 1


@native(4)
def conditional_expression(n):
    return "big" if n > 3 else "small"


@native(0)
def conditional_is_lazy(n):
    return 1 / n if n else 0


@native(3)
def tuples(n):
    return (), (n,), (n, n + 1), ((n,),)


@native(3)
def list_display(n):
    items = [n, n + 1]
    return items, [], [[n], []]


@native(3)
def list_argument_of_numpy(n):
    return np.array([n, 2, 3]), np.array([[1.5, n], [3, 4]])


@native(A)
def list_of_arrays(a):
    return np.concatenate([a, a]), np.vstack((a, a))


@native(3)
def walrus(n):
    y = (x := n + 1) * 2
    return x, y


@native(5)
def walrus_in_condition(n):
    if (half := n // 2) > 1:
        return half
    return -half


@native(5)
def walrus_in_while(n):
    s = 0
    while (n := n - 1) > 0:
        s += n
    return s, n


@native(3)
def walrus_order(n):
    return n + (n := 10) + n


@native(3)
def debug_constant(n):
    return __debug__, n


@native(3)
def printing(n):
    print(n, "text", 1.5, None, True)
    print()
    print((n, n), sep="")
    print(n, end="!\n")


@native(A)
def printing_arrays(a):
    for i in range(2):
        print(i, a[i], a)


@opaque(3)
def f_string(n):
    return f"{n:>5} {n!r} {n + 1=}"


@opaque(3)
def comprehensions(n):
    return [i * n for i in range(5) if i > 1], {i for i in range(n)}, {i: n for i in range(2)}


@opaque(3)
def nested_comprehension(n):
    return [[i * j for j in range(i)] for i in range(n)]


@opaque(3)
def comprehension_scope(n):
    i = 100
    x = [i for i in range(n)]
    return i, x


@opaque(5)
def comprehension_walrus(n):
    y = [last := i for i in range(n)]
    return last, y


@opaque(3)
def dict_and_set(n):
    return {"n": n, **{"m": 1}}, {n, 1}, {}


@opaque(3)
def lambdas(n):
    f = lambda x, k=2: x * n + k
    return f(1), f(1, k=5)


@opaque([3, 1, 2])
def sorted_by_key(items):
    k = -1
    r = sorted(items, key=lambda v: k * v)
    k = 5
    return r


@opaque(4)
def generator_consumed(n):
    total = sum(i * n for i in range(n))
    n = 7
    return total + n


@opaque((1, 2))
def starred_argument(t):
    return max(*t), (*t, 3), [0, *t]


@opaque([1, 2], 1)
def contains(items, x):
    return x in items, 5 not in items


@opaque([], [])
def identity_of_objects(a, b):
    return a is b, a is not b, a is a


@native(b"x")
def bytes_and_ellipsis(b):
    return b"bytes" + b, ..., b[0]


@native(np.float32(1.5))
def numpy_scalars(x):
    return x + 1, x * 2.0, x**2, -x, x > 1


@native(np.int8(100))
def numpy_scalar_wraps(x):
    return x + x


@native(np.array(3.0))
def zero_dimensional(x):
    return x + 1, x[()], x * x


@native(A)
def deep_expression(a):
    x = a[0]
    return ((((((((((x + 1) * 2) + 1) * 2) + 1) * 2) + 1) * 2) + 1) * 2) + 1


@opaque(Box())
def evaluation_order(box):
    a = np.zeros(3)
    a[box.note(1)] = box.note(0) + box.note(2) * box.note(3)
    a[box.note(2)] += box.note(4)
    t = (box.note(5), box.note(6))
    return box.seen, a, t


@opaque(Box())
def evaluation_order_of_comparison(box):
    return box.note(1) < box.note(2) < box.note(0) < box.note(9), box.seen
