"""The decorated function as an object: calls, attributes, methods, pickles, variants, sources."""

from __future__ import annotations

import ast
import copy
import inspect
import linecache
import pickle
import threading
import warnings
import weakref
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy


@jl.jit
def described(x: float, *, k: int = 2) -> float:
    """Multiply."""
    return x * k


@jl.jit(strict=True, fastmath=False)
def strict_sum(x):
    return x + 1


def test_it_looks_like_the_function() -> None:
    assert described.__name__ == "described"
    assert described.__doc__ == "Multiply."
    assert described.__module__ == __name__
    assert list(inspect.signature(described).parameters) == ["x", "k"]
    assert described.__wrapped__(2.0) == described(2.0)
    assert repr(described) == "<jetlag function described>"


def test_options_may_be_given() -> None:
    assert strict_sum(1) == 2
    assert strict_sum.options.strict


def test_it_is_pickled_and_copied_by_reference() -> None:
    assert pickle.loads(pickle.dumps(described)) is described
    assert copy.copy(described) is described
    assert copy.deepcopy(described) is described


def test_it_can_be_referred_to_weakly_and_hashed() -> None:
    assert weakref.ref(described)() is described
    assert {described: 1}[described] == 1


def test_decorating_twice_is_decorating_once() -> None:
    assert jl.jit(described) is described


def test_only_functions_are_decorated() -> None:
    with pytest.raises(TypeError, match="jit takes a function, not int"):
        jl.jit(3)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="jit takes a function, not a class"):
        jl.jit(int)


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((), {}), ((1, 2), {}), ((1,), {"wrong": 2}), ((1,), {"x": 2}), ((), {"k": 2})],
)
def test_wrong_calls_raise_in_the_words_of_python(args: Any, kwargs: Any) -> None:
    with pytest.raises(TypeError) as expected:
        described.__wrapped__(*args, **kwargs)

    with pytest.raises(TypeError) as found:
        described(*args, **kwargs)

    assert str(found.value) == str(expected.value)


def test_changed_defaults_count_from_the_next_call() -> None:
    @jl.jit
    def f(x, k=1):
        return x + k

    before = f(1)
    f.__wrapped__.__defaults__ = (10,)

    assert (before, f(1)) == (2, 11)


# ---- methods ----


class Model:
    rate = 2

    def __init__(self, bias):
        self.bias = bias
        self.__private = 5

    @jl.jit
    def predict(self, x):
        return x * self.rate + self.bias

    @jl.jit
    def learn(self, x):
        self.bias += x
        return self

    @jl.jit
    def private(self):
        __local = self.__private + 1
        return __local

    @staticmethod
    @jl.jit
    def inner_static(x):
        return x + 1

    @jl.jit
    @staticmethod
    def outer_static(x):
        return x + 2

    @classmethod
    @jl.jit
    def inner_class(cls, x):
        return x + cls.rate

    @property
    @jl.jit
    def doubled(self):
        return self.bias * 2


class Derived(Model):
    rate = 3


def test_methods_are_bound() -> None:
    model = Derived(1)

    assert model.predict(5) == 16
    assert Model.predict(model, 5) == 16
    assert model.learn(2) is model
    assert model.bias == 3
    assert model.private() == 6
    assert model.doubled == 6


def test_static_and_class_methods_work_in_either_order() -> None:
    assert Model.inner_static(1) == 2
    assert Model(0).outer_static(1) == 3
    assert Derived.inner_class(1) == 4


# ---- what is called and captured may change ----

level = 1
table = np.array([1.0, 2.0])


def helper(x):
    return x + 1


def other_helper(x):
    return x + 100


@jl.jit
def uses_everything(x):
    return helper(x) + level


@jl.jit
def uses_array(x):
    return table + x


def test_a_captured_number_is_read_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    before = uses_everything(1)
    monkeypatch.setitem(globals(), "level", 10)

    assert (before, uses_everything(1)) == (3, 12)


def test_a_captured_array_is_read_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    before = uses_array(1)
    table[0] = 5
    changed = uses_array(1)
    monkeypatch.setitem(globals(), "table", np.zeros(3))

    np.testing.assert_array_equal(before, [2, 3])
    np.testing.assert_array_equal(changed, [6, 3])
    np.testing.assert_array_equal(uses_array(1), [1, 1, 1])


def test_a_replaced_function_means_another_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    before = uses_everything(1)
    monkeypatch.setitem(globals(), "helper", other_helper)
    replaced = uses_everything(1)
    monkeypatch.undo()

    assert (before, replaced, uses_everything(1)) == (3, 102, 3)


def test_replaced_code_means_another_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    before = uses_everything(1)
    monkeypatch.setattr(helper, "__code__", other_helper.__code__)

    assert (before, uses_everything(1)) == (3, 102)


def test_a_replaced_numpy_function_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    f = jl.jit(lambda x: np.exp(x))
    before = f(0.0)
    monkeypatch.setattr(np, "exp", lambda x: "replaced")

    assert (before, f(0.0)) == (1.0, "replaced")


def test_a_builtin_may_be_shadowed_later(monkeypatch: pytest.MonkeyPatch) -> None:
    f = jl.jit(lambda x: len(x))
    before = f((1, 2))
    monkeypatch.setitem(globals(), "len", lambda x: "mine")

    assert (before, f((1, 2))) == (2, "mine")


def test_a_cell_is_shared_with_the_closure() -> None:
    def make():
        k = 1

        @jl.jit
        def read(x):
            return x + k

        @jl.jit
        def write(x):
            nonlocal k
            k = x

        return read, write

    read, write = make()
    before = read(1)
    with pytest.warns(jl.OpaqueWarning):
        write(10)

    assert (before, read(1)) == (2, 11)


def test_variants_are_bounded() -> None:
    functions = [lambda x, n=n: x + n for n in range(20)]
    current = functions[0]

    @jl.jit
    def f(x):
        return current(x)

    results = []
    for current in functions:  # noqa: B007
        results.append(f(1))

    assert results == [1 + n for n in range(20)]
    assert len(f._variants) <= 8


def test_threads_compile_one_function_together() -> None:
    f = jl.jit(lambda x: x * 2 + level)
    results: list[Any] = []
    barrier = threading.Barrier(8)

    def call() -> None:
        barrier.wait()
        results.append(f(20))

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == [41] * 8
    assert len(f._variants) == 1


# ---- where the source is ----


def test_lambdas_on_one_line_are_told_apart() -> None:
    f, g = jl.jit(lambda x: x + 1), jl.jit(lambda x: x - 1)

    assert (f(5), g(5)) == (6, 4)
    assert "x + 1" in f.physl(tags=False)


def test_a_lambda_with_defaults_and_a_nested_lambda_is_found() -> None:
    same_as_numpy(lambda x, k=(lambda: 3)(): x + k, 1)  # noqa: B008


def test_deep_indentation_and_text_at_the_margin_do_not_matter() -> None:
    if True:
        if True:

            def f(x):
                text = """
at the margin
"""
                return x, text

    same_as_numpy(f, 1)


def test_decorators_around_the_decorator_are_kept() -> None:
    def twice(function):
        def run(*args):
            return function(*args) * 2

        return run

    @twice
    @jl.jit
    def above(x):
        return x + 1

    @jl.jit
    @twice
    def below(x):
        return x + 1

    assert above(1) == 4
    with pytest.warns(jl.OpaqueWarning):
        assert below(1) == 4


def test_a_function_without_source_runs_in_python_and_says_so_once() -> None:
    space: dict[str, Any] = {}
    exec("def f(x):\n    return x + 1", space)
    f = jl.jit(space["f"])

    with pytest.warns(jl.OpaqueWarning, match="the source of f cannot be found") as seen:
        results = [f(1), f(2)]

    assert results == [2, 3]
    assert len(seen) == 1


def test_a_notebook_cell_has_its_source_in_linecache() -> None:
    text = "def f(x):\n    return x + 1\n"
    linecache.cache["<cell 1>"] = (len(text), None, text.splitlines(True), "<cell 1>")
    space: dict[str, Any] = {}
    exec(compile(text, "<cell 1>", "exec"), space)

    same_as_numpy(space["f"], 1)


def test_a_notebook_compiles_the_statements_of_a_cell_one_by_one() -> None:
    text = "import numpy as np\ndef f(x):\n    return np.sqrt(x)\n"
    linecache.cache["<cell 3>"] = (len(text), None, text.splitlines(True), "<cell 3>")
    space: dict[str, Any] = {}
    for statement in ast.parse(text).body:
        exec(compile(ast.Module([statement], []), "<cell 3>", "exec"), space)

    same_as_numpy(space["f"], np.ones(3))


def test_a_source_that_has_changed_is_not_trusted() -> None:
    text = "def f(x):\n    return x + 1\n"
    space: dict[str, Any] = {}
    exec(compile(text, "<cell 2>", "exec"), space)
    changed = text.replace("+", "-")
    linecache.cache["<cell 2>"] = (len(text), None, changed.splitlines(True), "<cell 2>")

    with pytest.warns(jl.OpaqueWarning, match="has changed since it was imported"):
        assert jl.jit(space["f"])(1) == 2


def test_what_the_compiler_warned_of_is_told_once() -> None:
    text = 'def f(x):\n    print("a" is x, 0[0] if x else "\\d")\n    return x\n'
    linecache.cache["<cell 4>"] = (len(text), None, text.splitlines(True), "<cell 4>")
    space: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(text, "<cell 4>", "exec"), space)
    f = jl.jit(space["f"])

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        before = list(warnings.filters)
        assert f(0) == 0
        assert warnings.filters == before

    assert [warning.category for warning in seen] == [jl.OpaqueWarning]


def test_builtins_can_be_decorated() -> None:
    with pytest.warns(jl.OpaqueWarning, match="it is no Python function"):
        assert jl.jit(divmod)(7, 2) == (3, 1)


def test_a_generator_stays_a_generator() -> None:
    @jl.jit
    def count(n):
        yield from range(n)

    with pytest.warns(jl.OpaqueWarning, match="generator"):
        assert list(count(3)) == [0, 1, 2]


def test_super_stays_in_python() -> None:
    class Base:
        def name(self):
            return "base"

    class Child(Base):
        @jl.jit
        def name(self):
            return super().name() + "!"

    with pytest.warns(jl.OpaqueWarning, match="super"):
        assert Child().name() == "base!"


def test_opaque_warnings_come_once_for_each_place() -> None:
    @jl.jit
    def f(n):
        total = 0
        for i in range(n):
            total += sum([i, i])
        return [total], {total}

    with pytest.warns(jl.OpaqueWarning) as seen:
        results = [f(3), f(3)]

    assert results == [([6], {6})] * 2

    places = [str(warning.message).split(": ")[0] for warning in seen]
    assert len(places) == len(set(places)) > 0
    assert all(warning.filename == __file__ for warning in seen)


def test_an_opaque_warning_that_is_an_error_is_one_each_time() -> None:
    f = jl.jit(lambda n: {n})

    with warnings.catch_warnings():
        warnings.simplefilter("error", jl.OpaqueWarning)
        for _ in range(2):
            with pytest.raises(jl.OpaqueWarning):
                f(1)


def test_a_long_function_and_a_deep_expression_run() -> None:
    deep = " + ".join(["x"] * 150)
    long = "\n".join(f"    y = y + {i}" for i in range(2000))
    chain = "\n".join(f"    elif x == {i}: y = {i}" for i in range(100))
    text = f"def f(x):\n    y = {deep}\n{long}\n    if x < 0: pass\n{chain}\n    return y\n"
    linecache.cache["<long>"] = (len(text), None, text.splitlines(True), "<long>")
    space: dict[str, Any] = {}
    exec(compile(text, "<long>", "exec"), space)

    same_as_numpy(space["f"], 500)


def test_an_expression_deeper_than_the_stack_runs_in_python() -> None:
    text = f"def f(x):\n    return {'-' * 900}x\n".replace("--", "-+")
    linecache.cache["<deep>"] = (len(text), None, text.splitlines(True), "<deep>")
    space: dict[str, Any] = {}
    exec(compile(text, "<deep>", "exec"), space)

    same_as_numpy(space["f"], 500, opaque=True)
