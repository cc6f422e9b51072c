"""What goes wrong on the way to a machine, and there: one clear message each, and nothing hangs."""

import base64
import errno
import os
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from services import Host, Sshd, wait_until

import jetlag as jl

LIMIT = 90
ROOM = 24  # MB: enough for jetlag itself, and for little more


@pytest.fixture(scope="module", autouse=True)
def sshd(
    tmp_path_factory: pytest.TempPathFactory,
    jobs_in: Callable[[Path], AbstractContextManager[Path]],
) -> Iterator[Sshd]:
    server = Sshd(tmp_path_factory.mktemp("ssh") / "d")
    with jobs_in(tmp_path_factory.mktemp("store")):
        yield server
    server.stop()


def add(name: str, sshd: Sshd, **more: object) -> jl.jobs.machines.Machine:
    options = {"python": sys.executable, "options": sshd.options, "scheduler": "fork"} | more
    return jl.machines.add(name, ssh="cluster", **options)


def ones(n: int) -> np.ndarray:
    return np.ones(n)


def length(x: np.ndarray) -> int:
    return len(x)


def test_a_disk_that_is_full_there_is_told(sshd: Sshd, small_disk: Callable[[int], Path]) -> None:
    disk = small_disk(ROOM)
    add("small", sshd, root=str(disk / "root"))

    job = jl.run(["true"], on="small", data={"x": big_file(disk.parent / "big", ROOM + 6)})

    # There may be room later: it is tried for some minutes.
    wait_until(lambda: "No space left on device" in job.reason, "nobody says so", LIMIT)
    job.cancel()
    assert job.wait(LIMIT) == "cancelled"


def test_a_result_that_finds_no_room_there_is_told(
    sshd: Sshd, small_disk: Callable[[int], Path]
) -> None:
    add("small", sshd, root=str(small_disk(ROOM) / "root"))

    with pytest.raises(OSError, match="the result cannot be kept: No space left") as caught:
        jl.run(ones, 8_000_000, on="small").result(LIMIT)
    assert caught.value.errno == errno.ENOSPC


def big_file(path: Path, megabytes: int) -> Path:
    path.write_bytes(os.urandom(1 << 20) * megabytes)
    return path


@pytest.fixture
def bare_python(tmp_path: Path) -> str:
    """A Python there that has no packages."""
    place = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    return str(place / "bin/python")


def test_a_package_that_is_missing_there_is_named(sshd: Sshd, bare_python: str) -> None:
    add("poor", sshd, python=bare_python, setup=["export PIP_NO_INDEX=1"])

    assert "numpy" in str(jl.run(length, np.ones(3), on="poor", dry_run=True))
    with pytest.raises(ModuleNotFoundError, match="this machine lacks numpy==") as caught:
        jl.run(length, np.ones(3), on="poor").result(LIMIT)
    assert "could not be installed" in str(caught.value)


def wheel(folder: Path, name: str, version: str, text: str) -> Path:
    """A package of one module, as an index has it."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": text,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    folder.mkdir()
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        for name, data in files.items():
            file.writestr(name, data)
    return path


def scaled(n: int) -> np.ndarray:
    import jl_test_wheel

    return np.ones(n) * jl_test_wheel.FACTOR


def test_packages_that_are_missing_there_come_from_its_index_once(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = wheel(tmp_path / "wheels", "jl_test_wheel", "1.5", "FACTOR = 7\n")
    zipfile.ZipFile(made).extractall(tmp_path / "site-packages")
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    add("lacks", sshd, setup=["export PIP_NO_INDEX=1", f"export PIP_FIND_LINKS={made.parent}"])

    first = jl.run(scaled, 3, on="lacks")
    np.testing.assert_array_equal(first.result(LIMIT), [7.0, 7.0, 7.0])
    second = jl.run(scaled, 4, on="lacks")
    assert len(second.result(LIMIT)) == 4

    assert re.search("installing jl[-_]test[-_]wheel==1.5, once", first.log("stderr"))
    assert "installing" not in second.log("stderr")


def test_slow_missing_packages_are_installed_once(sshd: Sshd, bare_python: str) -> None:
    """From the package index, so it needs one."""
    add("poor", sshd, python=bare_python)

    first = jl.run(length, np.ones(3), on="poor")
    assert first.result(LIMIT * 3) == 3
    second = jl.run(length, np.ones(4), on="poor")
    assert second.result(LIMIT) == 4

    assert "installing numpy==" in first.log("stderr")
    assert "installing" not in second.log("stderr")


def test_a_clock_that_is_wrong_there_changes_nothing(sshd: Sshd, tmp_path: Path) -> None:
    """A `date` before the real one on the path of the job's script: two days behind."""
    wrong = tmp_path / "bin"
    wrong.mkdir()
    (wrong / "date").write_text('#!/bin/sh\nexec /bin/date -d "2 days ago" "$@"\n')
    (wrong / "date").chmod(0o755)
    add("late", sshd, setup=[f"export PATH={wrong}:$PATH"])

    job = jl.run(["sh", "-c", "date +%s; sleep 2"], on="late", time=60)

    assert job.result(LIMIT) == 0
    assert time.time() - int(job.log()) > 100_000
    assert abs(job.info["started"] - time.time()) < LIMIT
    assert job.info["ended"] >= job.info["started"]


def test_a_job_that_prints_a_gigabyte_is_read_in_part(sshd: Sshd, tmp_path: Path) -> None:
    add("bare", sshd)

    job = jl.run(["sh", "-c", "yes | head -c 1000000000; echo the end"], on="bare")

    assert job.result(LIMIT * 3) == 0
    size = (Path(job.info["folder"]) / "stdout").stat().st_size
    assert size < 200_000_000
    assert "more bytes are in" in job.log(last=500)
    assert jl.run(["echo", "well"], on="bare").result(LIMIT) == 0


def test_a_machine_that_takes_only_passwords_is_explained(tmp_path: Path) -> None:
    options = ["PubkeyAuthentication no", "PasswordAuthentication yes", "PermitRootLogin yes"]
    server = Sshd(tmp_path / "d", options=options)
    try:
        with pytest.raises(OSError, match="only by a password or a code") as caught:
            add("guarded", server)
    finally:
        server.stop()
    assert "jetlag never asks for a password" in caught.value.__notes__[0]


def test_a_connection_that_was_opened_by_hand_is_used_and_left_open(
    sshd: Sshd, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    text = (sshd.folder / "ssh_config").read_text()
    config.write_text(re.sub("(?m)^IdentityFile .*$", "IdentityFile /dev/null", text))
    with pytest.raises(OSError, match="does not take any key"):
        jl.machines.add("guarded", ssh="cluster", options=["-F", str(config)])
    mine = ["-o", "ControlPath=/tmp/jl-%C-mine"]
    subprocess.run(["ssh", *sshd.options, *mine, "-MNf", "cluster"], check=True)
    try:
        own = [*mine, "-F", str(config)]
        jl.machines.add("guarded", ssh="cluster", options=own, scheduler="fork")
        job = jl.run(["echo", "in"], on="guarded")
        assert job.result(LIMIT) == 0
        assert job.log() == "in\n"
        jl.machines.forget("guarded")

        check = subprocess.run(["ssh", *sshd.options, *mine, "-O", "check", "cluster"])
        assert check.returncode == 0
    finally:
        subprocess.run(["ssh", *sshd.options, *mine, "-O", "exit", "cluster"])


def test_a_host_key_that_changes_while_jobs_are_sent_is_told(tmp_path: Path) -> None:
    server = Sshd(tmp_path / "d")
    try:
        add("changes", server)
        server.drop_connections()
        server.stop()
        known = server.folder / "known_hosts"
        before = known.read_text()
        words = before.split()
        key = base64.b64decode(words[2])
        known.write_text(f"{words[0]} {words[1]} {base64.b64encode(key[:-1] + b'x').decode()}\n")
        server.start()

        job = jl.run(["true"], on="changes")
        wait_until(lambda: "its host key is" in job.reason, f"nobody says so: {job.reason}", LIMIT)

        known.write_text(before)
        assert job.result(LIMIT) == 0
    finally:
        server.stop()


def test_a_quota_that_is_used_up_there_is_told(
    sshd: Sshd, small_quota: Callable[[int], Path]
) -> None:
    add("frugal", sshd, root=str(small_quota(ROOM) / "root"))

    with pytest.raises(OSError, match="the result cannot be kept: Disk quota exceeded") as caught:
        jl.run(chance, 8_000_000, on="frugal").result(LIMIT)
    assert caught.value.errno == errno.EDQUOT


def chance(n: int) -> np.ndarray:
    return np.random.default_rng(0).random(n)


def test_a_clock_that_is_wrong_there_is_told_at_the_look(tmp_path: Path) -> None:
    wrong = tmp_path / "bin"
    wrong.mkdir()
    (wrong / "date").write_text('#!/bin/sh\nexec /bin/date -d "2 days ago" "$@"\n')
    (wrong / "date").chmod(0o755)
    server = Sshd(tmp_path / "d", {"PATH": f"{wrong}:{os.environ['PATH']}"})
    try:
        machine = add("late", server)
    finally:
        server.stop()

    assert any("its clock differs by -172" in text for text in machine.missing), machine.missing


def test_a_result_that_cannot_be_sent_is_named_from_there(sshd: Sshd) -> None:
    add("bare", sshd)

    with pytest.raises(jl.RemoteError, match=r"the result\['x'\]\[0\] is of type"):
        jl.run(returns_object, on="bare").result(LIMIT)


def returns_object() -> object:
    return {"x": [object()]}


def test_a_network_that_is_cut_for_a_while_loses_nothing(tmp_path: Path) -> None:
    """A host with a network of its own: the cable is pulled while a job runs, and put back."""
    try:
        host = Host(tmp_path / "host")
    except (PermissionError, RuntimeError) as error:
        pytest.skip(f"needs the right to make a network namespace: {error}")
    try:
        jl.machines.add("far", ssh="far", options=host.options, scheduler="fork")
        path = tmp_path / "count"
        job = jl.run(["sh", "-c", 'echo x >> "$0"; echo begun; sleep 3', str(path)], on="far")
        assert next(job.follow(), job.info) == "begun\n"

        host.cut()
        wait_until(lambda: job.reason != "", "nobody says that the machine does not answer", 60)
        assert "cannot reach far" in job.reason or "does not answer" in job.reason
        host.mend()

        assert job.result(LIMIT) == 0
        assert path.read_text() == "x\n"
    finally:
        host.stop()
