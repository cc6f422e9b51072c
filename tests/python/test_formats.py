"""Traces written for other tools, each read back as that tool would."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jetlag as jl


@jl.jit
def step(x: Any, w: Any) -> Any:
    return np.exp(-np.dot(x, w)) + 1


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> jl.Trace:
    path = tmp_path_factory.mktemp("formats") / "run.jlt"
    before = jl.threads()
    jl.threads(2)
    x, w = np.ones((20_000, 200)), np.ones(200)
    try:
        with jl.trace(path), jl.span('outer "quoted", with\\comma'):
            for _ in range(3):
                step(x, w)
    finally:
        jl.threads(before)
    return jl.open_trace(path)


def site_names(trace: jl.Trace) -> list[str]:
    names = trace.sites()["name"]
    return [names[s] if s >= 0 else "unknown" for s in trace.spans()["site"]]


def test_chrome_has_each_span_and_an_arrow_for_each_edge_between_spans(
    run: jl.Trace, tmp_path: Path
) -> None:
    run.export(tmp_path / "run.json", to="chrome")

    events = json.loads((tmp_path / "run.json").read_text())["traceEvents"]
    spans = [e for e in events if e["ph"] == "X"]
    assert sorted(e["name"] for e in spans) == sorted(site_names(run))
    durations = run.spans()["end"] - run.spans()["begin"]
    assert [round(e["dur"] * 1000) for e in spans] == durations.tolist()
    threads = [e["args"]["name"] for e in events if e["name"] == "thread_name"]
    assert threads == run.threads()["name"]
    begins = {e["id"]: e for e in events if e["ph"] == "s"}
    ends = {e["id"]: e for e in events if e["ph"] == "f"}
    tasks, edges = run.tasks(), run.edges()
    ran = [
        i
        for i, (a, b) in enumerate(zip(edges["from"], edges["to"], strict=True))
        if tasks["begin"][a] >= 0 and tasks["begin"][b] >= 0
    ]
    assert sorted(begins) == sorted(ends) == ran

    # An arrow begins and ends inside of a span of its thread.
    for arrow in [*begins.values(), *ends.values()]:
        assert any(
            s["tid"] == arrow["tid"] and s["ts"] <= arrow["ts"] <= s["ts"] + s["dur"] for s in spans
        )


def test_speedscope_has_threads_whose_frames_nest(run: jl.Trace, tmp_path: Path) -> None:
    run.export(tmp_path / "run.speedscope.json", to="speedscope")

    document = json.loads((tmp_path / "run.speedscope.json").read_text())
    frames = document["shared"]["frames"]
    opened = []
    for profile in document["profiles"]:
        assert profile["type"] == "evented"
        stack: list[int] = []
        at = profile["startValue"]
        for event in profile["events"]:
            assert at <= event["at"] <= profile["endValue"]
            at = event["at"]
            if event["type"] == "O":
                stack.append(event["frame"])
                opened.append(frames[event["frame"]]["name"])
            else:
                assert stack.pop() == event["frame"]
        assert stack == []
    assert sorted(opened) == sorted(site_names(run))


def test_csv_has_a_row_for_each_span(run: jl.Trace, tmp_path: Path) -> None:
    run.export(tmp_path / "run.csv", to="csv")

    with (tmp_path / "run.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    spans = run.spans()
    assert [r["name"] for r in rows] == site_names(run)
    for name in ("begin", "end", "parent"):
        assert [int(r[name]) for r in rows] == spans[name].tolist()
    texts = run.sites()["text"]
    assert [r["physl"] for r in rows] == [texts[s] if s >= 0 else "" for s in spans["site"]]


def tree_of_newick(text: str) -> list[Any]:
    """The children, name and length of each node, as Newick's grammar has them."""
    at = 0

    def node() -> list[Any]:
        nonlocal at
        children = []
        if text[at] == "(":
            while text[at] in "(,":
                at += 1
                children.append(node())
            assert text[at] == ")"
            at += 1
        assert text[at] == "'"
        name = ""
        at += 1
        while text[at] != "'" or text[at + 1] == "'":
            at += 2 if text[at] == "'" else 1
            name += text[at - 1]
        at += 2
        digits = ""
        while text[at].isdigit():
            digits += text[at]
            at += 1
        return [children, name, int(digits)]

    root = node()
    assert text[at:] == ";\n"
    return root


def test_newick_is_the_tree_of_calls(run: jl.Trace, tmp_path: Path) -> None:
    run.export(tmp_path / "run.nwk", to="newick")

    flat = []

    def visit(node: list[Any], parent: int) -> None:
        flat.append((node[1], node[2], parent))
        number = len(flat) - 1
        for child in node[0]:
            visit(child, number)

    visit(tree_of_newick((tmp_path / "run.nwk").read_text()), -1)
    tree, names = run.tree(), run.sites()["name"]
    assert sorted((name, length) for name, length, _ in flat[1:]) == sorted(
        (names[s], int(own)) for s, own in zip(tree["site"], tree["self"], strict=True)
    )


def test_hatchet_has_the_times_of_the_tree(run: jl.Trace, tmp_path: Path) -> None:
    run.export(tmp_path / "run.json", to="hatchet")

    def count(nodes: list[Any]) -> tuple[int, float]:
        inner = [count(n["children"]) for n in nodes]
        return (
            len(nodes) + sum(n for n, _ in inner),
            sum(n["metrics"]["time"] for n in nodes) + sum(t for _, t in inner),
        )

    nodes, seconds = count(json.loads((tmp_path / "run.json").read_text()))
    assert nodes == len(run.tree()["site"])
    assert seconds == pytest.approx(run.tree()["self"].sum() / 1e9)


def test_dot_has_a_node_for_each_task_and_a_line_for_each_edge(
    run: jl.Trace, tmp_path: Path
) -> None:
    run.export(tmp_path / "run.dot", to="dot")

    lines = (tmp_path / "run.dot").read_text().splitlines()
    ids = run.tasks()["id"]
    assert lines[0] == "digraph tasks {"
    assert lines[-1] == "}"
    assert sum("[label=" in line and "->" not in line for line in lines) == len(ids)
    drawn = {line.split("[")[0].strip(" ;") for line in lines if "->" in line}
    edges = run.edges()
    for a, b in zip(edges["from"], edges["to"], strict=True):
        assert f"t{ids[a]} -> t{ids[b]}" in drawn


def test_perfetto_has_each_span_and_a_flow_for_each_edge_between_spans(
    run: jl.Trace, tmp_path: Path
) -> None:
    schema = pytest.importorskip(
        "perfetto.protos.perfetto.trace.perfetto_trace_pb2",
        reason="needs the package perfetto, which has the published schema",
    )
    run.export(tmp_path / "run.pftrace", to="perfetto")

    trace = schema.Trace()
    trace.ParseFromString((tmp_path / "run.pftrace").read_bytes())
    names, places, threads, stacks = {}, {}, {}, {}
    spans, out, into = [], {}, {}
    for packet in trace.packet:
        names |= {n.iid: n.name for n in packet.interned_data.event_names}
        places |= {
            p.iid: (p.file_name, p.line_number) for p in packet.interned_data.source_locations
        }
        if packet.track_descriptor.HasField("thread"):
            threads[packet.track_descriptor.uuid] = packet.track_descriptor.thread.thread_name
        if not packet.HasField("track_event"):
            continue
        event = packet.track_event
        stack = stacks.setdefault(event.track_uuid, [])
        if event.type == event.TYPE_SLICE_BEGIN:
            number = len(spans)
            spans.append([packet.timestamp, None, names[event.name_iid],
                          places.get(event.source_location_iid, ("", 0))])  # fmt: skip
            stack.append(number)
            out |= dict.fromkeys(event.flow_ids, number)
            into |= dict.fromkeys(event.terminating_flow_ids, number)
        elif event.type == event.TYPE_SLICE_END:
            spans[stack.pop()][1] = packet.timestamp

    assert not any(stacks.values())
    assert list(threads.values()) == run.threads()["name"]
    rows, sites = run.spans(), run.sites()
    assert [s[:2] for s in spans] == [
        list(p) for p in zip(rows["begin"].tolist(), rows["end"].tolist(), strict=True)
    ]
    assert [s[2] for s in spans] == site_names(run)
    assert [s[3] for s in spans] == [
        (sites["file"][s], int(sites["line"][s])) if s >= 0 and sites["file"][s] else ("", 0)
        for s in rows["site"]
    ]
    tasks, edges = run.tasks(), run.edges()
    joined = {(rows["task"][out[flow]], rows["task"][into[flow]]) for flow in out if flow in into}
    assert out.keys() == into.keys()
    assert joined == {
        (a, b)
        for a, b in zip(edges["from"], edges["to"], strict=True)
        if tasks["begin"][a] >= 0 and tasks["begin"][b] >= 0
    }


@pytest.mark.parametrize("to", ["chrome", "csv", "dot", "hatchet", "newick", "speedscope"])
def test_an_empty_trace_is_written(to: str, tmp_path: Path) -> None:
    with jl.trace(tmp_path / "a.jlt"):
        pass

    jl.open_trace(tmp_path / "a.jlt").export(tmp_path / "a", to=to)

    text = (tmp_path / "a").read_text()
    assert text
    if to in ("chrome", "hatchet", "speedscope"):
        json.loads(text)


PYTHON_READER = """
import collections, json, sys
sys.path.insert(0, "/usr/lib/python3/dist-packages")
import otf2
seen = collections.Counter()
places = set()
parents = set()
with otf2.reader.open(sys.argv[1]) as trace:
    for location, event in trace.events:
        seen[type(event).__name__] += 1
        if isinstance(event, otf2.events.Enter):
            places.add((event.region.name, event.region.source_file, event.region.begin_line_number))
            names = {a.name: v for a, v in event.attributes.items()}
            parents.add(names["GUID"] != names["Parent GUID"])
print(json.dumps([seen, sorted(places), sorted(parents)]))
"""


def test_an_archive_is_read_by_other_readers(run: jl.Trace, tmp_path: Path) -> None:
    if not shutil.which("otf2-print") or not Path("/usr/share/doc/python3-otf2").exists():
        pytest.skip("needs otf2-tools and python3-otf2")
    run.export(tmp_path / "archive", to="otf2")
    anchor = str(tmp_path / "archive" / "traces.otf2")

    printed = subprocess.run(
        ["otf2-print", "--silent", "-Werror", anchor], capture_output=True, text=True, check=False
    )
    read = subprocess.run(
        ["/usr/bin/python3", "-c", PYTHON_READER, anchor],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (printed.returncode, printed.stderr) == (0, "")
    assert read.returncode == 0, read.stderr
    seen, places, parents = json.loads(read.stdout)
    assert seen["Enter"] == seen["Leave"] == len(run.spans()["begin"])
    sites = run.sites()
    used = {int(s) for s in run.spans()["site"] if s >= 0}
    assert {tuple(p) for p in places if p[0] != "unknown"} == {
        (sites["name"][s], sites["file"][s], int(sites["line"][s])) for s in used
    }
    assert parents == [True]


def same_tables(a: jl.Trace, b: jl.Trace) -> None:
    for name in ("spans", "tasks", "sites", "samples", "points", "threads", "edges", "profile"):
        one, other = getattr(a, name)(), getattr(b, name)()
        for column, values in one.items():
            assert list(values) == list(other[column]), f"{name}.{column}"


def test_an_archive_comes_back_as_it_was(run: jl.Trace, tmp_path: Path) -> None:
    run.export(tmp_path / "archive", to="otf2")

    back = jl.open_trace(tmp_path / "archive")

    same_tables(run, back)
    assert back.facts == run.facts
    assert back.length == run.length
    assert back.complaints == []


def test_the_command_imports_an_archive(run: jl.Trace, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    exported = command("trace", "export", run.path, "--to", "otf2", "-o", archive)
    imported = command("trace", "import", archive, "-o", tmp_path / "back.jlt")

    assert exported.returncode == 0, exported.stderr
    assert imported.returncode == 0, imported.stderr
    same_tables(run, jl.open_trace(tmp_path / "back.jlt"))
    none = command("trace", "import", run.path, "-o", tmp_path / "x.jlt")
    assert "is no trace of another tool" in none.stderr
    empty = command("trace", "import", tmp_path, "-o", tmp_path / "x.jlt")
    assert "has no anchor of an OTF2 archive" in empty.stderr
    assert not (tmp_path / "x.jlt").exists()


def test_another_format_is_an_error_that_lists_them(run: jl.Trace, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be written as 'pdf'") as error:
        run.export(tmp_path / "a", to="pdf")
    assert any("chrome, csv, dot" in note for note in error.value.__notes__)


def test_a_folder_that_is_not_there_is_an_error(run: jl.Trace, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"cannot write .*No such file"):
        run.export(tmp_path / "no" / "a", to="csv")


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).parent / "jetlag"
    return subprocess.run(
        [str(tool), *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120
    )


def test_the_command_writes_what_python_writes(run: jl.Trace, tmp_path: Path) -> None:
    run.export(tmp_path / "python.csv", to="csv")

    done = command("trace", "export", run.path, "--to", "csv", "-o", tmp_path / "command.csv")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "command.csv").read_bytes() == (tmp_path / "python.csv").read_bytes()
    wrong = command("trace", "export", run.path, "--to", "pdf", "-o", tmp_path / "x")
    assert wrong.returncode != 0
    assert "cannot be written as 'pdf'" in wrong.stderr


def test_the_table_of_formats_is_printed() -> None:
    rows = json.loads(command("describe", "formats").stdout)
    assert {r["name"] for r in rows} >= {
        "chrome",
        "csv",
        "dot",
        "hatchet",
        "newick",
        "otf2",
        "perfetto",
        "speedscope",
    }
