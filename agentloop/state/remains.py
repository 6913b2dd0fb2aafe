"""What a run left in git beside the files: commits, a stash, an index; and how a person goes back from there.

An agent may do all of this, and agentloop takes none of it back: history and index are the person's to change.
"""

import shlex
from collections.abc import Callable, Sequence

from agentloop.events import Snapshotted
from agentloop.events.standing import Standing

_SHORT = 12


def notes(snapshots: Sequence[Snapshotted]) -> list[str]:
    """What is not as it was before the first turn, each with the turn it was first seen after and the way back."""
    before, after = _ends(snapshots)
    if before is None or after is None:
        return []
    found = []
    if _place(before) != _place(after):
        turn = _turn(snapshots, lambda standing: _place(standing) != _place(before))
        found.append(f"HEAD was at {_name(before)}, and is at {_name(after)} since turn {turn}{_log(before, after)}")
    if before.staged != after.staged:
        turn = _turn(snapshots, lambda standing: standing.staged != before.staged)
        found.append(_staged(before, after, turn))
    lost = [commit for commit in before.stash if commit not in after.stash]
    for commit in lost:
        turn = _turn(snapshots, lambda standing, commit=commit: commit not in standing.stash)  # type: ignore[misc]
        found.append(f"a stash of yours was dropped in turn {turn}, to have it back: {_stored(commit)}")
    left = [commit for commit in after.stash if commit not in before.stash]
    if left:
        found.append(
            f"{_count(len(left), 'new stash', 'new stashes')}, the last one {left[0][:_SHORT]}: git stash list"
        )
    if after.locked and not before.locked:
        found.append("index.lock was left behind in the repository: remove it when no git is at work")
    return found


def way_back(before: Standing, last: Standing, now: Standing) -> list[str]:
    """The commands by which a person has HEAD, index and stash as they were, when the files are so already.

    Args:
        before: how the repository stood at the snapshot that was gone back to.
        last: how the run left it; what was no different then is none of the run's doing.
        now: how it stands now; what is otherwise than the run left it is the person's doing.
    """
    commands = []
    if _place(last) != _place(before) != _place(now) and now.branch == last.branch:
        commands += _head_back(before, now)
    staged = last.staged != before.staged and now.staged == last.staged
    if before.index and ((commands and (before.staged or not before.head)) or (staged and before.staged)):
        commands.append(f"git read-tree {before.index[:_SHORT]}")
    elif staged and not commands:
        commands.append("git reset -q")
    gone = [commit for commit in before.stash if commit not in last.stash and commit not in now.stash]
    if gone and not now.stash:  # one whose log was cleaned away is still in the way of a new one
        commands.append("git update-ref -d refs/stash")
    return [*commands, *(_stored(commit) for commit in reversed(gone))]


def _head_back(before: Standing, now: Standing) -> list[str]:
    if not before.branch:
        return [f"git update-ref --no-deref HEAD {before.head[:_SHORT]}", "git reset -q"]
    switch = [f"git symbolic-ref HEAD refs/heads/{shlex.quote(before.branch)}"] if before.branch != now.branch else []
    return [*switch, f"git reset -q {before.head[:_SHORT]}" if before.head else "git update-ref -d HEAD"]


def _ends(snapshots: Sequence[Snapshotted]) -> tuple[Standing | None, Standing | None]:
    return (snapshots[0].standing, snapshots[-1].standing) if snapshots else (None, None)


def _turn(snapshots: Sequence[Snapshotted], is_other: Callable[[Standing], bool]) -> int:
    """The first turn after which it was otherwise."""
    return next(one.n for one in snapshots if one.standing and is_other(one.standing))


def _place(standing: Standing) -> tuple[str, str]:
    return standing.branch, standing.head


def _name(standing: Standing) -> str:
    commit = standing.head[:_SHORT] or "no commit"
    return f"{standing.branch} ({commit})" if standing.branch else f"{commit} (detached)"


def _log(before: Standing, after: Standing) -> str:
    known = before.head and after.head and before.head != after.head
    return f": git log {before.head[:_SHORT]}..{after.head[:_SHORT]}" if known else ""


def _staged(before: Standing, after: Standing, turn: int) -> str:
    if not before.staged:
        return f"changes are staged since turn {turn}: git diff --cached"
    what = "was changed" if after.staged else "is not staged any more"
    tree = f"; the index had the tree {before.index[:_SHORT]}" if before.index else ""
    return f"what was staged before the run {what}, since turn {turn}{tree}"


def _stored(commit: str) -> str:
    return f"git stash store {commit[:_SHORT]}"


def _count(number: int, one: str, many: str) -> str:
    return f"1 {one}" if number == 1 else f"{number} {many}"
