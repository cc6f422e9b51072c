"""Strict functions raise NotLowered, with place, construct and hint."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import jetlag as jl
from jetlag.reports import NotLowered


def unknown(n):
    yield n


@jl.jit(strict=True)
def comprehension(n):
    x = n + 1
    return [i for i in range(x)]


@jl.jit(strict=True)
def tries(n):
    try:
        return 1 / n
    except ZeroDivisionError:
        return 0


@jl.jit(strict=True)
def calls_unknown(n):
    return unknown(n)


def has_opaque_part(n):
    return {n}


@jl.jit(strict=True)
def calls_opaque(n):
    return has_opaque_part(n) and 1


@jl.jit(strict=True)
def generator(n):
    yield n


@jl.jit(strict=True)
def sees_locals(n):
    return locals()


@jl.jit(strict=True)
def draws(n):
    np.random.seed(n)
    return np.random.rand(n)


def first_line(function) -> int:
    return function.__wrapped__.__code__.co_firstlineno


def test_the_message_has_place_construct_and_hint() -> None:
    with pytest.raises(NotLowered) as caught:
        comprehension(3)

    line = first_line(comprehension) + 3
    assert str(caught.value) == (
        f"test_strict.py:{line}:12: opaque: a list comprehension cannot be lowered\n"
        "    in [i for i in range(x)]\n"
        "    hint: fill an array in a loop, or leave out strict=True"
    )
    assert (caught.value.line, caught.value.column) == (line, 12)


@pytest.mark.parametrize(
    ("function", "line", "why"),
    [
        (tries, 2, "try cannot be lowered"),
        (calls_unknown, 2, "unknown has no primitive"),
        (generator, 1, "a generator or coroutine cannot be lowered"),
        (sees_locals, 2, "locals() sees all variables of the function"),
    ],
)
def test_each_construct_is_named_with_its_line(function, line, why) -> None:
    with pytest.raises(NotLowered) as caught:
        function(3)

    assert caught.value.why == why
    assert caught.value.line == first_line(function) + line


def test_called_functions_must_be_native_as_well() -> None:
    with pytest.raises(NotLowered, match="a set cannot be lowered"):
        calls_opaque(3)


def test_nothing_runs_before_it_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    @jl.jit(strict=True)
    def f(n):
        print("ran")
        return {n}

    with pytest.raises(NotLowered):
        f(3)

    assert capsys.readouterr().out == ""


def test_random_numbers_are_allowed() -> None:
    expected = draws.__wrapped__(3)

    np.testing.assert_array_equal(draws(3), expected)


def test_the_error_can_be_pickled() -> None:
    with pytest.raises(NotLowered) as caught:
        tries(3)

    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_the_same_function_not_strict_runs() -> None:
    with pytest.warns(jl.OpaqueWarning):
        assert jl.jit(tries.__wrapped__)(0) == 0
