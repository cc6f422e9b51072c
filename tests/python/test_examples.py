"""The examples give what their NumPy selves give, natively, whatever the number of workers."""

import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np
import pytest

import jetlag as jl

EXAMPLES = Path(__file__).parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))

import als  # noqa: E402
import logistic_regression as logistic  # noqa: E402
import movielens  # noqa: E402
import tuned_stencil  # noqa: E402

FIT = logistic.logistic_regression
RECOMMEND = als.recommend


@pytest.fixture
def workers() -> Iterator[Callable[[int], int]]:
    """jl.threads, set back afterwards."""
    before = jl.threads()
    yield jl.threads
    jl.threads(before)


def small_ratings() -> als.Problem:
    return als.problem(movielens.generate(60, 80), "generated", factors=8, rounds=2)


def fit_arguments(problem: logistic.Problem, iterations: int) -> tuple[Any, ...]:
    return problem.x, problem.y, problem.alpha, iterations


def close(result: np.ndarray, expected: np.ndarray, allowed: float) -> None:
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result, expected, rtol=allowed, atol=allowed)


def bytecodes_run_in(code: CodeType, work: Callable[[], Any]) -> int:
    """How many instructions Python executes on the lines of a function."""
    lines = {line for _, _, line in code.co_lines() if line}
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        if frame.f_code.co_filename != code.co_filename:
            return None
        frame.f_trace_opcodes = True
        count += event == "opcode" and frame.f_lineno in lines
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def opaque_rows(explanation: Any) -> list[dict[str, Any]]:
    return [row for row in explanation.rows if not row["native"] or row["kind"] == "opaque"]


# Logistic regression


def test_fit_of_standardised_features_is_numpys_to_1e_10() -> None:
    arguments = fit_arguments(logistic.breast_cancer(), 750)

    close(FIT(*arguments), FIT.__wrapped__(*arguments), 1e-10)


@pytest.mark.filterwarnings("ignore:overflow encountered in exp")
def test_fit_of_raw_features_is_numpys_to_1e_9_after_20_rounds() -> None:
    arguments = fit_arguments(logistic.breast_cancer(standardised=False), 20)

    close(FIT(*arguments), FIT.__wrapped__(*arguments), 1e-9)


@pytest.mark.filterwarnings("ignore:overflow encountered in exp")
def test_fit_of_raw_features_is_as_accurate_as_numpys_after_750_rounds() -> None:
    problem = logistic.breast_cancer(standardised=False)
    arguments = fit_arguments(problem, 750)

    accuracy = logistic.accuracy(FIT(*arguments), problem)

    assert accuracy == pytest.approx(
        logistic.accuracy(FIT.__wrapped__(*arguments), problem), abs=0.01
    )
    assert accuracy > 0.9


def test_fit_of_raw_features_warns_of_overflow_where_numpy_does() -> None:
    arguments = fit_arguments(logistic.breast_cancer(standardised=False), 750)

    told = {}
    for who, function in (("NumPy", FIT.__wrapped__), ("jetlag", FIT)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            function(*arguments)
        told[who] = {(w.category, str(w.message), w.filename, w.lineno) for w in caught}

    assert told["jetlag"] == told["NumPy"]
    assert {str(message) for _, message, _, _ in told["jetlag"]} == {"overflow encountered in exp"}


def test_fit_of_synthetic_numbers_is_numpys_to_1e_10() -> None:
    arguments = fit_arguments(logistic.synthetic(300), 40)

    close(FIT(*arguments), FIT.__wrapped__(*arguments), 1e-10)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_fit_gives_the_same_bits_with_any_number_of_workers(
    count: int, workers: Callable[[int], int]
) -> None:
    arguments = fit_arguments(logistic.synthetic(700), 10)
    expected = FIT(*arguments)

    workers(count)

    assert FIT(*arguments).tobytes() == expected.tobytes()


def test_fit_has_no_opaque_step() -> None:
    explanation = jl.explain(FIT, *fit_arguments(logistic.breast_cancer(), 20))

    assert explanation.rows
    assert opaque_rows(explanation) == []


def test_fit_runs_no_bytecode_of_its_body() -> None:
    arguments = fit_arguments(logistic.breast_cancer(), 20)
    code = FIT.__wrapped__.__code__

    assert bytecodes_run_in(code, lambda: FIT.__wrapped__(*arguments)) > 100
    assert bytecodes_run_in(code, lambda: FIT(*arguments)) == 0


def test_fit_submitted_gives_what_fit_gives() -> None:
    arguments = fit_arguments(logistic.breast_cancer(), 20)

    future = FIT.submit(*arguments)

    assert future.result().tobytes() == FIT(*arguments).tobytes()


# Alternating least squares


def test_recommend_is_numpys_to_1e_9() -> None:
    task = small_ratings()

    close(RECOMMEND(*task.arguments()), RECOMMEND.__wrapped__(*task.arguments()), 1e-9)


def test_recommend_writes_into_the_callers_arrays_as_numpy_does() -> None:
    mine, numpys = small_ratings().arguments(), small_ratings().arguments()

    result = RECOMMEND(*mine)
    RECOMMEND.__wrapped__(*numpys)

    for array, expected in zip(mine[-2:], numpys[-2:], strict=True):
        close(array, expected, 1e-9)
    assert np.array_equal(result, np.vstack(mine[-2:]))


def test_recommend_of_943_users_and_1000_films_is_numpys_slow() -> None:
    task = als.problem(movielens.generate(943, 1000), "generated", factors=40, rounds=1)

    close(RECOMMEND(*task.arguments()), RECOMMEND.__wrapped__(*task.arguments()), 1e-9)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_recommend_gives_the_same_bits_with_any_number_of_workers(
    count: int, workers: Callable[[int], int]
) -> None:
    task = als.problem(movielens.generate(50, 200), "generated", factors=16, rounds=1)
    expected = RECOMMEND(*task.arguments())

    workers(count)

    assert RECOMMEND(*task.arguments()).tobytes() == expected.tobytes()


def test_recommend_has_no_opaque_step() -> None:
    explanation = jl.explain(RECOMMEND, *small_ratings().arguments())

    assert explanation.rows
    assert opaque_rows(explanation) == []


def test_recommend_runs_no_bytecode_of_its_body() -> None:
    task = small_ratings()
    code = RECOMMEND.__wrapped__.__code__

    assert bytecodes_run_in(code, lambda: RECOMMEND.__wrapped__(*task.arguments())) > 100
    assert bytecodes_run_in(code, lambda: RECOMMEND(*task.arguments())) == 0


# Ratings

RELEASES = {
    "ratings.csv": "userId,movieId,rating,timestamp\n1,10,4.0,964982703\n7,30,2.5,964981247\n",
    "u.data": "1\t10\t4\t881250949\n7\t30\t2.5\t891717742\n",
    "ratings.dat": "1::10::4::978300760\n7::30::2.5::978302109\n",
}


@pytest.mark.parametrize("name", RELEASES)
def test_a_release_of_movielens_becomes_a_matrix(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(RELEASES[name])

    ratings = movielens.load(tmp_path)

    assert ratings.tolist() == [[4.0, 0.0], [0.0, 2.5]]


def test_only_the_most_rated_films_are_kept(tmp_path: Path) -> None:
    lines = ["1\t10\t4\t0", "1\t20\t3\t0", "2\t20\t5\t0", "3\t30\t1\t0", "3\t20\t2\t0"]
    (tmp_path / "u.data").write_text("\n".join(lines))

    ratings = movielens.load(tmp_path, items=1)

    assert ratings.tolist() == [[3.0], [5.0], [2.0]]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(movielens.BadRatings) as error:
        movielens.load(tmp_path / "absent")

    assert str(error.value) == f"{tmp_path}/absent: no such folder"


def test_a_folder_without_ratings_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(movielens.BadRatings) as error:
        movielens.load(tmp_path)

    expected = "is no MovieLens folder: it has none of ratings.csv, u.data, ratings.dat"
    assert str(error.value) == f"{tmp_path}: {expected}"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("1,10,4.0", "3 fields instead of 4"),
        ("1,10,nine,5", "could not convert string to float: 'nine'"),
        ("one,10,4.0,5", "invalid literal for int() with base 10: 'one'"),
        ("1,10,9.5,5", "rating 9.5 is not between 0 and 5"),
        ("1,10,nan,5", "rating nan is not between 0 and 5"),
    ],
)
def test_an_odd_line_is_named_with_its_number(line: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text(f"userId,movieId,rating,timestamp\n1,10,4.0,0\n{line}\n")

    with pytest.raises(movielens.BadRatings) as error:
        movielens.load(tmp_path)

    form = "userId,movieId,rating,timestamp"
    expected = f"{tmp_path}/ratings.csv:3: {why} in {line!r}\n    hint: a line is {form}"
    assert str(error.value) == expected


def test_generated_ratings_have_the_shape_and_sparsity_of_movielens() -> None:
    ratings = movielens.generate(943, 1000)

    assert ratings.shape == (943, 1000)
    assert 0.055 < np.count_nonzero(ratings) / ratings.size < 0.065
    assert set(np.unique(ratings)) == {0.0, 1.0, 2.0, 3.0, 4.0, 5.0}


# A tuned stencil


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("rows", [1, 3, 8, 4096])
def test_every_height_of_a_band_gives_the_same_bits(rows: int, in_place: bool) -> None:
    plate = np.random.default_rng(1).random((20, 30))
    expected = tuned_stencil.spread(plate, 3)

    result = tuned_stencil.spread(plate, 3, rows=rows, in_place=in_place)

    assert result.tobytes() == expected.tobytes()


def test_the_stencil_is_tuned_within_30_trials() -> None:
    heights: list[int] = []

    def spread(plate: np.ndarray, rounds: int, rows: int = 4096, in_place: bool = False) -> float:
        # A cost like that of the real one: calls and caches, both dear.
        heights.append(rows)
        return 2000 / rows + rows / 50 + 3 * in_place

    tuned = jl.tune(
        spread,
        tuned_stencil.SPACE,
        np.ones((4, 4)),
        1,
        cost=lambda result, seconds: result,
        trials=30,
        keep=False,
    )

    assert heights[0] == 4096
    assert len(tuned.trials) <= 30
    assert tuned.best == {"rows": 256, "in_place": False}


# The programs as one runs them


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=EXAMPLES.parent,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_the_next_run_of_the_tuned_stencil_begins_with_what_was_found(tmp_path: Path) -> None:
    command = ["examples/tuned_stencil.py", "--size", "40", "--rounds", "1"]

    first = run(*command, JETLAG_CACHE_DIR=str(tmp_path))
    second = run(*command, JETLAG_CACHE_DIR=str(tmp_path))

    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert "found now, and kept" in first.stdout
    assert "found by an earlier process" in second.stdout
    best = [line for line in first.stdout.splitlines() if line.startswith("best: ")]
    assert len(best) == 1
    assert best[0] in second.stdout.splitlines()


def test_logistic_regression_program_prints_both_accuracies() -> None:
    ran = run("examples/logistic_regression.py", "--iterations", "200")

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("accuracy") == 2
    assert "same weights" in ran.stdout


def test_als_program_explains_itself() -> None:
    ran = run("examples/als.py", "--users", "40", "--items", "50", "--factors", "5", "--explain")

    assert ran.returncode == 0, ran.stderr
    assert "same factors" in ran.stdout
    assert "recommend(" in ran.stdout


def test_als_program_names_a_missing_folder() -> None:
    ran = run("examples/als.py", "--movielens", "/nowhere")

    assert (ran.returncode, ran.stderr) == (1, "/nowhere: no such folder\n")


def test_tour_agrees_with_numpy_slow() -> None:
    ran = run("examples/tour.py")

    assert ran.returncode == 0, ran.stderr + ran.stdout
    assert "What to try next" in ran.stdout
