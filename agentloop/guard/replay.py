"""The check once more, in a clean worktree of what was recorded: what git ignores is not there, unless linked in."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from agentloop import events as ev
from agentloop.guard.protected import Changes
from agentloop.repo import Repo

RunCheck = Callable[[Path, Path], tuple[ev.VerdictValue, tuple[ev.Leaf, ...]]]
"""Runs the predicate in a folder, with its logs in another; the verdict and the conditions."""

_LINKED = frozenset(
    {
        ".venv", "venv", "env", "node_modules", ".tox", ".nox", "target", "build", "dist", "vendor", "third_party",
        ".gradle", ".m2", ".cargo", "bower_components", "_build", "deps", "Pods", ".env",
    }
)  # fmt: skip
_LINKED_SUFFIXES = (".egg-info", ".dist-info", ".so", ".pyd")


@dataclass(frozen=True, slots=True)
class Replay:
    """Replays the check of a run.

    Args:
        repo: the run's repository.
        base: the commit that holds the protected files as they were.
        folder: where worktrees and logs are made; outside of the tree.
        check: runs the predicate.
    """

    repo: Repo
    base: str
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
            self._link_ignored(tree)
            return self.check(tree, logs)

    def _restore(self, tree: Path, changes: Changes) -> None:
        for path in changes.planted:
            (tree / path).unlink(missing_ok=True)
        if changes.changed:
            self.repo.restore_in(tree, self.base, changes.changed)

    def _link_ignored(self, tree: Path) -> None:
        for path in self.repo.ignored():
            name = PurePosixPath(path).name
            target = tree / path
            if (name in _LINKED or name.endswith(_LINKED_SUFFIXES)) and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(self.repo.root / path)
