"""A repository and its working tree: what agentloop asks of it and has it do."""

import errno
import shutil
import tempfile
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from agentloop.errors import RepoError
from agentloop.events.standing import Standing
from agentloop.repo import history, hooks, recording, snapshots, standing, worktrees
from agentloop.repo.branches import Branches
from agentloop.repo.committing import Committing
from agentloop.repo.paths import LINK, Entry, Paths
from agentloop.repo.restoring import WorkingFiles
from agentloop.repo.runner import Git, GitFailedError
from agentloop.text.quoting import writable


class Repo:
    """A working tree and its repository; a context manager.

    Attributes:
        paths: what git keeps of single paths.
        committing: commits on the branch that is checked out.
        branches: commits on any other, and where branches end.
        working_files: the files as a snapshot has them.

    Args:
        root: the top of the working tree.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._git = Git(root, top=True)
        self.paths = Paths(self._git)
        self.committing = Committing(self._git, self.paths)
        self.git_dir = self._git.git_dir
        self.common_dir = (root / self._git.ask("rev-parse", "--git-common-dir")).resolve()
        self.branches = Branches(self._git, self.paths, self.common_dir)
        self.working_files = WorkingFiles(self._git, self.git_dir)

    @classmethod
    def open(cls, path: Path) -> "Repo":
        """Open the repository that a folder lies in.

        Raises:
            RepoError: there is none, it is bare, it belongs to somebody else, or git is missing.
        """
        if shutil.which("git") is None:
            raise RepoError("git is not installed or not on PATH", hint="install git")
        git = Git(path)
        try:
            inside = git.ask("rev-parse", "--is-inside-work-tree")
        except GitFailedError as error:
            raise _no_repository(path, error.words) from error
        if inside != "true":
            raise _no_working_tree(path)
        top = Path(git.ask("rev-parse", "--show-toplevel"))
        where = ("rev-parse", "--absolute-git-dir")
        if Git(top, top=True).find(*where) != git.ask(*where):
            raise RepoError(
                f"the repository that {path} is in says that its files are in {top}, which does not say so",
                hint="git config --unset core.worktree",
            )
        return cls(top)

    @classmethod
    def create(cls, path: Path, message: str) -> "Repo":
        """Make a folder a repository with all of its files in a first commit."""
        git = Git(path)
        git.ask("init", "-q", "-b", "main")
        git.ask("config", "user.name", "agentloop")
        git.ask("config", "user.email", "agentloop@localhost")
        git.ask("add", "-A")
        git.ask("commit", "-q", "--no-verify", "--no-gpg-sign", "-m", message)
        return cls.open(path)

    def __enter__(self) -> "Repo":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is held open."""

    def loss(self) -> str:
        """Why the repository is not what was opened any more; empty when it is."""
        if not self.root.is_dir():
            return f"the folder {self.root} is gone"
        said = self._git.ask("rev-parse", "--absolute-git-dir", "--show-toplevel", fine=(0, 128))
        if not said.startswith(str(self.git_dir)):
            return f"{self.root} is no git repository any more"
        if said != f"{self.git_dir}\n{self.root}":
            return f"the settings of the repository say that {self.root} is not its working tree any more"
        return ""

    def head(self) -> str | None:
        """The commit that HEAD names; None on an unborn branch."""
        return recording.commit_at(self._git, "HEAD")

    def commit_at(self, name: str) -> str | None:
        """The commit that a name stands for; None when there is none."""
        return recording.commit_at(self._git, name)

    def tree_of(self, commit: str) -> str:
        """The id of a commit's tree.

        Raises:
            RepoError: there is no such commit.
        """
        return self._git.ask("rev-parse", "-q", "--verify", f"{commit}^{{tree}}")

    def new_commits(
        self, tip: str, known: Sequence[str], *, max_count: int, were_pushed: bool = False
    ) -> list[history.Commit]:
        """The commits up to one that no remote-tracking branch has, newest first.

        Args:
            tip: a commit.
            known: further commits that are nothing new, with all that lead to them.
            max_count: how many at most.
            were_pushed: they are on a remote meanwhile, and new all the same.
        """
        return history.new_commits(self._git, tip, known, max_count, were_pushed=were_pushed)

    def leads_to(self, commit: str, known: Sequence[str]) -> bool:
        """A commit is one of those that are known, or one before them.

        Raises:
            RepoError: one of them is not there.
        """
        return self._git.ask("rev-list", "-n", "1", commit, "--not", *known, "--") == ""

    def branch(self) -> str | None:
        """The branch that HEAD is on; None when it is detached."""
        return self._git.find("symbolic-ref", "-q", "--short", "HEAD") or None

    def remote(self) -> str:
        """The address of the remote `origin`; empty when there is none."""
        return self._git.find("config", "--get", "remote.origin.url")

    def hooks_folder(self) -> hooks.HooksFolder:
        """Where git looks for its hooks."""
        return hooks.folder(self._git)

    def snapshot(self, run: str, n: int | str, index: Path, start: str = "") -> snapshots.Snapshot:
        """Record the working tree as `refs/agentloop/<run>/<n>`.

        Left out are ignored files, files that cannot be read, and untracked ones that look like secrets.

        Args:
            run: the run's id.
            n: the number of the snapshot, or the name of another.
            index: a private index file, made when it is missing and kept between the calls for its speed.
            start: the commit of snapshot 0, which gets its reference again: an agent may have removed it.

        Raises:
            RepoError: the repository cannot be written, or has other files now.
        """
        lost = self.loss()
        if lost:
            raise RepoError(lost)
        return snapshots.take(self._git, run, n, index, start)

    def standing(self, index: Path) -> Standing:
        """How HEAD, index and stash are now.

        Args:
            index: a private index file; beside it is room for a copy of the person's.
        """
        return standing.read(self._git, index.with_name(f"{index.name}.person"))

    def snapshot_of(self, run: str, n: int, commit: str) -> snapshots.Snapshot:
        """Record a commit as `refs/agentloop/<run>/<n>`.

        Raises:
            RepoError: there is no such commit, or the repository cannot be written.
        """
        return snapshots.keep(self._git, run, n, commit)

    def uncommitted(self) -> list[str]:
        """The files of the working tree that differ from HEAD, untracked ones included."""
        status = self._git.ask("status", "--porcelain", "-z", "--no-renames", "--ignore-submodules=dirty")
        return [line[3:] for line in status.split("\0") if line]

    def last_before(self, at: float) -> str | None:
        """The commit that HEAD was on at a Unix time, by the dates of its first parents; the oldest when all are newer.

        None on an unborn branch.
        """
        if self.head() is None:
            return None
        before = self._git.ask("rev-list", "-n", "1", "--first-parent", f"--before={int(at)}", "HEAD")
        return before or self._git.ask("rev-list", "--first-parent", "--max-parents=0", "HEAD")

    def fingerprint(self, folder: Path) -> str:
        """The id of the working tree as a snapshot would have it; the repository gets nothing of it.

        Args:
            folder: for an index and objects of its own, kept between the calls for their speed.

        Raises:
            RepoError: the tree cannot be read.
        """
        return snapshots.fingerprint(self._git, folder, self.common_dir / "objects")

    def drop_snapshots(self, run: str) -> None:
        """Forget a run's snapshots."""
        snapshots.drop(self._git, run)

    def diff(self, old: str, new: str, *, max_chars: int) -> str:
        """The difference of two commits or trees as a patch, cut to `max_chars`."""
        text = self._git.ask("diff", "--no-color", "--no-ext-diff", "--no-textconv", old, new)
        return (
            text
            if len(text) <= max_chars
            else f"{text[:max_chars]}\n[... {len(text) - max_chars} characters left out ...]"
        )

    def changed_paths(self, old: str, new: str) -> list[str]:
        """The files that differ between two commits or trees."""
        return [
            path for path in self._git.ask("diff", "--name-only", "--no-renames", "-z", old, new).split("\0") if path
        ]

    def line_changes(self, old: str, new: str) -> dict[str, tuple[int, int]]:
        """The files that differ between two commits or trees: the lines that came and went; none of what is no text.

        Raises:
            RepoError: one of them is not there.
        """
        return snapshots.line_changes(self._git, old, new)

    def snapshotted_runs(self) -> list[str]:
        """The ids of the runs that have snapshots here, oldest first."""
        return snapshots.runs(self._git)

    def file_at(self, commit: str, path: str) -> str:
        """A file's text in a commit."""
        return self._git.ask("cat-file", "-p", f"{commit}:{path}", whole=True)

    def texts_at(self, commit: str, folder: str) -> dict[str, str]:
        """The texts of the files in a folder of a commit, by path relative to it, without links and binary files."""
        entries = self.entries_at(commit, folder)
        files = [path for path, entry in entries.items() if entry.mode != LINK and path.startswith(f"{folder}/")]
        texts = {path.removeprefix(f"{folder}/"): self.file_at(commit, path) for path in files}
        return {path: text for path, text in texts.items() if text == writable(text) and "\0" not in text}

    def files_with(self, commit: str, text: str) -> list[str]:
        """The files of a commit that hold a text, which is no pattern and has no line end."""
        found = self._git.ask("grep", "-l", "-F", "-z", "-e", text, commit, "--", fine=(0, 1))
        return [path.removeprefix(f"{commit}:") for path in found.split("\0") if path]

    def tree_at(self, commit: str) -> dict[str, Entry]:
        """All files of a commit.

        Raises:
            RepoError: there is no such commit.
        """
        self._git.ask("cat-file", "-e", f"{commit}^{{tree}}")
        return self.paths.in_commit(commit, ["."])

    def clean_worktree(self, commit: str, folder: Path) -> AbstractContextManager[None]:
        """A worktree of a commit, taken away at the end.

        Raises:
            RepoError: it cannot be made.
        """
        return worktrees.clean(self._git, commit, folder)

    def restore_in(self, tree: Path, commit: str, paths: Sequence[str]) -> None:
        """Write files into another worktree of this repository as a commit has them."""
        worktrees.restore_in(tree, commit, paths)

    def ignored(self) -> list[str]:
        """The ignored files of the working tree; an ignored folder stands for its content, with a slash at its end."""
        return worktrees.ignored(self._git)

    def entries_at(self, commit: str | None, *paths: str) -> dict[str, Entry]:
        """The files at and below these paths in a commit; none when there is no such commit."""
        return self.paths.in_commit(commit, paths)

    def entries_in_tree(self, paths: Collection[str]) -> dict[str, Entry]:
        """What stands at these paths in the working tree, as git would keep it."""
        return self.paths.in_working_tree(paths)

    def find_commit(self, line: str, *paths: str, since: str | None, branch: str = "") -> str | None:
        """The newest commit that changes one of these paths and whose message has this line; None when there is none.

        Args:
            line: a whole line, as it stands.
            paths: files or folders.
            since: the commit after which to look; None looks at all.
            branch: the branch to look at; the one that is checked out when it is empty.
        """
        tip = self.branches.tip(branch) if branch else self.head()
        if tip is None:
            return None
        reach = [f"{since}..{tip}"] if since else [tip]
        words = ("log", "-n", "1", "-F", f"--grep={line}", "--format=%H", *reach, "--", *paths)
        return self._git.ask(*words) or None

    def committed_at(self, commit: str) -> float:
        """The Unix time of a commit.

        Raises:
            RepoError: there is no such commit.
        """
        return float(self._git.ask("show", "-s", "--no-show-signature", "--format=%ct", f"{commit}^{{commit}}"))

    def changed_at(self, path: str) -> float | None:
        """The Unix time of the last commit that changed a path; None when there is none."""
        said = self._git.ask("log", "-n", "1", "--format=%ct", "--", path) if self.head() else ""
        return float(said) if said else None

    def is_ignored(self, path: str) -> bool:
        """Git is told to ignore the path."""
        return bool(self.ignored_of([path]))

    def ignored_of(self, paths: Collection[str]) -> set[str]:
        """Those of the paths that git is told to ignore; none when one of them lies beyond a link."""
        return self.paths.ignored(paths)

    def can_link(self) -> bool:
        """Symbolic links can be made in the working tree: git is not told otherwise, and the file system takes one."""
        if not self.paths.has_links():
            return False
        try:
            with tempfile.TemporaryDirectory(prefix="agentloop-", dir=self.git_dir) as folder:
                (Path(folder) / "link").symlink_to("file")
        except OSError as error:
            return error.errno in (errno.EACCES, errno.EROFS)  # nothing at all can be written, which tells nothing
        return True


def _no_working_tree(path: Path) -> RepoError:
    if (path / ".git").exists():
        return RepoError(
            f"the settings of the repository say that {path} is not its working tree",
            hint="git config core.bare false; git config --unset core.worktree",
        )
    return RepoError(
        f"{path} is in a bare repository or in a .git folder", hint="go to a working tree of it (git worktree add)"
    )


def _no_repository(path: Path, words: str) -> RepoError:
    if "dubious ownership" in words:
        return RepoError(
            f"the repository at {path} belongs to another user",
            hint=f"if you trust it: git config --global --add safe.directory {path}",
        )
    return RepoError(f"{path} is in no git repository", hint="go to one, or make one: git init")
