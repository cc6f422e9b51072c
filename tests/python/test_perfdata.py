"""`f.perfdata`: what the last call cost, node by node, and in the form that Phylanx gives."""

from __future__ import annotations

import csv
import io
import re

import numpy as np
import pytest

import jetlag as jl


@jl.jit(performance=True)
def fit(x, y, rate, rounds):
    w = np.zeros(x.shape[1])
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-np.dot(x, w)))
        w = w - rate * np.dot(x.T, p - y)
    return w


@jl.jit(performance=True)
def halves(x):
    return half(x) + 1


def half(x):
    return x / 2


LINE = fit.__wrapped__.__code__.co_firstlineno + 1


@pytest.fixture
def columns() -> dict:
    x, y = np.random.default_rng(1).random((300, 5)), np.zeros(300)
    result = fit(x, y, 1e-3, 7)
    np.testing.assert_allclose(result, fit.__wrapped__(x, y, 1e-3, 7))
    return fit.perfdata.columns()


def test_nodes_have_their_lines_and_counts(columns: dict) -> None:
    found = {
        (n, line - LINE): i
        for i, (n, line) in enumerate(zip(columns["name"], columns["line"], strict=True))
    }
    loop = found["for_each", 2]
    assert columns["count"][loop] == 7
    assert columns["count"][found["dot", 4]] == 7
    assert columns["bytes"].sum() > 0
    assert set(columns["file"]) == {__file__}
    assert columns["parent"][0] == -1
    assert (columns["parent"][1:] < np.arange(1, len(columns["parent"]))).all()


def test_times_hold_what_is_below(columns: dict) -> None:
    assert columns["time"][0] > 0
    for parent in range(len(columns["time"])):
        below = columns["time"][columns["parent"] == parent].sum()
        assert columns["time"][parent] == columns["own"][parent] + below


def test_the_three_texts_agree_on_the_nodes(columns: dict) -> None:
    table, newick, dot = fit.perfdata
    rows = list(csv.DictReader(io.StringIO(table)))
    names = [row["primitive_instance"] for row in rows]
    assert len(set(names)) == len(names) == len(columns["node"])
    assert all(re.fullmatch(r"/phylanx\$\d+/[^/]+\$\d+(\$[^/]+)?/\d+\$\d+\$\d+", n) for n in names)
    assert [int(row["time"]) for row in rows] == columns["time"].tolist()
    assert sorted(re.findall(r"/phylanx[^,()\s]*", newick)) == sorted(names)
    edges = re.findall(r'"(/phylanx[^"]*)" -- "(/phylanx[^"]*)"', dot)
    parents = {names[i]: names[p] for i, p in enumerate(columns["parent"]) if p >= 0}
    assert {child: parent for parent, child in edges} == parents
    assert newick.endswith(";")


def test_functions_that_are_called_are_in_the_tree() -> None:
    np.testing.assert_array_equal(halves(np.arange(4.0)), [1, 1.5, 2, 2.5])
    assert {"half", "halves"} <= set(halves.perfdata.columns()["name"])


def test_each_call_replaces_the_figures() -> None:
    fit(np.ones((4, 2)), np.ones(4), 0.1, 3)
    first = fit.perfdata
    fit(np.ones((4, 2)), np.ones(4), 0.1, 5)
    assert fit.perfdata is not first
    columns = fit.perfdata.columns()
    assert columns["count"][columns["name"].index("for_each")] == 5


def test_what_was_not_measured_says_how_to() -> None:
    plain = jl.jit(lambda x: x)
    plain(1)
    with pytest.raises(AttributeError, match=r"performance=True"):
        _ = plain.perfdata
    with pytest.raises(AttributeError, match="call it first"):
        _ = jl.jit(performance=True)(half).perfdata


def test_a_function_that_stays_in_python_has_one_node() -> None:
    @jl.jit(performance=True)
    def generator(n):
        yield n

    with pytest.warns(jl.OpaqueWarning):
        assert list(generator(3)) == [3]
    table, newick, _ = generator.perfdata
    assert len(table.splitlines()) == 2
    assert "generator" in newick


def test_errors_leave_the_figures_of_the_call_before() -> None:
    fit(np.ones((4, 2)), np.ones(4), 0.1, 3)
    before = fit.perfdata
    with pytest.raises(ValueError, match="broadcast"):
        fit(np.ones((4, 2)), np.ones(5), 0.1, 3)
    assert fit.perfdata is before
