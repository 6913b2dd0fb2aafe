"""A program that is kept and talked to by its pipes."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from agentloop.process.output import GRACE_S
from agentloop.process.starting import Process, start
from agentloop.process.tree import Tree, adopt_orphans, exit_code, own_children
from agentloop.process.walls import Walls


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
        return exit_code(self._process)

    def cpu_s(self) -> float:
        """The processor time that its tree has used so far."""
        return self._tree.cpu_s()

    def end(self, grace_s: float = GRACE_S) -> tuple[str, ...]:
        """End it and its whole tree, and say what there was besides the program itself."""
        killed = self._tree.end(grace_s)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream:
                stream.close()
        return killed


def start_program(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], walls: Walls | None = None) -> Live:
    """Start a program in a session of its own and leave it running; whoever starts it ends it.

    Args:
        argv: the program and its arguments; no shell.
        cwd: where it runs.
        env: its whole environment; the value of `AGENTLOOP_RUN` in it marks its tree.
        walls: what it is kept within.

    Raises:
        CannotStartError: it is missing or cannot be executed.
    """
    adopt_orphans()
    older = own_children()
    return Live(start(argv, cwd, env, subprocess.PIPE, subprocess.PIPE, walls), older)
