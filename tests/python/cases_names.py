"""Names from outside, and calls, as functions with arguments; test_constructs.py runs them."""
# ruff: noqa (whatever Python allows is allowed here)

from __future__ import annotations

import math
from math import pi

import numpy
import numpy as np
import numpy.linalg as la
from numpy import dot, exp
from same import Table

import jetlag as jl
from jetlag import prange


table = Table()
native, opaque = table.native, table.opaque
A = np.arange(6.0)
M = np.arange(12.0).reshape(3, 4)
SCALE = 3
WEIGHTS = np.array([1.0, 2.0, 3.0])
SETTINGS = {"rate": 0.5}
counter = 0


class Settings:
    rate = 0.25


# ---- functions that the cases call ----


def plain(x, k=2):
    return x * k


def keywords(a, /, b, c=3, *, d=4):
    return a, b, c, d


def factorial(n):
    return 1 if n < 2 else n * factorial(n - 1)


def is_even(n):
    return True if n == 0 else is_odd(n - 1)


def is_odd(n):
    return False if n == 0 else is_even(n - 1)


def writes_argument(a):
    a[0] = 99


def fails(x):
    y = x + 1
    return y / (y - y)


def takes_stars(*args, **kwargs):
    return args, sorted(kwargs)


def yields(n):
    for i in range(n):
        yield i * i


def bump():
    global counter
    counter += 1
    return counter


def makes_adder(k):
    def add(x):
        return x + k

    return add


add_five = makes_adder(5)


@jl.jit
def jitted(x):
    return x + 1


def prints_and_returns(x):
    print("got", x)
    return x


# ---- captured names ----


@native(A)
def captured_scalar(a):
    return a * SCALE


@native(A)
def captured_array(a):
    return a[:3] + WEIGHTS


@native(2)
def captured_dict(n):
    return n * SETTINGS["rate"], Settings.rate


@native(2)
def constants_of_modules(n):
    return n * np.pi, math.e, pi, np.inf, -np.inf, np.newaxis, math.tau


@native(A)
def aliases(a):
    return dot(a, a), numpy.dot(a, a), la.norm(a), np.linalg.norm(a)


@native(A)
def alias_of_alias(a):
    f = exp
    return a + SCALE


@native(3)
def dtypes(n):
    return np.zeros(n, dtype=np.float32), np.ones((n, 2), np.int64), np.zeros(n, dtype=float)


@native(3)
def undefined_name(n):
    x = n + 1
    return x + nowhere


@native(3)
def undefined_function(n):
    return nowhere(n)


@native(3)
def undefined_in_module(n):
    return np.no_such_function(n)


@native(3)
def read_before_assignment(n):
    x = y + n
    y = 1
    return x


@native(-3)
def builtins_are_found(n):
    return abs(n), len((1, 2))


@native(np.array([0.5, 3.0, -1.0]))
def best_of_numbers_of_both_kinds(a):
    most, least = 1.0, 2
    for i in range(3):
        most = max(most, np.max(a) - i)
        least = min(a[i], least, 7)
    return most, least, max(a[0], a[1]), min(1, a[0]), max(2.0, a.sum(), 2)


@native(np.array([np.nan, 3.0]))
def best_beside_nan(a):
    return max(a[0], 1.0), max(1.0, a[0]), min(a[0], a[1]), min(a[1], a[0]), max(0, np.max(a))


@native(np.array([0.1, 3.0], np.float32))
def best_of_narrow_numbers(a):
    return max(a[0], 0.1), max(0.1, a[0]), min(a[1], 3), max(2**60, a[1])


@native(3)
def shadowed_builtin(len):
    range = len + 1
    return range


@native((1, 2))
def shadowed_by_variable(t):
    abs = len
    return t


@opaque(-3)
def shadowed_function_called(n):
    abs = plain
    return abs(n)


@native(3)
def prange_counts(n):
    s = 0
    for i in jl.prange(n):
        s += i
    for i in prange(1, n):
        s += i
    return s


@native(5)
def range_as_value(n):
    r = range(n)
    return r, range(1, n, 2)


# ---- calls ----


@native(3)
def calls_plain(n):
    return plain(n), plain(n, 5), plain(n, k=7), plain(x=n)


@native(3)
def calls_with_keywords(n):
    return keywords(n, 2), keywords(n, c=1, b=2), keywords(n, 2, 3, d=n + 1)


@native(3)
def calls_in_order(n):
    return keywords(prints_and_returns(1), d=prints_and_returns(2), b=prints_and_returns(n))


@opaque(3)
def calls_wrong_arity(n):
    return plain()


@opaque(3)
def calls_wrong_keyword(n):
    x = 1
    return plain(n, wrong=1)


@opaque(3)
def calls_positional_only_by_name(n):
    return keywords(a=n, b=2)


@native(5)
def recursion(n):
    return factorial(n)


@native(6)
def mutual_recursion(n):
    return is_even(n), is_odd(n)


@native(5)
def self_recursion(n):
    return n if n < 2 else self_recursion(n - 1) + self_recursion(n - 2)


@native(A)
def callee_writes(a):
    writes_argument(a)
    return a


@native(3)
def callee_fails(n):
    x = 2
    return fails(n)


@opaque(3)
def callee_takes_stars(n):
    return takes_stars(1, n, k=3)


@opaque(3)
def callee_is_generator(n):
    s = 0
    for v in yields(n):
        s += v
    return s


@native(3)
def callee_is_jitted(n):
    return jitted(n) + jitted(x=n)


@native(3)
def callee_is_closure(n):
    return add_five(n)


@opaque(3)
def callee_is_class(n):
    return Settings().rate * n


@opaque(3)
def callee_is_argument(n):
    f = plain
    return f(n)


@opaque(3)
def callee_is_result(n):
    return makes_adder(n)(4)


@native(3)
def plain_function_as_local_name(plain_):
    jitted_ = plain_ + 1
    return plain(jitted_)


@native(3)
def variable_named_as_callee(n):
    factorial_ = plain(n)
    x = calls_helper(n)
    return x


def calls_helper(plain):
    return plain * 2


@native(3)
def no_such_method_argument(n):
    return np.sum(n)


@opaque(M)
def wrong_numpy_arguments(m):
    x = 1
    return np.dot(m)


@native(M)
def numpy_keywords(m):
    return np.sum(m, axis=1), np.sum(m, axis=0, keepdims=True), np.zeros(shape=(2, 3))


@opaque(M)
def numpy_without_primitive(m):
    return np.fft.fft(m)


@opaque(3)
def builtin_without_primitive(n):
    return isinstance(n, int), divmod(n, 2), sorted((2, 1))


# ---- globals ----


@opaque(3)
def assigns_global(n):
    global counter
    counter = n
    x = counter + 1
    counter += x
    return counter


@opaque(3)
def callee_assigns_global(n):
    global counter
    counter = 0
    a = bump()
    b = counter
    bump()
    return a, b, counter


@opaque(3)
def reads_what_callee_assigned(n):
    before = counter
    bump()
    bump()
    return counter - before


# ---- parameters ----


@native(3)
def default_arguments(n, k=SCALE, s="text", *, f=2.5, g=None):
    return n, k, s, f, g


DEFAULTS = [1, 2]


@native(3)
def mutable_default(n, items=DEFAULTS):
    return items, items[0]


@native(1, 2, 3)
def star_arguments(first, *rest, **others):
    return first, rest, others


@native(3)
def parameter_assigned(n):
    n = n + 1
    n *= 2
    return n


@native()
def no_parameters():
    return 42


# ---- names that clash ----


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
