"""Everything that a program started: found through /proc, ended, and reaped.

Linux gives the whole tree: a subreaper adopts what got away, and after the subreaper's own death the run's tag in the
environment finds what is left. Elsewhere the process group is what can be had.
"""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from agentloop import interrupts
from agentloop.process import walk
from agentloop.process.walk import ROUND_S, ROUNDS

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_HUNT_S = 1.0
_HUNTS_IN_VAIN = 50


def adopt_orphans() -> None:
    """Become the parent of whatever our descendants leave behind."""
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def set_up_child(
    run: str, enter: Callable[[], None] | None = None, death_signal: signal.Signals = signal.SIGKILL
) -> None:
    """Between fork and exec: ctrl-C works again, our own death ends the program, and it is marked as the run's.

    Args:
        run: the tag of the run; empty for none.
        enter: what is to be done at last.
        death_signal: what it gets when we die.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _libc().prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if run:
        with suppress(ValueError, OSError):  # it is below these limits already
            resource.setrlimit(resource.RLIMIT_MSGQUEUE, walk.limit_of(run))
    if enter:
        enter()


def bind_to_us() -> None:
    """Between fork and exec: our own death asks the program to end."""
    _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def own_children() -> frozenset[int]:
    """The processes whose parent we are."""
    try:
        names = [Path(f"/proc/self/task/{task}/children").read_text() for task in os.listdir("/proc/self/task")]
    except OSError:
        return frozenset(pid for pid, stat in walk.stats().items() if stat.parent == os.getpid())
    return frozenset(int(pid) for pid in " ".join(names).split())


def exit_code(process: subprocess.Popen[bytes]) -> int | None:
    """How a program ended: its exit code, negative for a signal; None while it runs.

    It is not reaped by that: until its tree is ended nobody else gets its id, so that nobody else is signalled.
    """
    if process.returncode is None and hasattr(os, "waitid"):
        with suppress(ChildProcessError):
            ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None:
                return None
            return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
    return process.poll()


class Tree:
    """A program and all that it started.

    Args:
        process: the program, started in a session of its own.
        older: our children before it was started: they are not its.
    """

    def __init__(self, process: subprocess.Popen[bytes], older: frozenset[int]) -> None:
        self._process = process
        self._older = older

    def end(self, grace_s: float) -> tuple[str, ...]:
        """Ask the group to end, then kill everything that is left; returns what was left besides the program."""
        left = self.strays()
        # Named before they are asked to end: most do so at once.
        commands = tuple(filter(None, map(walk.command, left)))
        if exit_code(self._process) is None or left:
            self._signal_group(signal.SIGTERM)
            self._wait(grace_s)
            self._kill_all(left)
        self._process.wait()
        return commands

    def _wait(self, grace_s: float) -> None:
        """Give it its time, unless a person has none left."""
        deadline = time.monotonic() + grace_s
        while exit_code(self._process) is None and time.monotonic() < deadline and not interrupts.in_a_hurry():
            time.sleep(ROUND_S)

    def _signal_group(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _kill_all(self, asked: Iterable[int]) -> None:
        self._signal_group(signal.SIGKILL)
        dying = set(asked)
        for _round in range(ROUNDS):
            left = self.strays()
            walk.kill(left)
            if left:
                self._hunt()
            dying = walk.reap(dying | set(left))
            if not left and not dying:
                break
            time.sleep(ROUND_S)

    def _hunt(self) -> None:
        """Kill what becomes our child meanwhile: a chain of forks is elsewhere by the end of a whole walk."""
        in_vain, deadline = 0, time.monotonic() + _HUNT_S
        while in_vain < _HUNTS_IN_VAIN and time.monotonic() < deadline:
            born = self._adopted()
            walk.kill(born)
            walk.reap(born)
            in_vain = 0 if born else in_vain + 1

    def cpu_s(self) -> float:
        """The processor time that the tree has used so far, its ended children included."""
        return sum(walk.cpu_s(pid) for pid in {self._process.pid, *self.strays()})

    def strays(self) -> list[int]:
        """What is alive of the tree besides the program itself.

        Its descendants, its session, and whoever became our child meanwhile: what forks twice, calls setsid and sheds
        its environment is still adopted by us.
        """
        found = walk.find("", leader=self._process.pid, older=self._older)
        return sorted({*found, *self._adopted()})  # one that was born after the walk had begun, too

    def _adopted(self) -> list[int]:
        """Who became our child meanwhile and is alive; whoever has just died is reaped: it may have left a child."""
        while children := own_children() - self._older - {self._process.pid}:
            alive = [pid for pid in children if walk.stat(pid)[:1] not in ([], ["Z"], ["X"])]
            if alive or walk.reap(children):  # a leader whose threads are still dying cannot be reaped yet
                return alive
        return []


def end_family(leader: int, grace_s: float) -> None:
    """Ask a program and its descendants in our session to end, and kill those that have not; what left it stays.

    Args:
        leader: the program, in whose process group others may be.
        grace_s: time between asking and killing.
    """
    family = _family(leader, walk.stats()) or [leader]
    walk.send(family, signal.SIGTERM)
    walk.send(family, signal.SIGCONT)  # one that was halted hears only then
    deadline = time.monotonic() + grace_s
    while left := [pid for pid in family if walk.stat(pid)[:1] not in ([], ["Z"], ["X"])]:
        if time.monotonic() >= deadline:
            walk.send(left, signal.SIGKILL)
            return
        time.sleep(ROUND_S)


def _family(leader: int, stats: Mapping[int, walk.Stat]) -> list[int]:
    own = os.getsid(0)
    return [pid for pid in walk.with_descendants({leader}, stats) if pid in stats and stats[pid].session == own]


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
