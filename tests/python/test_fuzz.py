"""Random programs do on the engine what they do in Python, and the fuzzer would notice if not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.fuzz import checks, compare, judge, levels, maker, modes, shrink  # noqa: E402
from tests.fuzz.outcome import Outcome  # noqa: E402

HEAD = "import numpy as np\ndef make():\n    return (np.arange(4.0),)\n"


def fuzz(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.fuzz", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_150_programs_do_not_differ() -> None:
    ran = fuzz("--count", "150", "--jobs", "2")

    assert ran.returncode == 0, ran.stdout
    assert "; 0 differ" in ran.stdout


def test_2000_programs_do_not_differ_slow() -> None:
    ran = fuzz("--count", "2000", "--first", "100000")

    assert ran.returncode == 0, ran.stdout


def test_a_seed_makes_the_same_program_every_time() -> None:
    assert maker.make(7).text == maker.make(7).text


def test_a_program_of_its_own_is_judged() -> None:
    verdict = judge.judge(HEAD + "def f(x):\n    return x + 1\n", modes.modes_of(1))

    assert verdict.kind == ""


def test_a_sum_that_rounds_is_no_fair_question() -> None:
    text = HEAD + "def f(x1):\n    x2 = np.sum(x1 / 3)\n    return x2\n"

    assert judge.judge(text, modes.modes_of(1)).kind == "refused"


def test_a_branch_on_a_transcendental_is_no_fair_question() -> None:
    text = (
        HEAD + "def f(x1):\n    t2 = np.exp(x1)\n    if t2[0] > 1:\n        x1 = 3\n    return x1\n"
    )

    assert judge.judge(text, modes.modes_of(1)).kind == "refused"


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("x1 + 2", levels.EXACT),
        ("np.exp(x1)", levels.NEAR),
        ("np.exp(x1) * x2", levels.NEAR),
        ("np.exp(x1) + x2", levels.LOOSE),
        ("t1 > 0", levels.BANNED),
        ("x1[t1]", levels.BANNED),
        ("t1.shape", levels.EXACT),
        ("x1 ** 2", levels.EXACT),
        ("x1 ** x2", levels.NEAR),
    ],
)
def test_the_level_of_an_expression(text: str, level: int) -> None:
    assert levels.level(text) == level


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda o: setattr(o, "value", np.float32(1)), "type"),
        (lambda o: setattr(o, "value", o.value + 1), "value"),
        (lambda o: setattr(o, "value", o.value.astype("f4")), "dtype"),
        (lambda o: setattr(o, "value", np.asfortranarray(o.value)), "layout"),
        (lambda o: setattr(o, "printed", "1\n"), "printed"),
        (lambda o: setattr(o, "warned", {("RuntimeWarning", "", 1)}), "warned"),
        (lambda o: setattr(o, "error", "ValueError"), "error"),
        (lambda o: setattr(o, "arguments", (np.ones(2),)), "value"),
    ],
)
def test_what_differs_is_seen(change: object, kind: str) -> None:
    def outcome() -> Outcome:
        return Outcome(value=np.zeros((2, 3)), arguments=(np.zeros(2),))

    found, expected = outcome(), outcome()
    change(found)

    assert kind in [word for word, _ in compare.differences(found, expected)]


def test_shared_memory_is_seen() -> None:
    shared = np.zeros(3)
    found = Outcome(value=shared[1:], arguments=(shared,))
    expected = Outcome(value=shared[1:].copy(), arguments=(shared,))

    assert [word for word, _ in compare.differences(found, expected)] == ["aliases"]


@pytest.mark.parametrize(
    ("name", "eps", "words"), [("x1", 0.0, ["value"]), ("t1", 0.0, []), ("t1", 1e-7, [])]
)
def test_arguments_agree_as_exactly_as_their_names_say(
    name: str, eps: float, words: list[str]
) -> None:
    off = 1e-6 if eps else 1e-15
    found, expected = Outcome(arguments=(np.full(2, 1 + off),)), Outcome(arguments=(np.ones(2),))
    measure = compare.Measure([], [name], eps)

    assert [word for word, _ in compare.differences(found, expected, measure)] == words


def test_a_warning_has_the_users_line_where_numpy_warns_at_its_own() -> None:
    ours, numpys = ("RuntimeWarning", "overflow", 7), ("RuntimeWarning", "overflow", 0)

    assert compare.in_users_file({ours}, {numpys}) == {numpys}
    assert compare.in_users_file({ours}, {("RuntimeWarning", "overflow", 8)}) == {ours}


def test_single_precision_makes_all_that_follows_coarse() -> None:
    text = HEAD + "def f(x1):\n    t2 = np.exp(x1.astype('float32')).astype('float64')\n"

    with checks.coarseness() as coarsest:
        judge.unfair(text + "    return t2\n")

    assert coarsest.eps == np.finfo(np.float32).eps


@pytest.mark.parametrize(
    "line",
    [
        "x1 = np.concatenate((x1, x1))",
        "n2 = n2 ** n2",
        "n2 **= n2",
        "n2 <<= n2",
    ],
)
def test_what_grows_in_a_loop_is_no_fair_question(line: str) -> None:
    text = (
        f"{HEAD}def f(x1):\n    n2 = 3\n    for n3 in range(99):\n        {line}\n    return x1\n"
    )

    assert judge.unfair(text)


def test_which_of_two_zeros_is_less_is_no_fair_question() -> None:
    text = f"{HEAD}def f(x1):\n    return np.fmin(x1 * 0, -x1 * 0)\n"

    assert judge.unfair(text)


def test_a_finding_is_made_as_small_as_it_can_be() -> None:
    text = (
        HEAD
        + "def f(x):\n    y = x * 2\n    for i in range(3):\n        y[i] = 7\n    return x, y\n"
    )

    small = shrink.shrink(text, lambda program: "range" in program and "f(" in program, 10)

    assert len(small) < len(text) * 0.8
    assert "y = x * 2" not in small


def test_a_crash_is_a_finding() -> None:
    from tests.fuzz.pool import Pool

    text = "import os\nos._exit(3)\n"
    answers = list(Pool(1).run(iter([{"text": text, "modes": []}])))

    assert [answer.result["kind"] for answer in answers] == ["crash"]
