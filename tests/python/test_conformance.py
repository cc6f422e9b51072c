"""Every row of the table of primitives does what its NumPy twin does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance import (
    assert_same,
    elementwise,
    native,
    numpy_function,
    outcome,
    product,
    reduction,
    square,
)
from jetlag import NotLowered, _core

ROWS = [r for r in _core.primitives() if r["python"].startswith("numpy.")]
LINEAR = {"solve": True, "inv": False, "det": False}
PRODUCTS = {"dot", "matmul", "inner"}
# NumPy's own loops differ by this much between layouts; exact rows say so by 0.
EXACT = set(
    "add subtract multiply divide negative positive absolute sign square sqrt maximum minimum "
    "floor ceil trunc rint equal not_equal less less_equal greater greater_equal".split()
)


def parameter_names(row: dict[str, Any]) -> list[str]:
    return [p.split("=")[0].strip() for p in row["params"].split(",") if p.strip()]


def draws(row: dict[str, Any]) -> st.SearchStrategy[Any] | None:
    """The arguments to draw for a row; None where only its own test can say."""
    params = parameter_names(row)
    if row["arity"]:
        return elementwise(row["arity"])
    if row["name"] in PRODUCTS:
        return product()
    if row["name"] in LINEAR:
        return square(LINEAR[row["name"]])
    if row["kind"] == "kernel" and params[:1] == ["a"] and "axis" in params:
        return reduction(params)
    return None


COVERED = [r for r in ROWS if draws(r) is not None]


@pytest.mark.parametrize("row", COVERED, ids=lambda r: r["name"])
def test_a_row_does_what_numpy_does(row: dict[str, Any]) -> None:
    strategy = draws(row)
    assert strategy is not None
    function = numpy_function(row["python"])
    tolerance = 0.0 if row["name"] in EXACT else 64.0 if not row["arity"] else 8.0
    programs: dict[Any, _core.Program] = {}

    @settings(
        max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(strategy)
    def check(drawn: tuple[list[Any], dict[str, Any]]) -> None:
        arguments, keywords = drawn
        key = (len(arguments), tuple(keywords))
        if key not in programs:
            programs[key] = native(row, len(arguments) + len(keywords), tuple(keywords))
        expected, error = outcome(lambda: function(*arguments, **keywords))
        got, raised = outcome(lambda: programs[key].run((*arguments, *keywords.values())))
        if isinstance(raised, NotLowered):
            return  # NumPy itself is called for these operands, and says so
        where = f"{row['name']}({arguments}, {keywords})"
        if error is not None:
            assert type(raised) is type(error), f"{where}: {raised!r}, not {error!r}"
            assert str(raised) == str(error), where
            return
        assert raised is None, f"{where}: {raised!r}"
        is_complex = getattr(expected, "dtype", None) is not None and expected.dtype.kind == "c"
        assert_same(got, expected, max(tolerance, 16.0) if is_complex else tolerance, where)

    check()


EXAMPLES = [r for r in _core.primitives() if "#=" in r["example"]]


@pytest.mark.parametrize("row", EXAMPLES, ids=lambda r: r["name"])
def test_the_example_of_a_row_is_true(row: dict[str, Any]) -> None:
    program, _, answer = row["example"].partition("#=")
    got, expected = _core.run_physl(program), _core.run_physl(answer.strip())
    assert_same_value(got, expected)


def assert_same_value(got: Any, expected: Any) -> None:  # noqa: ANN401
    """Equal as values; NumPy's scalars count as Python's here."""
    import numpy as np

    if isinstance(expected, list | tuple):
        assert type(got) is type(expected) and len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            assert_same_value(one, other)
    elif expected is None or isinstance(expected, str):
        assert got == expected
    else:
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)
        assert np.shape(got) == np.shape(expected)
