"""Calls of decorated functions: how arguments are bound, guards, threads, references."""

from __future__ import annotations

import gc
import linecache
import statistics
import sys
import threading
import traceback
import tracemalloc
import warnings
import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jetlag as jl
from jetlag.function import JitFunction
from jetlag.reports import Reporter

scale = 2.0


@jl.jit
def plain(a, b):
    return a, b


@jl.jit
def with_defaults(a, b=2, c=3):
    return a, b, c


@jl.jit
def keyword_only(a, *, b, c=3):
    return a, b, c


@jl.jit
def positional_only(a, b=2, /, c=3, *, d=4):
    return a, b, c, d


@jl.jit
def nothing():
    return 1


@jl.jit
def nine(a, b, c, d, e, f, g, h, i=9):
    return a, b, c, d, e, f, g, h, i


@jl.jit
def starred(a, *rest, k=1, **named):
    return a, rest, k, named


SIGNATURES = [plain, with_defaults, keyword_only, positional_only, nothing, nine, starred]


def outcome(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, str]:
    try:
        return function(*args, **kwargs), ""
    except TypeError as error:
        return None, str(error)


@given(
    st.sampled_from(SIGNATURES),
    st.lists(st.integers(0, 9), max_size=10),
    st.dictionaries(st.sampled_from([*"abcdefghikz", "𝐚"]), st.integers(10, 19), max_size=5),
)
def test_arguments_are_bound_as_python_binds_them(
    function: Any, args: list[int], kwargs: dict[str, int]
) -> None:
    expected = outcome(function.__wrapped__, tuple(args), kwargs)

    first = outcome(function, tuple(args), kwargs)
    cached = outcome(function, tuple(args), kwargs)

    assert first == expected
    assert cached == expected


def test_a_name_that_is_not_interned_finds_its_parameter() -> None:
    plain(1, 2)

    assert plain(1, **{"".join(["b"]): 5}) == (1, 5)


def test_keyword_defaults_changed_in_place_count_from_the_next_call() -> None:
    @jl.jit
    def f(*, k=1):
        return k

    before = f()
    f.__wrapped__.__kwdefaults__["k"] = 7

    assert (before, f()) == (1, 7)


def test_a_missing_argument_of_a_cached_call_raises_in_the_words_of_python() -> None:
    plain(1, 2)

    with pytest.raises(TypeError, match=r"plain\(\) missing 1 required positional argument: 'b'"):
        plain(1)


# ---- guards ----


def test_a_global_bound_anew_is_seen_by_the_next_call() -> None:
    global scale

    @jl.jit
    def f(x):
        return x * scale

    before = f(3.0)
    scale = 5.0
    after = f(3.0)
    scale = 2.0

    assert (before, after, f(3.0)) == (6.0, 15.0, 6.0)


def test_a_function_replaced_in_a_module_is_seen_by_the_next_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @jl.jit
    def f(x):
        return np.negative(x)

    before = f(3.0)
    monkeypatch.setattr(np, "negative", np.square)
    during = f(3.0)
    monkeypatch.undo()

    assert (before, during, f(3.0)) == (-3.0, 9.0, -3.0)


def test_a_closure_cell_bound_anew_is_seen_by_the_next_call() -> None:
    def helper(x):
        return x + 1

    @jl.jit
    def f(x):
        return helper(x)

    before = f(1)
    helper = lambda x: x + 10  # noqa: E731, F811

    assert (before, f(1)) == (2, 11)


def test_the_code_of_a_called_function_may_be_exchanged() -> None:
    def helper(x):
        return x + 1

    def other(x):
        return x - 1

    @jl.jit
    def f(x):
        return helper(x)

    before = f(1)
    helper.__code__ = other.__code__

    assert (before, f(1)) == (2, 0)


# ---- the object ----


def test_a_subclass_may_call_in_its_own_way() -> None:
    class Loud(JitFunction):
        def __call__(self, *args, **kwargs):
            return "loud", super().__call__(*args, **kwargs)

    loud = Loud(plain.__wrapped__, plain.options)

    assert loud(1, 2) == ("loud", (1, 2))
    assert loud(1, 2) == ("loud", (1, 2))


def test_calling_by_attribute_is_calling() -> None:
    assert plain.__call__(1, b=2) == (1, 2)


def test_a_method_is_bound_to_its_object() -> None:
    class Model:
        @jl.jit
        def double(self, x):
            return x * 2

    model = Model()

    assert [model.double(x) for x in (1, 2)] == [2, 4]
    assert model.double.__self__ is model
    assert Model.double is Model.__dict__["double"]


def test_arrays_of_a_subclass_are_left_to_numpy() -> None:
    @jl.jit
    def add(a, b):
        return a + b

    add(np.ones(3), np.ones(3))
    found = add(np.ma.array([1.0, 2.0], mask=[0, 1]), 1.0)

    assert isinstance(found, np.ma.MaskedArray)


@pytest.mark.parametrize("n", [0, 1, 10, 512, 513, 2000])
def test_short_and_long_arrays_get_the_same_treatment(n: int) -> None:
    @jl.jit
    def f(a, b):
        return np.exp(a - 3) * b + 2

    a, b = np.linspace(0, 1, n), np.arange(n) % 7

    for arguments in ((a, b), (a[::-1], b), (a, 3), (a.astype(np.float32), b), (2.5, b), (1, 2)):
        np.testing.assert_allclose(f(*arguments), f.__wrapped__(*arguments), rtol=1e-6)


def test_a_condition_in_a_short_call_is_told_and_errstate_is_the_callers() -> None:
    @jl.jit
    def divide(a, b):
        return a / b

    one, zero = np.ones(3), np.zeros(3)
    divide(one, one)
    with pytest.warns(RuntimeWarning, match="divide by zero encountered in divide"):
        divide(one, zero)
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        divide(one, zero)
    with np.errstate(divide="ignore"):
        assert np.isinf(divide(one, zero)).all()
    with pytest.warns(RuntimeWarning, match="divide by zero encountered in scalar divide"):
        divide(np.float64(1), 0.0)


# ---- many calls ----


def test_threads_may_call_at_once() -> None:
    @jl.jit
    def f(x, n):
        total = x * 0
        for _ in range(n):
            total = total + x
        return total

    results: list[Any] = [None] * 8

    def work(i: int) -> None:
        results[i] = [f(np.full(5, float(i)), 20)[0] for _ in range(50)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == [[20.0 * i] * 50 for i in range(8)]


def test_a_call_inside_a_call_is_a_call() -> None:
    def through_python(x):
        return inner(x) + 1

    @jl.jit
    def inner(x):
        return x * 2

    @jl.jit
    def outer(call, x):
        return call(x) + call(x)

    Reporter.forget()
    with pytest.warns(jl.OpaqueWarning):
        assert outer(through_python, 3.0) == 14.0


def test_a_plain_call_waits_for_pending_ones_that_write() -> None:
    @jl.jit
    def fill(a, n):
        for _ in range(n):
            a += 1
        return None

    @jl.jit
    def first(a):
        return a[0] + 0.0

    a = np.zeros(1000)
    first(a)
    future = fill.submit(a, 300)

    assert first(a) == 300.0
    future.result()


def test_calls_keep_no_references() -> None:
    @jl.jit
    def add(a, b):
        return a + b

    @jl.jit
    def fail(a, b):
        return a[b]

    a, b, key = np.arange(10.0), 1e300, "no such"
    for _ in range(100):
        add(a, b)
        with pytest.raises(IndexError):
            fail(a, 1000)
    before = sys.getrefcount(a), sys.getrefcount(b), sys.getrefcount(add), sys.getrefcount(key)
    gc.collect()
    tracemalloc.start()
    held = tracemalloc.get_traced_memory()[0]
    for _ in range(10_000):
        add(a, b)
        add(a, b=b)
        outcome(add, (a,), {"c": key})
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - held
    tracemalloc.stop()

    after = sys.getrefcount(a), sys.getrefcount(b), sys.getrefcount(add), sys.getrefcount(key)
    assert after == before
    assert grown < 20_000


def test_a_result_is_the_callers_alone() -> None:
    @jl.jit
    def add(a, b):
        return a + b

    for n in (10, 5000):
        result = add(np.ones(n), 1.0)
        assert sys.getrefcount(result) == 2
        assert result.flags.owndata


def test_a_function_that_nobody_holds_goes_with_its_program() -> None:
    class Marker:
        pass

    def make() -> tuple[Any, Any]:
        marker = Marker()

        @jl.jit
        def f(n):
            return 0 if n == 0 else f(n - 1) if marker else 1

        f(3)
        return weakref.ref(f), weakref.ref(marker)

    function, marker = make()
    gc.collect()

    assert function() is None
    assert marker() is None


# ---- calls into Python ----


def test_a_warning_with_a_stacklevel_names_the_users_line() -> None:
    def warns(x):
        warnings.warn("odd", UserWarning, stacklevel=2)
        return x

    @jl.jit
    def f(call, x):
        y = x + 1
        return call(y)

    with pytest.warns(UserWarning, match="odd") as seen:
        f(warns, 1.0)

    found = next(w for w in seen if w.category is UserWarning)
    assert found.filename == __file__
    assert linecache.getline(__file__, found.lineno).strip() == "return call(y)"


def test_a_called_function_sees_the_users_frame_as_its_caller() -> None:
    seen = []

    def looks():
        caller = sys._getframe(1)
        seen.append((caller.f_code.co_filename, caller.f_code.co_name))

    @jl.jit
    def f(call):
        call()

    Reporter.forget()
    with pytest.warns(jl.OpaqueWarning):
        f(looks)

    assert seen == [(__file__, "f")]


def test_an_error_of_a_called_function_shows_the_users_line_once() -> None:
    def fails():
        raise KeyError("deep")

    @jl.jit
    def f(call):
        return call()

    Reporter.forget()
    with pytest.warns(jl.OpaqueWarning):
        f(lambda: 1)
    with pytest.raises(KeyError) as error:
        f(fails)

    entries = traceback.extract_tb(error.value.__traceback__)
    assert [entry.name for entry in entries][1:] == ["f", "fails"]
    assert entries[1].line == "return call()"


def test_the_notice_names_the_function_that_is_called() -> None:
    @jl.jit
    def f(call, x):
        return call(x)

    Reporter.forget()
    with pytest.warns(jl.OpaqueWarning, match=r"statistics\.fmean is no function that jetlag"):
        f(statistics.fmean, [1.0, 2.0])
