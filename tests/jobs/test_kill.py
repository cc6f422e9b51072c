"""200 jobs at random moments of which something is killed: each ends rightly, once, and is told of.

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
from collections.abc import Iterator
from pathlib import Path

import pytest
from services import Slurm, Sshd, wait_until

import jetlag as jl
from jetlag.jobs import client

KILLS = int(os.environ.get("KILLS", "200"))
MINUTES = float(os.environ.get("MINUTES", "45"))
SEED = int(os.environ.get("SEED", "0"))
THROUGH_SLURM = 0.1
LIMIT = 180


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Slurm, Sshd]]:
    folder = Path("/tmp") / f"jl-kill-{os.getpid()}"
    folder.mkdir(mode=0o755)
    slurm = Slurm(folder / "s")
    sshd = Sshd(folder / "d")
    jl.settings.jobs_dir = folder / "store"
    options = {"ssh": "cluster", "options": sshd.options, "python": sys.executable}
    jl.machines.add("cluster", **options)
    jl.machines.add("bare", scheduler="fork", **options)
    yield slurm, sshd
    client.stop()
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


def test_slow_kill_anything_at_any_moment(
    machines: tuple[Slurm, Sshd], heard: tuple[str, list[dict[str, str]]], tmp_path: Path
) -> None:
    slurm, sshd = machines
    url, told = heard
    chance = random.Random(SEED)
    end = time.monotonic() + MINUTES * 60
    outcomes: dict[str, int] = {}
    for number in range(KILLS):
        assert time.monotonic() < end, f"only {number} kills in {MINUTES} minutes"
        through_slurm = chance.random() < THROUGH_SLURM
        machine = "cluster" if through_slurm else chance.choice(["local", "bare"])
        victims = ["daemon", "client", "script"]
        victims += ["sshd"] if machine != "local" else []
        victims += ["slurmctld"] if through_slurm else []
        victim = chance.choice(victims)
        state = one(machine, victim, chance.uniform(0, 1.5), tmp_path / f"{number}", machines, url)
        outcomes[f"{machine} {victim} {state}"] = outcomes.get(f"{machine} {victim} {state}", 0) + 1
    print(json.dumps(outcomes, indent=1))
    ended = {job.id: job.state for job in jl.jobs.list(limit=10_000)}
    wait_until(
        lambda: {(row["job"], row["state"]) for row in told} >= set(ended.items()),
        "a message is missing",
        60,
    )


def one(
    machine: str,
    victim: str,
    delay: float,
    path: Path,
    machines: tuple[Slurm, Sshd],
    url: str,
) -> str:
    """One job, one kill; gives the state that the job ended in."""
    slurm, sshd = machines
    asking = subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(client.folder()), machine, str(path), url],
        stdout=subprocess.PIPE,
        text=True,
    )
    # A client that is killed before it asked has asked for nothing: wait for the answer.
    assert asking.stdout is not None
    id = asking.stdout.readline().strip()
    time.sleep(delay)
    hit(victim, id, asking, slurm, sshd)
    state = jl.jobs.get(id).wait(LIMIT)
    asking.kill()
    asking.wait()
    lines = path.read_text().count("x") if path.exists() else 0
    assert lines <= 1, f"{id} on {machine} ran {lines} times after {victim} was killed"
    if victim == "script":
        assert state in ("finished", "failed")
    else:
        assert (state, lines) == ("finished", 1), f"{id} on {machine}, {victim} killed: {state}"
    return state


def hit(victim: str, id: str, asking: "subprocess.Popen[str]", slurm: Slurm, sshd: Sshd) -> None:
    if victim == "client":
        asking.kill()
    elif victim == "daemon":
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((client.folder() / "lock").read_text()), signal.SIGKILL)
    elif victim == "sshd":
        sshd.drop_connections()
        sshd.stop()
        time.sleep(0.5)
        sshd.start()
    elif victim == "slurmctld":
        slurm.kill_controller()
        time.sleep(1)
        slurm.start_controller()
        slurm.resume_nodes()
    else:
        kill_script(id)


def kill_script(id: str) -> None:
    mark = f"JETLAG_JOB={id}\0".encode()
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (place / "environ").read_bytes():
                os.kill(int(place.name), signal.SIGKILL)
