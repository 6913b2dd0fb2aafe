"""A program in a terminal of its own, kept running while it is talked to; its whole tree is ended with it.

Measured facts behind this module: reading fails with EIO once nobody holds the terminal, which something that the
program left behind may do for ever; a program that reads nothing takes 17,216 bytes and then blocks whoever writes on;
in the line discipline's canonical mode a line is cut at 4,095 bytes without a word.
"""

import fcntl
import os
import platform
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from agentloop.process.starting import cannot_start
from agentloop.process.tree import Tree, adopt_orphans, exit_code, own_children, set_up_child
from agentloop.process.walk import RUN_TAG, is_running
from agentloop.process.walls import Walls

_READ_CALL = {"x86_64": "0", "aarch64": "63"}.get(platform.machine())
_OF_ANOTHER_TERMINAL = ("COLUMNS", "LINES")
_RESERVED_IXON = (termios.VSTART, termios.VSTOP)
_RESERVED = {
    termios.ISIG: (termios.VINTR, termios.VQUIT, termios.VSUSP),
    termios.ICANON: (termios.VEOF, termios.VEOL, termios.VEOL2, termios.VERASE, termios.VKILL),
    termios.IEXTEN: (termios.VWERASE, termios.VREPRINT, termios.VLNEXT, termios.VDISCARD),
}


@dataclass(frozen=True, slots=True)
class Discipline:
    """What a terminal does to what is typed."""

    canonical: bool
    """It is handed on a line at a time, each cut at 4,095 bytes."""
    reserved: bytes
    """The characters that the terminal itself acts upon, the ends of lines aside: ctrl-C and its like."""


@dataclass(frozen=True, slots=True)
class Doing:
    """What the processes of a program do at one moment."""

    reads: bool = False
    """One is blocked in reading from the terminal, which proves that the program waits for typing. Without this
    nothing is proven: most programs with a screen of their own wait in another way."""
    runs: bool = False
    """One computes, or would if the machine had time for it."""


class TerminalProgram:
    """A program that runs in a terminal.

    Args:
        argv: the program and its arguments; no shell.
        cwd: where it runs.
        env: its whole environment.
        rows: the terminal's height.
        columns: its width.
        walls: what it is kept within.

    Raises:
        CannotStartError: it is missing or cannot be executed.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        rows: int,
        columns: int,
        walls: Walls | None = None,
    ) -> None:
        adopt_orphans()
        older = own_children()
        self.fd, its_end = pty.openpty()
        """Our end of the terminal; reading and writing never block."""
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.set_blocking(self.fd, False)
        self._device = os.fstat(its_end).st_rdev
        try:
            with walls.around(argv, cwd, env) if walls else nullcontext((argv, None)) as (words, enter):
                self._process = subprocess.Popen(
                    words,
                    cwd=cwd,
                    env={name: value for name, value in env.items() if name not in _OF_ANOTHER_TERMINAL},
                    stdin=its_end,
                    stdout=its_end,
                    stderr=its_end,
                    start_new_session=True,
                    preexec_fn=partial(_take_terminal, env.get(RUN_TAG, ""), enter),  # noqa: PLW1509 - no thread is ours
                )
        except OSError as error:
            os.close(self.fd)
            raise cannot_start(argv[0], cwd, error) from error
        finally:
            os.close(its_end)
        self._tree = Tree(self._process, older)

    @property
    def code(self) -> int | None:
        """The exit code, negative when a signal ended it; None while it runs."""
        return exit_code(self._process)

    @property
    def discipline(self) -> Discipline:
        """What the terminal does to what is typed, as the program has set it up by now."""
        attributes = termios.tcgetattr(self.fd)
        given, local, controls = int(attributes[0]), int(attributes[3]), list(attributes[6])
        names = [*_RESERVED_IXON] if given & termios.IXON else []
        names += [name for flag, reserved in _RESERVED.items() if local & flag for name in reserved]
        reserved = b"".join(bytes(controls[name]) for name in names).replace(b"\0", b"")
        return Discipline(bool(local & termios.ICANON), reserved)

    @property
    def is_behind_a_job(self) -> bool:
        """Another process group has the terminal: a shell runs a command."""
        with suppress(OSError):
            return os.tcgetpgrp(self.fd) not in (self._process.pid, 0)
        return False

    def doing(self) -> Doing:
        """What the system knows of its processes at this moment."""
        pids = (self._process.pid, *self._tree.strays())
        return Doing(reads=any(map(self._reads, pids)), runs=any(map(is_running, pids)))

    def wait(self, timeout_s: float) -> None:
        """Wait a while for it to have ended."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)

    def cpu_s(self) -> float:
        """The processor time that the tree has used so far."""
        return self._tree.cpu_s()

    def end(self, grace_s: float) -> tuple[str, ...]:
        """Hang up, and end the whole tree; returns what was left besides the program."""
        with suppress(OSError):  # it was ended before
            os.close(self.fd)  # a shell ends at this alone, and not when it is asked to
        return self._tree.end(grace_s)

    def _reads(self, pid: int) -> bool:
        try:
            call, descriptor = Path(f"/proc/{pid}/syscall").read_text(encoding="ascii").split()[:2]
            if call != _READ_CALL:
                return False
            return os.stat(f"/proc/{pid}/fd/{int(descriptor, 16)}").st_rdev == self._device  # noqa: PTH116 - a link
        except (OSError, ValueError):
            return False


def _take_terminal(run: str, enter: Callable[[], None] | None) -> None:
    """Between fork and exec: the terminal becomes the program's own, with ctrl-C and job control."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    if sys.platform == "linux":
        set_up_child(run, enter)
