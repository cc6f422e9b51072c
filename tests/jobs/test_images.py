"""Jobs in container images, by podman and by Charliecloud: here, and through sshd and Slurm."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from images import Images, Podman
from inside import MARK, chatty, descend, fails, waits, where
from services import Slurm, Sshd, run, short_folder, wait_until

import jetlag as jl

LIMIT = 120
RUNNERS = ("podman", "charliecloud")
MACHINES = ("here", "cluster")


@pytest.fixture(scope="module")
def images() -> Images:
    return Images()


@pytest.fixture(scope="module")
def podman(images: Images) -> Podman:
    return Podman(images)


@pytest.fixture(scope="module", autouse=True)
def machines(
    podman: Podman, jobs_in: Callable[[Path], AbstractContextManager[Path]]
) -> Iterator[None]:
    """This machine, and the same behind sshd and Slurm: each once for each runner."""
    with short_folder() as folder:
        slurm = Slurm(folder / "s")
        sshd = Sshd(folder / "d", podman.environment)
        with jobs_in(folder / "store"):
            for runner in RUNNERS:
                jl.machines.add(f"here-{runner}", scheduler="fork", runner=runner)
                options = {"ssh": "cluster", "options": sshd.options, "python": sys.executable}
                jl.machines.add(f"cluster-{runner}", runner=runner, **options)
            yield
        sshd.stop()
        slurm.stop()


@pytest.fixture
def image(images: Images, podman: Podman) -> Callable[[str, str], str]:
    def named(runner: str, name: str) -> str:
        return podman.image(name) if runner == "podman" else images.path(name)

    return named


every_runner = pytest.mark.parametrize("runner", RUNNERS)
every_machine = pytest.mark.parametrize("machine", MACHINES)


def processes_of(job: Any) -> list[int]:
    """Numbers of all that runs for a job, inside of an image or not."""
    mark = f"JETLAG_JOB={job.id}\0".encode()
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (place / "environ").read_bytes():
                found.append(int(place.name))
    return found


@every_machine
@every_runner
def test_the_value_and_the_trace_come_back(runner: str, machine: str, image: Any) -> None:
    generator = np.random.default_rng(0)
    x, y = generator.random((2000, 10)), (generator.random(2000) > 0.5).astype(float)

    job = jl.run(descend, x, y, 1e-4, 50, on=f"{machine}-{runner}", image=image(runner, "full"))

    np.testing.assert_allclose(job.result(LIMIT), descend(x, y, 1e-4, 50), rtol=1e-12)
    assert len(job.trace.spans()["begin"]) > 0, job.log("stderr")
    assert job.usage["peak_memory_mb"] > 1


@every_machine
@every_runner
def test_it_runs_inside_and_an_exception_comes_out(runner: str, machine: str, image: Any) -> None:
    job = jl.run(fails, on=f"{machine}-{runner}", image=image(runner, "full"))

    with pytest.raises(ZeroDivisionError) as caught:
        job.result(LIMIT)
    assert Path(caught.traceback[-1].path).name == "inside.py"
    assert job.reason == "ZeroDivisionError: division by zero"
    assert job.log() == "full\n"


@every_machine
@every_runner
def test_the_log_and_the_progress_stream(runner: str, machine: str, image: Any) -> None:
    job = jl.run(chatty, 15, on=f"{machine}-{runner}", image=image(runner, "full"))
    pieces = list(job.follow())

    assert "".join(pieces) == "".join(f"line {i} full\n" for i in range(15))
    assert len(pieces) > 1
    assert job.result(LIMIT) == 15
    assert job.progress is not None
    assert job.progress["done"] == 15


@every_machine
@every_runner
def test_a_job_is_cancelled_inside(runner: str, machine: str, image: Any) -> None:
    job = jl.run(waits, 1000.0, on=f"{machine}-{runner}", image=image(runner, "full"))
    assert next(job.follow(), job) == "begun\n"
    assert processes_of(job)

    job.cancel()

    with pytest.raises(jl.jobs.JobCancelled):
        job.result(LIMIT)
    wait_until(lambda: not processes_of(job), "it goes on inside")
    wait_until(lambda: not run("squeue", "-h").strip(), "something is left in the queue")


@every_runner
def test_a_time_limit_holds_inside(runner: str, image: Any) -> None:
    job = jl.run(waits, 1000.0, on=f"here-{runner}", image=image(runner, "full"), time=3)

    with pytest.raises(jl.jobs.JobFailed, match="it reached its time limit of 00:00:03"):
        job.result(LIMIT)
    wait_until(lambda: not processes_of(job), "it goes on inside")


def test_an_image_that_is_a_file_runs_and_ends_when_it_is_told(images: Images) -> None:
    squashed = images.squashed("full")

    assert jl.run(where, on="here-charliecloud", image=squashed).result(LIMIT) == "full"
    late = jl.run(waits, 1000.0, on="here-charliecloud", image=squashed, time=3)
    with pytest.raises(jl.jobs.JobFailed, match="it reached its time limit of 00:00:03"):
        late.result(LIMIT)
    job = jl.run(waits, 1000.0, on="cluster-charliecloud", image=squashed)
    assert next(job.follow(), job) == "begun\n"
    job.cancel()
    assert job.wait(LIMIT) == "cancelled"
    wait_until(lambda: not processes_of(job) and not processes_of(late), "it goes on inside")


@every_runner
def test_slow_a_time_limit_of_the_scheduler_holds_inside(runner: str, image: Any) -> None:
    job = jl.run(waits, 1000.0, on=f"cluster-{runner}", image=image(runner, "full"), time=60)

    with pytest.raises(jl.jobs.JobFailed, match="it reached its time limit"):
        job.result(240)
    wait_until(lambda: not processes_of(job), "it goes on inside")


@every_runner
def test_nothing_goes_on_inside_when_all_outside_was_killed(runner: str, image: Any) -> None:
    command = ["sh", "-c", "trap '' TERM; echo begun; while :; do sleep 1; done"]
    job = jl.run(command, on=f"here-{runner}", image=image(runner, "bare"))
    assert next(job.follow(), job) == "begun\n"

    with contextlib.suppress(ProcessLookupError):
        os.killpg(int(job.info["scheduler_id"]), signal.SIGKILL)

    assert job.wait(LIMIT) == "failed"
    wait_until(lambda: not processes_of(job), "it goes on inside")


@every_machine
@every_runner
def test_a_command_with_files_runs_inside(
    runner: str, machine: str, image: Any, tmp_path: Path
) -> None:
    (tmp_path / "a b.txt").write_text("from here\n")

    job = jl.run(
        ["sh", "-c", 'cat "a b.txt" > "$1"; cat "$2"; printf %s "$ODD" >&2; exit 3', "sh",
         "out $(x)'.txt", MARK],
        on=f"{machine}-{runner}",
        image=image(runner, "bare"),
        data=[tmp_path / "a b.txt"],
        outputs=["out*"],
        environment={"ODD": "a'$(id)\n\"b,c"},
    )  # fmt: skip

    assert job.wait(LIMIT) == "failed"
    assert job.reason == "it ended with exit code 3"
    assert job.log() == "bare"
    assert job.log("stderr") == "a'$(id)\n\"b,c"
    assert (job.files / "out $(x)'.txt").read_text() == "from here\n"
    if os.getuid() == 0:
        assert (job.files / "out $(x)'.txt").stat().st_uid == 0


@every_machine
@every_runner
def test_an_image_that_is_not_there_is_named(runner: str, machine: str) -> None:
    missing = "localhost/no-such-image:1" if runner == "podman" else "/no/such/image"

    with pytest.raises(jl.jobs.JobFailed) as caught:
        jl.run(["true"], on=f"{machine}-{runner}", image=missing).result(LIMIT)

    assert f"image {missing}, run by {runner} on " in str(caught.value)
    assert "rror" in str(caught.value)


@every_machine
@every_runner
def test_an_image_without_python_is_told(runner: str, machine: str, image: Any) -> None:
    with pytest.raises(jl.jobs.JobFailed, match="it has no program python3"):
        jl.run(where, on=f"{machine}-{runner}", image=image(runner, "bare")).result(LIMIT)


@every_machine
@every_runner
def test_an_image_without_numpy_is_told(runner: str, machine: str, image: Any) -> None:
    plain = image(runner, "plain")

    with pytest.raises(ModuleNotFoundError, match=f"the image {plain} lacks numpy=="):
        jl.run(where, on=f"{machine}-{runner}", image=plain).result(LIMIT)


@every_runner
def test_a_map_is_an_array_of_jobs_inside(runner: str, image: Any) -> None:
    jobs = jl.map(chatty, [1, 2, 3], on=f"cluster-{runner}", image=image(runner, "full"))

    assert [job.result(LIMIT) for job in jobs] == [1, 2, 3]
    assert len({job.info["scheduler_id"].partition("_")[0] for job in jobs}) == 1


def test_a_machine_has_an_image_for_all_jobs_but_those_that_want_none(image: Any) -> None:
    jl.machines.add("boxed", scheduler="fork", python=sys.executable, image=image("podman", "full"))

    assert jl.run(where, on="boxed").result(LIMIT) == "full"
    assert jl.run(["cat", MARK], on="boxed").wait(LIMIT) == "finished"
    assert jl.run(["test", "-e", MARK], on="boxed", image="").wait(LIMIT) == "failed"


def test_a_look_says_what_runs_images_and_a_form_of_name_chooses(image: Any) -> None:
    machine = jl.machines.add("both", scheduler="fork")

    assert "images by podman: the name of an image" in repr(machine)
    assert "images by charliecloud: a folder or a .sqfs file" in repr(machine)
    for runner in RUNNERS:
        job = jl.run(["cat", MARK], on="both", image=image(runner, "bare"))
        assert job.result(LIMIT) == 0
        script = (job.files.parent / "job.sh").read_text()
        assert ("podman run" in script) == (runner == "podman")


def test_an_image_that_nothing_there_runs_is_refused() -> None:
    jl.machines.add("both", scheduler="fork")

    with pytest.raises(jl.jobs.JobError, match=r"nothing there takes '/images/x.sif'") as caught:
        jl.run(["true"], on="both", image="/images/x.sif")
    assert "podman takes the name of an image" in caught.value.__notes__[0]


def test_a_home_folder_may_be_meant(images: Images) -> None:
    home = Path.home()
    path = Path(images.path("bare"))
    if not path.is_relative_to(home):
        pytest.skip("the cache of images is outside of the home folder")

    job = jl.run(["cat", MARK], on="here-charliecloud", image=f"~/{path.relative_to(home)}")

    assert job.result(LIMIT) == 0
    assert job.log() == "bare"
