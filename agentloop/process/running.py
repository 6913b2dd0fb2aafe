"""A program run to its end, with everything that it started.

Measured facts behind this module: a killed process group leaves whatever called setsid or forked twice; those are
adopted by us as a subreaper and carry the run's tag in their environment, and are ended too.
"""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from agentloop.interrupts import raise_if_interrupted
from agentloop.process.idle import IdleClock
from agentloop.process.output import GRACE_S, EndedBy, Exited, Pump, exited
from agentloop.process.starting import Process, readable, start
from agentloop.process.tree import Tree, adopt_orphans, exit_code, own_children
from agentloop.process.walls import Walls

_LOOK_S = 0.25


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
    grace_s: float = GRACE_S,
    on_tick: Callable[[float], None] | None = None,
    tick_s: float = 1.0,
    walls: Walls | None = None,
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
        walls: what it is kept within.

    Raises:
        CannotStartError: it is missing or cannot be executed.
        Interrupted: a signal was noted meanwhile; the program and its tree are ended.
    """
    adopt_orphans()
    older = own_children()
    began = time.monotonic()
    with ExitStack() as stack:
        source = stack.enter_context(readable(stdin))
        stderr = subprocess.STDOUT if on_stderr is None else subprocess.PIPE
        process = start(argv, cwd, env, source, stderr, walls)
        tree = Tree(process, older)
        try:
            pump = stack.enter_context(Pump(process, on_stdout, on_stderr))
            idle = None if idle_timeout_s is None else IdleClock(idle_timeout_s, tree.cpu_s)
            watch = _Watch(process, pump, timeout_s, idle, on_tick, tick_s)
            ended_by = watch.until_ended()
            killed = tree.end(grace_s if ended_by != "itself" else 0.0)
            pump.drain()
        except BaseException:
            tree.end(grace_s)
            raise
    return exited(process, ended_by, began, killed)


@dataclass(slots=True)
class _Watch:
    """Waits for the end of a program, with its limits."""

    process: Process
    pump: Pump
    timeout_s: float | None
    idle: IdleClock | None
    on_tick: Callable[[float], None] | None
    tick_s: float

    def until_ended(self) -> EndedBy:
        began = time.monotonic()
        next_tick = began + self.tick_s
        while exit_code(self.process) is None:
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
