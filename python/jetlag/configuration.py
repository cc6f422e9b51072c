"""What a user may change: `jetlag.settings`, an attribute for each row of the engine's table."""

from __future__ import annotations

import os
import re


class Settings:
    """The settings of this process, as attributes.

    Each begins with what its environment variable says, and holds for calls that start after a
    change. `jetlag describe settings` lists them. A value that does not fit raises ValueError, or
    TypeError if it is of the wrong type.

    >>> import jetlag as jl
    >>> before = jl.settings.jit
    >>> jl.settings.jit = "off"
    >>> jl.settings.jit
    'off'
    >>> jl.settings.jit = "never"
    Traceback (most recent call last):
    ValueError: jit must be 'off', 'auto' or 'always', not 'never'
    >>> jl.settings.jit = before
    """

    __slots__ = ()

    @property
    def jit(self) -> str:
        """When steps become machine code; results have the same bits in each mode.

        "off": never. "auto": in the background, once a step is worth it. "always": at the first
        use, which waits for it. `JETLAG_JIT`.
        """
        return _get("jit")

    @jit.setter
    def jit(self, value: str) -> None:
        _set("jit", value, str, "a str")

    @property
    def cache_dir(self) -> str:
        """Where object code is kept from process to process. `JETLAG_CACHE_DIR`."""
        return _get("cache_dir")

    @cache_dir.setter
    def cache_dir(self, value: str | os.PathLike[str]) -> None:
        _set("cache_dir", value, (str, os.PathLike), "a str or a path")

    @property
    def cache_limit(self) -> int:
        """How many bytes that folder may hold. `JETLAG_CACHE_LIMIT`."""
        return int(_get("cache_limit"))

    @cache_limit.setter
    def cache_limit(self, value: int) -> None:
        _set("cache_limit", value, int, "an int")

    @property
    def rules(self) -> str:
        """Which rewrite rules are switched: "-solve,+scaled", "-all,+dot-chain". `JETLAG_RULES`.

        `jetlag describe rules` lists them. The last word about a rule holds.
        """
        return _get("rules")

    @rules.setter
    def rules(self, value: str) -> None:
        _set("rules", value, str, "a str")

    @property
    def trace(self) -> str:
        """The file that the whole process is recorded into; empty: none. `JETLAG_TRACE`.

        It is read when the first call is compiled; later, `with jl.trace(path):` records.
        """
        return _get("trace")

    @trace.setter
    def trace(self, value: str | os.PathLike[str]) -> None:
        _set("trace", value, (str, os.PathLike), "a str or a path")

    @property
    def trace_allocations(self) -> int:
        """A trace holds array memory of so many bytes and more. `JETLAG_TRACE_ALLOCATIONS`.

        It is read when a recording begins.
        """
        return int(_get("trace_allocations"))

    @trace_allocations.setter
    def trace_allocations(self, value: int) -> None:
        _set("trace_allocations", value, int, "an int")

    @property
    def policies(self) -> str:
        """Which built-in policies are on: "+worker-cap,+inline-small". `JETLAG_POLICIES`.

        `jetlag describe policies` lists them. They change no bit of a result; each turns one of
        the settings below, which is as it was once the policy is off.
        """
        return _get("policies")

    @policies.setter
    def policies(self, value: str) -> None:
        from jetlag.policies import switch

        before = self.policies
        _set("policies", value, str, "a str")
        switch(before)

    @property
    def worker_cap(self) -> int:
        """How many workers may be awake at once; 0: all of them. `JETLAG_WORKER_CAP`."""
        return int(_get("worker_cap"))

    @worker_cap.setter
    def worker_cap(self, value: int) -> None:
        _set("worker_cap", value, int, "an int")

    @property
    def grab_ns(self) -> int:
        """How long the blocks take that a worker takes at a time. `JETLAG_GRAB_NS`."""
        return int(_get("grab_ns"))

    @grab_ns.setter
    def grab_ns(self, value: int) -> None:
        _set("grab_ns", value, int, "an int")

    @property
    def inline_ns(self) -> int:
        """Work that takes less is done at once instead of handed out. `JETLAG_INLINE_NS`."""
        return int(_get("inline_ns"))

    @inline_ns.setter
    def inline_ns(self, value: int) -> None:
        _set("inline_ns", value, int, "an int")

    @property
    def in_flight(self) -> int:
        """How many bytes of results may be under way in a call. `JETLAG_IN_FLIGHT`."""
        return int(_get("in_flight"))

    @in_flight.setter
    def in_flight(self, value: int) -> None:
        _set("in_flight", value, int, "an int")

    @property
    def trace_counters(self) -> str:
        """Patterns of counters that traces sample, "none" for none. `JETLAG_TRACE_COUNTERS`.

        `jl.counters()` lists the counters.
        """
        return _get("trace_counters")

    @trace_counters.setter
    def trace_counters(self, value: str) -> None:
        _set("trace_counters", value, str, "a str")

    @property
    def trace_period(self) -> float:
        """Seconds between two samples of a counter. `JETLAG_TRACE_PERIOD`."""
        return float(_get("trace_period"))

    @trace_period.setter
    def trace_period(self, value: float) -> None:
        _set("trace_period", value, (int, float), "a number")

    @property
    def trace_hardware(self) -> str:
        """What the processor counts while tasks run: "none", "auto", or names of events, with
        spaces between them. `JETLAG_TRACE_HARDWARE`.
        """
        return _get("trace_hardware")

    @trace_hardware.setter
    def trace_hardware(self, value: str) -> None:
        _set("trace_hardware", value, str, "a str")

    @property
    def jobs_dir(self) -> str:
        """Where jobs and their files are kept, with the daemon's socket. `JETLAG_JOBS_DIR`."""
        return _get("jobs_dir")

    @jobs_dir.setter
    def jobs_dir(self, value: str | os.PathLike[str]) -> None:
        _set("jobs_dir", value, (str, os.PathLike), "a str or a path")

    @property
    def jobs_idle(self) -> float:
        """Seconds after which a daemon of jobs that was started on demand ends, if all jobs have
        ended and nobody asks. `JETLAG_JOBS_IDLE`.
        """
        return float(_get("jobs_idle"))

    @jobs_idle.setter
    def jobs_idle(self, value: float) -> None:
        _set("jobs_idle", value, (int, float), "a number of seconds")

    @property
    def jobs_server(self) -> str:
        """A server that keeps the jobs instead: the address with its token that `jetlag token
        make` prints, or "none". `JETLAG_JOBS_SERVER`.
        """
        return _get("jobs_server")

    @jobs_server.setter
    def jobs_server(self, value: str) -> None:
        _set("jobs_server", value, str, "a str")

    @property
    def mail_relay(self) -> str:
        """Where the daemon of jobs hands over mail: "smtp://host:port". `JETLAG_MAIL_RELAY`."""
        return _get("mail_relay")

    @mail_relay.setter
    def mail_relay(self, value: str) -> None:
        _set("mail_relay", value, str, "a str")

    def __repr__(self) -> str:
        rows = [name for name, row in vars(Settings).items() if isinstance(row, property)]
        text = "\n".join(f"{name} = {getattr(self, name)!r}" for name in rows)
        return re.sub(r"token=\w+", "token=…", text)


def _get(name: str) -> str:
    from jetlag.engine import core

    return str(core().setting(name))


def _set(name: str, value: object, types: type | tuple[type, ...], words: str) -> None:
    from jetlag.engine import core

    if not isinstance(value, types) or isinstance(value, bool):
        raise TypeError(f"{name} must be {words}, not {type(value).__name__}")
    core().set_setting(name, os.fspath(value) if isinstance(value, os.PathLike) else str(value))


settings = Settings()


def cache_dir(path: str | os.PathLike[str] | None = None) -> str:
    """Say where object code is kept; put it elsewhere first if a path is given."""
    if path is not None:
        settings.cache_dir = path
    return settings.cache_dir
