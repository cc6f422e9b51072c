"""What all tests share: Ctrl-C, stores of jobs of their own, and disks with little room."""

import contextlib
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import jetlag as jl
from jetlag.jobs import client

# A shell that runs the tests in the background has them ignore Ctrl-C, which some of them send.
signal.signal(signal.SIGINT, signal.default_int_handler)


@contextlib.contextmanager
def _jobs_in(folder: Path) -> Iterator[Path]:
    before = jl.settings.jobs_dir
    jl.settings.jobs_dir = folder
    try:
        yield folder
    finally:
        client.stop()
        jl.settings.jobs_dir = before


@pytest.fixture(scope="session")
def jobs_in() -> Callable[[Path], contextlib.AbstractContextManager[Path]]:
    """`with jobs_in(folder):` jobs are kept there; their daemon ends with it."""
    return _jobs_in


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Path]:
    """Where the jobs of one test are kept."""
    with _jobs_in(tmp_path / "store") as folder:
        yield folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """`small_disk(24)` is a folder that has room for 24 MB."""
    mounted = []

    def make(megabytes: int) -> Path:
        place = tmp_path / f"disk{len(mounted)}"
        place.mkdir()
        options = ["-t", "tmpfs", "-o", f"size={megabytes}m"]
        done = subprocess.run(["mount", *options, "none", str(place)], capture_output=True)
        if done.returncode:
            pytest.skip("needs the right to mount a tmpfs")
        mounted.append(place)
        return place

    yield make
    for place in mounted:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def small_quota(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """`small_quota(6)` is a folder on a disk with room, in which 6 MB may be used."""
    mounted = []

    def make(megabytes: int) -> Path:
        image, place = tmp_path / f"image{len(mounted)}", tmp_path / f"quota{len(mounted)}"
        folder = place / "folder"
        place.mkdir()
        with open(image, "wb") as file:
            file.truncate(160 << 20)
        steps = [
            ["mkfs.btrfs", "-q", image],
            ["mount", "-o", "loop", image, place],
            ["btrfs", "quota", "enable", place],
            ["btrfs", "subvolume", "create", folder],
            ["btrfs", "qgroup", "limit", f"{megabytes}M", folder],
        ]
        for step in steps:
            try:
                subprocess.run([str(word) for word in step], capture_output=True, check=True)
            except (OSError, subprocess.CalledProcessError) as error:
                pytest.skip(f"needs btrfs with quotas, and the right to mount it: {error}")
            if step[0] == "mount":
                mounted.append(place)
        return folder

    yield make
    for place in mounted:
        subprocess.run(["umount", "-l", str(place)], check=True)
