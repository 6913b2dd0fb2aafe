"""The sessions behind an earlier push, asked when there is time; what a plain `git push` left in the queue."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from agentloop.agents.spec import Adapter
from agentloop.errors import AgentloopError, RunError
from agentloop.job import Job
from agentloop.push import behind, learning
from agentloop.push.behind import Behind
from agentloop.push.checking import Checker
from agentloop.push.learning import Landing
from agentloop.push.places import Place, place
from agentloop.records import folders, journal
from agentloop.records.folders import RunFolder
from agentloop.records.queue import Queue, QueuedJob
from agentloop.repo import Repo
from agentloop.state import RunState
from agentloop.state.fold import fold
from agentloop.text.quoting import one_line

Start = Callable[[Job, Repo, Callable[[str], None]], RunState]
"""Takes a run to its end and shows it; says the run's id as soon as there is one."""
Resume = Callable[[RunFolder, Repo], RunState]
"""Takes a run that was cut off to its end."""
_MAX_TRIES = 5
_MAX_CHARS = 300


@dataclass(frozen=True, slots=True)
class Orders:
    """How jobs are done.

    Args:
        job: makes the job for an agent's name; empty: for the one that is configured.
        checker: checks a commit before a session is asked about it.
        adapters: the agents whose sessions are looked at.
        start: see `Start`.
        resume: see `Resume`.
    """

    job: Callable[[str], Job]
    checker: Checker
    adapters: Sequence[Adapter]
    start: Start
    resume: Resume


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a job came to."""

    words: str
    is_over: bool = True


def do(queue: Queue, job: QueuedJob, orders: Callable[[Repo], Orders]) -> tuple[str, bool]:
    """Do a job, or go on with one that somebody was killed over.

    Args:
        queue: where it is; nobody else works on it.
        job: which.
        orders: how, in the working tree that was pushed from.

    Returns:
        What it came to, for people, and whether that was the end of it.

    Raises:
        Interrupted: it was cut off by a signal, and waits as before.
        OSError: the queue cannot be written.
    """
    try:
        outcome = _done(queue, job, orders)
    except AgentloopError as error:
        outcome = _Outcome(error.explained, is_over=False)
    job = next((kept for kept in queue.waiting() if kept.id == job.id), job)
    words, tries = one_line(outcome.words, _MAX_CHARS), job.tries + 1
    if outcome.is_over or tries >= _MAX_TRIES:
        queue.finish(replace(job, tries=tries), words if outcome.is_over else f"given up: {words}", time.time())
        return words, True
    queue.keep(replace(job, tries=tries, outcome=words, at=time.time()))
    return words, False


def _done(queue: Queue, job: QueuedJob, orders: Callable[[Repo], Orders]) -> _Outcome:
    if not Path(job.root).is_dir():
        return _Outcome(f"the working tree {job.root} is gone")
    repo = Repo.open(Path(job.root))
    if repo.commit_at(job.tip) is None:
        return _Outcome("the commit is gone")
    told = orders(repo)
    found = behind.look_for_pushed(repo, told.adapters, job.tip, job.known)
    runs = _runs(repo, job)
    cut_off = {session: run for session, run in runs.items() if run.state.can_go_on}
    new = [one for one in found.meant if one.candidate.stored.session not in cut_off]
    asked_anew = {one.candidate.stored.session for one in new}
    outcomes = [_came_to(run.state) for session, run in runs.items() if session not in {*cut_off, *asked_anew}]
    if new or cut_off:
        with place(repo, job.tip) as there:
            verdict = told.checker.check(there, _former(repo, job)).verdict
            if verdict != "pass":
                words = f"the commit does not pass, so no session is asked: {verdict}"
                return _Outcome(words, is_over=verdict == "fail")
            here = [run.folder for run in cut_off.values() if Path(run.state.task.worktree) == there.repo.root]
            outcomes += _gone_on(told, there, here)
            outcomes += [_asked(queue, job, told, there, repo, one) for one in new]
        if len(here) < len(cut_off):
            outcomes.append(_Outcome("the worktree of a run that was cut off is in use", is_over=False))
    words = "; ".join(one.words for one in outcomes)
    return _Outcome(words or _nobody(found.unclear), is_over=all(one.is_over for one in outcomes))


@dataclass(frozen=True, slots=True)
class _Run:
    """A run that was begun for a job."""

    folder: RunFolder
    state: RunState


def _runs(repo: Repo, job: QueuedJob) -> dict[str, _Run]:
    """The runs of a job, by the session that each asks; what somebody was killed over before he could tell of it."""
    found = {}
    for session, run in job.runs.items():
        with suppress(RunError):
            folder = folders.find_run(repo.common_dir, run)
            found[session] = _Run(folder, fold(journal.read(folder.journal)))
    return found


def _former(repo: Repo, job: QueuedJob) -> str:
    return (repo.commit_at(job.base) or "") if job.base else ""


def _nobody(unclear: Sequence[Behind]) -> str:
    if not unclear:
        return "no session is known to have made these commits, or it was asked already"
    return f"{len(unclear)} may have made these commits and cannot be told apart: agentloop distill --list"


def _gone_on(told: Orders, there: Place, cut_off: Sequence[RunFolder]) -> list[_Outcome]:
    """Go on with the runs that were cut off in the same worktree."""
    with there.entered():
        states = [told.resume(folder, there.repo) for folder in cut_off]
    for state in states:
        learning.raise_if_cut_off(state)
    return [_came_to(state) for state in states]


def _asked(queue: Queue, job: QueuedJob, told: Orders, there: Place, repo: Repo, one: Behind) -> _Outcome:
    session = one.candidate.stored.session
    states: list[RunState] = []

    def run(what: Job, tree: Repo) -> RunState:
        def began(run_id: str) -> None:
            kept = next((kept for kept in queue.waiting() if kept.id == job.id), job)
            queue.keep(replace(kept, runs={**kept.runs, session: run_id}))

        states.append(told.start(what, tree, began))
        return states[-1]

    asked = learning.distill(told.job(one.candidate.adapter.name), there, Landing(repo), one, run)
    return _came_to(states[-1]) if states else _Outcome(asked.problem, is_over=False)


def _came_to(state: RunState) -> _Outcome:
    """What a run did about a skill."""
    match state:
        case RunState(published=published) if published:
            where = f" on {published.branch}" if published.branch else ""
            return _Outcome(f"skill {published.name} committed{where}")
        case RunState(waits_for_review=True, draft=draft) if draft:
            return _Outcome(f"the draft {draft.name} waits: agentloop skills review")
        case RunState(declined=declined) if declined:
            return _Outcome(f"no skill: {declined.reason}")
        case RunState(kept_back=kept_back) if kept_back:
            return _Outcome(f"no skill: {kept_back.reason}", is_over=state.was_answered or not state.skill_turns)
    return _Outcome(f"no skill: {state.ended.reason}" if state.ended else "no skill", is_over=not state.can_go_on)
