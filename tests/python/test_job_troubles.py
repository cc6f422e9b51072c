"""What goes wrong beside a job's own doing: one clear message each, and what was stored stays."""

import contextlib
import errno
import json
import mailbox
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

import jetlag as jl
from jetlag.jobs import client

SmallDisk = Callable[[int], Path]
JobsIn = Callable[[Path], AbstractContextManager[Path]]


@pytest.fixture
def full_soon(small_disk: SmallDisk, jobs_in: JobsIn) -> Iterator[Path]:
    """A disk of 4 MB with the store."""
    disk = small_disk(4)
    with jobs_in(disk / "store"):
        yield disk


def ones(n: int) -> np.ndarray:
    return np.ones(n)


def length(x: np.ndarray) -> int:
    return len(x)


def test_arguments_that_do_not_fit_the_disk_are_told(full_soon: Path) -> None:
    assert jl.run(length, np.ones(3)).result(30) == 3

    with pytest.raises(OSError, match="a job's files cannot be kept: No space left") as caught:
        jl.run(length, np.ones(1_000_000))

    assert caught.value.errno == errno.ENOSPC
    assert "make room" in caught.value.__notes__[0]
    assert jl.run(length, np.ones(3)).result(30) == 3


def test_a_result_that_does_not_fit_the_disk_is_told(full_soon: Path) -> None:
    with pytest.raises(OSError, match="the result cannot be kept: No space left"):
        jl.run(ones, 1_000_000).result(30)

    assert len(jl.run(ones, 3).result(30)) == 3


def test_a_disk_that_is_full_to_the_last_byte_keeps_what_was_stored(full_soon: Path) -> None:
    first = jl.run(["true"])
    first.wait(30)
    job = jl.run(["sh", "-c", 'until [ -e "$0" ]; do sleep 0.05; done', str(full_soon / "go")])
    while job.state != "running":
        time.sleep(0.02)
    fill(full_soon / "fill", full_soon / "go")

    with pytest.raises((OSError, TimeoutError)) as caught:
        until_it_is_full(full_soon)
    assert "full" in str(caught.value) or "No space" in str(caught.value)

    for name in ("fill", "more"):
        (full_soon / name).unlink(missing_ok=True)
    assert jl.run(["true"]).wait(30) == "finished"
    assert all(one.wait(30) in ("failed", "finished") for one in jl.jobs.list())
    assert job.state in ("failed", "finished")
    assert jl.jobs.get(first.id).state == "finished"


def until_it_is_full(disk: Path) -> None:
    for _ in range(20):
        try:
            jl.run(["true"]).wait(3)
        except TimeoutError as error:
            # It may also be a machine that is busy.
            if "full" in str(error) or "No space" in str(error):
                raise
        fill(disk / "more", disk / "go")


def fill(path: Path, sign: Path) -> None:
    sign.touch()
    with contextlib.suppress(OSError), open(path, "wb", buffering=0) as file:
        for piece in (1 << 16, 1):
            with contextlib.suppress(OSError):
                while file.write(bytes(piece)):
                    pass


def test_a_quota_that_is_used_up_is_told(small_quota: SmallDisk, jobs_in: JobsIn) -> None:
    with jobs_in(small_quota(12) / "store"):
        assert jl.run(length, np.ones(3)).result(30) == 3

        random = np.random.default_rng(0).random(2_500_000)
        with pytest.raises(OSError, match="a job's files cannot be kept: Disk quota") as caught:
            jl.run(length, random)
        assert caught.value.errno == errno.EDQUOT
        with pytest.raises(OSError, match="the result cannot be kept: Disk quota exceeded"):
            jl.run(ones, 2_500_000).result(30)

        assert len(jl.run(ones, 3).result(30)) == 3


def test_a_module_that_is_missing_is_named(store: Path, tmp_path: Path) -> None:
    def needs_it() -> None:
        import no_such_module_of_anybody  # noqa: F401

    with pytest.raises(ModuleNotFoundError, match="no_such_module_of_anybody"):
        jl.run(needs_it).result(30)


def test_a_folder_is_a_file_to_begin_with(store: Path, tmp_path: Path) -> None:
    (tmp_path / "in/below").mkdir(parents=True)
    (tmp_path / "in/a b").write_text("1")
    (tmp_path / "in/below/c").write_text("2")
    os.symlink("/etc", tmp_path / "in/elsewhere")

    job = jl.run(
        ["sh", "-c", "find in -type f | sort | xargs -d '\\n' cat"], data=[tmp_path / "in"]
    )

    assert job.wait(30) == "finished"
    assert job.log() == "12"


def test_a_job_that_prints_very_much_can_be_read_in_part(store: Path) -> None:
    job = jl.run(["sh", "-c", "yes | head -c 50000000; echo the end; exit 3"])

    with pytest.raises(jl.jobs.JobFailed, match="exit code 3"):
        job.result(60)
    assert job.log(last=8) == "the end\n"


def test_a_daemon_beside_another_is_refused(store: Path) -> None:
    jl.run(["true"]).wait(30)

    second = subprocess.run(
        [client.command_path(), "serve", "--jobs", str(store)], capture_output=True, text=True
    )

    assert second.returncode != 0
    number = (store / "lock").read_text()
    assert f"another jetlag serve (process {number}) has the store {store} open" in second.stderr


def test_a_store_of_a_later_version_is_left_alone(store: Path) -> None:
    import sqlite3

    jl.run(["true"]).wait(30)
    client.stop()
    with sqlite3.connect(store / "jobs.sqlite") as database:
        database.execute("PRAGMA user_version = 99")

    with pytest.raises(client.DaemonError, match="was written by a later version of jetlag"):
        jl.run(["true"])
    command = [client.command_path(), "status", "--jobs", str(store)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    assert done.stderr == (
        f"value: {store} was written by a later version of jetlag (layout 99; this one knows 2)\n"
        "    hint: use that version, or name another folder\n"
    )


def test_a_store_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    command = [client.command_path(), "submit", "--jobs", "/proc/nowhere/store", "true"]

    done = subprocess.run(command, capture_output=True, text=True)

    assert done.returncode != 0
    assert done.stderr == "io: cannot make /proc/nowhere/store: No such file or directory\n"


def test_a_machine_is_loaded_from_what_another_has_written(store: Path, tmp_path: Path) -> None:
    jl.machines.add("ours", scheduler="fork", setup=["export WHO=admin"], slots=1)
    jl.machines.get("ours").save(tmp_path / "ours.json")
    jl.machines.forget("ours")

    machine = jl.machines.load(tmp_path / "ours.json")

    assert machine.name == "ours"
    job = jl.run(["sh", "-c", "echo $WHO"], on="ours")
    job.wait(30)
    assert job.log() == "admin\n"
    with pytest.raises(LookupError, match="no machine none is described in"):
        jl.machines.load("none")


def test_mail_is_sent_through_the_relay(store: Path, tmp_path: Path) -> None:
    if subprocess.run(["/usr/bin/python3", "-c", "import aiosmtpd"]).returncode:
        pytest.skip("needs the package python3-aiosmtpd")
    box = tmp_path / "box"
    port = free_port()
    sink = subprocess.Popen(
        ["/usr/bin/python3", "-m", "aiosmtpd", "-n", "-c", "aiosmtpd.handlers.Mailbox",
         "-l", f"127.0.0.1:{port}", str(box)]
    )  # fmt: skip
    jl.settings.mail_relay = f"smtp://127.0.0.1:{port}"
    try:
        job = jl.run(["true"], notify="mailto:me@example.org")
        job.wait(30)
        for _ in range(1200):
            if job.messages()[0]["state"] == "sent":
                break
            time.sleep(0.05)
        mails = list(mailbox.Maildir(box))
    finally:
        jl.settings.mail_relay = "none"
        sink.terminate()
        sink.wait()
    assert len(mails) == 1
    assert job.id in mails[0].as_string()
    assert "finished" in mails[0].as_string()


def free_port() -> int:
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def test_fifty_clients_lose_nothing(store: Path) -> None:
    first = jl.run(["true"])
    failures: list[BaseException] = []
    asked: list[str] = []

    def work(number: int) -> None:
        try:
            for i in range(100):
                if i % 20 == 0:
                    asked.append(jl.run(["true"], name=f"{number}-{i}").id)
                else:
                    assert jl.jobs.get(first.id).info["name"] == ""
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    for id in asked:
        assert jl.jobs.get(id).wait(60) == "finished"
    known = {job.id: job.info["name"] for job in jl.jobs.list(limit=1000)}
    assert set(asked) <= set(known)
    assert len({known[id] for id in asked}) == 250
    for id in asked[:20]:
        events = [row["event"] for row in jl.jobs.get(id).history()]
        assert events[0] == "asked" and events[-1] == "fetched"
        assert len(events) == len(set(events))


def test_tables_travel(store: Path) -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"a": [1, 2], "b": ["x", None]}, index=[3, 4])

    back = jl.run(lambda t: t[t.a > 1], table).result(30)

    pandas.testing.assert_frame_equal(back, table[table.a > 1])


def test_progress_is_data_whatever_is_told(store: Path) -> None:
    def tells() -> None:
        jl.progress(1, 2, '"}\n<script>\x00')

    job = jl.run(tells)
    job.wait(30)

    assert job.progress is not None
    assert json.loads(json.dumps(job.progress))["text"] == '"}\n<script>\x00'
