"""A run taken back by a person: the files, the skill's commit and its links; and what stays, with the way back.

The snapshots stay too, so that an undo is undone by another one, to the last of them.
"""

from collections.abc import Collection, Iterator
from pathlib import Path

from agentloop import events as ev
from agentloop.errors import RunError
from agentloop.records import folders, journal
from agentloop.repo import Repo, Restoration
from agentloop.run import own_worktree
from agentloop.skills import publish
from agentloop.state import RunState, remains
from agentloop.state.fold import fold
from agentloop.text.quoting import visible

_MAX_NAMED = 20
_SHORT = 12


def take_back(repo: Repo, folder: folders.RunFolder, to: int | None, *, keep_work: bool) -> list[str]:
    """Take back what a run did: the skill, and unless that is to stay, the work.

    Cut off in the middle, the same call again completes it.

    Args:
        repo: the working tree.
        folder: the run's folder.
        to: the snapshot to have the files of; None: the one before the first turn, or in a run whose work is a
            person's, no files at all.
        keep_work: leave the files alone.

    Returns:
        Lines that say what was done, what stays, and how to go on.

    Raises:
        RunError: the run has no such snapshot, belongs elsewhere, is at work, or files were changed since; nothing is
            changed.
        PublishError: the skill was changed since, or cannot be taken back now; nothing is changed.
        RepoError: a snapshot is gone, or a file cannot be written.
    """
    state = fold(journal.read(folder.journal))
    snapshot = None if keep_work or _is_elsewhere(state, to) else _snapshot(state, to)
    plan, kept = _plan(repo, folder, state, snapshot) if snapshot else (None, [])
    book = journal.Journal(folder)
    try:
        if snapshot and plan and plan.change:
            book.append(ev.UndoBegan(to=snapshot.n))
        lines = publish.undo(repo, own_worktree.published(repo, state), state.linked)
        if lines and state.published and not state.taken_back:
            book.append(ev.SkillTakenBack(name=state.published.name))
    finally:
        book.close()
    if snapshot and plan:
        repo.working_files.restore(plan)
        lines += [*_restored(state, snapshot, plan, kept), *_remaining(repo, folder, state, snapshot)]
    return [*(lines or [f"run {state.run}: {_nothing(state)}"]), *own_worktree.advice(repo, state)]


def _is_elsewhere(state: RunState, to: int | None) -> bool:
    """The work was done in a worktree of the run's own: there are no files of the person's to restore."""
    if state.task.own_worktree and to is not None:
        raise RunError(
            f"run {state.run} worked in a worktree of its own: your files are not its",
            hint=f"look at one of its turns: agentloop diff {state.run} N",
        )
    return state.task.own_worktree


def _snapshot(state: RunState, to: int | None) -> ev.Snapshotted | None:
    """The snapshot to go back to; None where there is none and none was named."""
    if to is None and (state.task.by_hand or not state.snapshots):
        return None
    found = next((one for one in state.snapshots if one.n == (to or 0)), None)
    if found is None:
        numbers = ", ".join(str(one.n) for one in state.snapshots) or "none"
        raise RunError(f"run {state.run} has no snapshot {to}", hint=f"it has: {numbers}")
    if state.task.by_hand and found.standing is None:
        raise RunError(
            f"snapshot {found.n} of run {state.run} is a commit of before, not the files as they were",
            hint=f"look at it: git show {found.commit[:_SHORT]}",
        )
    return found


def _wanted(repo: Repo, folder: folders.RunFolder, state: RunState, snapshot: ev.Snapshotted) -> tuple[str, list[str]]:
    """The tree to go back to, and the paths in it that a person changed before the run was gone on with."""
    theirs = [(found.left, found.commit) for found in state.found if found.after >= snapshot.n]
    if not theirs:
        return snapshot.commit, []
    return repo.working_files.with_changes(snapshot.commit, theirs, folder.index.with_name("index.undo"))


def _plan(
    repo: Repo, folder: folders.RunFolder, state: RunState, snapshot: ev.Snapshotted
) -> tuple[Restoration, list[str]]:
    """What it takes to go back, and the paths that stay as a person had left them."""
    if Path(state.task.worktree) != repo.root:
        raise RunError(
            f"run {state.run} worked in {state.task.worktree}, not in {repo.root}",
            hint=f"cd {state.task.worktree}, or take back its skill alone: agentloop undo --keep-work {state.run}",
        )
    commits = {one.n: one.commit for one in state.snapshots}
    needed = {state.snapshots[-1].n, snapshot.n, *state.undone_to}
    gone = next((n for n, commit in commits.items() if n in needed and not repo.commit_at(commit)), None)
    if gone is not None:
        raise RunError(f"snapshot {gone} of run {state.run} is not in {repo.root} any more: nothing can be restored")
    undone = [one for n in state.undone_to for one in state.snapshots if one.n == n]
    known = [state.snapshots[-1].commit, *(_wanted(repo, folder, state, one)[0] for one in undone)]
    wanted, kept = _wanted(repo, folder, state, snapshot)
    apart = _of_the_skill(repo, state)
    plan = repo.working_files.plan(folder.index, wanted, known, apart, all_is_known=not _cut(state))
    if plan.foreign:
        one = len(plan.foreign) == 1
        raise RunError(
            f"{_named(plan.foreign)} {'is' if one else 'are'} not as run {state.run} left {'it' if one else 'them'}"
            f"{_cut(state)}; nothing was taken back",
            hint=f"{_way_out(state)}, or restore a file yourself: "
            f"git restore --source={snapshot.commit[:_SHORT]} -- FILE",
        )
    return plan, kept


def _of_the_skill(repo: Repo, state: RunState) -> Collection[str]:
    """The paths that are taken back with the skill's commit."""
    if state.published is None or (state.published.branch and not repo.branches.is_current(state.published.branch)):
        return ()
    commit, skill = state.published.commit, state.published.folder
    linked = state.linked.paths if state.linked else ()
    return {*repo.entries_at(commit, skill), *repo.entries_at(f"{commit}^", skill), *linked}


def _cut(state: RunState) -> str:
    """Whose changes they may be, when a turn was killed with its supervisor, or could not be recorded."""
    is_cut = state.open_turn or state.cut_purpose
    last = state.turns_started if is_cut else max((turn.turn for turn in state.work_turns), default=0)
    if state.snapshots[-1].n >= last:
        return ""
    return f" (turn {state.turns_started} was cut off before its work was recorded)"


def _way_out(state: RunState) -> str:
    if not _cut(state):
        return "put your changes elsewhere"
    return f"if they are the turn's: agentloop resume {state.run} records them first, end it with ctrl-C, then undo"


def _restored(state: RunState, snapshot: ev.Snapshotted, plan: Restoration, kept: list[str]) -> Iterator[str]:
    when = f"after turn {snapshot.n}" if snapshot.n else "before the first turn"
    if plan.change:
        yield f"restored {_count(len(plan.change))} to how the tree was {when}:"
        yield from (f"  {visible(path)}" for path in sorted(plan.change)[:_MAX_NAMED])
        if len(plan.change) > _MAX_NAMED:
            yield f"  and {len(plan.change) - _MAX_NAMED} more"
        yield f"  the other way: agentloop undo {state.run} --to {state.snapshots[-1].n}"
    else:
        yield f"the files are as they were {when}"
    if kept:
        yield f"what you changed before the run was resumed stays: {_named((*kept,))}"
    yield from (f"{visible(path)} is a repository of its own and stays as it is" for path in plan.repositories)
    if plan.ignored:
        verb = "was ignored by git then and stays" if len(plan.ignored) == 1 else "were ignored by git then and stay"
        yield f"{_named(plan.ignored)} {verb}"
    if _cut(state):
        yield f"turn {state.turns_started} was cut off before its work was recorded: files that it made anew stay"


def _remaining(repo: Repo, folder: folders.RunFolder, state: RunState, snapshot: ev.Snapshotted) -> Iterator[str]:
    before, last = snapshot.standing, state.snapshots[-1].standing
    if before is None or last is None:
        return
    commands = remains.way_back(before, last, repo.standing(folder.index))
    if commands:
        yield "commits, index and stash stay as the agent left them; to have them as they were too:"
        yield from (f"  {command}" for command in commands)


def _named(paths: tuple[str, ...]) -> str:
    more = f" and {len(paths) - _MAX_NAMED} more" if len(paths) > _MAX_NAMED else ""
    return ", ".join(visible(path) for path in paths[:_MAX_NAMED]) + more


def _count(number: int) -> str:
    return "1 file" if number == 1 else f"{number} files"


def _nothing(state: RunState) -> str:
    if state.published is None:
        return "it committed nothing: there is nothing to take back"
    return f"its skill {state.published.name} is not there any more: there is nothing to take back"
