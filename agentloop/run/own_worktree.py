"""A run in a worktree of its own: made from HEAD, its work brought back as the branch `agentloop/<run>`.

It lies in the repository's state folder, so that the person's tree, index and branch have no part in it.
"""

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from agentloop import events as ev
from agentloop.errors import RepoError, RunError
from agentloop.job import Job
from agentloop.records import folders, journal
from agentloop.repo import OwnWorktree, Repo
from agentloop.run import provisions
from agentloop.state import RunState
from agentloop.state.fold import fold
from agentloop.text.redact import redact

_MAX_SUBJECT_CHARS = 72


def branch_of(run: str) -> str:
    """The branch of a run."""
    return f"agentloop/{run}"


def refuse(repo: Repo, job: Job) -> None:
    """Find out whether a run can have a worktree of its own.

    Raises:
        RepoError: there is no commit to begin at, nobody's name is known, a branch is in the way, or the skill is to go
            to a branch that is checked out.
    """
    if repo.head() is None:
        raise RepoError(
            "there is no commit yet that a worktree could be made from",
            hint="commit something first: git commit --allow-empty -m Begin",
        )
    if job.skills_branch and repo.branches.is_current(job.skills_branch):
        raise RepoError(
            f"the skill cannot go to {job.skills_branch}, which is checked out here",
            hint="leave --skills-to out: the skill is on the run's branch",
        )
    OwnWorktree(repo.common_dir, Path(), branch_of("run")).refuse()


def place(common_dir: Path, run: str) -> Path:
    """Where the worktree of a run lies."""
    return _folder(common_dir) / run


def _folder(common_dir: Path) -> Path:
    return folders.repository_folder(common_dir).resolve() / "worktrees"


def _of(common_dir: Path, state: RunState) -> OwnWorktree:
    return OwnWorktree(common_dir, Path(state.task.worktree), branch_of(state.run))


def enter(repo: Repo, state: RunState) -> Repo:
    """The worktree of a run, made where it is not there (any more).

    Args:
        repo: the working tree that the person stands in.
        state: the run's state.

    Raises:
        RepoError: it cannot be made.
    """
    own = _of(repo.common_dir, state)
    snapshot = state.snapshots[-1].commit if state.snapshots and not state.brought_back else None
    own.make(state.base or "HEAD", snapshot)
    if repo.root != own.folder:
        own.populate(repo.root)
        provisions.bring(repo.root, own.folder, repo.ignored())
        provisions.point(os.environ, repo.root, own.folder)
    return Repo(own.folder)


def is_done(state: RunState, ended: ev.RunEnded) -> bool:
    """A run that ends like this has a worktree of its own, and does not go on in it."""
    if not state.task.own_worktree or state.superseded:
        return False
    brought = state.brought_back or ev.WorkBroughtBack(branch="", commit="")
    return not replace(state, ended=ended, brought_back=brought).can_go_on


def bring_back(tree: Repo, folder: folders.RunFolder, state: RunState, trailers: str) -> ev.WorkBroughtBack | None:
    """Commit what was done, on the run's branch; None when the journal says so already.

    Args:
        tree: the run's worktree.
        folder: the run's folder.
        state: the run's state.
        trailers: the lines that end the commit's message.

    Raises:
        RepoError: git refuses; the worktree stays as it is.
        Interrupted: a signal was noted meanwhile.
    """
    own, base = _of(tree.common_dir, state), state.base or ""
    brought = own.commit(base, _message(state, trailers), folder.index)
    branch = own.branch if brought.commit != base else ""
    known = state.brought_back
    if known and (known.branch, known.commit, known.left) == (branch, brought.commit, brought.left):
        return None
    return ev.WorkBroughtBack(branch=branch, commit=brought.commit, left=brought.left)


def _message(state: RunState, trailers: str) -> str:
    task = state.task.task.strip()
    first = " ".join(task.partition("\n")[0].split()) or f"Make it so that {' and '.join(state.task.until)}"
    subject = first if len(first) <= _MAX_SUBJECT_CHARS else f"{first[: _MAX_SUBJECT_CHARS - 3].rstrip()}..."
    body = "" if subject == task else f"{task}\n\n"
    return redact(f"{subject}\n\n{body}{trailers}\n")


def leave(common_dir: Path, state: RunState) -> None:
    """Take away the worktree of a run that has ended, and its branch when nothing is on it.

    The worktree of a run that can go on stays, and one that holds what no commit does.
    """
    if not state.task.own_worktree or state.can_go_on:
        return
    own, brought = _of(common_dir, state), state.brought_back
    if brought and brought.left and not state.superseded:
        return
    _clear(own)
    if state.superseded:
        own.drop_branch(own.tip or "")
    elif brought and not brought.branch:
        own.drop_branch(brought.commit)


def _clear(own: OwnWorktree) -> None:
    own.remove()
    provisions.clear(provisions.unfinished(own.folder))


def published(repo: Repo, state: RunState) -> ev.SkillPublished | None:
    """The skill of a run, with the branch that it is to be found on: the run's own until that is merged."""
    skill = state.published
    if skill is None or skill.branch or not state.task.own_worktree:
        return skill
    here, made = (repo.entries_at(at, skill.folder) for at in (repo.head(), skill.commit))
    return skill if here == made else skill.model_copy(update={"branch": branch_of(state.run)})


def advice(repo: Repo, state: RunState) -> list[str]:
    """What a person can do with the work of a run that is to be undone."""
    branch = state.brought_back.branch if state.brought_back else ""
    if not repo.branches.tip(branch):
        return []
    return [f"its work is on the branch {branch}; to drop it: git branch -D {branch}"]


def prune(common_dir: Path) -> None:
    """Take away the worktrees of runs that have ended, and whose supervisor died before it could do that."""
    kept = _folder(common_dir)
    for run in folders.runs(common_dir) if kept.is_dir() else []:
        if (kept / run.run).is_dir() and not folders.at_work(run):
            with suppress(RunError):  # a journal that cannot be read: nobody knows how its run stands
                leave(common_dir, fold(journal.read(run.journal)))
