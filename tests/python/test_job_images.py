"""Jobs that want a container image, on a machine where programs of ours play those that run images."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import jetlag as jl
from jetlag.jobs import client

# Runs the command here; knows one image.
CH_RUN = """#!/bin/sh
while [ "$1" != -- ]; do image=$1; shift; done
shift
[ "$image" = /images/good ] || { echo "can't stat: $image" >&2; exit 1; }
exec "$@"
"""


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Path]:
    """A folder that comes first on the path of all that is started from now on."""
    folder = tmp_path / "bin"
    folder.mkdir()
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{folder}:{before}"
    yield folder
    os.environ["PATH"] = before


@pytest.fixture
def charliecloud(programs: Path, store: Path) -> Path:
    (programs / "ch-run").write_text(CH_RUN)
    (programs / "ch-run").chmod(0o755)
    return store


def shout(text: str) -> str:
    return text.upper()


def test_a_machine_that_runs_no_images_says_so_at_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    jobs_in: Callable[[Path], AbstractContextManager[Path]],
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with jobs_in(tmp_path / "store"), pytest.raises(jl.jobs.JobError) as caught:
        jl.run(["true"], image="anything")

    assert str(caught.value) == "image: local: there is no program that runs images"
    assert caught.value.__notes__[0] == (
        "hint: jetlag knows apptainer, singularity, charliecloud, podman; "
        "jl.machines.add looks again"
    )


def test_a_command_is_handed_to_what_runs_images(charliecloud: Path) -> None:
    job = jl.run(
        ["sh", "-c", 'printf %s "$JETLAG_IMAGE $JETLAG_FOLDER $A"'],
        image="/images/good",
        environment={"A": "b 'c"},
    )

    assert job.result(30) == 0
    assert job.log() == f"/images/good /mnt/{job.id}/1 b 'c"
    assert job.info["image"] == "/images/good"


def test_an_image_that_is_not_there_is_the_reason(charliecloud: Path) -> None:
    job = jl.run(["true"], image="/images/bad")

    assert job.wait(30) == "failed"
    host = os.uname().nodename
    assert job.reason == (
        f"image /images/bad, run by charliecloud on {host}: can't stat: /images/bad"
    )


def test_the_image_of_a_machine_is_that_of_its_jobs(charliecloud: Path) -> None:
    machine = jl.machines.add(
        "boxed", scheduler="fork", image="/images/good", runner="charliecloud"
    )

    assert "jobs run in /images/good" in repr(machine)
    assert "images by charliecloud: a folder or a .sqfs file" in repr(machine)
    inside = jl.run(["sh", "-c", 'test "$JETLAG_IMAGE" = /images/good'], on="boxed")
    assert inside.wait(30) == "finished"
    outside = jl.run(["sh", "-c", 'test -z "$JETLAG_IMAGE"'], on="boxed", image="")
    assert outside.wait(30) == "finished"


def test_a_function_asks_the_python_of_its_image(charliecloud: Path) -> None:
    plan = jl.run(shout, "a", image="/images/good", dry_run=True)

    assert plan.image == "/images/good"
    assert plan.request["command"] == ["python3", "start.py"]
    assert "jetlag.zip" in plan.files
    assert "on local, in /images/good: nothing was sent" in repr(plan)


def test_a_runner_that_is_not_there_is_missing(store: Path) -> None:
    machine = jl.machines.add("later", scheduler="fork", runner="apptainer")

    assert "apptainer, which is to run images, is not on the path of a login" in machine.missing
    with pytest.raises(jl.jobs.JobError, match="no program that runs images is called 'docker'"):
        jl.machines.add("later", scheduler="fork", runner="docker")


def test_what_is_no_name_of_an_image_is_refused(store: Path) -> None:
    with pytest.raises(jl.jobs.JobError, match="image: '--privileged' is no name of an image"):
        jl.run(["true"], image="--privileged")
    with pytest.raises(jl.jobs.JobError, match="image: must be one line"):
        jl.run(["true"], image="a\nb")


def test_the_command_line_takes_an_image(charliecloud: Path) -> None:
    def jetlag(name: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [client.command_path(), name, "--jobs", str(charliecloud), *words],
            capture_output=True,
            text=True,
            timeout=60,
        )

    bad = jetlag("submit", "--image", "/images/bad", "--wait", "true")
    assert bad.returncode == 1
    assert "image /images/bad, run by charliecloud" in bad.stdout
    good = jetlag("submit", "--image", "/images/good", "--wait", "true")
    assert good.returncode == 0, good.stdout
    added = jl.machines.add("b", scheduler="fork", image="/images/bad", python=sys.executable)
    assert added.record["image"] == "/images/bad"
    none = jetlag("submit", "--on", "b", "--image", "", "--wait", "true")
    assert none.returncode == 0, none.stdout
    assert "images by charliecloud: a folder" in jetlag("machines").stdout
