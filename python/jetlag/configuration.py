"""What a user may change: `jetlag.settings`, an attribute for each row of the engine's table."""

from __future__ import annotations

import os


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

    def __repr__(self) -> str:
        rows = [name for name, row in vars(Settings).items() if isinstance(row, property)]
        return "\n".join(f"{name} = {getattr(self, name)!r}" for name in rows)


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
