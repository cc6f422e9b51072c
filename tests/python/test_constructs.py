"""Every construct of Python, run plain and decorated."""

from __future__ import annotations

import pytest

import cases_closures
import cases_expressions
import cases_loops
import cases_names
import cases_nested
import cases_opaque
import cases_statements
import cases_subscripts
from same import Case, same_as_numpy

MODULES = (
    cases_closures,
    cases_expressions,
    cases_loops,
    cases_names,
    cases_nested,
    cases_opaque,
    cases_statements,
    cases_subscripts,
)
ALL = [case for module in MODULES for case in module.table.cases]


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.function.__name__)
def test_a_decorated_function_does_what_python_does(case: Case) -> None:
    same_as_numpy(case.function, *case.args, opaque=case.opaque)


def test_the_table_is_large_and_names_each_case_once() -> None:
    names = [case.function.__name__ for case in ALL]

    assert len(names) >= 150
    assert len(set(names)) == len(names)
