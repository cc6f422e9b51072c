"""Loops run hurried machine code at first, and better code from the moment when it is there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy


@pytest.fixture(autouse=True)
def _nothing_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jl.settings, "jit", "auto")
    monkeypatch.setattr(jl.settings, "cache_dir", str(tmp_path))


def compilations() -> float:
    (count,) = jl.counters("/compile/count").read().values()
    return float(count)


def call_until_compiled(function: Callable[..., Any], *args: object, times: int) -> object:
    """The result of a call that was made once LLVM had run so often."""
    before = compilations()
    while compilations() < before + times:
        function(*args)
    return function(*args)


def test_hurried_and_better_code_give_the_same() -> None:
    @jl.jit
    def squares(a):
        total = 0.25
        for i in range(a.shape[0]):
            total += a[i] * a[i]
        return total

    a = np.random.default_rng(0).random(5000)
    expected = squares.__wrapped__(a)

    assert squares(a) == expected
    assert call_until_compiled(squares, a, times=2) == expected


def test_a_loop_changes_to_better_code_in_its_midst() -> None:
    @jl.jit
    def digits(n):
        total = 0
        for i in range(n):
            total += i % 10
        return total

    rounds = 60_000_000

    assert digits(rounds) == 45 * (rounds // 10)


def test_a_while_loop_changes_to_better_code_in_its_midst() -> None:
    @jl.jit
    def count(n):
        i = total = 0
        while i < n:
            total += i & 3
            i += 1
        return i, total

    rounds = 60_000_000

    assert count(rounds) == (rounds, 6 * (rounds // 4))


def test_hurried_code_leaves_where_python_raises() -> None:
    def shift(a, n):
        for i in range(n):
            a[i] = a[i + 1] + 1.0
        return a

    with pytest.raises(IndexError):
        shift(np.zeros(3000), 3000)
    same_as_numpy(shift, np.arange(3000.0), 3000)


def test_hurried_code_leaves_where_an_int_becomes_long() -> None:
    def grow(n):
        x = 1
        for i in range(n):
            x = x + (x >> 1) + i
        return x

    same_as_numpy(grow, 3000)


def test_hurried_code_tells_of_floating_point_conditions() -> None:
    def divide(a, b):
        for i in range(a.shape[0]):
            a[i] = a[i] / b[i]
        return a

    b = np.ones(3000)
    b[2500] = 0.0

    same_as_numpy(divide, np.ones(3000), b)
