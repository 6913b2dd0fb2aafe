"""Where git stands beside the files: HEAD, the index and the stash, which are the person's."""

from pydantic import BaseModel, ConfigDict


class Standing(BaseModel):
    """What of a repository is no file of the working tree, as it was at one moment."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    head: str = ""
    """The commit that HEAD names; empty on an unborn branch."""
    branch: str = ""
    """The branch that HEAD is on; empty when it is detached."""
    index: str = ""
    """The tree that a commit of the index would have; empty when it has none: conflicts, or a file that is damaged."""
    staged: str = ""
    """A fingerprint of what differs between HEAD and the index; empty when nothing is staged."""
    stash: tuple[str, ...] = ()
    """The stash's commits, the newest first."""
    locked: bool = False
    """There is an `index.lock`: somebody's git is at work, or was killed."""
