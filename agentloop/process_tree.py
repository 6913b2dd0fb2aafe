"""Everything that a program started: found through /proc, ended, and reaped.

Linux gives the whole tree (a subreaper adopts what forked twice, the run's tag in the environment finds what called
setsid); elsewhere the process group is what can be had.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from functools import cache

RUN_TAG = "AGENTLOOP_RUN"
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_ROUNDS = 50
_ROUND_S = 0.02


def adopt_orphans() -> None:
    """Become the parent of whatever our descendants leave behind."""
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def set_up_child() -> None:
    """Between fork and exec: ctrl-C works again, and our own death ends the program."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Tree:
    """A program and all that it started.

    Args:
        process: the program, started in a session of its own.
        tag: the value of `AGENTLOOP_RUN` in its environment.
    """

    def __init__(self, process: subprocess.Popen[bytes], tag: str) -> None:
        self._process = process
        self._tag = tag

    def end(self, grace_s: float) -> tuple[str, ...]:
        """Ask the group to end, then kill everything that is left; returns what was left besides the program."""
        left = self._strays()
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
            left = self._strays()
            _kill(left)
            self._process.poll()
            dying = _reap(dying | set(left))
            if not left and not dying:
                break
            time.sleep(_ROUND_S)

    def cpu_s(self) -> float:
        """The processor time that the tree has used so far, its ended children included."""
        return sum(_cpu_s(pid) for pid in {self._process.pid, *self._strays()})

    def _strays(self) -> list[int]:
        """What is alive of the tree besides the program itself: its session, and whoever carries the tag."""
        return _find(self._tag, session=self._process.pid)


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


def _find(tag: str, session: int | None = None) -> list[int]:
    """What is alive with the run's tag or in a session, but for the session's leader, us and our ancestors."""
    mark = f"{RUN_TAG}={tag}".encode() if tag else b""
    found = []
    for pid in _pids():
        fields = _stat(pid)
        if len(fields) < 4 or fields[0] in "ZX" or pid == session:
            continue
        if fields[3] == str(session) or (mark and mark in _read(pid, "environ").split(b"\0")):
            found.append(pid)
    spared = {os.getpid(), *_ancestors()} if found else set()
    return [pid for pid in found if pid not in spared]


def _ancestors() -> list[int]:
    found = []
    pid = os.getppid()
    while pid > 1:
        found.append(pid)
        fields = _stat(pid)
        pid = int(fields[1]) if len(fields) > 1 else 0
    return found


def _command(pid: int) -> str:
    return _read(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()[:120]


def _cpu_s(pid: int) -> float:
    fields = _stat(pid)
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") if len(fields) > 15 else 0.0


def _kill(pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _reap(pids: Collection[int]) -> set[int]:
    """Reap those that became ours; never another child, whose exit code somebody waits for.

    Returns:
        Those that are still there.
    """
    for pid in pids:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    return {pid for pid in pids if _stat(pid)}
