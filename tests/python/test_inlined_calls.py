"""Small functions stand where they are called: the same values, errors, warnings and lines."""

from __future__ import annotations

import linecache
import textwrap
import traceback
import warnings

import numpy as np
import pytest

import jetlag as jl
from same import PACKAGE, same_as_numpy
from test_memory import peak_of
from test_stores import numbers, rules

FACTOR = 3.0


def relu(x):
    return np.maximum(x, 0.0)


def normal(x):
    """With a docstring, and locals that callers have as well."""
    k = 1.0 / (1.0 + 0.2316419 * np.abs(x))
    y = np.exp(-0.5 * x * x) * k
    y = y * FACTOR
    return np.where(x > 0, 1.0 - y, y)


def of_others(x, y):
    k = normal(y) + relu(x)
    return k * y


def logarithm(x):
    shifted = x - 1
    return np.log(shifted)


def power(x, p):
    y = x + 1
    return y**p


def quotient(a, b):
    return a / b


def in_python(function, *args):
    """The frames of what a call raises, without those of jetlag."""
    with pytest.raises(Exception) as caught:  # noqa: PT011
        function(*args)
    frames = traceback.extract_tb(caught.value.__traceback__)
    places = [(f.filename, f.lineno, f.name) for f in frames if not f.filename.startswith(PACKAGE)]
    return type(caught.value), str(caught.value), places[1:]


@pytest.mark.usefixtures("jit_mode")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("n", [0, 1, 7, 40_000])
def test_values_are_those_of_numpy(n, workers) -> None:
    def f(x, y):
        k = of_others(y, x) - x
        x = relu(k) + FACTOR
        return x, normal(k), k

    same_as_numpy(f, numbers(n) - 0.5, numbers(n) - 0.3, workers=workers, rtol=1e-13)


def test_the_call_is_part_of_one_pass() -> None:
    def f(x, y):
        return relu(np.dot(x, y) + 1) * 2

    explained = jl.explain(jl.jit(f), numbers(30, 20), numbers(20, 10))

    kinds = [row["kind"] for row in explained.rows]
    assert kinds == ["function", "call", "fused"]
    assert "inline-calls" in explained.rows[2]["rule"]


def test_switched_off_the_call_is_one() -> None:
    def f(x):
        return relu(x + 1) * 2

    before = jl.settings.rules
    jl.settings.rules = "-inline-calls"
    try:
        explained = jl.explain(jl.jit(f), numbers(9000))
    finally:
        jl.settings.rules = before

    assert [row["text"] for row in explained.rows if row["kind"] == "function"] == [
        "f(x)",
        "relu(x)",
    ]
    assert not any("inline-calls" in (row["rule"] or "") for row in explained.rows)


@pytest.mark.parametrize("n", [5, 300_000])
def test_each_call_warns_at_its_line(n) -> None:
    def f(x):
        a = logarithm(x) + 1
        return logarithm(a - a + 1) * a

    same_as_numpy(f, np.ones(n), rtol=1e-13)


@pytest.mark.parametrize("n", [5, 300_000])
@pytest.mark.parametrize("workers", [1, 2])
def test_conditions_that_raise_come_from_the_function(n, workers) -> None:
    def f(x):
        a = np.sqrt(x) + logarithm(x)
        return a * 2

    jl.threads(workers)
    with np.errstate(all="raise"):
        assert in_python(jl.jit(f), np.ones(n)) == in_python(f, np.ones(n))


@pytest.mark.parametrize("n", [5, 300_000])
@pytest.mark.parametrize("workers", [1, 2])
def test_errors_pass_through_both_functions(n, workers) -> None:
    def values(x, p):
        z = power(x, p)
        return z + 1

    def shapes(x, p):
        return quotient(x, p[: p.size - 1]) + 1

    def deeper(x, p):
        def_ = of_powers(x, p)
        return def_ - 1

    jl.threads(workers)
    args = np.arange(n), np.full(n, -1)
    for f in (values, shapes, deeper):
        assert in_python(jl.jit(f), *args) == in_python(f, *args)


def of_powers(x, p):
    y = x * 2
    return power(y, p) + y


@pytest.mark.usefixtures("jit_mode")
def test_errors_in_compiled_loops_have_both_lines() -> None:
    def f(n):
        total = 0.0
        for k in range(n):
            total = total + quotient(k, n - 5000 - k)
        return total

    assert jl.jit(f)(4000) == f(4000)
    assert in_python(jl.jit(f), 9000) == in_python(f, 9000)


@pytest.mark.usefixtures("jit_mode")
def test_integers_that_grow_in_a_compiled_loop() -> None:
    def f(n):
        total = 1
        for _ in range(n):
            total = power(total, 2) % 1_000_003 + power(2, 70)
        return total

    assert jl.jit(f)(3000) == f(3000)


def test_rounds_that_call_are_those_of_python() -> None:
    def f(x):
        for i in range(x.shape[0]):
            x[i, :] = normal(x[i, :]) + relu(x[i, :])
        return x

    for workers in (1, 2, 4):
        same_as_numpy(f, numbers(40, 3000) - 0.5, workers=workers, rtol=1e-13)


def test_another_function_under_the_name_is_called() -> None:
    scope = {"np": np, "__name__": __name__}
    run(scope, "one.py", "def g(x): return x + 1\ndef f(x): return g(x) * 2")
    f = jl.jit(scope["f"])
    x = numbers(4)
    assert np.array_equal(f(x), (x + 1) * 2)

    run(scope, "two.py", "def g(x):\n    return x - 1")
    assert np.array_equal(f(x), (x - 1) * 2)
    scope["g"] = np.negative
    assert np.array_equal(f(x), -x * 2)


def test_another_file_is_named() -> None:
    scope = {"np": np, "__name__": __name__}
    run(scope, "one.py", "\n\ndef g(x):\n    y = np.log(x)\n    return y")
    g = scope["g"]
    run(scope, "two.py", "def f(x):\n    return g(x) + 1")
    f = scope["f"]

    with np.errstate(all="raise"):
        found = in_python(jl.jit(f), np.zeros(9))
        assert found == in_python(f, np.zeros(9))
    assert [place[0] for place in found[2]] == ["two.py", "one.py"]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        jl.jit(f)(np.zeros(9))
    assert [(w.filename, w.lineno) for w in told] == [("one.py", 4)]
    assert g is scope["g"]


def run(scope, file, text):
    text = textwrap.dedent(text)
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    exec(compile(text, file, "exec"), scope)


def test_a_variable_without_a_value_is_an_error_there() -> None:
    def f(x):
        return unbound(x) + 1

    assert in_python(jl.jit(f), numbers(3)) == in_python(f, numbers(3))


def unbound(x):
    y = z + x  # noqa: F821, F841
    z = x
    return z


def test_functions_that_call_themselves_stay_calls() -> None:
    def f(x):
        return endless(x) + 1

    found = in_python(jl.jit(f), 1.0)
    assert found[0] is RecursionError


def endless(x):
    y = x + 1
    return endless(y)


def test_arguments_are_evaluated_once_and_in_order() -> None:
    def f(x):
        n = 1.0
        return twice((n := n + 1), (n := n * 3)) + x, n

    same_as_numpy(f, numbers(5))


def twice(a, b):
    return a - b * a


def test_defaults_and_keywords_are_bound_as_in_python() -> None:
    def f(x):
        return with_default(x), with_default(by=x, x=2.0), with_default(x, 5.0)

    same_as_numpy(f, numbers(50))


def with_default(x, by=4.0):
    z = x - by
    return z * by


def test_what_is_stored_later_is_not_seen_by_the_call() -> None:
    def f(x):
        y = shifted(x)
        x[1:] = y * 2
        z = shifted(x)
        x += z[0]
        return y, z, x

    same_as_numpy(f, numbers(3000))


def shifted(x):
    y = x[1:]
    return y


def test_a_local_of_the_function_is_let_go() -> None:
    def f(x):
        a = large(x)
        b = large(a)
        return large(b)

    x = numbers(400_000)
    jl.threads(1)
    before = jl.settings.rules
    peaks = []
    for words in ("", "-inline-calls"):
        jl.settings.rules = words
        jitted = jl.jit(f)
        try:
            jitted(x)
            peaks.append(peak_of(jitted, x))
        finally:
            jl.settings.rules = before

    assert peaks[0] <= peaks[1] <= 4 * x.nbytes


def large(x):
    y = np.exp(x)
    z = y[::-1] * 1.0
    return z


def test_many_calls_in_many_calls_stay_small() -> None:
    scope = {"np": np, "__name__": __name__}
    text = "def f0(x):\n    return np.sqrt(x) + 1\n"
    for k in range(1, 12):
        text += f"def f{k}(x):\n    return f{k - 1}(x) + f{k - 1}(x) * 2\n"
    run(scope, "many.py", text)

    f = scope["f11"]
    same_as_numpy(f, numbers(20), rtol=1e-12)
    assert "inline-calls" in rules(f, numbers(20))
