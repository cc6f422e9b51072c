"""Exceptions and warnings point at the user's lines, as Python's do."""

from __future__ import annotations

import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from jetlag import engine

HERE = __file__
PACKAGE = str(Path(jl.__file__).parent)

pytestmark = pytest.mark.filterwarnings("ignore::jetlag.OpaqueWarning")


def inner(x):
    y = x + 1
    return y / (x - x)


def middle(x):
    z = inner(x)
    return z


@jl.jit
def outer(x):
    a = x * 2
    b = middle(a)
    return b


@jl.jit
def with_opaque(x):
    y = x
    z = [i // 0 for i in range(y)]
    return z


def failing_host(*stars):
    raise KeyError("from host")


@jl.jit
def calls_host(x):
    return failing_host(x)


def frames_of(function, *args) -> list[tuple[str, str]]:
    """Function names and lines of the frames in this file, outermost first."""
    with pytest.raises(Exception) as caught:  # noqa: PT011
        function(*args)
    frames = traceback.extract_tb(caught.value.__traceback__)
    return [(f.name, f.line or "") for f in frames if f.filename == HERE][1:]


@pytest.mark.parametrize("function", [outer, with_opaque, calls_host])
def test_a_traceback_shows_the_frames_that_python_shows(function) -> None:
    expected = frames_of(function.__wrapped__, 3)

    found = frames_of(function, 3)

    assert [f for f in found if f[0] != "<listcomp>"] == [
        f for f in expected if f[0] != "<listcomp>"
    ]


def test_no_frame_of_the_lowering_is_shown() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        outer(3)

    files = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert sum(file.startswith(PACKAGE) for file in files) <= 1


# ---- the hooks ----


def test_locate_puts_frames_before_what_is_there() -> None:
    try:
        inner(1)
    except ZeroDivisionError as caught:
        error = caught
    located = engine.locate(error, [("a.py", 7, "g"), ("b.py", 9, "f")])

    frames = traceback.extract_tb(located.__traceback__)
    assert [(f.filename, f.lineno, f.name) for f in frames[:2]] == [
        ("b.py", 9, "f"),
        ("a.py", 7, "g"),
    ]
    assert frames[-1].name == "inner"


def test_a_located_traceback_prints_the_line_without_marks() -> None:
    code = engine.locate.__code__
    error = engine.locate(ValueError("x"), [(code.co_filename, code.co_firstlineno, "f")])

    text = "".join(traceback.format_exception(error))

    assert "def locate(" in text
    assert "^" not in text


def looks_around() -> tuple[str, int, str]:
    frame = sys._getframe(1)
    return frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name


def test_a_call_is_made_from_the_place_of_the_user() -> None:
    call = engine.call_at("a.py", 7, "f")

    assert call(looks_around) == ("a.py", 7, "f")
    assert call(divmod, 7, 2) == (3, 1)
    assert call(dict, a=1) == {"a": 1}


def test_a_call_from_the_place_of_the_user_needs_no_other_frame() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        engine.call_at(HERE, 3, "f")(inner, 1)
    traceback_here = caught.value.__traceback__
    assert traceback_here is not None
    error = caught.value.with_traceback(traceback_here.tb_next)  # as the engine sees it

    located = engine.locate(error, [(HERE, 3, "f"), (HERE, 5, "g")])

    frames = traceback.extract_tb(located.__traceback__)
    assert [(f.name, f.lineno) for f in frames if f.name in "fg"] == [("g", 5), ("f", 3)]


def test_warnings_are_those_of_the_place_of_the_user() -> None:
    engine.know_files([(HERE, globals())])
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        engine.call_at(HERE, 9, "f")(warnings.warn, "here")

    assert (seen[0].filename, seen[0].lineno) == (HERE, 9)


def report(name: str, anomalies: int) -> None:
    engine.know_files([(HERE, globals())])
    engine.warn_fp(name, anomalies, HERE, 12)


def test_conditions_warn_in_the_words_of_numpy() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        report("exp", 2 | 8)
        report("scalar divide", 1)

    assert [str(warning.message) for warning in seen] == [
        "overflow encountered in exp",
        "invalid value encountered in exp",
        "divide by zero encountered in scalar divide",
    ]
    assert all((w.category, w.filename, w.lineno) == (RuntimeWarning, HERE, 12) for w in seen)


def test_a_line_warns_once_in_its_module() -> None:
    globals().pop("__warningregistry__", None)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        report("exp", 2)
        report("exp", 2)

    assert len(seen) == 1


def test_errstate_decides() -> None:
    with np.errstate(all="ignore"):
        report("exp", 15)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError) as caught:
        report("exp", 2)

    assert str(caught.value) == "overflow encountered in exp"


def test_errstate_can_print_call_and_log(capsys: pytest.CaptureFixture[str]) -> None:
    calls: list[Any] = []

    class Log:
        def write(self, text):
            calls.append(text)

    with np.errstate(over="print"):
        report("exp", 2)
    with np.errstate(over="call", call=lambda *args: calls.append(args)):
        report("exp", 2)
    with np.errstate(over="log", call=Log()):
        report("exp", 2)

    assert capsys.readouterr().err == "Warning: overflow encountered in exp\n"
    assert calls == [("overflow", 2), "Warning: overflow encountered in exp\n"]


def test_errstate_without_a_function_to_call_raises_as_numpy() -> None:
    def numpy_raises():
        with np.errstate(over="call"):
            np.exp(np.array([1e4]))

    def ours_raises():
        with np.errstate(over="call"):
            report("exp", 2)

    with pytest.raises(NameError) as expected:
        numpy_raises()
    with pytest.raises(NameError) as found:
        ours_raises()

    assert str(found.value) == str(expected.value)


def test_errstate_of_the_caller_holds_inside() -> None:
    @jl.jit
    def f(x):
        return np.exp(x)

    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        f(np.array([1e4]))
    with np.errstate(over="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isinf(f(np.array([1e4]))).all()


def test_deep_recursion_is_a_recursion_error() -> None:
    @jl.jit
    def down(n):
        return 0 if n == 0 else down(n - 1) + 1

    limit = sys.getrecursionlimit()

    with pytest.raises(RecursionError):
        down(50_000)

    assert sys.getrecursionlimit() == limit
    assert down(10) == 10
