"""Schedulers on this machine, played by scripts that answer as PBS does."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import jetlag as jl

QSUB = r"""#!/bin/sh
# As qsub: takes the script, prints a number, runs it later.
id=$$.server
grep -q '^#PBS -r n$' "$1" || exit 1
if grep -q '^#PBS -q nowhere$' "$1"; then
  echo "qsub: Unknown queue MSG=requested queue not found" >&2
  exit 170
fi
echo "$id" > "$STATE/$$"
(sleep 0.3; [ -f "$STATE/$$" ] || exit 0; PBS_JOBID=$id setsid sh "$1" &
 echo $! > "$STATE/$$.run"; rm -f "$STATE/$$"; wait; rm -f "$STATE/$$.run"
) >/dev/null 2>&1 </dev/null &
echo "$id"
"""
QSTAT = r"""#!/bin/sh
for file in "$STATE"/*; do
  [ -f "$file" ] || continue
  name=$(basename "$file" .run)
  case $file in *.run) state=R;; *) state=Q;; esac
  printf 'Job Id: %s.server\n    Job_Name = jl\n    job_state = %s\n' "$name" $state
  [ $state = R ] || printf '    comment = Not Running: waits for\n\t nodes\n'
  echo
done
"""
QDEL = r"""#!/bin/sh
name=${1%.server}
[ -f "$STATE/$name.run" ] && kill -s TERM -- "-$(cat "$STATE/$name.run")"
rm -f "$STATE/$name"
exit 0
"""


@pytest.fixture(scope="module", autouse=True)
def pbs(
    tmp_path_factory: pytest.TempPathFactory,
    jobs_in: Callable[[Path], AbstractContextManager[Path]],
) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("pbs")
    (folder / "bin").mkdir()
    (folder / "state").mkdir()
    for name, text in {"qsub": QSUB, "qstat": QSTAT, "qdel": QDEL}.items():
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{folder}/bin:{before}"
    os.environ["STATE"] = str(folder / "state")
    with jobs_in(folder / "store"):
        jl.machines.add("queue", scheduler="pbs", python=sys.executable)
        yield
    os.environ["PATH"] = before
    del os.environ["STATE"]


def double(x: float) -> float:
    print("doubling", x)
    return 2 * x


def test_a_function_goes_through_the_queue() -> None:
    job = jl.run(double, 4.0, on="queue", time="00:01:00")

    assert job.result(60) == 8.0
    assert job.log() == "doubling 4.0\n"
    assert job.info["scheduler_id"].endswith(".server")
    assert "#PBS -l walltime=00:01:00" in (job.files.parent / "job.sh").read_text()


def test_a_command_that_fails_says_so() -> None:
    with pytest.raises(jl.jobs.JobFailed, match="exit code 3"):
        jl.run(["sh", "-c", "exit 3"], on="queue").result(60)


def test_what_the_queue_refuses_is_told_in_its_words() -> None:
    with pytest.raises(jl.jobs.JobFailed, match="qsub: qsub: Unknown queue"):
        jl.run(double, 1.0, on="queue", partition="nowhere").result(60)


def test_a_job_in_the_queue_is_cancelled() -> None:
    job = jl.run(["sleep", "1000"], on="queue")
    while job.state in ("staging", "submitting", "queued"):
        time.sleep(0.05)

    job.cancel()

    assert job.wait(60) == "cancelled"
