"""A clean worktree of a pushed commit, with what git ignores and a check cannot do without."""

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from agentloop.errors import RepoError
from agentloop.records import folders
from agentloop.repo import OwnWorktree, Repo
from agentloop.run import provisions

_MAX_PLACES = 64


@dataclass(frozen=True, slots=True)
class Place:
    """A worktree of a commit, for a while.

    Args:
        home: the working tree that the person stands in.
        repo: the worktree.
        commit: what is checked out in it.
    """

    home: Repo
    repo: Repo
    commit: str

    def entered(self) -> AbstractContextManager[None]:
        """While this lasts, the variables that say where programs and modules are name the worktree."""
        return provisions.pointed(self.home.root, self.repo.root)


@contextmanager
def place(home: Repo, commit: str) -> Iterator[Place]:
    """Make a worktree of a commit, in the repository's state folder; what a killed push left there is replaced.

    Raises:
        RepoError: it cannot be made.
    """
    above = folders.repository_folder(home.common_dir).resolve() / "pushes"
    with _free_folder(above) as folder, home.clean_worktree(commit, folder):
        try:
            OwnWorktree(home.common_dir, folder, "").populate(home.root)
            provisions.bring(home.root, folder, home.ignored())
            yield Place(home, Repo(folder), commit)
        finally:
            provisions.clear(provisions.unfinished(folder))
            shutil.rmtree(folders.fingerprint_folder(home.common_dir, folder), ignore_errors=True)


@contextmanager
def _free_folder(within: Path) -> Iterator[Path]:
    """One that no other push uses; the same ones again and again, so that tools find what they know."""
    within.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder, lock = _locked(within)
    try:
        yield folder
    finally:
        lock.release()


def _locked(within: Path) -> tuple[Path, FileLock]:
    for number in range(_MAX_PLACES):
        lock = FileLock(within / f"{number}.lock", timeout=0)
        with suppress(Timeout):
            lock.acquire()
            return within / str(number), lock
    raise RepoError(
        f"{_MAX_PLACES} commits are being checked at once in {within}", hint="push fewer branches at a time"
    )
