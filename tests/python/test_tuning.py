"""jl.tune finds values of parameters. No test looks at the clock: the functions under test give
their costs."""

import json
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from costs import TILES, Calls, costs_of, value
from jetlag.trials import Trial

pytestmark = pytest.mark.usefixtures("folder")


# What is found


def test_the_least_cost_is_found() -> None:
    tuned = jl.tune(costs_of, TILES, cost=value)

    assert (tuned.best, tuned.cost, tuned.strategy) == ({"tile": 32}, 1.0, "exhaustive")
    assert tuned() == 1.0
    assert tuned(tile=31) == 2.0
    assert tuned.gain == 32.0


def test_time_is_the_cost_unless_another_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def work(tile: int) -> None:
        nonlocal now
        now += costs_of(tile)

    monkeypatch.setattr("jetlag.tuning.time.perf_counter", lambda: now)

    tuned = jl.tune(work, TILES)

    assert (tuned.best, tuned.cost) == ({"tile": 32}, 1.0)
    assert "32 *" not in str(tuned)
    assert "best: tile=32, 1 s, 32 times less than the first" in str(tuned)


def test_large_spaces_are_climbed() -> None:
    space = {"tile": range(1, 1000), "order": ["rows", "columns"]}

    tuned = jl.tune(
        lambda tile, order: abs(tile - 700) + 50 * (order == "rows"), space, cost=value, trials=60
    )

    assert tuned.strategy == "hill-climbing"
    assert tuned.best == {"tile": 700, "order": "columns"}
    assert len(tuned.trials) == 60


@pytest.mark.parametrize("strategy", ["random", "annealing", "genetic", "nelder-mead", "sbplx"])
def test_a_strategy_may_be_named(strategy: str) -> None:
    tuned = jl.tune(costs_of, TILES, strategy=strategy, cost=value, seed=3)

    assert (tuned.best, tuned.strategy) == ({"tile": 32}, strategy)


def test_the_first_trial_is_what_the_function_does_untuned() -> None:
    def f(tile: int = 16, other: int = 99) -> float:
        return costs_of(tile)

    tuned = jl.tune(f, {**TILES, "other": range(3)}, cost=value)

    assert tuned.trials[0].values == {"tile": 16, "other": 1}


def test_the_first_trial_may_be_given() -> None:
    tuned = jl.tune(costs_of, TILES, start={"tile": 4}, cost=value, trials=1)

    assert tuned.best == {"tile": 4}


def test_arguments_reach_the_function_and_are_not_tuned() -> None:
    def f(x: list[int], tile: int, *, scale: int) -> float:
        return scale * costs_of(tile) + sum(x)

    tuned = jl.tune(f, TILES, [1, 2], scale=3, cost=value)

    assert tuned.cost == 6.0
    assert tuned([5], scale=1) == 6.0
    with pytest.raises(TypeError, match="tile cannot be both given and tuned"):
        jl.tune(f, TILES, [1, 2], tile=3)


# Repeating and discarding


def test_the_median_of_the_repeats_counts() -> None:
    costs = iter([5.0, 1.0, 2.0, 2.1, 2.3, 2.2])

    tuned = jl.tune(lambda n: next(costs), {"n": range(2)}, cost=value)

    assert [(t.cost, t.costs) for t in tuned.trials] == [
        (2.0, (5.0, 1.0, 2.0)),
        (2.2, (2.1, 2.3, 2.2)),
    ]
    assert tuned.best == {"n": 0}


def test_a_clear_loser_is_called_once() -> None:
    calls = Calls()

    tuned = jl.tune(calls, TILES, start={"tile": 32}, cost=value, repeats=5)

    assert sorted(calls.tiles) == [1, 2, 4, 8, 16, *[32] * 5, 64]
    assert {t.values["tile"]: t.state for t in tuned.trials if t.state != "discarded"} == {
        32: "measured"
    }


def test_what_is_within_the_spread_of_the_best_is_repeated() -> None:
    costs = iter([1.0, 1.0, 9.0, 8.0, 0.5, 0.6])

    tuned = jl.tune(lambda n: next(costs), {"n": range(2)}, cost=value)

    assert [t.costs for t in tuned.trials] == [(1.0, 1.0, 9.0), (8.0, 0.5, 0.6)]
    assert tuned.best == {"n": 1}


def test_the_first_calls_may_be_left_out() -> None:
    calls = Calls()

    tuned = jl.tune(calls, {"tile": [8]}, cost=value, repeats=2, warmup=3)

    assert len(calls.tiles) == 5
    assert tuned.trials[0].costs == (25.0, 25.0)


def test_a_function_marked_jit_is_called_once_before(folder: Path) -> None:
    seen: list[int] = []

    @jl.jit
    def f(x, n):
        seen.append(n)
        return x + n

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        jl.tune(f, {"n": [1]}, np.ones(3), repeats=2)

    assert seen == [1, 1, 1]


def test_a_budget_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def work(n: int) -> None:
        nonlocal now
        now += 1.0

    monkeypatch.setattr("jetlag.tuning.time.perf_counter", lambda: now)

    tuned = jl.tune(work, {"n": range(20)}, budget=7.5, repeats=3)

    assert [len(trial.costs) for trial in tuned.trials] == [3, 3, 2]


# Failures


def test_an_exception_is_a_failed_trial() -> None:
    def f(tile: int) -> float:
        if tile > 16:
            raise MemoryError("too large")
        return costs_of(tile)

    tuned = jl.tune(f, TILES, cost=value)

    assert tuned.best == {"tile": 16}
    assert [(t.values["tile"], t.state, t.message, t.cost) for t in tuned.trials[-2:]] == [
        (32, "failed", "MemoryError: too large", None),
        (64, "failed", "MemoryError: too large", None),
    ]
    assert "failed: MemoryError: too large" in str(tuned)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_cost_that_is_not_finite_is_a_failed_trial(bad: float) -> None:
    tuned = jl.tune(lambda n: bad if n == 0 else 1.0, {"n": range(2)}, cost=value)

    assert tuned.best == {"n": 1}
    assert tuned.trials[0].message == f"its cost is {bad}"


def test_where_all_fails_the_first_error_is_told() -> None:
    def f(n: int) -> None:
        raise ZeroDivisionError(f"n is {n}")

    words = "none of 3 trials succeeded; the first said: ZeroDivisionError: n is 0"
    with pytest.raises(RuntimeError, match=words) as error:
        jl.tune(f, {"n": range(3)})

    assert isinstance(error.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 0}, "trials must be at least 1, not 0"),
        ({"repeats": 0}, "repeats must be at least 1, not 0"),
        ({"warmup": -1}, "warmup must be at least 0, not -1"),
        ({"budget": 0}, "budget must be a positive number of seconds, not 0"),
        ({"strategy": "guess"}, "there is no strategy 'guess'"),
        ({"start": {"tile": 3}}, "'tile' is never 3"),
    ],
)
def test_an_option_that_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        jl.tune(costs_of, TILES, **options)


def test_an_empty_space_is_refused() -> None:
    with pytest.raises(ValueError, match="the space is empty"):
        jl.tune(costs_of, {})


# Checking


def test_a_result_that_differs_fails() -> None:
    def f(n: int) -> np.ndarray:
        return np.arange(3.0) + (n == 2) * 1e-16 * np.arange(3)[::-1] - (n == 1)

    tuned = jl.tune(f, {"n": range(3)}, start={"n": 0}, check=True)
    close = jl.tune(f, {"n": range(3)}, start={"n": 0}, check=np.allclose)

    words = "its result is not that of the first"
    assert [t.message for t in tuned.trials] == ["", words, words]
    assert [t.message for t in close.trials] == ["", words, ""]


def test_the_first_result_is_compared_as_it_was() -> None:
    buffer = np.zeros(2)

    def f(n: int) -> np.ndarray:
        buffer[:] = n
        return buffer

    tuned = jl.tune(f, {"n": range(2)}, start={"n": 0}, check=True)

    assert [t.state for t in tuned.trials] == ["measured", "failed"]


# Knobs of the runtime


def test_knobs_are_turned_for_a_trial_and_back() -> None:
    before = jl.threads(), jl.settings.jit
    seen = []

    def f() -> float:
        seen.append((jl.threads(), jl.settings.jit))
        if seen[-1] == (3, "off"):
            raise ValueError
        return jl.threads() + (jl.settings.jit == "off")

    space = {"jetlag.threads": [1, 3], "jetlag.jit": ["off", "always"]}
    tuned = jl.tune(f, space, cost=value, repeats=1)

    assert sorted(seen) == [(1, "always"), (1, "off"), (3, "always"), (3, "off")]
    assert tuned.best == {"jetlag.threads": 1, "jetlag.jit": "always"}
    assert (jl.threads(), jl.settings.jit) == before
    seen.clear()
    tuned()
    assert seen == [(1, "always")]
    assert (jl.threads(), jl.settings.jit) == before


def test_a_value_that_a_knob_does_not_take_is_a_failed_trial() -> None:
    before = jl.settings.jit

    tuned = jl.tune(lambda: 1.0, {"jetlag.jit": ["off", "never"]}, cost=value)

    assert tuned.trials[1].message.startswith("ValueError: jit must be 'off'")
    assert jl.settings.jit == before


def test_no_knob_changes_a_bit_of_a_result() -> None:
    @jl.jit
    def f(x):
        return np.sum(np.exp(-x) * x) / np.sqrt(np.sum(x * x))

    space = {"jetlag.threads": [1, 2, 4], "jetlag.jit": ["off", "auto", "always"]}
    tuned = jl.tune(f, space, np.random.default_rng(0).random(100_000), check=True, repeats=1)

    assert [trial.message for trial in tuned.trials] == [""] * 9


# Telling


def test_every_trial_is_told() -> None:
    told: list[Trial] = []

    tuned = jl.tune(costs_of, TILES, cost=value, on_trial=told.append)

    assert told == tuned.trials
    assert [trial.number for trial in told] == list(range(1, 8))


def test_a_callback_that_raises_is_told_and_left_out() -> None:
    def on_trial(trial: Trial) -> None:
        raise LookupError("no")

    with pytest.warns(
        RuntimeWarning, match="on_trial is not called again: LookupError: no"
    ) as told:
        tuned = jl.tune(costs_of, TILES, cost=value, on_trial=on_trial)

    assert (len(told), told[0].filename) == (1, __file__)
    assert len(tuned.trials) == 7


def test_the_report_has_a_row_for_each_trial() -> None:
    tuned = jl.tune(costs_of, {"tile": [8, 32]}, cost=value, repeats=2)

    assert str(tuned).splitlines() == [
        "costs_of(): exhaustive, 2 trials",
        "trial  values   cost  least  most  runs  state",
        "1      tile=8   25    25     25    2     measured",
        "2 *    tile=32  1     1      1     2     measured",
        "best: tile=32, 1, 25 times less than the first",
    ]
    data = json.loads(json.dumps(tuned.to_dict()))
    assert (data["best"], data["cost"], data["unit"]) == ({"tile": 32}, 1.0, "")
    assert [row["costs"] for row in data["trials"]] == [[25.0, 25.0], [1.0, 1.0]]


def test_the_report_in_a_notebook_is_a_table_without_markup_of_the_users() -> None:
    tuned = jl.tune(lambda word: 1.0, {"word": ["<b>"]}, cost=value)

    page = tuned._repr_html_()

    assert page.count("<tr>") == 2
    assert "<b>" not in page
    assert "&lt;b&gt;" in page
