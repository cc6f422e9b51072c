"""Nested functions, as functions with arguments; test_constructs.py runs them."""
# ruff: noqa (whatever Python allows is allowed here)

from __future__ import annotations

from same import Table


table = Table()
native, opaque = table.native, table.opaque
level = 7


@native(3)
def nested(n):
    def inner(x):
        return x + n

    return inner(1) + inner(2)


@native(3)
def nested_sees_later_values(n):
    k = 1

    def inner(x):
        return x * k

    a = inner(n)
    k = 10
    return a, inner(n)


@native(6)
def nested_recursion(n):
    def fact(m):
        if m < 2:
            return 1
        return m * fact(m - 1)

    return fact(n)


@native(6)
def nested_mutual_recursion(n):
    def even(m):
        return True if m == 0 else odd(m - 1)

    def odd(m):
        return False if m == 0 else even(m - 1)

    return even(n)


@native(3)
def nested_defaults(n):
    def inner(x, k=2, *, s=-1.5, t=n * 2):
        return x * k + s + t

    n = 100
    return inner(1), inner(1, 5), inner(1, s=0, k=3), inner(1, t=0)


@native(3)
def nested_twice(n):
    def outer(x):
        def inner(y):
            return x + y + n

        return inner(1) * 2

    return outer(5)


@native(3)
def nested_shadows(n):
    def inner(n):
        n = n + 1
        return n

    return inner(10), n


@native(3)
def nested_named_as_primitive(n):
    def add(a, b):
        return a * b

    return add(n, 2)


@native(3)
def nested_without_parameters(n):
    def inner():
        return n + 1

    return inner()


@native(3)
def nested_called_before_definition(n):
    x = inner(n)

    def inner(y):
        return y

    return x


@opaque(3)
def nested_in_branch(n):
    if n > 2:

        def inner(x):
            return x + 1

    else:

        def inner(x):
            return x - 1

    return inner(n)


@opaque(3)
def nested_returned(n):
    def inner(x):
        return x + n

    f = inner
    return f(1)


@opaque(3)
def nested_with_stars(n):
    def inner(*args):
        return args

    return inner(n, 1)


@opaque(3)
def nested_wrong_arity(n):
    def inner(x):
        return x

    return inner()


@opaque(3)
def nested_generator(n):
    def inner():
        yield n

    return list(inner())


@opaque(3)
def nested_with_opaque_step(n):
    def inner(x):
        return [x + n + i for i in range(2)]

    return inner(1)


@native(3)
def nested_sees_global_past_variable(n):
    level = n

    def inner():
        global level
        return level

    return inner(), level


@native(3)
def nested_uses_nested_defined_later(n):
    def first(x):
        return second(x) + 1

    def second(x):
        return x * n

    return first(2)


@opaque(3)
def nested_called_between_definitions(n):
    def first(x):
        return second(x) + 1

    try:
        r = first(n)
    except NameError as error:
        r = str(error)

    def second(x):
        return x * n

    return r, first(n)


@opaque(3)
def nested_replaced(n):
    def inner(x):
        return x + 1

    if n > 2:
        inner = len
    return inner((1, 2, 3))


@native(4)
def nested_loops_and_returns(n):
    def find(limit):
        for i in range(10):
            for j in range(10):
                if i * j > limit:
                    return i, j
        return None

    return find(n), find(1000)
