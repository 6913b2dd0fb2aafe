"""A program that the person works with, on the person's own terminal and with nothing in between.

It runs in our process group, as it would in one of its own had the shell started it: what the keyboard and the window
cause (ctrl-C, ctrl-Z, a new size) reaches it from the kernel, and it finds the terminal itself. What is left to do is
what the shell would do: to be suspended with it, and to have the terminal as it was afterwards, whoever dies. A small
process beside us sees to that after our own kill -9; until then it sleeps.
"""

import os
import select
import signal
import termios
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from agentloop.interrupts import raise_if_interrupted
from agentloop.process import KEYBOARD, Process, end_family, start_in_terminal

_LOOK_S = 1.0
_GRACE_S = 2.0
_DONE = b"."
# The cursor is saved first, for a terminal that was on its normal screen: leaving the other one restores it.
_RESET = b"".join(
    b"\x1b" + sequence
    for sequence in (
        b"7", b"[?1049l", b"[?25h", b"[?1000l", b"[?1002l", b"[?1003l", b"[?1006l", b"[?1004l", b"[?2004l", b"[?2026l",
        b"[<u", b"[>4;0m", b"[?1l", b">", b"[0m",
    )
)  # fmt: skip
"""Back to the normal screen: the cursor shown, no mouse, focus, paste, keyboard and keypad modes, no colours."""
_NOT_OURS = (*KEYBOARD, signal.SIGHUP, signal.SIGTERM, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)


def run_in_terminal(
    argv: Sequence[str], *, env: Mapping[str, str], output: int | None = None, result: int | None = None
) -> int:
    """Run a program to its end in the foreground; meanwhile the keyboard's signals are its alone.

    Args:
        argv: the program and its arguments; no shell.
        env: its whole environment.
        output: the file descriptor that it writes to; None: it has ours.
        result: the one of its stdout alone; None: as `output`.

    Returns:
        Its exit code; negative when a signal ended it.

    Raises:
        CannotStartError: it is missing or cannot be executed.
        Interrupted: a signal other than ctrl-C was noted meanwhile; the program and what it started are ended.
    """
    terminal = _Terminal.found()
    with _guarded(terminal) as watchdog, _keyboard_ignored(), _woken() as woken:
        process = start_in_terminal(argv, env=env, output=output, result=result)
        watchdog.send(process.pid)
        code = 1
        try:
            code = _wait(process, terminal, woken)
        except BaseException:
            end_family(process.pid, _GRACE_S)
            process.wait()
            raise
        finally:
            if terminal:
                terminal.restore(reset=code != 0)
    return code


@dataclass(frozen=True, slots=True)
class _Terminal:
    """The terminal that we belong to.

    Args:
        fd: an open file.
        modes: its settings, as they were found.
    """

    fd: int
    modes: list[Any]

    @classmethod
    def found(cls) -> "_Terminal | None":
        try:
            fd = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            return cls(fd, termios.tcgetattr(fd))
        except termios.error:
            os.close(fd)
            return None

    def has(self, group: int) -> bool:
        """The process group is in the foreground."""
        try:
            return os.tcgetpgrp(self.fd) == group
        except OSError:
            return False

    def modes_now(self) -> list[Any]:
        try:
            return termios.tcgetattr(self.fd)
        except termios.error:
            return self.modes

    def restore(self, *, reset: bool) -> None:
        """Make it as it was found.

        Args:
            reset: whoever had it did not come to an end of its own kind: leave its screen and its modes, too.
        """
        if self.has(os.getpgrp()):
            self.set(self.modes)
            if reset:
                self.reset()

    def set(self, modes: list[Any]) -> None:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
        with suppress(termios.error):
            termios.tcsetattr(self.fd, termios.TCSANOW, modes)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def reset(self) -> None:
        if os.environ.get("TERM", "dumb") != "dumb":
            with suppress(OSError):
                os.write(self.fd, _RESET)


@dataclass(frozen=True, slots=True)
class _Watchdog:
    """The process that outlives us, by the pipe that it listens to; -1 for none."""

    pipe: int = -1

    def send(self, pid: int) -> None:
        """Tell it whom to end after us."""
        if self.pipe >= 0:
            with suppress(OSError):  # somebody killed it
                os.write(self.pipe, b"%d\n" % pid)


@contextmanager
def _guarded(terminal: _Terminal | None) -> Iterator[_Watchdog]:
    """While this lasts, our death ends the program and gives the terminal back."""
    if terminal is None:
        yield _Watchdog()
        return
    reader, writer = os.pipe()
    group = os.getpgrp()
    pid = os.fork()
    if pid == 0:
        try:
            _outlive(reader, terminal, group)
        finally:
            os._exit(0)
    os.close(reader)
    try:
        yield _Watchdog(writer)
    finally:
        with suppress(OSError):
            os.write(writer, _DONE)
        os.close(writer)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)
        os.close(terminal.fd)


def _outlive(pipe: int, terminal: _Terminal, group: int) -> None:
    """Wait for the word that all is well; at the end of the pipe without it, do what we can no more do."""
    os.setpgid(0, 0)  # what the keyboard causes does not reach it
    for number in _NOT_OURS:
        signal.signal(number, signal.SIG_IGN)
    _close_all_but(pipe, terminal.fd)
    said = b""
    while chunk := os.read(pipe, 64):
        said += chunk
        if said.endswith(_DONE):
            return
    program = said.strip()
    if program:
        end_family(int(program), _GRACE_S)
    if terminal.has(group):  # a shell that took it has set it as it likes
        terminal.set(terminal.modes)
    terminal.reset()


def _close_all_but(*kept: int) -> None:
    """Locks and pipes are let go of with us."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    for name in os.listdir("/dev/fd"):
        if int(name) > 2 and int(name) not in kept:
            with suppress(OSError):  # the one by which they were listed
                os.close(int(name))


@contextmanager
def _keyboard_ignored() -> Iterator[None]:
    before = {number: signal.signal(number, signal.SIG_IGN) for number in KEYBOARD}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _woken() -> Iterator[int]:
    """A file that can be read when a signal has arrived, of a child's end or halt too."""
    reader, writer = os.pipe()
    for number in (reader, writer):
        os.set_blocking(number, False)
    handler = signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(before)
        signal.signal(signal.SIGCHLD, handler)
        os.close(reader)
        os.close(writer)


def _wait(process: Process, terminal: _Terminal | None, woken: int) -> int:
    while True:
        raise_if_interrupted()
        pid, status = os.waitpid(process.pid, os.WNOHANG | os.WUNTRACED)
        if pid and os.WIFSTOPPED(status):
            _halt_with(process, terminal)
        elif pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode
        elif select.select([woken], [], [], _LOOK_S)[0]:
            with suppress(BlockingIOError):
                os.read(woken, 4096)


def _halt_with(process: Process, terminal: _Terminal | None) -> None:
    """It halted alone: halt as well, so that the shell goes on, and let it go on when we do.

    Where nobody could let us go on, the kernel does not halt us, and it goes on at once.
    """
    theirs = terminal.modes_now() if terminal else []
    if terminal:
        terminal.restore(reset=False)
    os.killpg(0, signal.SIGTSTP)
    if terminal and terminal.has(os.getpgrp()):
        terminal.set(theirs)
    process.send_signal(signal.SIGCONT)
