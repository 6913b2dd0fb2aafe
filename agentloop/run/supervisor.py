"""The composition root: begins a run or goes on with it, and holds its working tree meanwhile.

Each step is chosen from the journal's state alone, so that a run which was killed anywhere goes on from its journal.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from agentloop import __version__, sandbox
from agentloop import events as ev
from agentloop.agents import opening
from agentloop.errors import RunError
from agentloop.job import Job
from agentloop.process import end_tagged, watched
from agentloop.records import folders, journal
from agentloop.repo import Repo
from agentloop.run import learning, own_worktree, scratch
from agentloop.run.performing import Consent, Emit, Performance, Tick, Watchers, read_predicate
from agentloop.state import RunState
from agentloop.state.fold import fold


def start(
    job: Job,
    repo: Repo,
    emit: Emit,
    on_tick: Tick | None = None,
    ask: learning.Ask | None = None,
    consent: Consent | None = None,
) -> RunState:
    """Begin a run and take it to its end.

    Args:
        job: all that describes it.
        repo: the working tree.
        emit: is shown each event.
        on_tick: called with the elapsed seconds while a program runs.
        ask: asks a person about a draft; None: nobody is there.
        consent: asks the person whose work it was, whether the session is to be asked for a skill; likewise.

    Raises:
        PredicateError, AgentUnusableError, UsageError, PublishError: nothing was begun.
        RunError: another run works in this worktree, or the journal cannot be written.
        RepoError: a worktree of the run's own cannot be made.
    """
    resumable = refuse(job, repo)
    with _held(repo, job):
        folder = folders.new_run(repo.common_dir)
        if job.own_worktree:
            own_worktree.prune(repo.common_dir)
            place = own_worktree.place(repo.common_dir, folder.run)
            job = job.model_copy(update={"home": str(repo.root), "worktree": str(place)})
        with contextlib.closing(journal.Journal(folder)) as book:
            started = ev.RunStarted(run=folder.run, version=__version__, job=job, base=repo.head(), resumable=resumable)
            emit(book.append(started.model_copy(update={"branch": repo.branch() or ""})))
            watchers = Watchers(emit, on_tick, ask, consent)
            with (
                scratch.own_folder(),
                watched(folder.run),
                Performance(repo, folder, book, watchers) as supervisor,
            ):
                return supervisor.run_to_end()


def refuse(job: Job, repo: Repo) -> bool:
    """Find out whether a run can begin.

    Returns:
        Whether its agent has sessions that can be returned to.

    Raises:
        PredicateError, AgentUnusableError, UsageError, PublishError, RepoError: it cannot.
    """
    read_predicate(job)
    if job.own_worktree:
        own_worktree.refuse(repo, job)
    if job.skills_branch:
        repo.branches.refuse(job.skills_branch)
    sandbox.chosen(job.sandbox, job.sandbox_writable)
    return opening.open_session(job, "", cwd=repo.root).resumable


def resume(
    folder: folders.RunFolder,
    repo: Repo,
    emit: Emit,
    on_tick: Tick | None = None,
    ask: learning.Ask | None = None,
    consent: Consent | None = None,
    *,
    max_wait_s: float | None = None,
) -> RunState:
    """Go on with a run that was cut off, from its journal; see `start`.

    `max_wait_s` is the longest wait for a usage limit from now on; None: as before.

    Raises:
        RunError: the run has ended, belongs to another worktree, or is worked on by another process.
    """
    with _held(repo, fold(journal.read(folder.journal)).task), contextlib.closing(journal.Journal(folder)) as book:
        _refuse_resume(book.state, repo)
        sandbox.chosen(book.state.task.sandbox, book.state.task.sandbox_writable)
        emit(book.append(ev.RunResumed(killed=end_tagged(folder.run), max_wait_s=max_wait_s)))
        watchers = Watchers(emit, on_tick, ask, consent)
        with (
            scratch.own_folder(),
            watched(folder.run),
            Performance(repo, folder, book, watchers) as supervisor,
        ):
            return supervisor.run_to_end()


def _refuse_resume(state: RunState, repo: Repo) -> None:
    if state.ended and not (state.can_go_on or state.can_be_mended):
        own_worktree.leave(repo.common_dir, state)
        raise RunError(f"run {state.run} has ended: {state.ended.reason}", hint="start another: agentloop run")
    if Path(state.task.worktree) == repo.root or state.task.own_worktree:
        return
    if state.task.by_hand and state.task.home:
        raise RunError(f"run {state.run} was part of a push, and its tree is gone", hint="push again: agentloop push")
    raise RunError(
        f"run {state.run} belongs to {state.task.worktree}, not to {repo.root}",
        hint=f"cd {state.task.worktree}, then: agentloop resume {state.run}",
    )


def _held(repo: Repo, job: Job) -> contextlib.AbstractContextManager[None]:
    """Hold the working tree of a run; one of its own is held by the run's journal."""
    return contextlib.nullcontext() if job.own_worktree else worktree_lock(repo)


@contextlib.contextmanager
def worktree_lock(repo: Repo) -> Iterator[None]:
    """Hold a working tree for one run, or for taking one back.

    Raises:
        RunError: somebody else holds it.
    """
    folder = repo.common_dir / "agentloop"
    folder.mkdir(exist_ok=True)
    name = hashlib.sha256(os.fsencode(repo.root)).hexdigest()[:10]
    try:
        with FileLock(folder / f"{name}.lock", timeout=0):
            yield
    except Timeout as error:
        raise RunError(
            f"another run is at work in {repo.root}",
            hint="wait for it (agentloop status), or use another worktree",
        ) from error
