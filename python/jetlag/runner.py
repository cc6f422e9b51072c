"""Runs function jobs: `python -m jetlag.runner` in a job's folder, or resident, for jobs here.

A resident runner has imported what jobs need, has one thread, and forks a process for each job. It
reads a job a line from its standard input and tells on its standard output what it began and what
ended. Its jobs are sessions of their own: they outlive it.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import platform
import resource
import selectors
import signal
import sys
import time
from pathlib import Path
from typing import Any

_KILL_AFTER = 5.0
_CANNOT_WRITE = 74  # EX_IOERR: the disk is full, or the quota


# ---- one job


def run_here(folder: Path) -> int:
    """Run the job whose files are in a folder; gives its exit code."""
    from jetlag.jobs import exchange, values
    from jetlag.jobs.rebuild import load

    begun = time.time()
    told: dict[str, Any] = {"python": platform.python_version(), "host": platform.node()}
    code = 0
    os.chdir(folder)
    try:
        call = json.loads((folder / "call.json").read_text())
        pickle = bool(call.get("pickle"))
        function = load(folder / "bundle.jlv", folder / "modules", pickle=pickle)
        args, kwargs = values.read(folder / "arguments.jlv", pickle=pickle)
        result = _call(function, args, kwargs, folder, bool(call.get("trace")), told)
        told["opaque"] = _stayed_in_python(function)
        told.update(_keep_result(result, folder, pickle))
    except BaseException as error:
        code = 1
        try:
            _leave(folder / "error.json", exchange.record(error, __file__))
            _say_why(error)
        except OSError:
            code = _CANNOT_WRITE
        import traceback

        with contextlib.suppress(OSError):
            traceback.print_exc()
    told.update(_usage(), seconds=time.time() - begun)
    try:
        _leave(folder / "run.json", told)
    except OSError:
        code = code or _CANNOT_WRITE
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = code or 1
    return code


def _keep_result(result: Any, folder: Path, pickle: bool) -> dict[str, Any]:  # noqa: ANN401
    from jetlag.jobs import values

    part = folder / "result.jlv.part"
    try:
        digest, pickled = values.write(result, part, name="the result", pickle=pickle)
        part.rename(folder / "result.jlv")
    except OSError as error:
        # Makes room for the word that there was none.
        part.unlink(missing_ok=True)
        where = f"the folder of the job on {platform.node()}"
        raise OSError(error.errno, f"the result cannot be kept: {error.strerror}", where) from None
    return {"digest": digest, "pickled": pickled}


def _call(
    function: Any,  # noqa: ANN401
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    folder: Path,
    traced: bool,
    told: dict[str, Any],
) -> Any:  # noqa: ANN401
    if not traced:
        return function(*args, **kwargs)
    try:
        from jetlag.tracing import trace

        recording = trace(folder / "trace.jlt")
        recording.__enter__()
    except (ImportError, OSError, RuntimeError) as error:
        told["trace"] = f"no trace was recorded: {error}"
        return function(*args, **kwargs)
    try:
        return function(*args, **kwargs)
    finally:
        recording.__exit__(None, None, None)


def _stayed_in_python(function: Any) -> str:  # noqa: ANN401
    """Why a decorated function ran in Python as a whole, if it did."""
    return str(getattr(function, "_in_python", "") or "")


def _usage() -> dict[str, Any]:
    """Processor seconds, peak memory and I/O of this process and those it waited for."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    usage: dict[str, Any] = {
        "cpu_seconds": own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime,
        "peak_memory_mb": max(own.ru_maxrss, others.ru_maxrss) / 1024,
    }
    try:
        for line in Path("/proc/self/io").read_text().splitlines():
            name, _, value = line.partition(": ")
            if name in ("rchar", "wchar"):
                usage["read_bytes" if name == "rchar" else "written_bytes"] = int(value)
    except OSError:
        pass
    return usage


def _say_why(error: BaseException) -> None:
    """Tell whoever watches the job, in one line."""
    place = os.environ.get("JETLAG_FOLDER")
    if place:
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        _say(Path(place), f"why {int(time.time())} {' '.join(text.split())[:500]}")


def _leave(path: Path, what: dict[str, Any]) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(what))
    part.rename(path)


# ---- the resident runner


def _say(folder: Path, line: str) -> None:
    with open(folder / "status", "a") as file:
        file.write(line + "\n")


class _Child:
    def __init__(self, job: dict[str, Any], pid: int) -> None:
        self.job = job
        self.pid = pid
        seconds = job.get("seconds") or 0
        self.end = time.monotonic() + seconds if seconds else None
        self.told = False


def _begin(job: dict[str, Any]) -> int | None:
    """Fork a job; None if its attempt was claimed before."""
    folder = Path(job["folder"])
    try:
        (folder / "claim").mkdir()
    except FileExistsError:
        _say(folder, f"again {int(time.time())} 0")
        return None
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _say(folder, f"start {int(time.time())} {platform.node()} {os.getpid()}")
        for number, name in ((1, "stdout"), (2, "stderr")):
            file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(file, number)
            os.close(file)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        # What the resident one talks through is not for its children.
        os.closerange(3, 64)
        os.environ.update(job.get("environment") or {})
        os.environ.update(
            JETLAG_JOB=job["id"], JETLAG_ATTEMPT=str(job["attempt"]), JETLAG_FOLDER=str(folder)
        )
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), line_buffering=True)
        sys.stderr = io.TextIOWrapper(
            io.FileIO(2, "w", closefd=False), errors="backslashreplace", line_buffering=True
        )
        _free_blas()
        code = run_here(folder / "files")
        try:
            _say(folder, f"end {int(time.time())} {code}")
        except OSError:
            code = code or _CANNOT_WRITE
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def _free_blas() -> None:
    """Let BLAS have its threads in the child: the parent kept it to one."""
    wanted = os.environ.get("OPENBLAS_NUM_THREADS_OF_JOBS")
    os.environ.pop("OPENBLAS_NUM_THREADS", None)
    if wanted:
        os.environ["OPENBLAS_NUM_THREADS"] = wanted
    import ctypes

    count = int(wanted) if wanted and wanted.isdigit() else len(os.sched_getaffinity(0))
    for line in Path("/proc/self/maps").read_text().splitlines():
        path = line.rpartition(" ")[2]
        if "openblas" not in path or not path.startswith("/"):
            continue
        library = ctypes.CDLL(path)
        for name in (
            "scipy_openblas_set_num_threads64_",
            "scipy_openblas_set_num_threads",
            "openblas_set_num_threads64_",
        ):
            if hasattr(library, name):
                getattr(library, name)(count)
                return


def reside() -> int:
    """Serve jobs until the standard input ends."""
    _import_what_jobs_need()
    wake, woken = os.pipe()
    for end in (wake, woken):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    os.set_blocking(0, False)
    children: dict[int, _Child] = {}
    chooser = selectors.DefaultSelector()
    chooser.register(0, selectors.EVENT_READ)
    chooser.register(wake, selectors.EVENT_READ)
    rest = b""
    _tell("ready 0 0 0")
    while True:
        for key, _ in chooser.select(_next_limit(children)):
            if key.fd == wake:
                _drain(wake)
                continue
            data = os.read(0, 1 << 16)
            if not data:
                return _finish(children)
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                job = json.loads(line)
                pid = _begin(job)
                if pid is not None:
                    children[pid] = _Child(job, pid)
                    _tell(f"started {job['id']} {job['attempt']} {pid}")
        _reap(children)
        _keep_limits(children)


def _finish(children: dict[int, _Child]) -> int:
    """The daemon has gone: jobs that run are seen to their end, for the next one."""
    while children:
        _reap(children)
        _keep_limits(children)
        time.sleep(0.05)
    return 0


def _tell(line: str) -> None:
    with contextlib.suppress(OSError):  # nobody may listen any more
        os.write(1, line.encode() + b"\n")


def _drain(end: int) -> None:
    try:
        while os.read(end, 4096):
            pass
    except BlockingIOError:
        pass


def _next_limit(children: dict[int, _Child]) -> float | None:
    ends = [child.end for child in children.values() if child.end is not None]
    return max(min(ends) - time.monotonic(), 0.0) if ends else None


def _keep_limits(children: dict[int, _Child]) -> None:
    now = time.monotonic()
    for child in children.values():
        if child.end is None or child.end > now:
            continue
        folder = Path(child.job["folder"])
        try:
            if not child.told:
                _say(folder, f"signal {int(time.time())} TERM")
                os.killpg(child.pid, signal.SIGTERM)
                child.told, child.end = True, now + _KILL_AFTER
            else:
                os.killpg(child.pid, signal.SIGKILL)
                child.end = now + _KILL_AFTER
        except ProcessLookupError:
            child.end = None


def _reap(children: dict[int, _Child]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        child = children.pop(pid, None)
        if child is None:
            continue
        code = os.waitstatus_to_exitcode(status)
        if code < 0:  # by a signal: it could not say so itself
            code = 128 - code
            _say(Path(child.job["folder"]), f"end {int(time.time())} {code}")
        _tell(f"ended {child.job['id']} {child.job['attempt']} {code}")


def _import_what_jobs_need() -> None:
    """The imports that every function job pays, once. No thread may be begun by them."""
    wanted = os.environ.get("OPENBLAS_NUM_THREADS")
    if wanted:
        os.environ["OPENBLAS_NUM_THREADS_OF_JOBS"] = wanted
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    import traceback  # noqa: F401

    import jetlag.jobs.exchange
    import jetlag.jobs.rebuild
    import jetlag.jobs.values
    import jetlag.lower.source
    import jetlag.tracing  # noqa: F401

    # The engine is loaded here and begun in the child: its threads would not survive the fork.
    with contextlib.suppress(ImportError):
        importlib.import_module("jetlag._core")


def main(arguments: list[str]) -> int:
    if arguments == ["--resident"]:
        return reside()
    if len(arguments) == 1:
        return run_here(Path(arguments[0]).absolute())
    print("usage: python -m jetlag.runner --resident | FOLDER", file=sys.stderr)
    return 2


if __name__ == "__main__":
    # Pickles and tracebacks name this module, not __main__.
    from jetlag import runner

    sys.exit(runner.main(sys.argv[1:]))
