"""Everything that a program started: found through /proc, ended, and reaped.

Linux gives the whole tree: a subreaper adopts what got away, and after the subreaper's own death the run's tag in the
environment finds what is left. Elsewhere the process group is what can be had.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

RUN_TAG = "AGENTLOOP_RUN"
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_ROUNDS = 50
_ROUND_S = 0.02


def adopt_orphans() -> None:
    """Become the parent of whatever our descendants leave behind."""
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def set_up_child(death_signal: signal.Signals = signal.SIGKILL) -> None:
    """Between fork and exec: ctrl-C works again, and our own death ends the program."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _libc().prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)


def own_children() -> frozenset[int]:
    """The processes whose parent we are."""
    try:
        names = [Path(f"/proc/self/task/{task}/children").read_text() for task in os.listdir("/proc/self/task")]
    except OSError:
        return frozenset(pid for pid, stat in _stats().items() if stat.parent == os.getpid())
    return frozenset(int(pid) for pid in " ".join(names).split())


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
        commands = tuple(filter(None, map(_command, left)))
        if self._process.poll() is None or left:
            self._signal_group(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_s)
            self._kill_all(left)
        self._process.wait()
        return commands

    def _signal_group(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _kill_all(self, asked: Iterable[int]) -> None:
        self._signal_group(signal.SIGKILL)
        dying = set(asked)
        for _round in range(_ROUNDS):
            left = self.strays()
            _kill(left)
            self._process.poll()
            dying = _reap(dying | set(left))
            if not left and not dying:
                break
            time.sleep(_ROUND_S)

    def cpu_s(self) -> float:
        """The processor time that the tree has used so far, its ended children included."""
        return sum(_cpu_s(pid) for pid in {self._process.pid, *self.strays()})

    def strays(self) -> list[int]:
        """What is alive of the tree besides the program itself.

        Its descendants, its session, and whoever became our child meanwhile: what forks twice, calls setsid and sheds
        its environment is still adopted by us.
        """
        return _find("", leader=self._process.pid, older=self._older)


def end_tagged(run: str) -> tuple[str, ...]:
    """End every process that carries the run's tag, and say what they were."""
    if not run:
        return ()
    ended: list[str] = []
    for _round in range(_ROUNDS):
        found = _find(run)
        if not found:
            break
        ended += [command for pid in found if (command := _command(pid)) and command not in ended]
        _kill(found)
        _reap(found)
        time.sleep(_ROUND_S)
    return tuple(ended)


def end_family(leader: int, grace_s: float) -> None:
    """Ask a program and its descendants in our session to end, and kill those that have not; what left it stays.

    Args:
        leader: the program, in whose process group others may be.
        grace_s: time between asking and killing.
    """
    family = _family(leader, _stats()) or [leader]
    _signal(family, signal.SIGTERM)
    _signal(family, signal.SIGCONT)  # one that was halted hears only then
    deadline = time.monotonic() + grace_s
    while left := [pid for pid in family if _stat(pid)[:1] not in ([], ["Z"], ["X"])]:
        if time.monotonic() >= deadline:
            _signal(left, signal.SIGKILL)
            return
        time.sleep(_ROUND_S)


def _family(leader: int, stats: Mapping[int, "_Stat"]) -> list[int]:
    own = os.getsid(0)
    return [pid for pid in _with_descendants({leader}, stats) if pid in stats and stats[pid].session == own]


class _Stat(NamedTuple):
    state: str
    parent: int
    session: int


def _stats() -> dict[int, _Stat]:
    found = {}
    for pid in _pids():
        fields = _stat(pid)
        if len(fields) > 3:
            found[pid] = _Stat(fields[0], int(fields[1]), int(fields[3]))
    return found


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _pids() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def _read(pid: int, name: str) -> bytes:
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:  # noqa: PTH123 - a walk over all processes has to be quick
            return file.read()
    except OSError:
        return b""


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the command's name: state, parent, group, session, ..."""
    return _read(pid, "stat").rpartition(b")")[2].decode().split()


def _find(tag: str, leader: int = 0, older: frozenset[int] | None = None) -> list[int]:
    """What is alive of a tree, but for its leader, us and our ancestors.

    Args:
        tag: the run's tag; empty for none.
        leader: the program, which leads its session; 0 for none.
        older: our children from before; None when new ones are nothing to go by.
    """
    stats = _stats()
    mark = f"{RUN_TAG}={tag}".encode() if tag else b""
    found = {leader} if leader else set()
    for pid, stat in stats.items():
        adopted = older is not None and stat.parent == os.getpid() and pid not in older
        if adopted or (leader and stat.session == leader) or (mark and mark in _read(pid, "environ").split(b"\0")):
            found.add(pid)
    found = _with_descendants(found, stats)
    spared = {leader, os.getpid(), *_ancestors()} if found else set()
    return sorted(pid for pid in found - spared if pid in stats and stats[pid].state not in "ZX")


def _with_descendants(pids: set[int], stats: Mapping[int, _Stat]) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid, stat in stats.items():
        children.setdefault(stat.parent, []).append(pid)
    found, fresh = set(pids), list(pids)
    while fresh:
        grown = [child for child in children.get(fresh.pop(), ()) if child not in found and child != os.getpid()]
        found.update(grown)
        fresh += grown
    return found


def _ancestors() -> list[int]:
    found = []
    pid = os.getppid()
    while pid > 1:
        found.append(pid)
        fields = _stat(pid)
        pid = int(fields[1]) if len(fields) > 1 else 0
    return found


def is_running(pid: int) -> bool:
    """It computes, waits for its turn to, or waits for a disk."""
    return _stat(pid)[:1] in (["R"], ["D"])


def _command(pid: int) -> str:
    return _read(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()[:120]


def _cpu_s(pid: int) -> float:
    fields = _stat(pid)
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") if len(fields) > 15 else 0.0


def _kill(pids: Iterable[int]) -> None:
    _signal(pids, signal.SIGKILL)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _reap(pids: Collection[int]) -> set[int]:
    """Reap those that became ours; never another child, whose exit code somebody waits for.

    Returns:
        Those that are still there.
    """
    for pid in pids:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    return {pid for pid in pids if _stat(pid)}
