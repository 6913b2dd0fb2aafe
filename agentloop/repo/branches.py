"""A commit on a branch that is not checked out: index, working files, stash and HEAD have no part in it.

No commit hook is run: pre-commit and commit-msg look at the working files and the index, which are another branch's,
and some of them put files aside while they do so. Git's own plumbing runs none either.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from agentloop import interrupts
from agentloop.errors import PublishError
from agentloop.repo import recording
from agentloop.repo.committing import Committed
from agentloop.repo.paths import Change, Paths
from agentloop.repo.runner import Git, GitFailedError

_HEADS = "refs/heads/"


class Branches:
    """The branches of a repository, seen from one working tree.

    Args:
        git: git, running at the top of the working tree.
        paths: the paths of the same working tree.
        common_dir: the directory that all working trees of the repository share.
    """

    def __init__(self, git: Git, paths: Paths, common_dir: Path) -> None:
        self._git = git
        self._paths = paths
        self._common_dir = common_dir

    def tip(self, name: str) -> str | None:
        """The commit at the end of a branch; None when there is no such branch."""
        return recording.commit_at(self._git, _HEADS + name)

    def is_current(self, name: str) -> bool:
        """HEAD of this working tree is on the branch, which may be unborn."""
        return self._git.find("symbolic-ref", "-q", "HEAD") == _HEADS + name

    def refuse(self, name: str) -> None:
        """Find out whether there can be commits of ours on a branch, which need not exist.

        Raises:
            PublishError: git does not take the name, or the branch is checked out or being rebased in another working
                tree, whose files a commit would leave behind.
        """
        if not name or self._git.find("check-ref-format", "--branch", name) != name:
            raise PublishError(
                f"{name!r} is no name for a branch",
                hint="write one that git takes: --skills-to branch:NAME",
            )
        other = self._git.find("symbolic-ref", "-q", _HEADS + name).removeprefix(_HEADS)
        if other:
            raise PublishError(f"the branch {name} is another name of {other}", hint=f"name that one: branch:{other}")
        self._refuse_folder(name)
        if self.is_current(name):
            return
        for branch, where in self._in_use():
            if branch == _HEADS + name:
                raise PublishError(
                    f"the branch {name} is in use by {where}, which would be left behind",
                    hint="name another branch: --skills-to branch:NAME",
                )

    def commit(self, name: str, make: Callable[[str | None], Change], message: str, start: str | None) -> Committed:
        """Commit paths, and these alone, on a branch that is not checked out; nothing else of the repository changes.

        Hooks are not run; a signature is made as git is configured.

        Args:
            name: the branch; made when there is none.
            make: what each path is to be on top of a commit (None: of nothing); asked again when somebody else
                moves the branch meanwhile.
            message: the whole commit message.
            start: the commit that a new branch begins at; None: it begins with this one.

        Raises:
            PublishError: see `refuse`; or nobody's name is known, git refuses, or the branch keeps moving.
            Interrupted: a signal was noted in the middle; nothing is done, or all of it.
        """
        self.refuse(name)
        recording.refuse_nobody(self._git)
        try:
            return self._commit(name, make, message, start)
        except recording.RefMovedError as error:
            raise PublishError(f"the branch {name} keeps moving: somebody else commits all the time") from error
        except GitFailedError as error:
            interrupts.raise_if_interrupted()  # a ctrl-C ends git too
            raise PublishError(f"git refuses the commit on {name}: {error.words}") from error

    @recording.again_when_moved
    def _commit(self, name: str, make: Callable[[str | None], Change], message: str, start: str | None) -> Committed:
        old = self.tip(name)
        parent = old or start
        change = make(parent)
        if self._paths.in_commit(parent, change) == {path: entry for path, entry in change.items() if entry}:
            return Committed(None)
        with tempfile.TemporaryDirectory(prefix="agentloop-") as folder:
            index = Path(folder) / "index"
            env = {"GIT_INDEX_FILE": str(index)}
            self._git.ask("read-tree", parent or "--empty", env=env)
            self._paths.put_into_index(change, index)
            tree = self._git.ask("write-tree", env=env)
            text = Path(folder) / "message"
            text.write_text(message, encoding="utf-8")
            new = recording.commit_tree(self._git, tree, parent, text)
        recording.move(self._git, _HEADS + name, old, new, message)
        return Committed(new)

    def forward(self, name: str, old: str, new: str, message: str) -> None:
        """Move a branch that is not checked out from a commit to a later one.

        Raises:
            PublishError: see `refuse`; or somebody else has moved it.
        """
        self.refuse(name)
        try:
            recording.move(self._git, _HEADS + name, old, new, message)
        except recording.RefMovedError as error:
            raise PublishError(f"the branch {name} was moved by somebody else meanwhile") from error

    def fast_forward(self, commit: str) -> None:
        """Bring what is checked out here on to a later commit, working files included, as `git merge --ff-only` does.

        Raises:
            PublishError: it is no later one, or files are in the way; nothing is changed.
            Interrupted: a signal was noted meanwhile.
        """
        try:
            self._git.perform(["git", "merge", "--ff-only", "-q", commit], timeout_s=recording.HOOK_TIMEOUT_S)
        except GitFailedError as error:
            interrupts.raise_if_interrupted()  # a ctrl-C ends git too
            raise PublishError(f"git refuses to go on to {commit[:10]}: {error.words}") from error

    def working_tree(self, name: str) -> Path | None:
        """The working tree in which a branch is checked out; None when it is in none."""
        for record in self._worktrees():
            if record.get("branch") == _HEADS + name and "prunable" not in record:
                return Path(record["worktree"])
        return None

    def _worktrees(self) -> Iterator[dict[str, str]]:
        """The working trees as git lists them: what is told of each, by its first word."""
        for record in self._git.ask("worktree", "list", "--porcelain").split("\n\n"):
            yield dict(line.partition(" ")[::2] for line in record.splitlines())

    def _refuse_folder(self, name: str) -> None:
        """Git keeps branches as files in folders: where one is called `a`, none can be called `a/b`."""
        above = [f"{_HEADS}{parent}" for parent in Path(name).parents if parent != Path()]
        found = self._git.find("for-each-ref", "--format=%(refname)", *above, f"{_HEADS}{name}/").splitlines()
        for ref in found:
            if ref in above or ref.startswith(f"{_HEADS}{name}/"):
                raise PublishError(
                    f"the branch {name} cannot be made beside the branch {ref.removeprefix(_HEADS)}",
                    hint="name another: --skills-to branch:NAME",
                )

    def _in_use(self) -> Iterator[tuple[str, str]]:
        """The branches that a working tree is on or is rebasing, and where."""
        for record in self._worktrees():
            if "branch" in record and "prunable" not in record:
                yield record["branch"], f"the worktree {record['worktree']}"
        for git_dir in (self._common_dir, *sorted(self._common_dir.glob("worktrees/*"))):
            for file in git_dir.glob("rebase-*/head-name"):
                yield file.read_text(encoding="utf-8", errors="replace").strip(), f"the rebase in {file.parent}"
