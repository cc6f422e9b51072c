"""jl.explain: what a call did, as rows, text and HTML."""

from __future__ import annotations

import numpy as np
import pytest

import jetlag as jl
from jetlag.explanation import Explanation


@jl.jit
def fit(x, rounds):
    w = np.zeros(x.shape[1])
    for _ in range(rounds):
        w = w + np.dot(x.T, np.dot(x, w) - 1.0)
    return w


@jl.jit
def generator(n):
    yield n


EXPECTED = [
    "f(x int)",
    "   step                         line  value             runs    calls  tasks     time  share   bytes  flops  rule",
    "1  function f                      3  -                 native      1      -  49.1 ms   100%       -      -",
    "2    call     dot(x, w)            5  float64[1000,30]  native  1,200      0  24.6 ms    50%  248 MB  60 MF  split-reduction",
    "3    opaque   [i for i in <x>]     -  -                 opaque      -      -      0 s     0%       -      -",
]

ROWS = [
    {"depth": 0, "kind": "function", "text": "f", "line": 3, "time": 0.0491, "calls": 1},
    {
        "depth": 1,
        "kind": "call",
        "text": "dot(x,\n  w)",
        "line": 5,
        "dtype": "float64",
        "shape": (1000, 30),
        "native": True,
        "calls": 1200,
        "tasks": 0,
        "time": 0.0246,
        "bytes": 248e6,
        "flops": 60_000_000,
        "rule": "split-reduction",
    },
    {"depth": 1, "kind": "opaque", "text": "[i for i in <x>]", "native": False, "time": 0.0},
]


def test_it_runs_the_call_and_keeps_the_result() -> None:
    x = np.arange(6.0).reshape(3, 2)

    explanation = jl.explain(fit, x, 2)

    np.testing.assert_array_equal(explanation.result, fit(x, 2))
    assert explanation.rows
    assert str(explanation).startswith("fit(x f64[3,2], rounds int)\n")


def test_a_method_explains_too() -> None:
    assert "zeros" in str(fit.explain(np.ones((2, 2)), rounds=1))


def test_a_plain_function_is_decorated_first() -> None:
    assert jl.explain(fit.__wrapped__, np.ones((2, 2)), 1).rows


def test_the_table_is_aligned_with_units_and_three_digits() -> None:
    assert str(Explanation("f(x int)", None, ROWS)).split("\n") == EXPECTED


def test_a_notebook_gets_a_table_with_escaped_text() -> None:
    html = Explanation("f(int)", None, ROWS)._repr_html_()

    assert html.startswith("<table><caption>f(int)</caption><tr><th>")
    assert "[i for i in &lt;x&gt;]" in html
    assert html.count("<tr>") == 4


def test_a_function_that_stays_in_python_says_why() -> None:
    with pytest.warns(jl.OpaqueWarning):
        explanation = jl.explain(generator, 1)

    assert list(explanation.result) == [1]
    assert "stays in Python: a generator" in str(explanation)


def test_a_wrong_call_raises_as_the_function_does() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'rounds'"):
        jl.explain(fit, np.ones((2, 2)))
