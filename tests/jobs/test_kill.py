"""200 jobs at named points of which something is killed: each ends rightly, once, and is told of.
So do the elements of an array.

KILLS=n for another number, MINUTES=n for the longest time, SEED=n for another order.
"""

import contextlib
import http.server
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from services import Slurm, Sshd, short_folder, wait_until

import jetlag as jl
from jetlag.jobs import client

KILLS = int(os.environ.get("KILLS", "200"))
MINUTES = float(os.environ.get("MINUTES", "45"))
SEED = int(os.environ.get("SEED", "0"))
THROUGH_SLURM = 10  # one of so many
LIMIT = 180

# Where each is killed: the daemon ends itself between two of its own steps; what happens to others
# is seen from outside, by the state of the job or by what its script has left in its folder.
POINTS = {
    "daemon": [
        "asked", "ready stored", "stage done", "staged stored", "submit begun", "submit done",
        "submitted stored", "started stored", "ended_well stored", "fetch done", "fetched stored",
        "message sent",
    ],
    "client": ["staging", "queued", "running", "fetching"],
    "script": ["claim", "status", "stdout"],
    "sshd": ["staging", "submitting", "queued", "running", "fetching"],
    "slurmctld": ["submitting", "queued", "running", "fetching"],
}  # fmt: skip
STATES = ["pending", "staging", "submitting", "queued", "running", "fetching", "finished"]


@pytest.fixture(scope="module")
def machines(
    jobs_in: Callable[[Path], contextlib.AbstractContextManager[Path]],
) -> Iterator[tuple[Slurm, Sshd]]:
    with short_folder() as folder:
        slurm = Slurm(folder / "s")
        sshd = Sshd(folder / "d")
        options = {"ssh": "cluster", "options": sshd.options, "python": sys.executable}
        with jobs_in(folder / "store"):
            jl.machines.add("cluster", **options)
            jl.machines.add("bare", scheduler="fork", **options)
            yield slurm, sshd
        sshd.stop()
        slurm.stop()


@pytest.fixture(scope="module")
def heard() -> Iterator[tuple[str, list[dict[str, str]]]]:
    told: list[dict[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", told
    server.shutdown()


CLIENT = """
import sys
import jetlag as jl
jl.settings.jobs_dir = sys.argv[1]
job = jl.run(
    ["sh", "-c", 'echo x >> "$0"; sleep 0.5', sys.argv[3]],
    on=sys.argv[2], notify=sys.argv[4], name=sys.argv[3],
)
print(job.id, flush=True)
job.wait()
"""


def plan(chance: random.Random) -> list[tuple[str, str, str]]:
    """A machine, a victim and a point for each job: each point as often as the others."""
    through_slurm = max(KILLS // THROUGH_SLURM, 1)
    rows = [("cluster", v) for v in POINTS] * (through_slurm // len(POINTS) + 1)
    rows = rows[:through_slurm]
    elsewhere = [("local", "daemon"), ("bare", "daemon"), ("local", "client"), ("bare", "client"),
                 ("local", "script"), ("bare", "script"), ("bare", "sshd"), ("local", "daemon"),
                 ("bare", "daemon")]  # fmt: skip
    rows += [elsewhere[i % len(elsewhere)] for i in range(KILLS - len(rows))]
    turns = {victim: 0 for victim in POINTS}
    planned = []
    for machine, victim in rows:
        planned.append((machine, victim, POINTS[victim][turns[victim] % len(POINTS[victim])]))
        turns[victim] += 1
    chance.shuffle(planned)
    return planned


def test_slow_kill_anything_at_any_moment(
    machines: tuple[Slurm, Sshd], heard: tuple[str, list[dict[str, str]]], tmp_path: Path
) -> None:
    url, told = heard
    chance = random.Random(SEED)
    end = time.monotonic() + MINUTES * 60
    outcomes: dict[str, int] = {}
    for number, (machine, victim, point) in enumerate(plan(chance)):
        assert time.monotonic() < end, f"only {number} kills in {MINUTES} minutes"
        case = Case(machine, victim, point, tmp_path / f"{number}", *machines)
        state = case.run(url, chance.uniform(0, 0.2))
        text = f"{machine}, {victim} killed: {state}"
        outcomes[text] = outcomes.get(text, 0) + 1
        print(f"{number + 1} {machine} {victim} at {point}: {state}", flush=True)
    print(json.dumps(dict(sorted(outcomes.items())), indent=1))
    ended = {job.id: job.state for job in jl.jobs.list(limit=10_000)}
    wait_until(
        lambda: {(row["job"], row["state"]) for row in told} >= set(ended.items()),
        "a message is missing",
        60,
    )


def adds(path: str) -> int:
    with open(path, "a") as file:
        file.write("x")
    time.sleep(0.5)
    return 1


# Before the scheduler has the array; when it has it and nobody knows; when one element is known.
@pytest.mark.parametrize("point", ["array begun", "array done", "submitted stored"])
def test_slow_kill_the_daemon_while_it_hands_over_an_array(
    point: str, machines: tuple[Slurm, Sshd], tmp_path: Path
) -> None:
    client.stop()
    os.environ["JETLAG_DIE_AT"] = point
    try:
        client.start(client.folder())
    finally:
        del os.environ["JETLAG_DIE_AT"]
    number = (client.folder() / "lock").read_text()
    paths = [tmp_path / f"{i}" for i in range(5)]

    jobs = jl.map(adds, [str(path) for path in paths], on="cluster")

    assert [job.result(LIMIT) for job in jobs] == [1] * 5
    assert (client.folder() / "lock").read_text() != number, "nothing was killed"
    assert [path.read_text() for path in paths] == ["x"] * 5


class Case:
    """One job, and one kill."""

    def __init__(
        self, machine: str, victim: str, point: str, path: Path, slurm: Slurm, sshd: Sshd
    ) -> None:
        self.machine, self.victim, self.point, self.path = machine, victim, point, path
        self.slurm, self.sshd = slurm, sshd

    def run(self, url: str, delay: float) -> str:
        """Give the state that the job ended in."""
        if self.victim == "daemon":
            client.stop()
            os.environ["JETLAG_DIE_AT"] = self.point
            try:
                client.start(client.folder())
            finally:
                del os.environ["JETLAG_DIE_AT"]
        asking = subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(client.folder()), self.machine, str(self.path), url],
            stdout=subprocess.PIPE,
            text=True,
        )
        # A client that is killed before it asked has asked for nothing: wait for the answer.
        assert asking.stdout is not None
        self.id = asking.stdout.readline().strip()
        if self.victim != "daemon":
            self._wait_for_point()
            time.sleep(delay)
            self._hit(asking)
        state = jl.jobs.get(self.id).wait(LIMIT)
        asking.kill()
        asking.wait()
        lines = self.path.read_text().count("x") if self.path.exists() else 0
        what = f"{self.id} on {self.machine}, {self.victim} killed at {self.point}"
        assert lines <= 1, f"{what} ran {lines} times"
        if self.victim == "script":
            assert state in ("finished", "failed"), f"{what}: {state}"
        else:
            assert (state, lines) == ("finished", 1), f"{what}: {state}, {jl.jobs.get(self.id)}"
        return state

    def _wait_for_point(self) -> None:
        job = jl.jobs.get(self.id)
        if self.victim == "script":
            place = self._folder() / self.point
            seen = lambda: place.exists() or job.info["final"]  # noqa: E731
        else:
            seen = lambda: job.info["final"] or STATES.index(job.state) >= STATES.index(self.point)  # noqa: E731
        wait_until(seen, f"{self.id} does not reach {self.point}", LIMIT)

    def _folder(self) -> Path:
        if self.machine == "local":
            return client.folder() / f"jobs/{self.id}/1"
        root = jl.machines.get(self.machine).record["root"]
        return Path(root) / f"jobs/{self.id}-1"

    def _hit(self, asking: "subprocess.Popen[str]") -> None:
        if self.victim == "client":
            asking.kill()
        elif self.victim == "sshd":
            self.sshd.drop_connections()
            self.sshd.stop()
            time.sleep(0.5)
            self.sshd.start()
        elif self.victim == "slurmctld":
            self.slurm.kill_controller()
            time.sleep(1)
            self.slurm.start_controller()
            self.slurm.resume_nodes()
        else:
            kill_script(self.id)


def kill_script(id: str) -> None:
    mark = f"JETLAG_JOB={id}\0".encode()
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (place / "environ").read_bytes():
                os.kill(int(place.name), signal.SIGKILL)
