"""Exports are opened by the tools that they are for."""

from __future__ import annotations

import json
from pathlib import Path

import hatchet
import jsonschema
import newick
import numpy as np
import pydot
import pytest

import jetlag as jl

AWKWARD = 'it\'s (odd), [name]: "x"; λ'


@jl.jit
def work(x):
    return np.sin(x) @ (x + 1)


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> jl.Trace:
    file = tmp_path_factory.mktemp("readers") / "run.jlt"
    x = np.random.default_rng(1).random(300_000)
    with jl.trace(file), jl.span(AWKWARD):
        work(x)
        work(x)
    return jl.open_trace(file)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of pydot's parser
def test_graphviz_files_have_the_tasks_and_edges(trace: jl.Trace, tmp_path: Path) -> None:
    trace.export(tmp_path / "run.dot", to="dot")

    (graph,) = pydot.graph_from_dot_file(str(tmp_path / "run.dot"))

    tasks, edges = trace.tasks(), trace.edges()
    assert len(tasks["id"]) > 0
    numbered = [n for n in graph.get_nodes() if n.get_name() not in ("node", "edge", "graph")]
    assert len(numbered) == len(tasks["id"])
    waits = [e for e in graph.get_edges() if e.get("style") != "dashed"]
    assert len(waits) == len(set(zip(edges["from"], edges["to"], strict=True)))


def test_newick_trees_have_the_names_and_own_times(trace: jl.Trace, tmp_path: Path) -> None:
    trace.export(tmp_path / "run.nwk", to="newick")

    root = newick.loads((tmp_path / "run.nwk").read_text().strip())[0]

    nodes = [node for node in root.walk() if node is not root]
    tree, names = trace.tree(), trace.sites()["name"]
    assert sorted((n.unquoted_name, int(n.length)) for n in nodes) == sorted(
        (names[site], int(own)) for site, own in zip(tree["site"], tree["self"], strict=True)
    )
    assert AWKWARD in [n.unquoted_name for n in nodes]


def test_hatchet_has_the_tree(trace: jl.Trace, tmp_path: Path) -> None:
    trace.export(tmp_path / "run.json", to="hatchet")

    frame = hatchet.GraphFrame.from_literal(json.loads((tmp_path / "run.json").read_text()))

    tree, names = trace.tree(), trace.sites()["name"]
    assert sorted(frame.dataframe["name"]) == sorted(names[site] for site in tree["site"])


def test_speedscope_files_are_as_its_schema_says(trace: jl.Trace, tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    published = root / "web/node_modules/speedscope/dist/release/file-format-schema.json"
    schema = json.loads(published.read_text())
    trace.export(tmp_path / "run.json", to="speedscope")

    document = json.loads((tmp_path / "run.json").read_text())

    jsonschema.validate(document, schema)
    assert len(document["profiles"]) > 1
    document["profiles"][0]["type"] = "odd"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema)


def test_ten_thousand_sites_are_recorded_and_reported(tmp_path: Path) -> None:
    with jl.trace(tmp_path / "run.jlt"):
        for i in range(10_000):
            with jl.span(f"site {i}"):
                pass

    trace = jl.open_trace(tmp_path / "run.jlt")

    assert trace.dropped == 0
    assert len(trace.profile()["site"]) == 10_000
    assert "and 9970" in trace.report()
