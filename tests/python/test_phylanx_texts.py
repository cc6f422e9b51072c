"""What Phylanx and tools of its time leave of a run is a trace: Newick, CSV, DOT, PhySL, Python."""

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from serving import Served

CSV = """primitive_instance,display_name,count,time,eval_direct
/phylanx$0/function$0$fit/0$1$0,fit,1,1000000,1
/phylanx$0/store$1/0$2$4,store/L#0(2 4),10,900000,1
/phylanx$0/add$2/0$2$9,add/L#0(2 9),20,300000,0
/phylanx$0/access-variable$3$x/0$2$12,x,20,20000,-1
"""
TREE = """((((/phylanx$0/access-variable$3$x/0$2$12) /phylanx$0/add$2/0$2$9)
  /phylanx$0/store$1/0$2$4) /phylanx$0/function$0$fit/0$1$0) fit.py;"""
DOT = """graph "fit" {
  "/phylanx$0/function$0$fit/0$1$0" -- "/phylanx$0/store$1/0$2$4";
  "/phylanx$0/store$1/0$2$4" -- "/phylanx$0/add$2/0$2$9";
  "/phylanx$0/add$2/0$2$9" -- "/phylanx$0/access-variable$3$x/0$2$12";
}
"""


@jl.jit(performance=True)
def fit(x, rounds):
    w = np.zeros(x.shape[1])
    for _ in range(rounds):
        w += x.T @ (x @ w - 1.0)
    return w


def figures(path: Path | str) -> dict[str, tuple[int, int]]:
    """Count and whole time of each name."""
    sites = jl.open_trace(path).profile()
    rows = zip(sites["name"], sites["count"], sites["total"], strict=True)
    return {name: (int(count), int(total)) for name, count, total in rows}


EXPECTED = {
    "fit": (1, 1_000_000),
    "store": (10, 900_000),
    "add": (20, 300_000),
    "x": (20, 20_000),
}


@pytest.mark.parametrize(
    "pieces", [("newick",), ("csv", "newick"), ("csv", "dot"), ("dot",), ("csv",)]
)
def test_any_part_of_what_was_left_is_a_trace(tmp_path: Path, pieces: tuple[str, ...]) -> None:
    for piece in pieces:
        (tmp_path / f"run.{piece}").write_text({"newick": TREE, "csv": CSV, "dot": DOT}[piece])

    trace = jl.open_trace(tmp_path / f"run.{pieces[-1]}")

    found = figures(tmp_path / f"run.{pieces[-1]}")
    found.pop("fit.py", None)  # Newick's root
    assert set(found) == set(EXPECTED)
    if "csv" in pieces and len(pieces) > 1:
        assert found == EXPECTED
    if "csv" not in pieces:
        assert "no times are known" in trace.complaints[0]


def test_files_of_one_folder_belong_together(tmp_path: Path) -> None:
    (tmp_path / "tree.newick").write_text(TREE)
    (tmp_path / "perf.csv").write_text(CSV)
    (tmp_path / "fit.physl").write_text("define(fit, x, x + 1)")
    (tmp_path / "fit.py").write_text("def fit(x):\n    return x + 1\n")

    trace = jl.open_trace(tmp_path)

    sites = trace.sites()
    place = dict(zip(sites["name"], zip(sites["file"], sites["line"], strict=True), strict=True))
    assert place["add"] == (str(tmp_path / "fit.py"), 2)
    assert trace.facts["physl"] == "define(fit, x, x + 1)"


def test_pieces_that_are_named_one_by_one_are_one_run(tmp_path: Path) -> None:
    (tmp_path / "run.newick").write_text(TREE)
    (tmp_path / "run.csv").write_text(CSV)

    trace = jl.open_trace([tmp_path / "run.csv", tmp_path / "run.newick"])

    assert len(trace.threads()["name"]) == 1
    assert sum(trace.profile()["count"]) == sum(count for count, _ in EXPECTED.values()) + 1


def test_what_perfdata_gives_comes_back(tmp_path: Path) -> None:
    fit(np.full((100, 4), 0.01), 3)
    table, newick, dot = fit.perfdata
    (tmp_path / "run.csv").write_text(table)
    (tmp_path / "run.newick").write_text(newick)
    (tmp_path / "run.dot").write_text(dot)

    sites = jl.open_trace(tmp_path).profile()

    nodes = fit.perfdata.nodes
    wanted = {n.instance: n.count for n in nodes if n.count > 0}
    found = dict(zip(sites["text"], sites["count"], strict=True))
    assert len(wanted) > 3
    assert {name: found[name] for name in wanted} == wanted
    whole = dict(zip(sites["text"], sites["total"], strict=True))[nodes[0].instance]
    assert whole >= nodes[0].time


def test_a_tree_that_was_written_is_read(tmp_path: Path) -> None:
    outer, inner = jl.span("it's (odd), [a]: b;"), jl.span("inner")
    with jl.trace(tmp_path / "run.jlt", counters=[]), outer, inner:
        pass
    before = jl.open_trace(tmp_path / "run.jlt")
    before.export(tmp_path / "tree.newick", to="newick")

    after = figures(tmp_path / "tree.newick")

    sites = before.profile()
    own = dict(zip(sites["name"], sites["total"], strict=True))
    assert after["inner"][1] == own["inner"]
    assert after["it's (odd), [a]: b;"][1] == own["it's (odd), [a]: b;"]


def test_a_task_graph_that_was_written_is_read(tmp_path: Path) -> None:
    (tmp_path / "tasks.dot").write_text(
        'digraph tasks {\n  node [shape=box];\n  t1 [label="load\\n2.00 ms"];\n'
        '  t2 [label="solve\\n1.00 ms"]; t3 [label="solve\\n3.00 ms"];\n'
        "  t1 -> t2 -> t4; t1 -> t3 [style=dashed]; t3 -> t4;\n}\n"
    )

    trace = jl.open_trace(tmp_path / "tasks.dot")

    tasks = trace.tasks()
    assert list(tasks["begin"]) == [0, 2_000_000, 0, 3_000_000]
    assert list(tasks["parent"]) == [-1, -1, 0, -1]
    assert sorted(zip(trace.edges()["from"], trace.edges()["to"], strict=True)) == [
        (0, 1),
        (1, 3),
        (2, 3),
    ]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.newick", "((a,b)c;", "line 1 has no ) for a ("),
        ("a.newick", "a)b;", "line 1 has a ) without its ("),
        ("a.newick", "(a\n,'b", "line 2 has a quoted name that does not end"),
        ("a.newick", "", "line 1 has no tree"),
        ("a.newick", "(a:x)b;", "line 1 has a length that is none"),
        ("a.dot", "something", "line 1 has no graph of DOT"),
        ("a.csv", "primitive_instance,count\nalone\n", "has a row of one field"),
    ],
)
def test_damaged_texts_say_where(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)

    with pytest.raises(ValueError, match=r"a\.(newick|dot|csv)") as raised:
        jl.open_trace(tmp_path / name)

    assert said in str(raised.value)


def test_random_texts_open_or_are_refused(tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    path = tmp_path / "run.newick"
    for text, end in [(TREE, "newick"), (CSV, "csv"), (DOT, "dot")]:
        path = tmp_path / f"run.{end}"
        for _ in range(60):
            letters = list(text)
            for _ in range(random.integers(1, 8)):
                at = random.integers(len(letters))
                letters[at] = str(random.choice(list("(),:;'\"[]{}$-><\n 9a\0")))
            path.write_text("".join(letters))
            with contextlib.suppress(ValueError):
                jl.open_trace(path).sites()
        path.unlink()


def test_a_folder_of_texts_is_served_as_one_trace(tmp_path: Path) -> None:
    folder = tmp_path / "old run"
    folder.mkdir()
    (folder / "tree.newick").write_text(TREE)
    (folder / "perf.csv").write_text(CSV)
    (tmp_path / "run.csv").write_text(CSV)
    (tmp_path / "run.dot").write_text(DOT)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    served = Served("--no-jobs", str(tmp_path))

    rows = served.json("/v1/traces")
    summaries: dict[str, Any] = {
        row["name"]: served.json(f"/v1/traces/{row['id']}/sites") for row in rows
    }
    served.stop()

    assert set(summaries) == {"old run", "run.csv"}
    for sites in summaries.values():
        assert dict(zip(sites["name"], sites["count"], strict=True))["add"] == 20
