"""A tree made a commit, and a ref moved to it where it still stands: what every commit of ours ends with."""

from pathlib import Path

import tenacity

from agentloop import interrupts
from agentloop.errors import PublishError
from agentloop.repo.runner import Git, GitFailedError

HOOK_TIMEOUT_S = 600.0
# Somebody else's git holds a ref's lock for a moment; git's own 100 ms are short on a busy machine.
_WAIT_FOR_LOCK = ["-c", "core.filesRefLockTimeout=5000"]


class RefMovedError(Exception):
    """A ref was moved by somebody else between reading and writing it."""


again_when_moved = tenacity.retry(
    retry=tenacity.retry_if_exception_type(RefMovedError),
    stop=tenacity.stop_after_attempt(10),
    wait=tenacity.wait_random_exponential(0.02, 0.5),
    sleep=interrupts.sleep,
    reraise=True,
)
"""Begin anew, from reading the ref, when somebody else moved it meanwhile."""


def refuse_nobody(git: Git) -> None:
    """A commit needs a name.

    Raises:
        PublishError: git knows none.
    """
    if not git.find("var", "GIT_COMMITTER_IDENT"):
        raise PublishError(
            "git does not know whose commit this is",
            hint="git config user.name NAME; git config user.email ADDRESS",
        )


def commit_at(git: Git, name: str) -> str | None:
    """The commit that a ref or a name stands for; None when there is none."""
    return git.find("rev-parse", "-q", "--verify", f"{name}^{{commit}}") or None


def commit_tree(git: Git, tree: str, parent: str | None, message: Path) -> str:
    """Make a tree a commit, signed as git is configured.

    Args:
        git: where.
        tree: the tree's id.
        parent: the commit before it; None for a first one.
        message: the file with the whole message.

    Raises:
        GitFailedError: git refuses.
        Interrupted: a signal was noted meanwhile.
    """
    sign = ["-S"] if git.find("config", "--type=bool", "--get", "commit.gpgsign") == "true" else []
    command = ["git", "commit-tree", *sign, tree, *(["-p", parent] if parent else []), "-F", str(message)]
    return git.perform(command, timeout_s=HOOK_TIMEOUT_S)


def move(git: Git, ref: str, old: str | None, new: str, message: str) -> None:
    """Move a ref from one commit to another, when it still stands where it was read.

    Raises:
        RefMovedError: it does not.
        GitFailedError: git refuses otherwise.
        Interrupted: a signal was noted meanwhile.
    """
    reflog = ["--create-reflog", "-m", f"agentloop: {message.splitlines()[0]}"]
    try:
        command = ["git", *_WAIT_FOR_LOCK, "update-ref", *reflog, ref, new, old or "0" * len(new)]
        git.perform(command, timeout_s=HOOK_TIMEOUT_S)
    except GitFailedError as error:
        if commit_at(git, ref) == old:
            raise
        raise RefMovedError from error
