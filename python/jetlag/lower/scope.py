"""Which names a piece of a function reads and binds, and which ones its closures take along.

Python decides this for whole functions when it compiles them. We also need it for pieces,
because a piece that stays in Python is compiled alone: what it reads comes in, what it
binds goes out, and a closure made inside it holds copies of the variables, so it must not
outlive their next assignment.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable

from jetlag.lower.source import all_parameters
from jetlag.records import Record

Position = tuple[int, int]
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_NEVER_FROM_NOW = (1 << 30, 0)


class Uses:
    """What a piece does with names, in the order of the text (dicts keep it)."""

    def __init__(self) -> None:
        self.reads: dict[str, None] = {}
        self.writes: dict[str, None] = {}
        # Names that a closure refers to which may be called after the piece has ended.
        self.captured: dict[str, None] = {}
        # Names that such a closure assigns (nonlocal).
        self.rebound: dict[str, None] = {}
        self.global_names: dict[str, None] = {}
        self.nonlocal_names: dict[str, None] = {}


def uses(nodes: Iterable[ast.AST], immediate: Collection[ast.AST] = ()) -> Uses:
    """The names that the nodes use, together.

    Closures in `immediate` are known not to outlive them.

    >>> list(uses(ast.parse("a[i] = [x * k for x in y]").body).reads)
    ['y', 'k', 'a', 'i']
    >>> list(uses(ast.parse("f = lambda x: x * k").body).captured)
    ['k']
    """
    reader = _Reader(immediate)
    for node in nodes:
        reader.visit(node)
    return reader.uses


class _Reader(ast.NodeVisitor):
    def __init__(self, immediate: Collection[ast.AST], *, comprehension: bool = False) -> None:
        self.uses = Uses()
        self._immediate = immediate
        self._comprehension = comprehension
        self.walrus: dict[str, None] = {}  # what a comprehension binds in the function around it

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Store):
            self.uses.reads[node.id] = None
        if not isinstance(node.ctx, ast.Load):
            self.uses.writes[node.id] = None

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self.visit(target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.uses.reads[node.target.id] = None
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        # Annotations of variables are not evaluated in functions.
        self.visit(node.target)
        if node.value:
            self.visit(node.value)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        if self._comprehension:
            self.walrus[node.target.id] = None
        else:
            self.visit(node.target)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.uses.writes[node.name] = None
        self.generic_visit(node)

    def visit_alias(self, node: ast.alias) -> None:
        self.uses.writes[node.asname or node.name.partition(".")[0]] = None

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        if node.name:
            self.uses.writes[node.name] = None
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name:
            self.uses.writes[node.name] = None

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self.uses.writes[node.rest] = None
        self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> None:
        self.uses.global_names.update(dict.fromkeys(node.names))

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.uses.nonlocal_names.update(dict.fromkeys(node.names))

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._visit_all([*node.decorator_list, *_defaults(node.args), *_annotations(node)])
        self._closure(node, node.body)
        self.uses.writes[node.name] = None

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_all(_defaults(node.args))
        self._closure(node, [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_all([*node.decorator_list, *node.bases, *node.keywords])
        inner = _Reader(self._immediate)
        inner._visit_all(node.body)
        # A name that the body binds may still come from outside where the body reads it first.
        for kind in ("reads", "captured", "rebound"):
            getattr(self.uses, kind).update(getattr(inner.uses, kind))
        self.uses.captured.update(inner.uses.nonlocal_names)
        self.uses.rebound.update(inner.uses.nonlocal_names)
        self.uses.writes[node.name] = None

    def _visit_comprehension(self, node: _Comprehension) -> None:
        self.visit(node.generators[0].iter)
        inner = _Reader(self._immediate, comprehension=True)
        for position, generator in enumerate(node.generators):
            inner._visit_all([generator.target, *generator.ifs])
            if position:
                inner.visit(generator.iter)
        if isinstance(node, ast.DictComp):
            inner._visit_all([node.key, node.value])
        else:
            inner.visit(node.elt)
        bound = inner.uses.writes
        reads = _without(inner.uses.reads, bound)
        self.uses.reads.update(reads)
        self.uses.captured.update(_without(inner.uses.captured, bound))
        self.uses.rebound.update(_without(inner.uses.rebound, bound))
        lazy = isinstance(node, ast.GeneratorExp) and node not in self._immediate
        if lazy:
            self.uses.captured.update(reads)
            self.uses.rebound.update(inner.walrus)
        if self._comprehension:
            self.walrus.update(inner.walrus)
        else:
            self.uses.writes.update(inner.walrus)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _visit_comprehension

    def _closure(self, node: _Function, body: Iterable[ast.AST]) -> None:
        inner = _Reader(self._immediate)
        inner._visit_all(body)
        found = inner.uses
        free_anyway = {**found.global_names, **found.nonlocal_names}
        bound = dict.fromkeys(argument.arg for argument in all_parameters(node.args))
        bound.update(_without(found.writes, free_anyway))
        hidden = {**bound, **found.global_names}
        free = _without({**found.reads, **found.captured, **found.nonlocal_names}, hidden)
        self.uses.reads.update(free)
        if node not in self._immediate:
            self.uses.captured.update(free)
        self.uses.rebound.update(_without({**found.rebound, **found.nonlocal_names}, hidden))

    def _visit_all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *(default for default in arguments.kw_defaults if default)]


def _annotations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    found = [argument.annotation for argument in all_parameters(node.args)]
    return [annotation for annotation in [*found, node.returns] if annotation]


def _without(names: dict[str, None], others: Collection[str]) -> dict[str, None]:
    return {name: None for name in names if name not in others}


class Binding(Record):
    """One place that assigns or deletes a variable, and the loops around it."""

    position: Position
    loops: tuple[ast.AST, ...]


class Scope:
    """The variables of one function: where each is bound, and what is declared global."""

    def __init__(
        self, node: ast.AST, arguments: ast.arguments, body: list[ast.stmt], outer: Scope | None
    ) -> None:
        self.node = node
        self.outer = outer
        self.parameters = [argument.arg for argument in all_parameters(arguments)]
        self.bindings: dict[str, list[Binding]] = {
            name: [Binding((0, 0), ())] for name in self.parameters
        }
        found = uses(body)
        self.global_names = found.global_names
        self.nonlocal_names = found.nonlocal_names
        self._walk(body, ())
        for name in (*self.global_names, *self.nonlocal_names):
            self.bindings.pop(name, None)

    def owner(self, name: str) -> Scope | None:
        """The scope, this one or one around it, whose variable the name is."""
        if name in self.global_names:
            return None
        if name in self.bindings:
            return self
        return self.outer.owner(name) if self.outer else None

    def is_declared_global(self, name: str) -> bool:
        """Whether a global statement, here or around, takes the name past the function."""
        if name in self.bindings:
            return False
        return name in self.global_names

    def _walk(self, body: Iterable[ast.stmt], loops: tuple[ast.AST, ...]) -> None:
        for statement in body:
            self._statement(statement, loops)

    def _statement(self, node: ast.stmt, loops: tuple[ast.AST, ...]) -> None:
        inside = (*loops, node) if isinstance(node, ast.For | ast.AsyncFor | ast.While) else loops
        blocks = _blocks(node)
        if not blocks:
            self._bind([node], end_of(node), loops)
            return
        for header in _headers(node):
            self._bind([header], end_of(header), inside)
        for handler in getattr(node, "handlers", []):
            if handler.name:
                self._bind_name(handler.name, start_of(handler), inside)
                self._bind_name(handler.name, end_of(handler), inside)
        orelse_is_outside = inside is not loops
        for name, block in blocks:
            self._walk(block, loops if name == "orelse" and orelse_is_outside else inside)

    def _bind(self, nodes: list[ast.AST], position: Position, loops: tuple[ast.AST, ...]) -> None:
        for name in uses(nodes).writes:
            self._bind_name(name, position, loops)

    def _bind_name(self, name: str, position: Position, loops: tuple[ast.AST, ...]) -> None:
        self.bindings.setdefault(name, []).append(Binding(position, loops))


def is_settled(scope: Scope, name: str, piece: ast.AST, loops: tuple[ast.AST, ...]) -> bool:
    """Whether a variable keeps, after the piece, the value that a closure made there took along.

    `loops` are the loops of the scope around the piece.
    """
    owner = scope.owner(name)
    if owner is None:
        return True
    bindings = owner.bindings[name]
    if owner is not scope:
        inner = scope
        while inner.outer is not owner and inner.outer is not None:
            inner = inner.outer
        return (
            len(bindings) == 1
            and not bindings[0].loops
            and bindings[0].position < start_of(inner.node)
        )
    start, end = start_of(piece), end_of(piece)
    for binding in bindings:
        # An expression ends before what is assigned from it is bound.
        last = binding.position == end and isinstance(piece, ast.expr)
        if start <= binding.position <= end and not last:
            if loops:
                return False
        elif binding.position > start or any(loop in loops for loop in binding.loops):
            return False
    return True


def start_of(node: ast.AST) -> Position:
    """Where a node begins."""
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def end_of(node: ast.AST) -> Position:
    """Where a node ends."""
    line = getattr(node, "end_lineno", None)
    return (line, getattr(node, "end_col_offset", 0)) if line else _NEVER_FROM_NOW


def _blocks(node: ast.stmt) -> list[tuple[str, list[ast.stmt]]]:
    """The blocks of statements inside a statement that is not a scope of its own."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return []
    blocks = [(name, getattr(node, name, [])) for name in ("body", "orelse", "finalbody")]
    blocks += [("handler", handler.body) for handler in getattr(node, "handlers", [])]
    blocks += [("case", case.body) for case in getattr(node, "cases", [])]
    return [(name, block) for name, block in blocks if block]


def _headers(node: ast.stmt) -> list[ast.AST]:
    """What a compound statement evaluates and binds before its blocks, in order."""
    if isinstance(node, ast.For | ast.AsyncFor):
        return [node.iter, _at_end_of(node.iter, node.target)]
    if isinstance(node, ast.While | ast.If):
        return [node.test]
    if isinstance(node, ast.With | ast.AsyncWith):
        parts = [(item.context_expr, item.optional_vars) for item in node.items]
        return [part for pair in parts for part in pair if part]
    if isinstance(node, ast.Match):
        patterns = [part for case in node.cases for part in (case.pattern, case.guard)]
        return [node.subject, *(part for part in patterns if part)]
    return [handler.type for handler in getattr(node, "handlers", []) if handler.type]


def _at_end_of(earlier: ast.AST, target: ast.expr) -> ast.AST:
    """The target of a loop, placed where it is bound: after the sequence was evaluated."""
    wrapper = ast.Expr(target)
    wrapper.end_lineno, wrapper.end_col_offset = end_of(earlier)
    return wrapper
