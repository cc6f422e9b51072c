"""jl.explain: what a call did, as rows, text and HTML."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from jetlag.bottleneck import Machine
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


MACHINE = Machine(bandwidth=20e9, peak=100e9)

EXPECTED = [
    "f(x int)      this machine: 20 GB/s, 100 GF/s",
    "   step                         line  value             runs    calls  tasks     time  share   bytes  needed  flops  memory  peak  rule",
    "1  function f                      3  -                 native      1      -  49.1 ms   100%       -       -      -       -     -",
    "2    call     dot(x, w)            5  float64[1000,30]  native  1,200      0  24.6 ms    50%  248 MB  124 MB  60 MF     50%    2%  split-reduction",
    "3    opaque   [i for i in <x>]     -  -                 opaque      -      -      0 s     0%       -       -      -       -     -",
    "refused in step 2: share-pass: x is written in between",
    "compiled for step 2: kernel in 45 ms",
    "opaque: step 3",
    "50% of the time in step 2 (line 5), which reaches 50% of memory bandwidth: memory-bound",
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
        "needed": 124e6,
        "flops": 60_000_000,
        "rule": "split-reduction",
        "refused": [("share-pass", "x is written in between")],
        "compiled": [("kernel", 0.045)],
    },
    {"depth": 1, "kind": "opaque", "text": "[i for i in <x>]", "native": False, "time": 0.0},
]


def test_it_runs_the_call_and_keeps_the_result() -> None:
    x = np.arange(6.0).reshape(3, 2)

    explanation = jl.explain(fit, x, 2)

    np.testing.assert_array_equal(explanation.result, fit(x, 2))
    assert explanation.rows
    assert str(explanation).startswith("fit(x f64[3,2], rounds int)")


def test_a_method_explains_too() -> None:
    assert "zeros" in str(fit.explain(np.ones((2, 2)), rounds=1))


def test_a_plain_function_is_decorated_first() -> None:
    assert jl.explain(fit.__wrapped__, np.ones((2, 2)), 1).rows


def test_the_table_is_aligned_with_units_and_three_digits() -> None:
    assert str(Explanation("f(x int)", None, ROWS, MACHINE)).split("\n") == EXPECTED


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


# ---- the bottleneck ----


def step(kind: str = "call", **known: Any) -> dict[str, Any]:
    return {"depth": 1, "kind": kind, "line": 7, "native": True, "calls": 1, **known}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (step(time=0.8, bytes=12.8e9, flops=1e9), "reaches 80% of memory bandwidth: memory-bound"),
        (step(time=0.8, bytes=40e9, flops=1e9), "whose operands stay in caches: cache-bound"),
        (step(time=0.8, bytes=1e6, flops=72e9), "reaches 90% of peak arithmetic: compute-bound"),
        (step(time=0.8, native=False), "runs in Python: opaque"),
        (step(time=0.8, bytes=1e3, flops=1e3, calls=10**6), "so short that beginning them costs"),
        (step(time=0.8, bytes=1e6, flops=1e6), "0% of peak arithmetic: bound by neither"),
    ],
)
def test_the_summary_names_the_step_and_what_holds_it_up(
    row: dict[str, Any], expected: str
) -> None:
    rows = [{"depth": 0, "kind": "function", "time": 1.0}, row]

    summary = Explanation("f()", None, rows, MACHINE).summary()

    assert summary.startswith("80% of the time in step 2 (line 7), ")
    assert expected in summary


def test_an_unmeasured_machine_leaves_the_reason_out() -> None:
    rows = [{"depth": 0, "kind": "function", "time": 1.0}, step(time=0.8, bytes=1e6)]

    assert Explanation("f()", None, rows).summary() == "80% of the time in step 2 (line 7)"


def test_time_between_steps_is_said_to_be_there() -> None:
    rows = [{"depth": 0, "kind": "function", "time": 1.0}, step(time=0.2)]

    assert Explanation("f()", None, rows, MACHINE).summary().startswith("80% of the time between")


# ---- values ----

KEYS = {
    "step", "depth", "kind", "text", "file", "line", "dtype", "shape", "native", "calls", "tasks",
    "time", "share", "bytes", "needed", "flops", "memory", "peak", "rules", "refused", "compiled",
}  # fmt: skip


def test_json_holds_what_the_table_shows() -> None:
    explanation = jl.explain(fit, np.ones((30, 2)), 3)

    values = json.loads(explanation.json(indent=2))

    assert values == explanation.to_dict()
    assert values["schema"] == 1
    assert values["title"] == "fit(x f64[30,2], rounds int)"
    assert values["summary"] == explanation.summary()
    assert [s["step"] for s in values["steps"]] == list(range(1, len(explanation.rows) + 1))
    assert all(set(s) == KEYS for s in values["steps"])


def test_json_of_known_rows() -> None:
    values = Explanation("f(x int)", None, ROWS, MACHINE).to_dict()

    assert values["bottleneck"]["step"] == 2
    assert values["bottleneck"]["bound"] == "memory"
    assert values["steps"][1]["shape"] == [1000, 30]
    assert values["steps"][1]["refused"] == [
        {"rule": "share-pass", "why": "x is written in between"}
    ]
    assert values["steps"][1]["compiled"] == [{"what": "kernel", "time": 0.045}]
    assert values["steps"][2]["native"] is False


def test_the_call_needs_its_arguments_once_and_its_result() -> None:
    @jl.jit
    def f(x):
        return np.dot(x, x) * x

    values = jl.explain(f, np.ones(1000)).to_dict()

    assert values["needed"] == 2 * 8000
    assert values["bytes"] > values["needed"]
    assert max(s["needed"] for s in values["steps"][1:]) == 2 * 8000


def test_steps_that_give_tuples_and_texts_are_explained() -> None:
    def parts(a: Any) -> Any:
        places = np.where(a)
        whole = np.modf(a)
        return places, whole, [a, a], f"[{a.size}]"

    explained = jl.explain(jl.jit(parts), np.arange(3.0))

    assert "tuple(f64[3], f64[3])" in str(explained)
    assert json.loads(explained.json())
