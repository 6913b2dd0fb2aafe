"""A walk over /proc: who is there, what belongs to a run, and the end of it.

This file is a program, too: the watchdog of a run, which ends what is left of the run after its supervisor's death.
One waits beside each run, so that it imports next to nothing.
"""

import os
import select
import signal
import sys
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress

RUN_TAG = "AGENTLOOP_RUN"
"""The variable that marks a run's programs."""
WATCH_TAG = "AGENTLOOP_WATCHED_RUN"
"""The variable that marks the watchdog of a run."""
ROUNDS = 50
ROUND_S = 0.02
_LOOK_S = 1.0
_HUNT_S = 1.0
_HUNTS_IN_VAIN = 50
_LIMIT = b"Max msgqueue size"


class Stat:
    """What /proc/PID/stat says.

    Args:
        state: one letter; Z and X are dead.
        parent: the process that it is a child of.
        session: the session that it belongs to.
    """

    __slots__ = ("parent", "session", "state")

    def __init__(self, state: str, parent: int, session: int) -> None:
        self.state = state
        self.parent = parent
        self.session = session


def limit_of(run: str) -> tuple[int, int]:
    """The size of message queues, soft and hard, by which a run's programs are known when they have shed the tag.

    A limit is inherited by whatever a program starts, and only root can raise it again; this one lies below what Linux
    gives, and far above what anybody needs. Two numbers of 300,000 values each are no run's but its own.
    """
    number = int.from_bytes(run.encode(), "big") % (2**61 - 1)
    return 200_000 + number % 300_000, 500_000 + number // 300_000 % 300_000


def end_tagged(run: str) -> tuple[str, ...]:
    """End every process of a run, by its tag or its limit, and say what they were; a watchdog's work is taken over."""
    if not run:
        return ()
    kill(pid for pid in pids() if _has(pid, WATCH_TAG, run) and pid != os.getpid())
    ended: list[str] = []
    for _round in range(ROUNDS):
        seen = set(pids())
        found = find(run)
        ended += [line for pid in found if (line := command(pid)) and line not in ended]
        kill(found)
        if not _hunt(run, seen) and not found:
            break
        reap(found)
        time.sleep(ROUND_S)
    return tuple(ended)


def _hunt(run: str, seen: set[int]) -> bool:
    """Kill what is born meanwhile, and say whether there was anything.

    A chain of forks is elsewhere by the end of a whole walk.
    """
    met, in_vain, deadline = False, 0, time.monotonic() + _HUNT_S
    while in_vain < _HUNTS_IN_VAIN and time.monotonic() < deadline:
        born = set(pids()) - seen
        seen |= born
        in_vain += 1
        for pid in born:
            if _is_of(pid, run):
                kill([pid])
                met, in_vain = True, 0
    return met


def find(tag: str, leader: int = 0, older: frozenset[int] | None = None) -> list[int]:
    """What is alive of a tree, but for its leader, us and our ancestors.

    Args:
        tag: the run's tag; empty for none.
        leader: the program, which leads its session; 0 for none.
        older: our children from before; None when new ones are nothing to go by.
    """
    known = stats()
    found = {leader} if leader else set()
    for pid, one in known.items():
        adopted = older is not None and one.parent == os.getpid() and pid not in older
        if adopted or (leader and one.session == leader) or (tag and _is_of(pid, tag)):
            found.add(pid)
    found = with_descendants(found, known)
    spared = {leader, os.getpid(), *_ancestors()} if found else set()
    return sorted(pid for pid in found - spared if pid in known and known[pid].state not in "ZX")


def with_descendants(family: set[int], known: Mapping[int, Stat]) -> set[int]:
    """Those processes and all that descend from them."""
    children: dict[int, list[int]] = {}
    for pid, one in known.items():
        children.setdefault(one.parent, []).append(pid)
    found, fresh = set(family), list(family)
    while fresh:
        grown = [child for child in children.get(fresh.pop(), ()) if child not in found and child != os.getpid()]
        found.update(grown)
        fresh += grown
    return found


def stats() -> dict[int, Stat]:
    """Every process."""
    found = {}
    for pid in pids():
        fields = stat(pid)
        if len(fields) > 3:
            found[pid] = Stat(fields[0], int(fields[1]), int(fields[3]))
    return found


def pids() -> list[int]:
    """The ids of all processes."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the command's name: state, parent, group, session, ..."""
    return _read(pid, "stat").rpartition(b")")[2].decode().split()


def is_running(pid: int) -> bool:
    """It computes, waits for its turn to, or waits for a disk."""
    return stat(pid)[:1] in (["R"], ["D"])


def begun(pid: int) -> str:
    """When it was started, in ticks since the machine was; empty when it is gone. With its id, it is nobody else."""
    return "".join(stat(pid)[19:20])


def command(pid: int) -> str:
    """A short command line."""
    return _read(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()[:120]


def cpu_s(pid: int) -> float:
    """The processor time that it has used, its ended children included."""
    fields = stat(pid)
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") if len(fields) > 15 else 0.0


def kill(those: Iterable[int]) -> None:
    """Kill them."""
    send(those, signal.SIGKILL)


def send(those: Iterable[int], number: signal.Signals) -> None:
    """Send them a signal; those that are gone do not mind."""
    for pid in those:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def reap(those: Collection[int]) -> set[int]:
    """Reap those that became ours; never another child, whose exit code somebody waits for.

    Returns:
        Those that are still there.
    """
    for pid in those:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    return {pid for pid in those if stat(pid)}


def _read(pid: int, name: str) -> bytes:
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:  # noqa: PTH123 - a walk over all processes has to be quick
            return file.read()
    except OSError:
        return b""


def _has(pid: int, variable: str, value: str) -> bool:
    return f"{variable}={value}".encode() in _read(pid, "environ").split(b"\0")


def _is_of(pid: int, run: str) -> bool:
    if _has(pid, RUN_TAG, run):
        return True
    line = next((line for line in _read(pid, "limits").splitlines() if line.startswith(_LIMIT)), b"")
    return line[len(_LIMIT) :].split()[:2] == [b"%d" % number for number in limit_of(run)]


def _ancestors() -> list[int]:
    found = []
    pid = os.getppid()
    while pid > 1:
        found.append(pid)
        fields = stat(pid)
        pid = int(fields[1]) if len(fields) > 1 else 0
    return found


def _outlive(run: str, supervisor: int) -> None:
    """Wait for the supervisor's death, and end what it has left; whatever else it is told, it does not hear."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError), open("/proc/self/comm", "w", encoding="ascii") as name:  # noqa: PTH123 - no pathlib here
        name.write("watchdog")  # it is not meant by `pkill python`
    death = -1
    with suppress(OSError, AttributeError):  # no pidfd on this system: now and then it looks
        death = os.pidfd_open(supervisor)
    while os.getppid() == supervisor:
        select.select([death] if death >= 0 else [], [], [], None if death >= 0 else _LOOK_S)
    end_tagged(run)


if __name__ == "__main__":
    _outlive(sys.argv[1], int(sys.argv[2]))
