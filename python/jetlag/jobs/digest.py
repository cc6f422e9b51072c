"""The digest that a file of jobs is called by: SHA-256 over pieces, so that threads can share it.

A leaf is SHA-256(00 piece) for each piece of 4 MiB, the last may be shorter; the digest is
SHA-256(01 leaf leaf …). The same rule is in src/base/crypto/digest.h.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO

PIECE = 4 << 20
_MOST_THREADS = 4


def _leaf(piece: bytes | memoryview) -> bytes:
    leaf = hashlib.sha256(b"\0")
    leaf.update(piece)
    return leaf.digest()


class Digest:
    """The digest of bytes that come one after another."""

    def __init__(self) -> None:
        self._root = hashlib.sha256(b"\1")
        self._leaf = hashlib.sha256(b"\0")
        self._room = PIECE
        self._ahead: deque[Future[bytes]] = deque()
        self._threads: ThreadPoolExecutor | None = None

    def update(self, data: bytes | memoryview) -> None:
        """Take more. Whole pieces are left to threads: `data` must stay as it is until `settle`."""
        view = memoryview(data)
        while view.nbytes:
            if self._room == PIECE and view.nbytes >= PIECE:
                self._ahead.append(self._pool().submit(_leaf, view[:PIECE]))
                view = view[PIECE:]
                continue
            self.settle()
            part = view[: self._room]
            self._leaf.update(part)
            self._room -= part.nbytes
            view = view[part.nbytes :]
            if self._room == 0:
                self._end_leaf()

    def settle(self) -> None:
        """Wait until nothing that was given is read any more."""
        while self._ahead:
            self._root.update(self._ahead.popleft().result())

    def hexdigest(self) -> str:
        """64 hexadecimal digits; nothing may be added afterwards."""
        self.settle()
        if self._room < PIECE:
            self._end_leaf()
        if self._threads is not None:
            self._threads.shutdown()
        return self._root.hexdigest()

    def _end_leaf(self) -> None:
        self._root.update(self._leaf.digest())
        self._leaf = hashlib.sha256(b"\0")
        self._room = PIECE

    def _pool(self) -> ThreadPoolExecutor:
        if self._threads is None:
            count = min(len(os.sched_getaffinity(0)), _MOST_THREADS)
            self._threads = ThreadPoolExecutor(count)
        return self._threads


def of_bytes(data: bytes) -> str:
    """The digest of bytes."""
    digest = Digest()
    digest.update(data)
    return digest.hexdigest()


def copy(source: IO[bytes], target: IO[bytes] | None = None) -> str:
    """Read a file to its end, write what is read; gives the digest of it."""
    digest = Digest()
    buffers = [memoryview(bytearray(PIECE)) for _ in range(2 * _MOST_THREADS)]
    turn = 0
    while n := _fill(source, buffers[turn]):
        digest.update(buffers[turn][:n])
        if target is not None:
            target.write(buffers[turn][:n])
        turn = (turn + 1) % len(buffers)
        if turn == 0:
            digest.settle()
    return digest.hexdigest()


def _fill(source: IO[bytes], buffer: memoryview) -> int:
    n = 0
    while n < buffer.nbytes and (more := source.readinto(buffer[n:])):  # type: ignore[attr-defined]
        n += more
    return n
