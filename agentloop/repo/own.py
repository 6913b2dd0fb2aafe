"""A worktree on a branch of its own, outside of the person's tree, and its work brought back as that branch.

Each step can be made again, so that whoever was killed in between goes on. Git is run in the directory that all
working trees share, so that nothing depends on the tree that somebody stands in.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from agentloop import interrupts
from agentloop.errors import RepoError
from agentloop.repo import recording, snapshots, worktrees
from agentloop.repo.paths import Paths
from agentloop.repo.runner import NO_HOOKS, Git, GitFailedError

_HEADS = "refs/heads/"
_SUBMODULE = "160000"


@dataclass(frozen=True, slots=True)
class Brought:
    """Work that was committed."""

    commit: str
    left: tuple[str, ...]
    """What no commit holds: files that look like secrets, files that cannot be read, other repositories' content."""


class OwnWorktree:
    """A worktree of a repository, on a branch of its own.

    Args:
        common_dir: the directory that all working trees of the repository share.
        folder: where it is; outside of every working tree.
        branch: its branch.
    """

    def __init__(self, common_dir: Path, folder: Path, branch: str) -> None:
        self.folder = folder
        self.branch = branch
        self._git = Git(common_dir)

    @property
    def tip(self) -> str | None:
        """The end of the branch; None when there is none."""
        return recording.commit_at(self._git, _HEADS + self.branch)

    def refuse(self) -> None:
        """Find out whether it can be made.

        Raises:
            RepoError: there is no commit, nobody's name is known, or a branch is in the way of the new one's name.
        """
        if self._git.find("var", "GIT_COMMITTER_IDENT") == "":
            raise RepoError(
                "git does not know whose commits a run in its own worktree makes",
                hint="git config user.name NAME; git config user.email ADDRESS",
            )
        above = next((str(name) for name in Path(self.branch).parents if self._is_branch(str(name))), "")
        if above:
            raise RepoError(
                f"the branch {self.branch} cannot be made beside the branch {above}",
                hint=f"rename that one: git branch -m {above} NAME",
            )

    def _is_branch(self, name: str) -> bool:
        return recording.commit_at(self._git, _HEADS + name) is not None

    def make(self, start: str, snapshot: str | None) -> None:
        """Make it, or make it whole; one that is whole stays as it is.

        Args:
            start: the commit that a new branch begins at.
            snapshot: the tree as it was last, for a worktree that has been lost.

        Raises:
            RepoError: it cannot be made.
        """
        if self._is_whole():
            return
        worktrees.remove(self._git, self.folder)
        where = [str(self.folder), self.branch] if self.tip else ["-b", self.branch, str(self.folder), start]
        try:
            self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._git.ask(*NO_HOOKS, "worktree", "add", "-q", *where)
            if snapshot:
                git = Git(self.folder)
                git.ask("read-tree", "--reset", "-u", snapshot)
                git.ask("read-tree", "--reset", "HEAD")
        except (GitFailedError, OSError) as error:
            interrupts.raise_if_interrupted()  # a ctrl-C ends git too
            why = error.words if isinstance(error, GitFailedError) else error.strerror
            raise RepoError(f"the worktree {self.folder} cannot be made: {why}") from error

    def _is_whole(self) -> bool:
        """It is there, and whoever made it lived to the end of that."""
        pointer = self.folder / ".git"
        if self.folder.is_dir() and not pointer.exists():  # an agent may have removed it
            for entry in self._git.folder.glob("worktrees/*/gitdir"):
                if entry.read_text(encoding="utf-8", errors="replace").strip() == str(pointer):
                    pointer.write_text(f"gitdir: {entry.parent}\n", encoding="utf-8")
        if not pointer.is_file():
            return False
        git = Git(self.folder)
        if git.find("rev-parse", "--show-toplevel") != str(self.folder):
            return False
        locked = git.path("locked")
        return not (locked.is_file() and locked.read_text(encoding="utf-8", errors="replace").strip() == "initializing")

    def populate(self, source: Path) -> None:
        """Fill submodules that are there in another working tree, from it, so that no server is asked.

        Raises:
            RepoError: git refuses.
        """
        git = Git(self.folder)
        for path, entry in Paths(git).in_commit("HEAD", ["."]).items():
            if (
                entry.mode != _SUBMODULE
                or not (source / path / ".git").exists()
                or (self.folder / path / ".git").exists()
            ):
                continue
            with tempfile.TemporaryDirectory(prefix=f".{self.folder.name}-", dir=self.folder.parent) as part:
                clone = Path(part) / "clone"
                quiet = [*NO_HOOKS, "-c", "advice.detachedHead=false"]
                self._git.ask(*quiet, "clone", "-q", "--no-checkout", str(source / path), str(clone))
                Git(clone).ask(*quiet, "checkout", "-q", "--detach", entry.blob)
                (self.folder / path).mkdir(parents=True, exist_ok=True)
                clone.replace(self.folder / path)

    def commit(self, base: str, message: str, index: Path) -> Brought:
        """Commit all that is in it on its branch, whatever the agent did to HEAD; commits of the agent's own stay.

        No hook is run: the person sees the branch before it is merged.

        Args:
            base: the commit that the branch began at.
            message: the whole commit message.
            index: a private index file.

        Raises:
            RepoError: git refuses; nothing is lost.
            Interrupted: a signal was noted meanwhile.
        """
        git = Git(self.folder)
        try:
            tip, head = self.tip or base, recording.commit_at(git, "HEAD")
            parent = head if head and self._leads_to(tip, head) else tip
            tree = snapshots.tree_of(git, index)
            new = parent
            if tree != git.ask("rev-parse", f"{parent}^{{tree}}"):
                new = self._record(git, tree, parent, message)
            if new != self.tip:
                recording.move(git, _HEADS + self.branch, self.tip, new, message)
            git.path("index.lock").unlink(missing_ok=True)  # the agent that held it has ended
            git.ask("symbolic-ref", "HEAD", _HEADS + self.branch)
            git.ask("read-tree", "--reset", new)
            return Brought(new, self._left(git, base, new))
        except (GitFailedError, recording.RefMovedError) as error:
            interrupts.raise_if_interrupted()  # a ctrl-C ends git too
            why = error.words if isinstance(error, GitFailedError) else "somebody else moves the branch"
            raise RepoError(f"the work in {self.folder} cannot be committed: {why}") from error

    def _leads_to(self, old: str, new: str) -> bool:
        return self._git.ask("rev-list", "-n", "1", f"{new}..{old}") == ""

    def _record(self, git: Git, tree: str, parent: str, message: str) -> str:
        with tempfile.TemporaryDirectory(prefix="agentloop-") as folder:
            text = Path(folder) / "message"
            text.write_text(message, encoding="utf-8")
            return recording.commit_tree(git, tree, parent, text)

    def _left(self, git: Git, base: str, new: str) -> tuple[str, ...]:
        """What would be lost with the worktree."""
        status = git.ask("status", "--porcelain", "-z", "--no-renames", "--ignore-submodules=none")
        before, after = (Paths(git).in_commit(commit, ["."]) for commit in (base, new))
        moved = {path for path, entry in after.items() if entry.mode == _SUBMODULE and before.get(path) != entry}
        return tuple(sorted({line[3:] for line in status.split("\0") if line} | moved))

    def remove(self) -> None:
        """Take the worktree away; the branch stays."""
        worktrees.remove(self._git, self.folder)

    def drop_branch(self, commit: str) -> None:
        """Take the branch away, when it still ends at a commit."""
        self._git.find("update-ref", "-d", _HEADS + self.branch, commit)
