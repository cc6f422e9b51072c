"""Every construct of Python, run plain and decorated."""

from __future__ import annotations

import cases_expressions
import cases_names
import cases_opaque
import cases_statements
import pytest
from same import Case, same_as_numpy

ALL = [
    case
    for module in (cases_statements, cases_expressions, cases_names, cases_opaque)
    for case in module.table.cases
]


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.function.__name__)
def test_a_decorated_function_does_what_python_does(case: Case) -> None:
    same_as_numpy(case.function, *case.args, opaque=case.opaque)


def test_the_table_is_large_and_names_each_case_once() -> None:
    names = [case.function.__name__ for case in ALL]

    assert len(names) >= 150
    assert len(set(names)) == len(names)
