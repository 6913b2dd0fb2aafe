"""The check once more, in a clean worktree of what was recorded: what git ignores is not there, unless linked in."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from agentloop import events as ev
from agentloop.errors import RepoError
from agentloop.guard.protected import Changes
from agentloop.guard.record import LINKED, Record, counting_digest, digest
from agentloop.repo import Repo

RunCheck = Callable[[Path, Path], tuple[ev.VerdictValue, tuple[ev.Leaf, ...]]]
"""Runs the predicate in a folder, with its logs in another; the verdict and the conditions."""

SINGLE_NAMES = (".env",)
SINGLE_SUFFIXES = (".egg-info", ".dist-info", ".so", ".pyd")
_SUBMODULE = "160000"


@dataclass(frozen=True, slots=True)
class Replay:
    """Replays the check of a run.

    Args:
        repo: the run's repository.
        base: the commit that holds the protected files as they were.
        record: what the working tree held then, read from the disk.
        folder: where worktrees and logs are made; outside of the tree.
        check: runs the predicate.
    """

    repo: Repo
    base: str
    record: Record
    folder: Path
    check: RunCheck

    def run(self, commit: str, changes: Changes | None) -> tuple[ev.VerdictValue, tuple[ev.Leaf, ...]]:
        """Run the check on a recorded tree.

        Args:
            commit: the tree.
            changes: what is put back as it was, and taken away; None leaves the tree as it is.

        Raises:
            RepoError: the worktree cannot be made.
        """
        name = "restored" if changes is not None else "as-is"
        logs = self.folder / name
        shutil.rmtree(logs, ignore_errors=True)
        logs.mkdir(mode=0o700, parents=True)
        tree = self.folder / "tree"
        with self.repo.clean_worktree(commit, tree):
            if changes is not None:
                self._restore(tree, changes)
            self._link(tree, commit, changes or Changes())
            return self.check(tree, logs)

    def as_it_was(self) -> tuple[ev.VerdictValue, tuple[ev.Leaf, ...]]:
        """Run the check on the base; programs of the worktree are named as those of the working tree.

        Raises:
            RepoError: the worktree cannot be made.
        """
        verdict, leaves = self.run(self.base, None)
        there, here = f"{self.folder / 'tree'}/", f"{self.repo.root}/"
        return verdict, tuple(leaf.model_copy(update={"tool": leaf.tool.replace(there, here)}) for leaf in leaves)

    def _restore(self, tree: Path, changes: Changes) -> None:
        for path in (*changes.planted, *changes.new_tests):
            (tree / path).unlink(missing_ok=True)
        recorded = self.repo.tree_at(self.base)
        changed = [path for path in changes.changed if path in recorded]
        if changed:
            self.repo.restore_in(tree, self.base, changed)
        for path in changed:
            # Git's filters, attributes and objects are within an agent's reach.
            if counting_digest(tree, path) != self.record.files[path]:
                raise RepoError(f"{path} cannot be had as it was at the start")

    def _link(self, tree: Path, commit: str, changes: Changes) -> None:
        """Link in what a clean worktree lacks and a check may need: ignored folders, unchanged files, submodules."""
        for path in self.repo.ignored():
            if self._is_needed(path.rstrip("/")) and not any(file.startswith(path) for file in changes.files):
                self._link_one(tree, path.rstrip("/"))
        for path, entry in self.repo.tree_at(commit).items():
            if entry.mode == _SUBMODULE and not any(file.startswith(f"{path}/") for file in changes.files):
                with suppress(OSError):
                    (tree / path).rmdir()
                self._link_one(tree, path)

    def _is_needed(self, path: str) -> bool:
        name = PurePosixPath(path).name
        if name in LINKED or name in SINGLE_NAMES or name.endswith(SINGLE_SUFFIXES):
            return True
        return path in self.record.ignored and self.record.ignored[path] == digest(self.repo.root / path)

    def _link_one(self, tree: Path, path: str) -> None:
        target = tree / path
        if not target.exists() and not target.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(self.repo.root / path)
