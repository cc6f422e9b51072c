"""What is counted where the processor can, may not, or cannot be asked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import jetlag as jl

PROGRAM = """
import sys, warnings
import numpy as np
import jetlag as jl

@jl.jit
def work(x):
    return np.sin(np.exp(np.cos(x))) * np.tanh(x)

jl.threads(2)
x = np.random.default_rng(1).random(400_000)
plain = work(x)
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    with jl.trace(sys.argv[1], counters=[], hardware=sys.argv[2]):
        again = work(x)
assert np.array_equal(plain, again)
for warning in told:
    print("warning:", warning.message)
"""

# As much of PAPI as is used. Events named in FAKE_PAPI count by 1000 a read; others fail.
FAKE_PAPI = """
#include <stdlib.h>
#include <string.h>
static __thread long long count;
static __thread int events;
int PAPI_library_init(int version) { return version == 7 << 24 ? version : -1; }
int PAPI_thread_init(unsigned long (*id)(void)) { return id() == 0; }
int PAPI_create_eventset(int *set) { *set = 1; events = 0; return 0; }
int PAPI_add_named_event(int set, const char *name) {
  const char *known = getenv("FAKE_PAPI");
  if (!known || !strstr(known, name)) return -15;
  ++events;
  return 0;
}
int PAPI_start(int set) { return 0; }
int PAPI_read(int set, long long *values) {
  count += 1000;
  for (int i = 0; i < events; ++i) values[i] = count + i;
  return 0;
}
int PAPI_stop(int set, long long *values) { return PAPI_read(set, values); }
int PAPI_cleanup_eventset(int set) { return 0; }
int PAPI_destroy_eventset(int *set) { *set = -1; return 0; }
int PAPI_unregister_thread(void) { return 0; }
char *PAPI_strerror(int error) { return error == -15 ? "Permission level does not permit operation" : "?"; }
"""


@pytest.fixture(scope="module")
def fake_papi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    folder = tmp_path_factory.mktemp("papi")
    (folder / "papi.c").write_text(FAKE_PAPI)
    build = [compiler, "-shared", "-fPIC", "papi.c", "-o", "libpapi.so.7.0"]
    subprocess.run(build, cwd=folder, check=True)
    return folder


def run(trace: Path, hardware: str, library: Path | None = None, known: str = "") -> str:
    environment = dict(os.environ, FAKE_PAPI=known)
    if library is not None:
        environment["LD_LIBRARY_PATH"] = str(library)
    program = trace.with_name("program.py")  # of what stands in -c Python keeps no source
    program.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, str(program), str(trace), hardware],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def hardware_names(trace: jl.Trace) -> set[str]:
    table = trace.counters()
    sampled = zip(table["name"], table["samples"], strict=True)
    return {
        name.rpartition("/")[2]
        for name, count in sampled
        if count and name.startswith("/hardware{0/thread}/")
    }


def test_what_is_used_stands_in_the_trace_and_in_the_report(tmp_path: Path) -> None:
    told = run(tmp_path / "run.jlt", "auto")

    trace = jl.open_trace(tmp_path / "run.jlt")
    source, _, names = trace.facts["hardware"].partition(": ")
    assert hardware_names(trace) == set(names.split(", "))
    assert f"hardware counters by {source}" in trace.report()
    why = trace.facts.get("hardware_without", "")
    assert (why in told) == bool(why)
    samples = trace.samples()
    tasks = {int(s) for s in trace.spans()["thread"]}
    counters = trace.counters()["name"]
    on = {
        int(t)
        for t, c in zip(samples["thread"], samples["counter"], strict=True)
        if counters[c].startswith("/hardware")
    }
    assert on and on <= tasks


def test_papi_counts_where_it_can(tmp_path: Path, fake_papi: Path) -> None:
    told = run(tmp_path / "run.jlt", "auto", fake_papi, "PAPI_TOT_INS PAPI_TOT_CYC")

    trace = jl.open_trace(tmp_path / "run.jlt")
    assert trace.facts["hardware"] == "PAPI: instructions, cycles"
    assert hardware_names(trace) == {"instructions", "cycles"}
    assert told == (
        "warning: hardware counters: PAPI: cannot count PAPI_L3_TCM (Permission level does not "
        "permit operation); instructions, cycles are counted by PAPI\n"
    )
    row = trace.counters()["name"].index("/hardware{0/thread}/instructions")
    values = [
        float(v)
        for v, c in zip(trace.samples()["value"], trace.samples()["counter"], strict=True)
        if c == row
    ]
    assert values and all(v % 1000 == 0 for v in values)


def test_a_profile_says_what_each_site_used(tmp_path: Path, fake_papi: Path) -> None:
    run(tmp_path / "run.jlt", "auto", fake_papi, "PAPI_TOT_INS PAPI_TOT_CYC")

    trace = jl.open_trace(tmp_path / "run.jlt")
    profile, spans = trace.profile(), trace.spans()
    of_tasks = set(spans["site"][spans["task"] >= 0].tolist())
    assert of_tasks
    for site, used in zip(profile["site"], profile["instructions"], strict=True):
        if site in of_tasks:  # read at its begin and at its end, once a span
            assert used == 1000 * (spans["site"] == site).sum()
    category = np.array(trace.sites()["category"])[profile["site"]]
    assert (profile["cycles"][category == "call"] >= 1000).all()
    assert np.isnan(profile["cycles"][~np.isin(category, ["call", "task", "step"])]).all()


def test_events_of_papi_can_be_named(tmp_path: Path, fake_papi: Path) -> None:
    told = run(tmp_path / "run.jlt", "cycles PAPI_L1_DCM", fake_papi, "PAPI_TOT_CYC PAPI_L1_DCM")

    trace = jl.open_trace(tmp_path / "run.jlt")
    assert hardware_names(trace) == {"cycles", "PAPI_L1_DCM"}
    assert told == ""


def test_where_papi_is_denied_one_message_says_so_and_others_count(
    tmp_path: Path, fake_papi: Path
) -> None:
    told = run(tmp_path / "run.jlt", "auto", fake_papi)

    trace = jl.open_trace(tmp_path / "run.jlt")
    assert told.count("\n") == 1
    assert told.startswith(
        "warning: hardware counters: PAPI: cannot count PAPI_TOT_INS (Permission level does not "
        "permit operation); "
    )
    assert not trace.facts["hardware"].startswith("PAPI")
    assert hardware_names(trace)


def test_nothing_is_counted_unless_it_is_asked_for(tmp_path: Path) -> None:
    assert run(tmp_path / "run.jlt", "none") == ""

    trace = jl.open_trace(tmp_path / "run.jlt")
    assert "hardware" not in trace.facts
    assert not hardware_names(trace)
