"""Settings: read and written from Python, begun by the environment, listed by the command."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import jetlag as jl
from jetlag.configuration import Settings
from jetlag.engine import core

NAMES = (
    "jit",
    "cache_dir",
    "cache_limit",
    "rules",
    "trace",
    "trace_allocations",
    "policies",
    "worker_cap",
    "grab_ns",
    "inline_ns",
    "in_flight",
    "trace_counters",
    "trace_period",
    "trace_hardware",
    "jobs_dir",
    "jobs_idle",
    "jobs_server",
    "mail_relay",
)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = {name: getattr(jl.settings, name) for name in NAMES}
    yield
    for name, value in before.items():
        setattr(jl.settings, name, value)


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("mode", ["off", "auto", "always"])
def test_jit_takes_its_three_words(mode: str) -> None:
    jl.settings.jit = mode

    assert jl.settings.jit == mode


def test_another_word_is_refused_and_changes_nothing() -> None:
    jl.settings.jit = "off"

    with pytest.raises(ValueError, match="jit must be 'off', 'auto' or 'always', not 'on'"):
        jl.settings.jit = "on"

    assert jl.settings.jit == "off"


def test_a_value_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match="jit must be a str, not bool"):
        jl.settings.jit = True  # type: ignore[assignment]


def test_the_limit_is_a_number_of_bytes() -> None:
    jl.settings.cache_limit = 1000

    assert jl.settings.cache_limit == 1000
    with pytest.raises(ValueError, match="cache_limit must be a number of bytes, not '-1'"):
        jl.settings.cache_limit = -1


@pytest.mark.parametrize("words", ["", "-solve", "-solve,+scaled", "-all,+dot-chain"])
def test_rules_are_names_with_a_sign(words: str) -> None:
    jl.settings.rules = words

    assert jl.settings.rules == words


@pytest.mark.parametrize("words", ["solve", "-", "-solve,", ",-solve", "-solve -scaled", "-a,,-b"])
def test_other_words_about_rules_are_refused(words: str) -> None:
    with pytest.raises(ValueError, match="rules must be names with '-' or '\\+' before each and "):
        jl.settings.rules = words


def test_the_folder_may_be_a_path(tmp_path: Path) -> None:
    assert jl.cache_dir(tmp_path) == str(tmp_path)

    assert jl.settings.cache_dir == jl.cache_dir() == str(tmp_path)


def test_an_unknown_setting_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'jti'"):
        jl.settings.jti = "off"  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="no attribute 'jti'"):
        _ = jl.settings.jti  # type: ignore[attr-defined]


def test_the_period_is_a_number_of_seconds() -> None:
    jl.settings.trace_period = 2

    assert jl.settings.trace_period == 2.0
    for wrong in (0, -1, float("nan"), 1e9):
        with pytest.raises(ValueError, match="trace_period must be seconds from"):
            jl.settings.trace_period = wrong
    with pytest.raises(TypeError, match="trace_period must be a number, not str"):
        jl.settings.trace_period = "2"  # type: ignore[assignment]


def test_every_row_of_the_table_is_an_attribute() -> None:
    rows = core().settings()

    assert tuple(row["name"] for row in rows) == NAMES
    for row in rows:
        assert row["environment"] in getattr(Settings, row["name"]).__doc__


def test_the_environment_sets_what_a_process_begins_with(tmp_path: Path) -> None:
    code = "import jetlag as jl; print(jl.settings.jit, jl.settings.cache_dir)"

    done = run_python(code, JETLAG_JIT="off", JETLAG_CACHE_DIR=str(tmp_path))

    assert done.stdout.split() == ["off", str(tmp_path)]


def test_without_a_word_of_ours_the_folder_is_where_caches_go(tmp_path: Path) -> None:
    code = "import jetlag as jl; print(jl.cache_dir())"

    done = run_python(code, JETLAG_CACHE_DIR="", XDG_CACHE_HOME=str(tmp_path))

    assert done.stdout.strip() == str(tmp_path / "jetlag")


def test_a_bad_variable_of_the_environment_is_told_at_the_first_use() -> None:
    done = run_python("import jetlag as jl; jl.settings.jit", JETLAG_JIT="sometimes")

    last = done.stderr.splitlines()[-1]
    assert last == "ValueError: JETLAG_JIT must be 'off', 'auto' or 'always', not 'sometimes'"


def test_the_command_lists_the_settings() -> None:
    command = Path(sys.executable).parent / "jetlag"

    done = subprocess.run(
        [command, "describe", "settings"], capture_output=True, text=True, check=True
    )

    rows = json.loads(done.stdout)
    assert [row["name"] for row in rows] == list(NAMES)
    assert all(row["doc"] and row["environment"].startswith("JETLAG_") for row in rows)
