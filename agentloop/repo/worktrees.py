"""Clean worktrees of a commit, made for a while; and what a working tree holds that no commit has."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from agentloop.repo.runner import NO_HOOKS, Git


@contextmanager
def clean(git: Git, commit: str, folder: Path) -> Iterator[None]:
    """A worktree of a commit, taken away at the end; one that a killed process left there is replaced.

    Raises:
        GitFailedError: it cannot be made.
    """
    remove(git, folder)
    try:
        git.ask(*NO_HOOKS, "worktree", "add", "-q", "--detach", str(folder), commit)
        yield
    finally:
        remove(git, folder)


def remove(git: Git, folder: Path) -> None:
    """Take away our worktree, and what git remembers of it; others that are out of reach now stay remembered."""
    if folder.exists():
        git.find("worktree", "remove", "--force", "--force", str(folder))
        shutil.rmtree(folder, ignore_errors=True)
        _remove_closed(folder)
    for entry in git.path("worktrees").glob("*/gitdir"):
        if entry.read_text(encoding="utf-8", errors="replace").strip() == str(folder / ".git"):
            shutil.rmtree(entry.parent, ignore_errors=True)


def _remove_closed(folder: Path) -> None:
    """Take away folders that nobody may write to, such as a cache of modules."""
    for parent, folders, _files in os.walk(folder):
        for name in (".", *folders):
            with suppress(OSError):
                (Path(parent) / name).chmod(0o700, follow_symlinks=name == ".")
    shutil.rmtree(folder, ignore_errors=True)


def restore_in(tree: Path, commit: str, paths: Sequence[str]) -> None:
    """Write files into a worktree as a commit has them; one that the commit has not is an error.

    Raises:
        GitFailedError: git refuses.
    """
    words = ("--literal-pathspecs", "restore", f"--source={commit}", "--worktree", "--pathspec-from-file=-")
    Git(tree).ask(*words, "--pathspec-file-nul", stdin=b"".join(path.encode() + b"\0" for path in paths))


def ignored(git: Git) -> list[str]:
    """The ignored files of the working tree; a folder that is ignored as a whole stands for its content, with a `/`."""
    listed = git.ask("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
    return [path for path in listed.split("\0") if path]
