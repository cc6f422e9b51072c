"""What jobs cost beside their own time: `make bench-jobs` prints a line for each promise.

python benchmarks/jobs.py            here, and through a real sshd and Slurm if they are installed
python benchmarks/jobs.py local      only here
"""

import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import jetlag as jl
from jetlag.jobs import client

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/jobs"))

MB = 1 << 20
BIG = 1 << 30
LIMIT = 600


def nothing(x: object = None) -> None:
    """What every overhead is measured with."""


def same(x: np.ndarray) -> np.ndarray:
    return x


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def say(what: str, value: float, unit: str, bar: float, *, least: bool = False) -> None:
    good = value >= bar if least else value <= bar
    sign = "≥" if least else "≤"
    print(f"{what:<58} {value:10.3g} {unit:<6} bar {sign} {bar:g}: {'held' if good else 'MISSED'}")
    sys.stdout.flush()


@contextmanager
def store() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="jl-bench-", dir=os.environ.get("TMPDIR", "/var/tmp")))
    jl.settings.jobs_dir = folder
    try:
        yield folder
    finally:
        client.stop()
        shutil.rmtree(folder, ignore_errors=True)


def submit() -> None:
    small = np.random.default_rng(0).random(MB // 8)
    jl.run(nothing).result(LIMIT)
    times = [seconds(lambda: jl.run(nothing, small)) for _ in range(20)]
    say("submit returns, 1 MB of arguments", statistics.median(times) * 1e3, "ms", 50)
    big = np.random.default_rng(0).random(BIG // 8)
    begin = time.perf_counter()
    job = jl.run(nothing, big)
    took = time.perf_counter() - begin
    job.wait(LIMIT)
    say("submit of 1 GB", big.nbytes / took / 1e9, "GB/s", 1, least=True)


def round_trip() -> None:
    cold = []
    for _ in range(3):
        client.stop()
        cold.append(seconds(lambda: jl.run(nothing).result(LIMIT)))
    say('on="local", nothing, cold', statistics.median(cold) * 1e3, "ms", 500)
    warm = [seconds(lambda: jl.run(nothing).result(LIMIT)) for _ in range(30)]
    say('on="local", nothing, warm', statistics.median(warm) * 1e3, "ms", 50)


def many() -> None:
    def run() -> None:
        for job in jl.map(nothing, range(1000)):
            job.result(LIMIT)

    say("1,000 local jobs", seconds(run), "s", 30)


def listing(folder: Path) -> None:
    job = jl.run(nothing)
    job.result(LIMIT)
    client.stop()
    with sqlite3.connect(folder / "jobs.sqlite") as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(job)")][2:]
        names = ", ".join(columns)
        for _ in range(10_000):
            database.execute(
                f"INSERT INTO job (id, {names}) SELECT lower(hex(randomblob(8))), {names} "
                "FROM job WHERE id = ?",
                (job.id,),
            )
    jl.jobs.list(limit=1)
    times = [seconds(lambda: jl.jobs.list(limit=100)) for _ in range(20)]
    say("listing 100 of 10,000 finished jobs", statistics.median(times) * 1e3, "ms", 20)


def clients() -> None:
    failures: list[Exception] = []
    job = jl.run(nothing)

    def work() -> None:
        try:
            for i in range(100):
                jl.jobs.get(job.id) if i % 10 else jl.run(["true"])
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(50)]
    took = seconds(lambda: [t.start() for t in threads] and [t.join() for t in threads])
    say(f"5,000 requests of 50 clients in {took:.1f} s: errors", len(failures), "", 0)


def elsewhere(folder: Path) -> None:
    from services import Slurm, Sshd, run

    place = Path(tempfile.mkdtemp(prefix="jl-slurm-", dir="/tmp"))
    place.chmod(0o755)
    slurm = Slurm(place / "s")
    sshd = Sshd(place / "d")
    try:
        options = {"ssh": "cluster", "options": sshd.options, "python": sys.executable}
        jl.machines.add("cluster", **options)
        jl.machines.add("bare", scheduler="fork", **options)
        jl.run(nothing, on="cluster").result(LIMIT)
        (place / "empty.sh").write_text("#!/bin/sh\n")
        plain, ours = [], []
        for _ in range(5):
            plain.append(
                seconds(lambda: run("sbatch", "--wait", "-o", "/dev/null", place / "empty.sh"))
            )
            ours.append(seconds(lambda: jl.run(nothing, on="cluster").result(LIMIT)))
        print(
            f"    sbatch --wait {statistics.median(plain):.2f} s, "
            f"ours {statistics.median(ours):.2f} s"
        )
        extra = statistics.median(ours) - statistics.median(plain)
        say("through ssh and Slurm, beyond sbatch --wait", extra, "s", 1)
        transfer(sshd, place)
    finally:
        client.stop()
        sshd.stop()
        slurm.stop()
        shutil.rmtree(place, ignore_errors=True)


def transfer(sshd: object, place: Path) -> None:
    x = np.random.default_rng(0).random(BIG // 8)
    (place / "big").write_bytes(memoryview(x))
    scp = ["scp", "-q", *sshd.options]
    there = seconds(
        lambda: subprocess.run([*scp, place / "big", f"cluster:{place}/there"], check=True)
    )
    back = seconds(
        lambda: subprocess.run([*scp, f"cluster:{place}/there", place / "back"], check=True)
    )
    job = jl.run(same, x, on="bare")
    job.wait(LIMIT)
    at = {}
    for row in job.history():
        at.setdefault(row["event"], row["at"])
    goes = at["staged"] - at["ready"]
    returns = at["fetched"] - at["ended_well"]
    np.testing.assert_array_equal(job.result(LIMIT), x)
    print(f"    scp {there:.2f} s and {back:.2f} s, ours {goes:.2f} s and {returns:.2f} s")
    say("1 GB goes, of scp's speed", there / goes * 100, "%", 80, least=True)
    say("1 GB returns, of scp's speed", back / returns * 100, "%", 80, least=True)


def main() -> None:
    with store() as folder:
        submit()
        round_trip()
        many()
        clients()
        listing(folder)
    if "local" in sys.argv or not shutil.which("slurmctld"):
        return
    with store() as folder:
        elsewhere(folder)


if __name__ == "__main__":
    main()
