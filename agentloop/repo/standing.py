"""HEAD, the index and the stash as they are, read without touching any of them, and kept from git's own cleaning."""

import shutil
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from agentloop.events.standing import Standing
from agentloop.repo import recording
from agentloop.repo.runner import NO_HOOKS, Git, GitFailedError

_HEADS = "refs/heads/"


def read(git: Git, scratch: Path) -> Standing:
    """Read how the repository stands.

    Args:
        git: git, running at the top of the working tree.
        scratch: where a copy of the index may lie: git writes to an index that it is asked about.
    """
    head, stash = _commits(git, "HEAD", "refs/stash")
    env = {"GIT_INDEX_FILE": str(scratch)}
    scratch.unlink(missing_ok=True)
    with suppress(FileNotFoundError):  # nothing was ever staged
        shutil.copy2(git.git_dir / "index", scratch)
    try:
        index = git.ask(*NO_HOOKS, "write-tree", env=env)
    except GitFailedError:
        index = ""
    return Standing(
        head=head,
        branch=git.find("symbolic-ref", "-q", "HEAD").removeprefix(_HEADS),
        index=index,
        staged=_staged(git, head, env),
        stash=tuple(git.find("rev-list", "--walk-reflogs", "refs/stash", "--").split()) if stash else (),
        locked=(git.git_dir / "index.lock").exists(),
    )


def keep(git: Git, standing: Standing, env: dict[str, str]) -> list[str]:
    """Make a commit that index and stash can be reached from, so that they outlive being dropped.

    Returns:
        It alone; nothing when there is neither, or when HEAD leads to all that is in the index.
    """
    if not (standing.index and standing.staged):
        return list(standing.stash)
    parents = [word for commit in (standing.head, *standing.stash) if commit for word in ("-p", commit)]
    return [git.ask("commit-tree", standing.index, *parents, "-m", "index", "--no-gpg-sign", env=env)]


def _commits(git: Git, *names: str) -> list[str]:
    """The commits that names stand for; empty for one that stands for none."""
    asked = "".join(f"{name}^{{commit}}\n" for name in names).encode()
    try:
        said = git.ask("cat-file", "--batch-check=%(objectname)", stdin=asked).splitlines()
    except GitFailedError:  # one of them is damaged, which says nothing of the other
        return [recording.commit_at(git, name) or "" for name in names]
    return ["" if line.endswith(" missing") else line for line in said]


def _staged(git: Git, head: str, env: dict[str, str]) -> str:
    words = ("diff-index", "--cached", "--no-renames", "-z", head) if head else ("ls-files", "-s", "-z")
    try:
        found = git.ask(*words, env=env)
    except GitFailedError:
        return "unreadable"
    return sha256(found.encode("utf-8", "surrogateescape")).hexdigest()[:16] if found else ""
