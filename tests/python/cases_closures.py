"""Closures, and functions that stay in Python as a whole, as functions with arguments; test_constructs.py runs them."""
# ruff: noqa (whatever Python allows is allowed here)

from __future__ import annotations

from same import Table


table = Table()
native, opaque = table.native, table.opaque
total = 0


@opaque(3)
def closures_over_settled_variables(n):
    k = n * 2
    f = lambda x: x + k
    g = lambda x: f(x) * 2
    return f(1), g(1)


@opaque(3)
def closures_over_reassigned_variables(n):
    f = lambda: n
    n = 10
    return f()


@opaque(3)
def closures_in_loop(n):
    fs = []
    for i in range(n):
        fs.append(lambda: i)
    r = []
    for f in fs:
        r.append(f())
    return r


@opaque(3)
def closure_of_itself(n):
    f = lambda m: 1 if m < 2 else m * f(m - 1)
    return f(n)


@opaque(3)
def lazy_generator(n):
    g = (i * n for i in range(3))
    n = 100
    return list(g)


@opaque(3)
def counting_closure(n):
    def count():
        nonlocal n
        n += 1
        return n

    count()
    return count(), n


@opaque(3)
def shared_nonlocal(n):
    def up():
        nonlocal n
        n += 1

    def get():
        return n

    up()
    up()
    return get(), n


@opaque(3)
def uses_locals(n):
    x = 1
    return sorted(locals())


@opaque(3)
def uses_eval(n):
    x = 5
    return eval("x + n")


@opaque(3)
def uses_exec(n):
    space = {}
    exec("y = 7", space)
    return space["y"]


@opaque(3)
def uses_vars(n):
    x = 2
    return sorted(vars()), sorted(dir())


@opaque(3)
def uses_globals(n):
    return "total" in globals(), n


@opaque(3)
def is_generator(n):
    for i in range(n):
        yield i


@opaque(3)
async def is_coroutine(n):
    return n
