"""The tree, recorded and taken back."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from agentloop.events.event import Recorded
from agentloop.events.standing import Standing


class Changed(BaseModel):
    """How much differs between two trees; a file that is no text counts without lines."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    files: int = 0
    insertions: int = 0
    deletions: int = 0


class Snapshotted(Recorded):
    """The tree was recorded under `refs/agentloop/<run>/<n>`."""

    type: Literal["tree.snapshotted"] = "tree.snapshotted"
    n: int
    """0 before the first turn, then the number of the turn it follows."""
    commit: str
    tree: str
    changed: Changed | None = None
    """What differs from snapshot 0; None: that is this one, or it could not be told."""
    standing: Standing | None = None
    """HEAD, index and stash at that moment; None where a commit was recorded in place of the tree."""


class TreeFound(Recorded):
    """Whoever resumed the run found the tree otherwise than the run had left it: what differs is a person's work."""

    type: Literal["tree.found"] = "tree.found"
    after: int
    """The number of the snapshot that the run had left it as."""
    left: str
    """The commit of that."""
    commit: str
    """That of the tree as it was found, under `refs/agentloop/<run>/found-<after>`."""
    tree: str
    files: int
    """How many differ."""


class UndoBegan(Recorded):
    """A person takes the files back to a snapshot; written before the first of them is."""

    type: Literal["undo.began"] = "undo.began"
    to: int
    """The snapshot's number."""


class WorkBroughtBack(Recorded):
    """What was done in a worktree of the run's own was committed, and is a branch of the repository."""

    type: Literal["work.brought_back"] = "work.brought_back"
    branch: str
    """Empty when nothing was changed, so that there is none."""
    commit: str
    """The end of the branch, or the commit that the run began at."""
    left: tuple[str, ...] = ()
    """What no commit holds; because of it the worktree stays."""
