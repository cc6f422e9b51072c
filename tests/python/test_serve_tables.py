"""What `jetlag serve` tells of a trace besides its picture: SQL, the plan, the task graph."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from serving import Served, identity


@jl.jit
def fit(x, y, rounds):
    w = np.zeros(x.shape[1])
    for _ in range(rounds):
        p = 1.0 / (1.0 + np.exp(-(x @ w)))
        w -= 1e-6 * (x.T @ (p - y))
    return w


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("traces") / "run.jlt"
    x = np.random.default_rng(1).random((200_000, 8))
    y = np.ones(200_000)
    fit(x, y, 1)
    with jl.trace(path):
        fit(x, y, 5)
    return path


@pytest.fixture(scope="module")
def served(path: Path) -> Iterator[Served]:
    server = Served(str(path))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def base(served: Served) -> str:
    return f"/v1/traces/{identity(served, 'run.jlt')}"


def ask(served: Served, base: str, question: str, query: str = "") -> Any:
    status, body, _ = served.ask(f"{base}/sql{query}", method="POST", body=question)
    return status, json.loads(body)


def test_sql_sees_what_the_trace_holds(served: Served, base: str, path: Path) -> None:
    spans = jl.open_trace(path).spans()
    question = 'SELECT count(*), sum("end" - begin), max(duration) FROM spans WHERE site >= 0'

    status, answer = ask(served, base, question)

    took = (spans["end"] - spans["begin"])[np.array(spans["site"]) >= 0]
    assert status == 200
    assert answer["rows"] == [[len(took), took.sum(), took.max()]]


def test_sql_joins_its_tables(served: Served, base: str) -> None:
    question = """
        SELECT sites.name, count(*) AS times FROM spans JOIN sites ON spans.site = sites.number
        WHERE sites.name LIKE '%matmul%' GROUP BY 1"""

    _, answer = ask(served, base, question)

    names = served.json(f"{base}/sites")
    times: dict[str, int] = {}
    for name, count in zip(names["name"], names["count"], strict=True):
        if "matmul" in name and count:
            times[name] = times.get(name, 0) + count
    assert answer["columns"] == ["name", "times"]
    assert dict(answer["rows"]) == times != {}


def test_every_table_is_described_and_answers(served: Served, base: str) -> None:
    tables = served.json(f"{base}/sql")

    for table in tables:
        status, answer = ask(served, base, f"SELECT * FROM {table['name']}", "?limit=100000")
        assert status == 200, answer
        assert answer["columns"] == [column["name"] for column in table["columns"]]
        assert len(answer["rows"]) == table["rows"]


def test_sql_says_that_there_is_more(served: Served, base: str) -> None:
    _, answer = ask(served, base, "SELECT * FROM spans", "?limit=3")

    assert len(answer["rows"]) == 3
    assert answer["more"] is True


@pytest.mark.parametrize(
    ("question", "detail"),
    [
        ("SELEC 1", 'near "SELEC": syntax error'),
        ("DROP TABLE spans", "only questions are answered"),
        ("ATTACH '/etc/passwd' AS p", "only questions are answered"),
        ("SELECT other FROM spans", "no such column: other"),
        (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT sum(i) FROM n",
            "the answer took longer than 5000 ms",
        ),
    ],
)
def test_sql_that_cannot_be_answered_is_a_problem(
    served: Served, base: str, question: str, detail: str
) -> None:
    status, problem = ask(served, base, question)

    assert status == 400
    assert detail in problem["detail"]


def test_the_plan_has_the_figures_of_its_steps(served: Served, base: str) -> None:
    plan = served.json(f"{base}/plan")
    sites = served.json(f"{base}/sites")

    names = [sites["name"][site] for site in plan["site"]]
    assert "fit" in names
    matmul = next(i for i, name in enumerate(names) if "matmul" in name)
    assert plan["tasks"][matmul] > 0
    assert plan["threads"][matmul] >= 1
    assert plan["bytes"][matmul] > 0
    assert all(parent < row for row, parent in enumerate(plan["parent"]))


def test_the_graph_around_a_task_is_drawn_from_its_edges(served: Served, base: str) -> None:
    question = "SELECT source, target FROM edges"
    edges = {tuple(row) for row in ask(served, base, question, "?limit=100000")[1]["rows"]}
    target = next(iter(edges))[1]

    around = served.json(f"{base}/tasks/{target}/graph?distance=1")

    wanted = {a for a, b in edges if b == target} | {b for a, b in edges if a == target} | {target}
    assert set(around["tasks"]["task"]) == wanted
    drawn = zip(around["edges"]["from"], around["edges"]["to"], strict=True)
    assert set(drawn) == {(a, b) for a, b in edges if {a, b} <= wanted}
    assert around["complete"] is True


def test_kinds_of_tasks_have_the_edges_of_all(served: Served, base: str, path: Path) -> None:
    graph = served.json(f"{base}/graph")

    summary = served.json(base)
    assert sum(graph["nodes"]["count"]) == summary["tasks"]
    assert sum(graph["edges"]["count"]) == summary["edges"]


def test_a_call_happens_in_instances(served: Served, base: str) -> None:
    tree = served.json(f"{base}/tree")
    node = max(range(len(tree["count"])), key=tree["count"].__getitem__)

    found = served.json(f"{base}/tree/{node}/instances")

    assert sum(found["count"]) >= tree["count"][node]
    assert found["begin"] == sorted(found["begin"])
    assert found["left_out"] == 0


def test_messages_are_none_in_one_process(served: Served, base: str) -> None:
    assert served.json(f"{base}/messages")["sent"] == []


def test_rows_come_with_a_measure(served: Served, base: str) -> None:
    measures = [m["name"] for m in served.json("/v1/measures")]
    tracks = len(served.json(base)["tracks"])

    _, plain, _ = served.ask(f"{base}/rows?bins=50")
    _, slack, _ = served.ask(f"{base}/rows?bins=50&measure=slack")

    rows = int(np.frombuffer(plain, np.uint32, tracks).sum())
    assert "slack" in measures
    assert slack[: len(plain)] == plain
    values = np.frombuffer(slack[len(plain) :], np.float32)
    assert len(values) == rows
    assert np.nanmin(values) >= 0
    status, body, _ = served.ask(f"{base}/rows?measure=colour")
    assert status == 400
    assert "measures are duration" in json.loads(body)["hint"]
