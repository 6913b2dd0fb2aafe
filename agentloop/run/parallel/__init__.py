"""Several runs that try the same side by side: the first honest pass wins, and the others are ended.

Each is a run of its own, in a process and a worktree of its own. Nobody but the group's folder knows that they belong
together: who has an honest pass claims the win there before it is asked for a skill. All that is done here can be done
again, so that a group goes on as a run does. When we die, the members are asked to end by the system, and can be
resumed.
"""

import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial

from filelock import FileLock, Timeout
from pydantic import ValidationError

from agentloop import events as ev
from agentloop import interrupts
from agentloop.errors import RunError
from agentloop.job import Job, Limits
from agentloop.process import Program, end_tagged, git_free_environment, run_side_by_side
from agentloop.records import folders, journal
from agentloop.repo import Repo
from agentloop.run import groups, own_worktree, supervisor
from agentloop.state import RunState
from agentloop.state.fold import fold

Show = Callable[[int, ev.Event | str], None]
"""Is shown what happens in a member of a group: its number, and an event or a line of what went wrong."""
GRACE_S = 15.0
"""A supervisor needs some time to end its agent with all of its processes."""


def start(job: Job, together: int, repo: Repo, show: Show) -> RunState:
    """Begin a group of runs and take it to its end.

    Args:
        job: what each of them is to do.
        together: how many there are.
        repo: the working tree that the person stands in.
        show: see there.

    Returns:
        The run that won; when none did, the one that came furthest.

    Raises:
        AgentloopError: see `supervisor.start`; nothing was begun.
        Interrupted: a signal was noted; all of them can be resumed.
    """
    limits = _shared_out(job.limits, together)
    job = job.model_copy(update={"attempts_in_parallel": together, "limits": limits})
    supervisor.refuse(job, repo)
    return resume(groups.make(repo.common_dir, job), repo, show)


def _shared_out(limits: Limits, together: int) -> Limits:
    """What is spent is limited for all together; time passes for all at once."""
    cost_usd, tokens = limits.max_cost_usd, limits.max_tokens
    shares = {
        "max_cost_usd": None if cost_usd is None else cost_usd / together,
        "max_tokens": None if tokens is None else max(1, tokens // together),
    }
    return limits.model_copy(update=shares)


def resume(group: str, repo: Repo, show: Show, max_wait_s: float | None = None) -> RunState:
    """Go on with a group of runs; see `start`, and `supervisor.resume` for the longest wait.

    Raises:
        RunError: it has ended, or another process works on it, or none of its runs could begin.
    """
    job = groups.job_of(repo.common_dir, group)
    folder = groups.folder_of(repo.common_dir, group)
    try:
        with FileLock(folder / "lock", timeout=0), interrupts.noted():
            try:
                _run_all(group, job, repo, show, max_wait_s)
            except interrupts.Interrupted:
                show(0, f"interrupted; go on with all of them: agentloop resume {group}")
                raise
            best = _conclude(group, repo, show)
    except Timeout as error:
        raise RunError(f"the group {group} is being worked on by another process") from error
    if not any(_state(member).can_go_on for member in groups.members(repo.common_dir, group).values()):
        shutil.rmtree(folder, ignore_errors=True)
    return best


def _run_all(group: str, job: Job, repo: Repo, show: Show, max_wait_s: float | None) -> None:
    """Run the members until each has ended, or is not wanted any more."""
    numbers = _open(group, job, repo)
    runs: dict[int, str] = {}

    def is_wanted(place: int) -> bool:
        first = groups.winner(repo.common_dir, group)
        if first and not runs:
            runs.update((number, folder.run) for number, folder in groups.members(repo.common_dir, group).items())
        return not first or runs.get(numbers[place]) == first

    module = (sys.executable, "-m", "agentloop.run.parallel", str(repo.root), group)
    waiting = () if max_wait_s is None else (str(max_wait_s),)
    programs = [
        Program(
            argv=(*module, str(number), *waiting),
            cwd=repo.root,
            env=git_free_environment(),
            timeout_s=None,
            on_output=_Lines(partial(_told, show, number)).feed,
            grace_s=GRACE_S,
            death_signal=signal.SIGTERM,
        )
        for number in numbers
    ]
    run_side_by_side(programs, at_once=len(programs) or 1, is_wanted=is_wanted)


def _open(group: str, job: Job, repo: Repo) -> list[int]:
    """The numbers of the members that have not begun, or can go on; once one has won, nobody else can."""
    members = groups.members(repo.common_dir, group)
    first = groups.winner(repo.common_dir, group)
    if first:
        return [number for number, folder in members.items() if folder.run == first and _state(folder).can_go_on]
    numbers = range(1, job.attempts_in_parallel + 1)
    return [number for number in numbers if number not in members or _state(members[number]).can_go_on]


def _state(folder: folders.RunFolder) -> RunState:
    return fold(journal.read(folder.journal))


class _Lines:
    """What a member prints, cut into lines.

    Args:
        tell: gets each line.
    """

    def __init__(self, tell: Callable[[bytes], None]) -> None:
        self._tell = tell
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in filter(None, lines):
            self._tell(line)


def _told(show: Show, number: int, line: bytes) -> None:
    try:
        show(number, ev.parse(line))
    except ValidationError:
        show(number, line.decode(errors="replace"))


def _conclude(group: str, repo: Repo, show: Show) -> RunState:
    """Take away what those left who did not win, and say how the group ended."""
    members = groups.members(repo.common_dir, group)
    first = groups.winner(repo.common_dir, group)
    for number, folder in members.items():
        if first and folder.run != first:
            _supersede(folder, first, repo, partial(show, number))
    states = [_state(folder) for number, folder in sorted(members.items())]
    if not states:
        raise RunError("none of the runs could begin", hint="see what each of them says above")
    return min(states, key=lambda state: (state.run != first, _rank(state)))


def _rank(state: RunState) -> int:
    """The smallest exit code came furthest; one that was cut off has none yet."""
    return state.ended.exit_code if state.ended else 128


def _supersede(folder: folders.RunFolder, first: str, repo: Repo, show: Callable[[ev.Event], None]) -> None:
    """End a run that was not the first, for good: its programs, its worktree and its branch go; its journal stays."""
    end_tagged(folder.run)
    with closing(journal.Journal(folder)) as book:
        if not book.state.superseded:
            book.append(ev.WinClaimed(by=first))
            ended = ev.RunEnded(outcome="superseded", exit_code=0, reason=f"another attempt was first: {first}")
            show(book.append(ended))
        own_worktree.leave(repo.common_dir, book.state)
