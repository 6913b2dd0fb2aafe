"""Everything we ask of git, and the one door to it: GitPython as a runner of plumbing (`repo.git.*`), nothing else.

GitPython's own index and object code fails on index version 4 and on SHA-256 repositories; the commands do not.
Nothing here touches the person's index, stash or working files but for the paths it was given.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tenacity

from agentloop.errors import PublishError, RepoError
from agentloop.process import git_free_environment

_IN_PROGRESS = {
    "MERGE_HEAD": "merge",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "BISECT_LOG": "bisect",
}
_SHORT = 2000
_ZERO_CHARS = {"sha1": 40, "sha256": 64}
_NOBODY = {
    "GIT_AUTHOR_NAME": "agentloop",
    "GIT_AUTHOR_EMAIL": "agentloop@localhost",
    "GIT_COMMITTER_NAME": "agentloop",
    "GIT_COMMITTER_EMAIL": "agentloop@localhost",
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A recorded tree: a commit under `refs/agentloop/`, and the id of its tree."""

    commit: str
    tree: str


class _HeadMovedError(Exception):
    """HEAD was moved by somebody else between reading and writing it."""


class Repo:
    """A working tree and its repository; a context manager.

    Args:
        root: the top of the working tree.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._git = _runner(root)
        self.git_dir = Path(self._ask("rev_parse", "--absolute-git-dir"))
        self.common_dir = (root / self._ask("rev_parse", "--git-common-dir")).resolve()

    @classmethod
    def open(cls, path: Path) -> "Repo":
        """Open the repository that a folder lies in.

        Raises:
            RepoError: there is none, it is bare, it belongs to somebody else, or git is missing.
        """
        if shutil.which("git") is None:
            raise RepoError("git is not installed or not on PATH", hint="install git")
        git = _runner(path)
        try:
            inside = git.rev_parse("--is-inside-work-tree")
        except _git_error() as error:
            raise _no_repository(path, error.stderr) from error
        if inside != "true":
            raise RepoError(
                f"{path} is in a bare repository or in a .git folder",
                hint="go to a working tree of it (git worktree add)",
            )
        return cls(Path(git.rev_parse("--show-toplevel")))

    @classmethod
    def create(cls, path: Path, message: str) -> "Repo":
        """Make a folder a repository with all of its files in a first commit."""
        git = _runner(path)
        git.init("-q", "-b", "main")
        git.config("user.name", "agentloop")
        git.config("user.email", "agentloop@localhost")
        git.add("-A")
        git.commit("-q", "--no-verify", "--no-gpg-sign", "-m", message)
        return cls.open(path)

    def __enter__(self) -> "Repo":
        return self

    def __exit__(self, *_: object) -> None:
        self._git.clear_cache()

    def head(self) -> str | None:
        """The commit that HEAD names; None on an unborn branch."""
        return self._try("rev_parse", "-q", "--verify", "HEAD^{commit}") or None

    def branch(self) -> str | None:
        """The branch that HEAD is on; None when it is detached."""
        return self._try("symbolic_ref", "-q", "--short", "HEAD") or None

    def snapshot(self, run: str, n: int, index: Path) -> Snapshot:
        """Record the working tree, ignored files left out, as `refs/agentloop/<run>/<n>`.

        Args:
            run: the run's id.
            n: the number of the snapshot.
            index: a private index file, made when it is missing and kept between the calls for its speed.

        Raises:
            RepoError: a file cannot be read, or the repository cannot be written.
        """
        if not index.exists():
            with suppress(FileNotFoundError):
                shutil.copyfile(self._path("index"), index)
        try:
            with self._git.custom_environment(GIT_INDEX_FILE=str(index)):
                self._git.add("-A", "--", str(self.root))
                tree = self._git.write_tree()
            parent = self.head()
            with self._git.custom_environment(**_NOBODY):
                arguments = [tree, *(["-p", parent] if parent else []), "-m", f"agentloop {run}: snapshot {n}"]
                commit = self._git.commit_tree(*arguments, "--no-gpg-sign")
            self._git.update_ref(f"refs/agentloop/{run}/{n}", commit)
        except _git_error() as error:
            raise RepoError(
                f"the tree cannot be recorded: {_words(error)}", hint="see the file that git names"
            ) from error
        return Snapshot(commit, tree)

    def drop_snapshots(self, run: str) -> None:
        """Forget a run's snapshots."""
        for ref in self._ask("for_each_ref", "--format=%(refname)", f"refs/agentloop/{run}/").split():
            self._ask("update_ref", "-d", ref)

    def diff(self, old: str, new: str, *, max_chars: int) -> str:
        """The difference of two commits or trees as a patch, cut to `max_chars`."""
        text = self._ask("diff", "--no-color", "--no-ext-diff", "--no-textconv", old, new)
        return (
            text
            if len(text) <= max_chars
            else f"{text[:max_chars]}\n[... {len(text) - max_chars} characters left out ...]"
        )

    def changed_paths(self, old: str, new: str) -> list[str]:
        """The paths in which two commits or trees differ."""
        return [path for path in self._ask("diff", "--name-only", "-z", "--no-renames", old, new).split("\0") if path]

    def changed_paths_in(self, old: str, new: str, folder: str) -> list[str]:
        """The paths under a folder in which two commits differ."""
        return self._ask("diff", "--name-only", "--no-renames", old, new, "--", folder).splitlines()

    def paths_at(self, commit: str, folder: str) -> list[str]:
        """The files under a folder in a commit; empty when the commit or the folder does not exist."""
        names = self._try("ls_tree", "-r", "-z", "--name-only", commit, "--", folder)
        return sorted(name for name in names.split("\0") if name)

    def restore(self, commit: str, paths: Sequence[str]) -> None:
        """Write files into the working tree as a commit has them; the index stays as it is."""
        self._ask("restore", f"--source={commit}", "--worktree", "--", *paths)

    def file_at(self, commit: str, path: str) -> str:
        """A file's text in a commit."""
        return self._ask("cat_file", "-p", f"{commit}:{path}")

    def find_commit(self, line: str) -> str | None:
        """The newest of the last commits whose message has this line; None when there is none."""
        if self.head() is None:
            return None
        return self._ask("log", "-n", "50", "-F", f"--grep={line}", "--format=%H").partition("\n")[0] or None

    def in_progress(self) -> str | None:
        """What git is in the middle of: a merge, a rebase, ...; None when it is at rest."""
        return next((what for name, what in _IN_PROGRESS.items() if self._path(name).exists()), None)

    def is_ignored(self, path: str) -> bool:
        """Git is told to ignore the path."""
        return bool(self._try("check_ignore", "--", path))

    def is_changed(self, path: str) -> bool:
        """The path, or something under it, is not as in HEAD: staged, modified or untracked."""
        return bool(self._ask("status", "--porcelain", "-uall", "--", path))

    def commit_paths(self, message: str, paths: Sequence[str]) -> str | None:
        """Commit files as they are in the working tree, and those files alone, on the current branch.

        The person's index is only told of these paths; hooks (pre-commit, commit-msg) and signing are as git is
        configured.

        Args:
            message: the whole commit message.
            paths: files or links relative to the root; one that is gone is removed.

        Returns:
            The commit; None when there was nothing to commit.

        Raises:
            PublishError: git is in the middle of something, a path is staged with other content, a hook refuses,
                nobody's name is known, or HEAD keeps moving.
        """
        self._refuse(paths)
        try:
            commit = self._commit(message, paths)
        except _HeadMovedError as error:
            raise PublishError("HEAD keeps moving: somebody else commits all the time") from error
        except _git_error() as error:
            raise PublishError(f"git refuses the commit: {_words(error)}") from error
        if commit:
            self.tell_index(paths)
        return commit

    def tell_index(self, paths: Sequence[str]) -> None:
        """Let the person's index know of paths that were just committed, and of no other."""
        with suppress(_git_error()):  # a held index.lock only delays what `git status` shows
            self._refresh(paths)

    def _refuse(self, paths: Sequence[str]) -> None:
        busy = self.in_progress()
        if busy:
            raise PublishError(f"a {busy} is in progress", hint="finish it, then commit the draft yourself")
        if self.head() and self._ask("diff", "--cached", "--name-only", "--", *paths):
            raise PublishError(f"{paths[0]} or a file beside it is staged already", hint="commit or unstage it first")
        if not self._try("var", "GIT_COMMITTER_IDENT"):
            raise PublishError(
                "git does not know whose commit this is",
                hint="git config user.name NAME; git config user.email ADDRESS",
            )

    @tenacity.retry(
        retry=tenacity.retry_if_exception_type(_HeadMovedError),
        stop=tenacity.stop_after_attempt(10),
        wait=tenacity.wait_random_exponential(0.02, 0.5),
        reraise=True,
    )
    def _commit(self, message: str, paths: Sequence[str]) -> str | None:
        old = self.head()
        with tempfile.TemporaryDirectory(prefix="agentloop-") as folder:
            index = Path(folder) / "index"
            with self._git.custom_environment(GIT_INDEX_FILE=str(index)):
                self._git.read_tree(old or "--empty")
                before = self._git.write_tree()
                self._git.update_index("--add", "--remove", "--", *paths)
                if old and self._git.write_tree() == before:
                    return None
                self._hook("pre-commit", index)
                tree = self._git.write_tree()
            text = Path(folder) / "message"
            text.write_text(message, encoding="utf-8")
            self._hook("commit-msg", index, str(text))
            sign = ["-S"] if self._try("config", "--type=bool", "--get", "commit.gpgsign") == "true" else []
            parent = ["-p", old] if old else []
            new = str(self._git.commit_tree(*sign, tree, *parent, "-F", str(text)))
        zero = "0" * _ZERO_CHARS.get(self._ask("rev_parse", "--show-object-format"), 40)
        try:
            self._git.update_ref(
                "--create-reflog", "-m", f"agentloop: {message.splitlines()[0]}", "HEAD", new, old or zero
            )
        except _git_error() as error:
            raise _HeadMovedError from error
        return new

    def _hook(self, name: str, index: Path, *arguments: str) -> None:
        command = ["git", "hook", "run", "--ignore-missing", name, *(["--", *arguments] if arguments else [])]
        try:
            self._git.execute(command, env={**git_free_environment(), "GIT_INDEX_FILE": str(index)})
        except _git_error() as error:
            raise PublishError(f"the {name} hook refuses the commit: {_words(error)}") from error

    @tenacity.retry(stop=tenacity.stop_after_delay(3), wait=tenacity.wait_random_exponential(0.05, 0.5), reraise=True)
    def _refresh(self, paths: Sequence[str]) -> None:
        self._git.update_index("-q", "--add", "--remove", "--", *paths)

    def _path(self, name: str) -> Path:
        return self.root / str(self._git.rev_parse("--git-path", name))

    def _ask(self, command: str, *arguments: str) -> str:
        try:
            return str(getattr(self._git, command)(*arguments))
        except _git_error() as error:
            raise RepoError(f"git {command.replace('_', '-')} failed: {_words(error)}") from error

    def _try(self, command: str, *arguments: str) -> str:
        with suppress(_git_error()):
            return str(getattr(self._git, command)(*arguments))
        return ""


@contextmanager
def _quiet_import() -> Iterator[None]:
    before = os.environ.get("GIT_PYTHON_REFRESH")
    os.environ["GIT_PYTHON_REFRESH"] = "quiet"
    try:
        yield
    finally:
        if before is None:
            del os.environ["GIT_PYTHON_REFRESH"]
        else:
            os.environ["GIT_PYTHON_REFRESH"] = before


def _runner(path: Path) -> Any:
    """A GitPython command runner in a folder, blind to the variables that git sets for its hooks."""
    with _quiet_import():
        import git
    for name in set(os.environ) - set(git_free_environment()):
        del os.environ[name]
    runner = git.Git(str(path))
    runner.update_environment(GIT_TERMINAL_PROMPT="0", GIT_OPTIONAL_LOCKS="0", LC_ALL="C.UTF-8")
    return runner


def _git_error() -> type[Any]:
    with _quiet_import():
        from git.exc import GitCommandError
    return GitCommandError


def _words(error: Any) -> str:
    text = "\n".join(part for part in (str(error.stderr), str(error.stdout)) if part.strip())
    for noise in ("stderr: '", "stdout: '"):
        text = text.replace(noise, "")
    return text.strip().rstrip("'").strip()[-_SHORT:] or f"exit {error.status}"


def _no_repository(path: Path, words: object) -> RepoError:
    if "dubious ownership" in str(words):
        return RepoError(
            f"the repository at {path} belongs to another user",
            hint=f"if you trust it: git config --global --add safe.directory {path}",
        )
    return RepoError(f"{path} is in no git repository", hint="go to one, or make one: git init")
