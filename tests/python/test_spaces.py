"""Spaces of parameters, and sessions that ask for candidates in them."""

import json
import math
import operator
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import jetlag as jl
from jetlag.engine import core
from jetlag.spaces import Session, choice, flag, integer, real

STRATEGIES = [row["name"] for row in core().strategies()]
NUMBERS = [row["name"] for row in core().strategies() if row["suits"] == "numbers"]
GRID = {"m": range(21), "n": range(0, 41, 2)}


def run(session: Session, cost: Any, trials: int = 1000) -> list[dict[str, Any]]:
    """Ask and tell; what was asked, in order."""
    asked = []
    while len(asked) < trials and (candidate := session.ask()) is not None:
        asked.append(candidate.values)
        session.tell(candidate, cost(**candidate.values))
    return asked


def bowl(m: int, n: int) -> float:
    return 1 + (m - 5) ** 2 + (n / 2 - 15) ** 2


# Spaces


def test_short_forms_stand_for_parameters() -> None:
    space = jl.Space({"n": range(9, 0, -4), "order": ["C", "F"], "fast": bool})

    asked = run(space.session("exhaustive"), lambda **_: 1.0)

    assert asked[:3] == [
        {"n": 1, "order": "C", "fast": False},
        {"n": 1, "order": "C", "fast": True},
        {"n": 1, "order": "F", "fast": False},
    ]
    assert len(asked) == space.count(100) == 12
    assert all(type(values["fast"]) is bool and type(values["n"]) is int for values in asked)


def test_a_parameter_exists_only_where_its_condition_holds() -> None:
    space = jl.Space(
        {
            "way": [sorted, None, 2.5],
            "tile": integer(1, 4, factor=2, when={"way": [sorted, 2.5]}),
            "turned": flag(when={"tile": 4}),
        }
    )

    asked = run(space.session("exhaustive"), lambda **_: 1.0)

    tiles = [{"tile": 1}, {"tile": 2}, {"tile": 4, "turned": False}, {"tile": 4, "turned": True}]
    expected = [{"way": way, **tile} for way in (sorted, 2.5) for tile in tiles]
    assert sorted(asked, key=repr) == sorted([*expected, {"way": None}], key=repr)


def test_where_rejects_candidates() -> None:
    space = jl.Space(GRID, where=lambda values: values["m"] + values["n"] < 5)

    asked = run(space.session("random"), bowl)

    assert sorted((values["m"], values["n"]) for values in asked) == sorted(
        (m, n) for m in GRID["m"] for n in GRID["n"] if m + n < 5
    )


def test_a_constraint_that_raises_says_for_which_candidate() -> None:
    space = jl.Space({"n": range(3)}, where=lambda values: values["m"])

    with pytest.raises(KeyError, match="'m'") as error:
        space.session("exhaustive").ask()

    assert error.value.__notes__ == ["raised by the constraint of a space, for n=0"]


def test_where_may_reject_everything() -> None:
    session = jl.Space(GRID, where=lambda values: False).session()

    with pytest.raises(ValueError, match="no candidate is allowed: 441 were tried"):
        session.ask()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "the space is empty"),
        ([("n", range(3)), ("n", bool)], "parameter 'n' is there twice"),
        ({"n": range(0)}, "parameter 'n' has an empty range"),
        ({"n": []}, "parameter 'n' has no choices"),
        ({"n": [1, 2, 1]}, "parameter 'n' has the choice 1 twice"),
        ({"n": integer(3, 2)}, "parameter 'n' has an empty range: 3 is above 2"),
        ({"n": integer(1, 8, factor=1)}, "parameter 'n' has factor 1, which is not above 1"),
        ({"n": integer(0, 8, factor=2)}, "has logarithmic steps, but begins at 0"),
        ({"x": real(0, math.inf)}, "parameter 'x' has a range that is not finite"),
        ({"x": real(math.nan, 1)}, "parameter 'x' has a range that is not finite"),
        ({"n": integer(1, 2, when={"m": 1})}, "depends on 'm', which is no parameter before it"),
        (
            {"c": ["a"], "n": integer(1, 2, when={"c": "b"})},
            "parameter 'n' depends on 'c' being 'b', which it never is",
        ),
        ({"not a name": bool}, "passed by keyword, which 'not a name' cannot be"),
        ({"class": bool}, "passed by keyword, which 'class' cannot be"),
        (
            {"jetlag.speed": bool},
            "there is no knob 'jetlag.speed'; there are jetlag.threads, jetlag.jit",
        ),
        ({"jetlag.cache_dir": ["/tmp"]}, "there is no knob 'jetlag.cache_dir'"),
        ({"jetlag.rules": ["-all"]}, "there is no knob 'jetlag.rules'"),
    ],
)
def test_a_space_that_cannot_be_is_refused(parameters: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        jl.Space(parameters)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"x": (0.0, 1.0)}, "parameter 'x' must be a range, a list of choices, bool"),
        ({3: bool}, "a parameter's name must be a str, not int"),
        ({"n": [object()]}, "an object of type object has no text to be kept by"),
    ],
)
def test_what_is_no_parameter_is_a_type_error(parameters: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        jl.Space(parameters)


def test_an_integer_has_steps_or_a_factor() -> None:
    with pytest.raises(TypeError, match="in steps or by a factor, not both"):
        integer(1, 8, step=2, factor=2)
    with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
        integer(1.5, 8)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="depends on one other, not on 2"):
        flag(when={"a": 1, "b": 2})


# Sessions: each strategy


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_strategy_finds_the_least_cost_of_a_grid(strategy: str) -> None:
    session = jl.Space(GRID).session(strategy, seed=1)

    # Of 441; an evolution of whole generations is the slowest to settle.
    trials = {"exhaustive": 441, "random": 441, "isres": 350}.get(strategy, 250)
    asked = run(session, bowl, trials)

    assert session.best is not None
    assert (session.best.values, session.best_cost) == ({"m": 5, "n": 30}, 1)
    assert len({tuple(values.items()) for values in asked}) == len(asked)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_strategy_that_learns_asks_where_it_was_told_to(strategy: str) -> None:
    def other(m: int, n: int) -> float:
        return (m - 18) ** 2 + (n - 4) ** 2

    one, two, again = (
        run(jl.Space(GRID).session(strategy, seed=2), cost, 50) for cost in (bowl, other, bowl)
    )

    assert one == again
    assert (one == two) == (strategy in ("exhaustive", "random"))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_strategy_searches_choices_or_says_why_not(strategy: str) -> None:
    space = jl.Space({"way": ["a", "b", "c"], "n": integer(1, 9, when={"way": "b"})})
    if strategy in NUMBERS:
        words = f"{strategy} cannot search this space: 'way' is a choice, which has no order"
        with pytest.raises(ValueError, match=words):
            space.session(strategy)
        return

    session = space.session(strategy, seed=3)
    asked = run(session, lambda way, n=0: 5.0 if way != "b" else abs(n - 7))

    assert session.best is not None
    assert session.best.values == {"way": "b", "n": 7}
    assert len(asked) == 11
    assert session.finished


def test_the_command_lists_the_strategies_with_their_papers() -> None:
    command = Path(sys.executable).parent / "jetlag"

    done = subprocess.run(
        [command, "describe", "strategies"], capture_output=True, text=True, check=True
    )

    rows = json.loads(done.stdout)
    assert [row["name"] for row in rows] == STRATEGIES
    assert all(row["doc"] and row["source"] for row in rows)


# Sessions: asking and telling


def test_several_candidates_are_told_in_any_order() -> None:
    session = jl.Space(GRID).session("genetic", seed=4)

    first = session.ask_several(5)
    for candidate in reversed(first):
        session.tell(candidate, bowl(**candidate.values))

    assert len({tuple(candidate.values.items()) for candidate in first}) == 5
    assert session.best is min(first, key=lambda candidate: bowl(**candidate.values))


def test_a_strategy_may_wait_for_costs() -> None:
    session = jl.Space(GRID).session("nelder-mead", seed=5)
    first = session.ask_several(10)

    assert len(first) == 3
    assert session.ask() is None
    assert not session.finished


def test_a_failed_candidate_is_not_the_best() -> None:
    session = jl.Space({"n": range(3)}).session("exhaustive")

    while (candidate := session.ask()) is not None:
        if candidate.values["n"] == 0:
            session.fail(candidate)
        else:
            session.tell(candidate, candidate.values["n"])

    assert session.best is not None
    assert session.best.values == {"n": 1}


@pytest.mark.parametrize("cost", [math.nan, math.inf, -math.inf])
def test_a_cost_that_is_not_finite_is_refused(cost: float) -> None:
    session = jl.Space(GRID).session()
    candidate = session.ask()
    assert candidate is not None

    with pytest.raises(ValueError, match="a cost must be a finite number, not") as error:
        session.tell(candidate, cost)

    assert error.value.__notes__ == ["tell a failure with fail()"]
    assert (session.best, session.best_cost) == (None, None)
    session.tell(candidate, 1.0)
    with pytest.raises(ValueError, match="candidate 1 was told already"):
        session.tell(candidate, 1.0)


def test_the_start_is_asked_first() -> None:
    space = jl.Space({"n": range(9), "f": [operator.add, operator.mul], "x": real(0, 1)})

    candidate = space.session(start={"f": operator.mul, "n": 8, "x": 1}).ask()

    assert candidate is not None
    assert candidate.values == {"n": 8, "f": operator.mul, "x": 1.0}
    with pytest.raises(ValueError, match="'n' is never 9"):
        space.session(start={"n": 9})
    with pytest.raises(ValueError, match="the space has no parameter 'm'"):
        space.session(start={"m": 9})


def test_an_unknown_strategy_is_told_the_others() -> None:
    with pytest.raises(ValueError, match="there is no strategy 'guess'") as error:
        jl.Space(GRID).session("guess")

    assert error.value.__notes__ == [f"there are {', '.join(STRATEGIES)}"]


def test_a_real_number_is_searched_by_its_logarithm() -> None:
    session = jl.Space({"x": real(1e-6, 1, log=True), "c": choice([1])}).session("hill-climbing")

    run(session, lambda x, c: abs(math.log10(x) + 4), 40)

    assert session.best is not None
    assert session.best.values["x"] == pytest.approx(1e-4, rel=0.05)
