"""The sessions behind the commits of a push, asked for what they learned; each as `agentloop distill` does it."""

import signal
from collections.abc import Callable
from dataclasses import dataclass

from agentloop.errors import AgentloopError
from agentloop.interrupts import Interrupted
from agentloop.job import ByHand, Job
from agentloop.push.behind import Behind
from agentloop.push.places import Place
from agentloop.push.refs import PushedRef
from agentloop.repo import Repo
from agentloop.state import RunState

Run = Callable[[Job, Repo], RunState]
"""Takes a run to its end and shows it."""


@dataclass(frozen=True, slots=True)
class Landing:
    """Where commits of ours go, so that a push takes them along.

    Args:
        repo: the working tree in which it is checked out, or where the person stands.
        branch: the branch; empty: what is checked out there, be it a branch or none.
    """

    repo: Repo
    branch: str = ""

    @property
    def tip(self) -> str | None:
        """The commit that it stands on."""
        return self.repo.branches.tip(self.branch) if self.branch else self.repo.head()


def landing(home: Repo, ref: PushedRef) -> Landing | None:
    """Where a commit goes that is to be pushed with a ref; None when what is pushed is no branch."""
    if ref.is_head or (ref.branch and home.branches.is_current(ref.branch)):
        return Landing(home)
    if not ref.branch:
        return None
    elsewhere = home.branches.working_tree(ref.branch)
    return Landing(Repo(elsewhere)) if elsewhere else Landing(home, ref.branch)


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking a session."""

    problem: str = ""
    """Why there is no skill, in one line."""
    paths: tuple[str, ...] = ()
    """The skill's folder and the links, where they were committed."""


def distill(job: Job, place: Place, where: Landing, one: Behind, run: Run) -> Asked:
    """Ask a session for a skill, its work being the commit that was checked.

    Args:
        job: says how, for the session's agent.
        place: the worktree of the commit.
        where: where the skill goes, unless the job says otherwise.
        one: the session.
        run: takes the run to its end.

    Raises:
        Interrupted: the run was cut off by a signal.
    """
    stored = one.candidate.stored
    told: dict[str, object] = {
        "worktree": str(place.repo.root),
        "home": str(where.repo.root),
        "fresh": False,  # it was checked just now
        "by_hand": ByHand(session=stored.session, began=stored.began, base=_base(place.home, one)),
    }
    if where.branch and job.skills_to == "commit":
        told |= {"skills_to": "branch", "skills_branch": where.branch}
    try:
        with place.entered():
            state = run(job.model_copy(update=told), place.repo)
    except (AgentloopError, OSError) as error:  # no push is kept back over a skill
        return Asked(error.explained if isinstance(error, AgentloopError) else str(error))
    raise_if_cut_off(state)
    skill = (state.published.folder,) if state.published else ()
    problem = state.ended.reason if state.ended and state.ended.exit_code else ""
    return Asked(problem, (*skill, *(state.linked.paths if state.linked else ())))


def _base(repo: Repo, one: Behind) -> str:
    """The commit before the oldest that the session made; empty when that was the first of all."""
    return repo.commit_at(f"{one.commits[-1]}^") or ""


def raise_if_cut_off(state: RunState) -> None:
    """Go no further after a run that a signal ended.

    Raises:
        Interrupted: it did.
    """
    if state.interrupted and not state.ended:
        raise Interrupted(signal.Signals[state.interrupted.signal])
