"""A program with everything that it started, run to its end or kept: the one door to other programs.

Measured facts behind this module: a pipe is held open by any grandchild, so its end is never waited for; a killed
process group leaves whatever called setsid or forked twice; those are adopted by us as a subreaper and carry the
run's tag in their environment, and are ended too.
"""

import errno
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from agentloop.errors import CannotStartError
from agentloop.interrupts import raise_if_interrupted
from agentloop.process_tree import RUN_TAG, Tree, adopt_orphans, end_tagged, own_children, set_up_child

__all__ = [
    "KEYBOARD",
    "RUN_TAG",
    "Exited",
    "IdleClock",
    "Live",
    "Process",
    "Program",
    "cannot_start",
    "child_environment",
    "end_tagged",
    "git_free_environment",
    "is_work",
    "run_program",
    "run_side_by_side",
    "start_in_terminal",
    "start_program",
]

_CHUNK = 65536
_GIT_LOCAL = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_CONFIG",
        "GIT_CONFIG_PARAMETERS",
        "GIT_CONFIG_COUNT",
        "GIT_OBJECT_DIRECTORY",
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_GRAFT_FILE",
        "GIT_INDEX_FILE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_REPLACE_REF_BASE",
        "GIT_PREFIX",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_SHALLOW_FILE",
        "GIT_COMMON_DIR",
        "GIT_QUARANTINE_PATH",
        "GIT_NAMESPACE",
    }
)
_DRAIN_S = 0.5
_GRACE_S = 2.0
_LOOK_S = 0.25
_POLL_S = 0.02
# opencode's timers take up to three hundredths while it waits for its model.
_WORK_SHARE = 0.05
_SETTLING_SHARE = 0.1

EndedBy = Literal["itself", "timeout", "idle"]
Process = subprocess.Popen[bytes]
KEYBOARD = (signal.SIGINT, signal.SIGQUIT)
"""The signals that ctrl-C and ctrl-\\ cause."""


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


def child_environment(run: str, **extra: str) -> dict[str, str]:
    """The environment of a run's programs: ours without git's own variables, with the run's tag."""
    return {**git_free_environment(), RUN_TAG: run, **extra}


def git_free_environment() -> dict[str, str]:
    """Our environment without the variables by which git tells its hooks where they are."""
    return {name: value for name, value in os.environ.items() if name not in _GIT_LOCAL}


def run_program(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout_s: float | None,
    on_stdout: Callable[[bytes], None],
    on_stderr: Callable[[bytes], None] | None = None,
    stdin: bytes = b"",
    idle_timeout_s: float | None = None,
    grace_s: float = _GRACE_S,
    on_tick: Callable[[float], None] | None = None,
    tick_s: float = 1.0,
) -> Exited:
    """Run a program in a session of its own and end its whole tree with it.

    Args:
        argv: the program and its arguments; no shell.
        cwd: where it runs.
        env: its whole environment; the value of `AGENTLOOP_RUN` in it marks its tree.
        timeout_s: the wall time it may take.
        on_stdout: gets its output in chunks, as it comes.
        on_stderr: likewise; None joins it to the output.
        stdin: what it reads, followed by the end of the file.
        idle_timeout_s: silence (no output, next to no processor time of the tree) that ends it.
        grace_s: time between asking it to end and killing it.
        on_tick: called with the elapsed seconds every `tick_s`.
        tick_s: see `on_tick`.

    Raises:
        CannotStartError: it is missing or cannot be executed.
        Interrupted: a signal was noted meanwhile; the program and its tree are ended.
    """
    adopt_orphans()
    older = own_children()
    began = time.monotonic()
    with ExitStack() as stack:
        source = stack.enter_context(_readable(stdin))
        process = _start(argv, cwd, env, source, subprocess.STDOUT if on_stderr is None else subprocess.PIPE)
        tree = Tree(process, older)
        try:
            pump = stack.enter_context(_Pump(process, on_stdout, on_stderr))
            idle = None if idle_timeout_s is None else IdleClock(idle_timeout_s, tree.cpu_s)
            watch = _Watch(process, pump, timeout_s, idle, on_tick, tick_s)
            ended_by = watch.until_ended()
            killed = tree.end(grace_s if ended_by != "itself" else 0.0)
            pump.drain()
        except BaseException:
            tree.end(grace_s)
            raise
    return _exited(process, ended_by, began, killed)


class Live:
    """A program that is kept, and talked to by its pipes, which do not block.

    Args:
        process: the program, started in a session of its own, its three streams pipes.
        older: our children before it was started.
    """

    def __init__(self, process: Process, older: frozenset[int]) -> None:
        self._process = process
        self._tree = Tree(process, older)
        self.stdin, self.stdout, self.stderr = (
            stream.fileno() for stream in (process.stdin, process.stdout, process.stderr) if stream
        )
        for descriptor in (self.stdin, self.stdout, self.stderr):
            os.set_blocking(descriptor, False)

    def poll(self) -> int | None:
        """How it ended: the exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def cpu_s(self) -> float:
        """The processor time that its tree has used so far."""
        return self._tree.cpu_s()

    def end(self, grace_s: float = _GRACE_S) -> tuple[str, ...]:
        """End it and its whole tree, and say what there was besides the program itself."""
        killed = self._tree.end(grace_s)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream:
                stream.close()
        return killed


def start_program(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Live:
    """Start a program in a session of its own and leave it running; whoever starts it ends it.

    Args:
        argv: the program and its arguments; no shell.
        cwd: where it runs.
        env: its whole environment; the value of `AGENTLOOP_RUN` in it marks its tree.

    Raises:
        CannotStartError: it is missing or cannot be executed.
    """
    adopt_orphans()
    older = own_children()
    return Live(_start(argv, cwd, env, subprocess.PIPE, subprocess.PIPE), older)


def start_in_terminal(argv: Sequence[str], *, env: Mapping[str, str], output: int | None) -> Process:
    """Start a program in our process group, with our own input; the keyboard's signals are not ignored in it.

    Args:
        argv: the program and its arguments; no shell.
        env: its whole environment.
        output: the file descriptor that it writes to; None: it has ours.

    Raises:
        CannotStartError: it is missing or cannot be executed.
    """
    try:
        return subprocess.Popen(argv, env=dict(env), stdout=output, stderr=output, preexec_fn=_hear_keyboard)  # noqa: PLW1509 - no thread is ours
    except OSError as error:
        raise cannot_start(argv[0], Path.cwd(), error) from error


def _hear_keyboard() -> None:
    for number in KEYBOARD:
        signal.signal(number, signal.SIG_DFL)


def _start(argv: Sequence[str], cwd: Path, env: Mapping[str, str], source: IO[bytes] | int, stderr: int) -> Process:
    try:
        return subprocess.Popen(
            argv,
            cwd=cwd,
            env=dict(env),
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
            preexec_fn=set_up_child if sys.platform == "linux" else None,  # noqa: PLW1509 - no thread is ours
        )
    except OSError as error:
        raise cannot_start(argv[0], cwd, error) from error


def cannot_start(program: str, cwd: Path, error: OSError) -> CannotStartError:
    """What a failed start comes to, in words of use."""
    if not cwd.is_dir():
        return CannotStartError(f"the folder {cwd} is gone", hint="restore it, then: agentloop resume")
    if isinstance(error, FileNotFoundError):
        return CannotStartError(f"command not found: {program}", hint="see that it is on PATH, and its #! line right")
    hints = {errno.EACCES: "is it a program? chmod +x", errno.ENOEXEC: "begin the script with a line like #!/bin/sh"}
    return CannotStartError(
        f"command cannot be executed: {program}: {error.strerror}", hint=hints.get(error.errno or 0, "")
    )


def _readable(content: bytes) -> IO[bytes]:
    """A file to read from, so that no pipe can fill up."""
    if not content:
        return Path(os.devnull).open("rb")
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    file.write(content)
    file.seek(0)
    return file


class _Pump:
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

    def __enter__(self) -> "_Pump":
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
        for key, _mask in self.selector.select(timeout_s if self.pidfd >= 0 else min(timeout_s, _POLL_S)):
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


class IdleClock:
    """Tells a program that is silent from one that works in silence.

    Args:
        limit_s: silence (no output, next to no processor time) that is too long.
        cpu_s: says how much processor time the program's tree has used so far.
    """

    def __init__(self, limit_s: float, cpu_s: Callable[[], float]) -> None:
        self._limit_s = limit_s
        self._settling_s = limit_s * _SETTLING_SHARE
        self._cpu_s = cpu_s
        self._before_s = 0.0
        self._before_at = 0.0

    def is_over(self, now: float, last_output_at: float) -> bool:
        """Silent for that long and not at work; what was worked before the last output does not count."""
        if self._before_at <= last_output_at:
            if now - last_output_at >= self._settling_s:
                self._before_at, self._before_s = now, self._cpu_s()
            return False
        if now - self._before_at < self._limit_s - self._settling_s:
            return False
        window_s, before_s = now - self._before_at, self._before_s
        self._before_at, self._before_s = now, self._cpu_s()
        return not is_work(self._before_s - before_s, window_s)


@dataclass(slots=True)
class _Watch:
    """Waits for the end of a program, with its limits."""

    process: Process
    pump: _Pump
    timeout_s: float | None
    idle: IdleClock | None
    on_tick: Callable[[float], None] | None
    tick_s: float

    def until_ended(self) -> EndedBy:
        began = time.monotonic()
        next_tick = began + self.tick_s
        while self.process.poll() is None:
            raise_if_interrupted()
            self.pump.pump(_LOOK_S)
            now = time.monotonic()
            if self.timeout_s is not None and now - began >= self.timeout_s:
                return "timeout"
            if self.idle and self.idle.is_over(now, self.pump.last_output_at):
                return "idle"
            if self.on_tick and now >= next_tick:
                next_tick = now + self.tick_s
                self.on_tick(now - began)
        return "itself"


def is_work(cpu_s: float, window_s: float) -> bool:
    """Whether that much processor time in that much wall time is work, and not the timers of a program that waits."""
    return cpu_s > _WORK_SHARE * window_s


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is run beside others, without input, for what it prints."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    timeout_s: float
    on_output: Callable[[bytes], None]
    """Gets what it prints, output and errors, in chunks."""


def run_side_by_side(programs: Sequence[Program], *, at_once: int) -> list[Exited | CannotStartError]:
    """Run programs side by side, each in a session of its own, and end the whole tree of each with it.

    What leaves its own tree is ended together with whichever of them ends next.

    Args:
        programs: what to run.
        at_once: how many may run at a time.

    Returns:
        For each of them in order, how it ended, or why it could not be started.

    Raises:
        Interrupted: a signal was noted meanwhile; all of them are ended.
    """
    adopt_orphans()
    spared = set(own_children())
    waiting = [*enumerate(programs)][::-1]
    running: dict[int, _Beside] = {}
    ended: dict[int, Exited | CannotStartError] = {}
    try:
        while waiting or running:
            raise_if_interrupted()
            while waiting and len(running) < at_once:
                number, program = waiting.pop()
                try:
                    running[number] = _Beside(program, spared)
                except CannotStartError as error:
                    ended[number] = error
            for number, one in [*running.items()]:
                one.pump.pump(_POLL_S / len(running))
                ended_by = one.ended_by()
                if ended_by:
                    ended[number] = running.pop(number).end(ended_by)
    finally:
        for one in running.values():
            one.end("timeout")
    return [ended[number] for number in range(len(programs))]


class _Beside:
    """A program that runs beside others.

    Args:
        program: what to run; it is started.
        spared: the children of ours that are nobody's strays; the program is added to them.
    """

    def __init__(self, program: Program, spared: set[int]) -> None:
        with _readable(b"") as source:
            self._process = _start(program.argv, program.cwd, program.env, source, subprocess.STDOUT)
        spared.add(self._process.pid)
        self._spared = spared
        self._timeout_s = program.timeout_s
        self._began = time.monotonic()
        self.pump = _Pump(self._process, program.on_output, None)

    def ended_by(self) -> EndedBy | None:
        """What ended it, or is to end it now."""
        if self._process.poll() is not None:
            return "itself"
        return "timeout" if time.monotonic() - self._began >= self._timeout_s else None

    def end(self, ended_by: EndedBy) -> Exited:
        with self.pump:
            killed = Tree(self._process, frozenset(self._spared)).end(0.0 if ended_by == "itself" else _GRACE_S)
            self.pump.drain()
        return _exited(self._process, ended_by, self._began, killed)


def _exited(process: Process, ended_by: EndedBy, began: float, killed: tuple[str, ...]) -> Exited:
    code = process.returncode
    return Exited(
        code=code if code >= 0 else None,
        signal=-code if code < 0 else None,
        ended_by=ended_by,
        duration_s=time.monotonic() - began,
        killed=killed,
    )
