"""Which PhySL stands for which construct: docs/lowering.md, line by line."""
# ruff: noqa: F841

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from jetlag.lower import source

RATE = 3


def twice(x, k=2):
    return x * k


def text(function: Callable[..., Any]) -> str:
    """The PhySL of the entry, without tags."""
    return jl.jit(function).physl(tags=False).split("\ndefine{python}")[0].strip()


def expect(function: Callable[..., Any], physl: str) -> None:
    assert flat(text(function)) == flat(physl)


def flat(physl: str) -> str:
    """Without line breaks: where they fall is the printer's affair."""
    return re.sub(r"\( ", "(", " ".join(physl.split()))


def test_assignments_define_first_and_store_later() -> None:
    def f(x):
        y = x
        y = y + 1
        x = 2

    expect(f, "define{python}(f, x, block(define(y, x), store(y, y + 1), store(x, 2)))")


def test_several_targets_share_a_temporary() -> None:
    def f(a):
        x = y = a

    expect(f, "define{python}(f, a, block(define(`%1`, a), define(x, `%1`), define(y, `%1`)))")


def test_targets_are_unpacked_in_one_form() -> None:
    def f(a, t):
        (x, a[0]), a.y = t

    expect(f, """define{python}(f, a, t, unpack('('(x, index(a, 0)), attribute(a, "y")), t))""")


def test_augmented_targets_are_evaluated_once() -> None:
    def f(a):
        a[1:] += 2
        a **= 3

    expect(
        f,
        """
        define{python}(f, a, block(
            augment(index(a, span(1, nil, nil)), __add, 2),
            augment(a, __pow, 3)))
        """,
    )


def test_loops_have_an_else() -> None:
    def f(n):
        for i in range(n):
            if i > 2:
                break
        else:
            i = 0
        while n:
            n = 0

    expect(
        f,
        """
        define{python}(f, n, block(
            for_each(lambda(i, if(i > 2, break())), range(n), store(i, 0)),
            while(n, store(n, 0))))
        """,
    )


def test_chained_comparisons_keep_the_middle() -> None:
    def f(a, b):
        return 1 < a < twice(b) < 4

    expect(
        f,
        """
        define{python}(f, a, b,
            return(
                and(1 < a, a < block(define(`%1`, twice(b, 2)), `%1`), `%1` < 4)))
        """,
    )


def test_subscripts_are_items() -> None:
    def f(a, i):
        return a[i, 1:2, ::3, ..., None], a[()], a[i,]

    expect(
        f,
        """
        define{python}(f, a, i,
            return(
                tuple(index(a, i, span(1, 2, nil), span(nil, nil, 3), ellipsis, nil), index(a, tuple()),
                    index(a, tuple(i)))))
        """,
    )


def test_names_that_clash_are_quoted() -> None:
    def f(pi, list):
        dot = pi
        return dot, list, np.pi

    expect(
        f,
        """
        define{python}(f, `pi`, `list`, block(
            define(`dot`, `pi`),
            return(tuple(`dot`, `list`, 3.141592653589793))))
        """,
    )


def test_numpy_is_known_by_identity_not_by_name() -> None:
    zeros = math.gcd

    def milestones(x):
        return zeros(x), np.zeros(x)

    shown = text(milestones)

    assert "call_host(`zeros`, x)" in shown
    assert ", zeros(x)" in shown


def test_lists_are_native_only_as_arguments_of_primitives() -> None:
    def f(x):
        return np.array([[x, 1], [2, 3]]), [x]

    expect(
        f,
        """
        define{python}(f, x,
            return(tuple(array(list(list(x, 1), list(2, 3))), call_host{lane}(`%list`, tuple(x)))))
        """,
    )


def test_keywords_of_functions_are_bound_in_the_order_of_the_text() -> None:
    def f(a):
        return twice(k=abs(a), x=len(a)), twice(a, k=3)

    expect(
        f,
        """
        define{python}(f, a,
            return(
                tuple(block(
                    define(`%1`, __abs(a)),
                    define(`%2`, len(a)),
                    twice(`%2`, `%1`)), twice(a, 3))))
        """,
    )


def test_called_functions_are_lowered_once() -> None:
    def f(a):
        return twice(a) + twice(a) + RATE

    shown = jl.jit(f).physl(tags=False)

    assert shown.count("define{python}(twice, x, __arg(k, 2), return(x * k))") == 1
    assert "twice(a, 2) + twice(a, 2) + RATE" in shown


def test_a_variable_may_have_the_name_of_a_called_function() -> None:
    def rename(a):
        helper = 1
        return other(a) + helper

    other = _make_helper()

    assert "`helper.2`(a) + helper" in text(rename)


def _make_helper():
    def helper(x):
        return x

    return helper


def test_methods_and_attributes_of_values_stay_open() -> None:
    def f(a):
        return a.shape, a.sum(axis=0), a.nothing(1, k=2)

    expect(
        f,
        """
        define{python}(f, a,
            return(
                tuple(attribute(a, "shape"), method(a, "sum", __arg(axis, 0)), method(a, "nothing", 1, __arg(k, 2)))))
        """,
    )


def test_random_numbers_are_known_to_run_in_python() -> None:
    def f(n):
        return np.random.rand(n)

    assert "call_host{lane}(`np.random.rand`, n)" in text(f)


def test_what_is_left_to_python_names_its_variables() -> None:
    def f(n):
        m = n
        try:
            k = 1 / m
        except ValueError as error:
            n = error
        return [i * k for i in range(n)]

    expect(
        f,
        """
        define{python}(f, n, block(
            define(m, n),
            opaque_block{0}("try: …", '(m, error, k, n), '(k, error, n)),
            return(opaque{1}("[i * k for i in range(n)]", '(n, k)))))
        """,
    )


def test_an_assert_needs_python_only_when_it_fails() -> None:
    def f(n):
        assert n > 1, "small"

    expect(
        f,
        """define{python}(f, n, if(not(n > 1), opaque_block{0}("assert n > 1, 'small'", '(), '())))""",
    )


def test_a_global_that_a_step_may_assign_is_read_where_it_stands() -> None:
    def calm(n):
        return n + RATE

    def wild(n):
        print([n for n in range(n)])
        return n + RATE

    assert "n + RATE" in text(calm)
    assert """n + opaque{1}("RATE", '())""" in text(wild)


def test_a_variable_that_is_never_assigned_is_declared() -> None:
    def f(n):
        x: int
        return x

    expect(f, "define{python}(f, n, block(if(false, define(x, nil)), return(x)))")


def test_nodes_have_the_place_of_the_construct() -> None:
    @jl.jit
    def f(größe):
        return größe + 1

    line = f.__wrapped__.__code__.co_firstlineno + 2
    assert f"__add${line}$16(`größe`${line}$16, 1)" in f.physl()


@pytest.mark.parametrize(
    "function",
    [
        test_loops_have_an_else,
        test_what_is_left_to_python_names_its_variables,
        test_keywords_of_functions_are_bound_in_the_order_of_the_text,
    ],
)
def test_lowering_leaves_the_syntax_tree_as_it_was(function: Any) -> None:
    tree = source.find(function).node
    before = ast.dump(tree, include_attributes=True)

    function()

    assert source.find(function).node is tree
    assert ast.dump(tree, include_attributes=True) == before
