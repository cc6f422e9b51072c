"""Statements that stay in Python, as functions with arguments; test_constructs.py runs them."""
# ruff: noqa (whatever Python allows is allowed here)

from __future__ import annotations

import contextlib

import numpy as np
from same import Table


table = Table()
native, opaque = table.native, table.opaque
A = np.arange(6.0)
total = 0


@contextlib.contextmanager
def telling(name):
    print("enter", name)
    try:
        yield name
    finally:
        print("leave", name)


@opaque(0)
def try_except(n):
    try:
        x = 1 // n
    except ZeroDivisionError as error:
        x = str(error)
    return x


@opaque(2)
def try_else_finally(n):
    log = []
    try:
        x = 1 / n
    except ZeroDivisionError:
        log.append("except")
    else:
        log.append("else")
    finally:
        log.append("finally")
    return x, log


@opaque(0)
def return_from_try(n):
    try:
        return "try"
    finally:
        print("finally")


@opaque(0)
def return_from_finally(n):
    try:
        return 1 / n
    finally:
        return "finally"


@opaque(0)
def finally_changes_variable(n):
    x = 1
    try:
        return x
    finally:
        x = 2


@opaque(0)
def exception_variable_is_gone(n):
    error = "before"
    try:
        1 / n
    except ZeroDivisionError as error:
        pass
    return error


@opaque(0)
def reraise(n):
    x = 5
    try:
        return x / n
    except ZeroDivisionError:
        print("seen")
        raise


@opaque(0)
def raise_from(n):
    try:
        return 1 / n
    except ZeroDivisionError as error:
        raise ValueError("no") from error


@opaque(0)
def uncaught(n):
    try:
        x = [][n]
    except KeyError:
        x = 1
    return x


@opaque(5)
def break_from_try(n):
    log = []
    for i in range(n):
        try:
            if i == 2:
                break
            log.append(i)
        finally:
            log.append(-i)
    return log, i


@opaque(5)
def continue_from_try(n):
    log = []
    for i in range(n):
        try:
            if i % 2:
                continue
            log.append(i)
        finally:
            log.append(-1)
        log.append(100)
    return log


@opaque(5)
def break_cancelled_in_finally(n):
    rounds = 0
    for i in range(n):
        try:
            try:
                break
            finally:
                raise ValueError
        except ValueError:
            rounds += 1
    return rounds, i


@opaque(3)
def break_overtaken_by_continue(n):
    rounds = 0
    for i in range(n):
        for j in (1,):
            try:
                break
            finally:
                rounds += 1
                continue
    return rounds


@opaque(5)
def break_then_return_in_finally(n):
    for i in range(n):
        try:
            break
        finally:
            return "returned"
    return "fell through"


@opaque(5)
def loop_inside_try(n):
    found = None
    try:
        for i in range(n):
            if i == 1:
                continue
            if i == 3:
                found = i
                break
        else:
            found = "else"
    finally:
        done = True
    return found, done, i


@opaque(3)
def break_in_else_of_inner_loop(n):
    log = []
    while True:
        try:
            for i in range(n):
                log.append(i)
            else:
                break
        finally:
            log.append("f")
    return log


@opaque(5)
def while_with_try_and_else(n):
    while n:
        try:
            n -= 1
            if n == 1:
                continue
        except ValueError:
            break
    else:
        return "else"
    return n


@opaque(3)
def try_leaves_unbound(n):
    try:
        if n > 5:
            x = 1
    finally:
        pass
    return x


@opaque(3)
def try_keeps_bound(n):
    x = n
    try:
        if n > 5:
            x = 1
    finally:
        pass
    return x


@opaque(3)
def try_deletes(n):
    x = n
    try:
        del x
    finally:
        pass
    return x


@opaque(3)
def unbound_in_try(n):
    if n > 5:
        x = 1
    try:
        y = x
    except UnboundLocalError as error:
        y = str(error)
    return y


@opaque(3)
def with_statement(n):
    with telling("a") as name, telling("b"):
        x = name + str(n)
    return x


@opaque(3)
def return_from_with(n):
    with telling("a"):
        return n + 1


@opaque(3)
def break_from_with(n):
    for i in range(n):
        with telling(i):
            if i == 1:
                break
    return i


@opaque(0)
def with_suppresses(n):
    x = 1
    with contextlib.suppress(ZeroDivisionError):
        x = 1 / n
        x = 5
    return x


@opaque(A)
def errstate_inside(a):
    with np.errstate(divide="ignore"):
        b = 1 / a
    return b


@opaque(A)
def errstate_raises(a):
    with np.errstate(divide="raise"):
        b = a / a[0]
    return b


@opaque(3)
def imports(n):
    import math
    import os.path as path
    from math import floor, sqrt as root

    return math.ceil(n / 2), root(4), floor(1.5), path.basename("a/b")


@opaque(3)
def import_fails(n):
    x = 1
    import no_such_module

    return no_such_module


@opaque(3)
def local_class(n):
    class Point:
        dim = n

        def __init__(self, x):
            self.x = x

        def scaled(self):
            return self.x * n

    return Point(5).scaled(), Point.dim


@opaque(3)
def local_decorator(n):
    def twice(f):
        return lambda x: f(f(x))

    @twice
    def add(x):
        return x + n

    return add(1)


@opaque({"kind": "pair", "items": [1, 2]})
def match_mapping(value):
    match value:
        case {"kind": "pair", "items": [a, b], **rest}:
            r = a + b
        case _:
            r = None
    return r, a, rest


@opaque((1, 2, 3))
def match_sequence(value):
    match value:
        case []:
            return "empty"
        case [x, *rest] if x > 0:
            return x, rest
        case other:
            return other


@opaque([1, 2], {"c": 3})
def starred_call(a, k):
    def show(*args, **kwargs):
        return args, kwargs

    return show(0, *a, **k)


@opaque(3)
def raise_class(n):
    raise KeyError


@opaque(3)
def raise_nothing(n):
    raise


@opaque(3)
def assert_message_is_lazy(n):
    assert n == 3, 1 / 0
    assert n == 4, f"n is {n}"


@opaque(4)
def opaque_in_the_middle_of_native(n):
    a = np.zeros(n)
    for i in range(n):
        a[i] = i
        b = {"i": i}
        a[i] += b["i"]
    return a


@opaque(A)
def opaque_sees_native_writes(a):
    a += 1
    b = [float(v) for v in a]
    a *= 2
    return b, a


@opaque(A)
def opaque_writes_arrays(a):
    b = a[2:]
    try:
        a[3] = 50
    finally:
        pass
    return b + 1, b


@opaque(3)
def walrus_in_opaque(n):
    if any((found := i) > 1 for i in range(n)):
        return found
    return None


@opaque(3)
def conditional_import(n):
    if n > 2:
        import math as m
    return m.floor(2.5)


@opaque(3)
def format_and_percent(n):
    return "%d items" % n, "{} {}".format(n, 1)


@opaque([3, 1])
def enumerate_and_zip(items):
    s = 0
    for i, v in enumerate(items):
        s += i * v
    for a, b in zip(items, items[1:]):
        s += a * b
    return s
