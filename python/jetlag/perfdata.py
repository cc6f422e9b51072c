"""What a call cost, node by node of its tree: `f.perfdata`, also in the form that Phylanx gives."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from jetlag.bottleneck import Row
    from jetlag.function import JitFunction

_HEADER = (
    "primitive_instance",
    "display_name",
    "count",
    "time",
    "eval_direct",
    "transferred_bytes",
)
_LABEL = re.compile(r"(?P<name>.*)\((?P<line>\d+), (?P<column>\d+)\)")
_INCLUSIVE = ("function", "loop", "branch")  # kinds of rows whose time holds what is inside


class Node:
    """A node of the tree of a program, and what the last call spent in it.

    label names it as `f.tree()` does; instance as Phylanx does. time and own are nanoseconds, with
    and without the nodes below; direct: 1 if it ran on the caller's thread, 0 if tasks ran it, -1
    if it never ran by itself: it is part of the step of a node above, or was left out.
    """

    def __init__(self, label: str, number: int, file: str) -> None:
        found = _LABEL.fullmatch(label)
        self.label = label
        self.file = file
        self.number = number
        self.name = found["name"] if found else label
        self.line, self.column = (int(found[2]), int(found[3])) if found else (0, 0)
        self.children: list[Node] = []
        self.count = self.time = self.own = 0
        self.bytes = self.flops = 0.0
        self.direct = -1
        self._inclusive = False

    @property
    def instance(self) -> str:
        """The name that Phylanx would give: /phylanx$locality/primitive$number/0$line$column."""
        known = bool(self.line)
        kind = self.name if self.children else "access-variable" if known else "literal"
        own = f"${self.name}" if known and not self.children else ""
        return f"/phylanx$0/{_plain(kind)}${self.number}{_plain(own)}/0${self.line}${self.column}"

    def add(self, row: Row) -> None:
        """Count a step that was made of the node."""
        self.count += row["calls"]
        self.own += round(row["time"] * 1e9)
        self.bytes += row["bytes"]
        self.flops += row["flops"]
        self.direct = 0 if row["tasks"] else 1
        self._inclusive |= row["kind"] in _INCLUSIVE

    def add_up(self) -> int:
        """Make `time` hold what is below as well."""
        below = sum(child.add_up() for child in self.children)
        self.time = max(self.own, below) if self._inclusive else self.own + below
        if self._inclusive:
            self.own = self.time - below
        return self.time

    def walk(self) -> Iterator[Node]:
        """The node and all below it, in the order of the text."""
        yield self
        for child in self.children:
            yield from child.walk()


class _Texts(NamedTuple):
    csv: str
    newick: str
    dot: str


class Perfdata(_Texts):
    """What a call cost: `csv, newick, dot = f.perfdata`, the three texts that Phylanx gives.

    csv has a row for each node: its name, how often it ran, its time in nanoseconds with what is
    below it, whether it ran directly (Node says more), and the bytes that it moved. newick and dot
    hold the tree, with the names of the first column. `columns()` has the figures as numbers.
    """

    nodes: list[Node]

    def columns(self) -> dict[str, Any]:
        """The figures of each node, as pandas takes them; times in nanoseconds."""
        import numpy as np

        number = {id(node): i for i, node in enumerate(self.nodes)}
        parents = np.full(len(self.nodes), -1)
        for node in self.nodes:
            for child in node.children:
                parents[number[id(child)]] = number[id(node)]
        columns: dict[str, Any] = {"node": [n.label for n in self.nodes], "parent": parents}
        for name in ("file", "name"):
            columns[name] = [getattr(n, name) for n in self.nodes]
        for name in ("line", "column", "count", "time", "own", "direct", "bytes", "flops"):
            columns[name] = np.array([getattr(n, name) for n in self.nodes])
        return columns


def measured(function: JitFunction, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401
    """Call a function; its result, and what the call cost."""
    result, rows = function.explained(args, kwargs)
    if rows is None:
        return result, _texts([Node(getattr(function, "__name__", "function"), 0, "")])
    tree = nodes_of(function.tree(), rows[0]["file"] if rows else "")
    by_label: dict[str, Node] = {}
    for node in tree:
        by_label.setdefault(node.label, node)
    for row in rows:
        # The first row is the call of the function, which the root stands for.
        node = tree[0] if row is rows[0] else by_label.get(row["node"])
        if node is not None:
            node.add(row)
    tree[0].add_up()
    return result, _texts(tree)


def nodes_of(text: str, file: str) -> list[Node]:
    """The nodes of an indented tree, in its order; the first is the root."""
    nodes: list[Node] = []
    above: list[Node] = []
    for number, line in enumerate(text.splitlines()):
        label = line.lstrip(" ")
        node = Node(label, number, file)
        depth = (len(line) - len(label)) // 2
        del above[depth:]
        if above:
            above[-1].children.append(node)
        elif nodes:
            # Functions that the first one calls stand beside it.
            nodes[0].children.append(node)
        above.append(node)
        nodes.append(node)
    return nodes


def _texts(nodes: list[Node]) -> Perfdata:
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(_HEADER)
    for n in nodes:
        shown = f"{n.name}/L#0({n.line}, {n.column})" if n.line else n.name
        rows.writerow((n.instance, shown, n.count, n.time, n.direct, round(n.bytes)))
    edges = [
        f'  "{node.instance}" -- "{child.instance}";\n' for node in nodes for child in node.children
    ]
    title = nodes[0].file or nodes[0].name
    name = title.replace("\\", "\\\\").replace('"', '\\"')
    dot = f'graph "{name}" {{\n{"".join(edges)}}}\n'
    data = Perfdata(table.getvalue(), f"({_newick(nodes[0])}) {_plain(title)};", dot)
    data.nodes = nodes
    return data


def _newick(node: Node) -> str:
    below = ",".join(map(_newick, node.children))
    return f"({below}) {node.instance}" if below else node.instance


def _plain(text: str) -> str:
    """Without what Newick and DOT keep for themselves."""
    return re.sub(r"[\s()\[\]{}:;,'\"\\]", "_", text)
