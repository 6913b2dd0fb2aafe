"""What a running program prints, moved to callbacks, and how it came to its end.

A pipe is held open by any grandchild, so its end is never waited for.
"""

import os
import selectors
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from agentloop.process.starting import Process

GRACE_S = 2.0
"""Time between asking a program to end and killing it."""
POLL_S = 0.02
_CHUNK = 65536
_DRAIN_S = 0.5

EndedBy = Literal["itself", "timeout", "idle", "nobody_wants_it"]


@dataclass(frozen=True, slots=True)
class Exited:
    """How a program came to its end."""

    code: int | None
    """The exit code; None when a signal ended it."""
    signal: int | None
    ended_by: EndedBy
    duration_s: float
    killed: tuple[str, ...]
    """Short command lines of what it had left behind and was ended with it."""


class Pump:
    """Moves output to its callbacks."""

    def __init__(
        self,
        process: Process,
        on_stdout: Callable[[bytes], None],
        on_stderr: Callable[[bytes], None] | None,
    ) -> None:
        self.selector = selectors.DefaultSelector()
        self.last_output_at = time.monotonic()
        self.streams = [stream for stream in (process.stdout, process.stderr) if stream]
        for stream, callback in zip(self.streams, (on_stdout, on_stderr), strict=False):
            os.set_blocking(stream.fileno(), False)
            self.selector.register(stream, selectors.EVENT_READ, callback)
        self.pidfd = -1
        with suppress(OSError, AttributeError):  # no pidfd on this system: the end is polled for
            self.pidfd = os.pidfd_open(process.pid)
            self.selector.register(self.pidfd, selectors.EVENT_READ, None)

    def __enter__(self) -> "Pump":
        return self

    def __exit__(self, *_: object) -> None:
        self.selector.close()
        if self.pidfd >= 0:
            os.close(self.pidfd)
        for stream in self.streams:
            stream.close()

    def pump(self, timeout_s: float) -> bool:
        """Move what is there; True when something was. Returns at once when the program ends."""
        moved = False
        for key, _mask in self.selector.select(timeout_s if self.pidfd >= 0 else min(timeout_s, POLL_S)):
            if key.data is None:
                continue
            try:
                chunk = os.read(key.fd, _CHUNK)
            except BlockingIOError:
                continue
            if not chunk:
                self.selector.unregister(key.fileobj)
                continue
            moved = True
            key.data(chunk)
        if moved:
            self.last_output_at = time.monotonic()
        return moved

    def drain(self) -> None:
        """Move what is left, without waiting for a stream that somebody else holds open."""
        deadline = time.monotonic() + _DRAIN_S
        while time.monotonic() < deadline and self.pump(0.0):
            pass


def exited(process: Process, ended_by: EndedBy, began: float, killed: tuple[str, ...]) -> Exited:
    """How a program that has ended did so."""
    code = process.returncode
    return Exited(
        code=code if code >= 0 else None,
        signal=-code if code < 0 else None,
        ended_by=ended_by,
        duration_s=time.monotonic() - began,
        killed=killed,
    )
