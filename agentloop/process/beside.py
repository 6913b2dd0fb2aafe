"""Programs run side by side for what they print, without threads."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentloop.errors import CannotStartError
from agentloop.interrupts import raise_if_interrupted
from agentloop.process.output import GRACE_S, POLL_S, EndedBy, Exited, Pump, exited
from agentloop.process.starting import readable, start
from agentloop.process.tree import Tree, adopt_orphans, exit_code, own_children


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is run beside others, without input, for what it prints."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    timeout_s: float | None
    on_output: Callable[[bytes], None]
    """Gets what it prints, in chunks."""
    on_errors: Callable[[bytes], None] | None = None
    """Gets what it prints as errors; None: they are output like any other."""
    grace_s: float = GRACE_S
    """Time between asking it to end and killing it."""
    death_signal: signal.Signals = signal.SIGKILL
    """What it gets when we die."""


def run_side_by_side(
    programs: Sequence[Program], *, at_once: int, is_wanted: Callable[[int], bool] = lambda _number: True
) -> list[Exited | CannotStartError]:
    """Run programs side by side, each in a session of its own, and end the whole tree of each with it.

    What leaves its own tree is ended together with whichever of them ends next.

    Args:
        programs: what to run.
        at_once: how many may run at a time.
        is_wanted: asked again and again of each that runs, by its place in the order; what is not is ended.

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
                one.pump.pump(POLL_S / len(running))
                ended_by = one.ended_by() or (None if is_wanted(number) else "nobody_wants_it")
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
        with readable(b"") as source:
            streams = (source, subprocess.STDOUT if program.on_errors is None else subprocess.PIPE)
            self._process = start(program.argv, program.cwd, program.env, *streams, death_signal=program.death_signal)
        spared.add(self._process.pid)
        self._spared = spared
        self._timeout_s = program.timeout_s
        self._grace_s = program.grace_s
        self._began = time.monotonic()
        self.pump = Pump(self._process, program.on_output, program.on_errors)

    def ended_by(self) -> EndedBy | None:
        """What ended it, or is to end it now."""
        if exit_code(self._process) is not None:
            return "itself"
        over = self._timeout_s is not None and time.monotonic() - self._began >= self._timeout_s
        return "timeout" if over else None

    def end(self, ended_by: EndedBy) -> Exited:
        with self.pump:
            killed = Tree(self._process, frozenset(self._spared)).end(0.0 if ended_by == "itself" else self._grace_s)
            self.pump.drain()
        return exited(self._process, ended_by, self._began, killed)
