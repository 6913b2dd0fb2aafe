"""A commit of given paths, and of nothing else, on the current branch.

The commit is built in an index of its own, so nothing of it depends on the person's index or working files. The
working files are written just before the hooks, which read them, and put back when the commit fails; every step can
be made again, so a run that was killed in between goes on.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import tenacity

from agentloop import interrupts
from agentloop.errors import PublishError
from agentloop.repo import recording
from agentloop.repo.paths import FOLDER, Change, Entry, Paths, alike
from agentloop.repo.recording import HOOK_TIMEOUT_S
from agentloop.repo.runner import Git, GitFailedError

INDEX_WAIT_S = 10.0
_IN_PROGRESS = {
    "MERGE_HEAD": "merge",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "BISECT_LOG": "bisect",
}
_HOOK_RUN_SINCE = (2, 36)


@dataclass(frozen=True, slots=True)
class Committed:
    """What a change came to."""

    commit: str | None
    """None when the branch had it already."""
    note: str = ""
    """What the person has to know about it; mostly nothing."""


class Committing:
    """Commits for one working tree.

    Args:
        git: git, running at the top of the working tree.
        paths: the paths of the same working tree.
    """

    def __init__(self, git: Git, paths: Paths) -> None:
        self._git = git
        self._paths = paths

    def commit(self, change: Change, message: str) -> Committed:
        """Commit these paths, and these alone, on the current branch; then bring working files and index along.

        The person's index is only told of these paths; hooks (pre-commit, commit-msg) and signing are as git is
        configured.

        Args:
            change: what each path is to be, relative to the root; None: gone.
            message: the whole commit message.

        Raises:
            PublishError: git is in the middle of something, a path is staged or changed otherwise, a hook refuses or
                adds to the commit, nobody's name is known, or HEAD keeps moving. The working files are as they were.
            Interrupted: a signal was noted in the middle; likewise.
        """
        try:
            return self._commit(change, message)
        except recording.RefMovedError as error:
            raise PublishError("HEAD keeps moving: somebody else commits all the time") from error
        except GitFailedError as error:
            interrupts.raise_if_interrupted()  # a ctrl-C ends git too
            raise PublishError(f"git refuses the commit: {error.words}") from error

    def settle(self, change: Change, before: Change) -> Committed | None:
        """Bring working files and index along with a change that was committed by somebody who died right then.

        Args:
            change: what each path is in the commit.
            before: what it was before; whatever else stands at a path is somebody's work and stays.

        Returns:
            None when nothing was to do.
        """
        self._refuse_detours(change)
        files = _behind(change, before, self._paths.in_working_tree(change))
        if not files and not _behind(change, before, self._paths.in_index(change)):
            return None
        self._paths.write(files)
        return Committed(None, self._tell_index(change, before))

    @recording.again_when_moved
    def _commit(self, change: Change, message: str) -> Committed:
        old = recording.commit_at(self._git, "HEAD")
        before = self._paths.in_commit(old, change)
        self._refuse(change, before)
        with tempfile.TemporaryDirectory(prefix="agentloop-") as folder:
            index = Path(folder) / "index"
            env = {"GIT_INDEX_FILE": str(index)}
            self._git.ask("read-tree", old or "--empty", env=env)
            self._paths.put_into_index(change, index)
            if old and not self._changed(old, env):
                return self.settle(change, before) or Committed(None)
            with self._shown(change):
                self._hook("pre-commit", env)
                self._refuse_more(change, self._changed(old, env))
                new = self._record(old, message, Path(folder), env)
                recording.move(self._git, "HEAD", old, new, message)
        committed = self._paths.in_commit(new, change)
        note = self._tell_index({path: committed.get(path) for path in change}, before)
        return Committed(new, note)

    def _refuse(self, change: Change, before: Change) -> None:
        busy = next((what for name, what in _IN_PROGRESS.items() if self._git.path(name).exists()), None)
        if busy:
            raise PublishError(f"a {busy} is in progress", hint="finish it, then commit the draft yourself")
        recording.refuse_nobody(self._git)
        self._refuse_detours(change)
        staged = self._paths.in_index(change)
        there = self._paths.in_working_tree(change)
        for path, entry in change.items():
            fine = (before.get(path), entry)
            if not alike(*fine) and not _is_one_of(staged.get(path), *fine):
                raise PublishError(f"{path} is staged already", hint="commit or unstage it first")
            if path in there and not _is_one_of(there[path], *fine) and not self._vanishes(path, change):
                raise PublishError(f"{path} has changes that are not committed", hint="commit or undo them first")

    def _refuse_detours(self, change: Change) -> None:
        """No path may lead through a link or a file: git keeps nothing there, and it may lead out of the tree."""
        for parent in sorted({parent.as_posix() for path in change for parent in Path(path).parents} - {"."}):
            folder = self._git.folder / parent
            if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
                if change.get(parent, folder) is None:  # it is on its way out
                    continue
                raise PublishError(f"{parent} is a link or a file", hint="make it an ordinary folder")

    def _vanishes(self, folder: str, change: Change) -> bool:
        """It is a folder, and everything in it is to be gone."""
        root = self._git.folder
        if (root / folder).is_symlink() or not (root / folder).is_dir():
            return False
        inside = (path for path in (root / folder).rglob("*") if path.is_symlink() or not path.is_dir())
        return all(change.get(path.relative_to(root).as_posix(), path) is None for path in inside)

    @contextmanager
    def _shown(self, change: Change) -> Iterator[None]:
        """The working files are as the commit will have them; on failure they are put back."""
        there = self._paths.in_working_tree(change)
        written = {path: entry for path, entry in change.items() if there.get(path) != entry}
        former = {path: None if _is_folder(there.get(path)) else there.get(path) for path in written}
        try:
            self._paths.write(written)
            yield
        except BaseException:
            self._paths.write(former)
            raise

    def _changed(self, old: str | None, env: dict[str, str]) -> set[str]:
        """The paths in which an index differs from a commit."""
        if old is None:
            return set(self._git.ask("ls-files", "-z", env=env).split("\0")) - {""}
        words = ("diff-index", "--cached", "--name-only", "-z", "--no-renames", old)
        return set(self._git.ask(*words, env=env).split("\0")) - {""}

    def _refuse_more(self, change: Change, changed: set[str]) -> None:
        more = sorted(changed - set(change))
        if more:
            raise PublishError(
                f"the pre-commit hook adds {more[0]} to the commit, which is not of the skill",
                hint="commit the draft yourself, or mend the hook",
            )

    def _record(self, old: str | None, message: str, folder: Path, env: dict[str, str]) -> str:
        tree = self._git.ask("write-tree", env=env)
        text = folder / "message"
        text.write_text(message, encoding="utf-8")
        self._hook("commit-msg", env, str(text))
        return recording.commit_tree(self._git, tree, old, text)

    def _hook(self, name: str, env: dict[str, str], *arguments: str) -> None:
        command = self._hook_command(name, *arguments)
        try:
            if command:
                self._git.perform(command, env=env, timeout_s=HOOK_TIMEOUT_S)
        except GitFailedError as error:
            raise PublishError(f"the {name} hook refuses the commit: {error.words}") from error

    def _hook_command(self, name: str, *arguments: str) -> list[str]:
        if self._git.version >= _HOOK_RUN_SINCE:
            return ["git", "hook", "run", "--ignore-missing", name, *(["--", *arguments] if arguments else [])]
        file = self._git.path(f"hooks/{name}")
        if not file.is_file() or not file.stat().st_mode & 0o100:
            return []
        # The shell also runs a script that has no #! line, as git does.
        return ["sh", "-c", '"$0" "$@"', str(file), *arguments]

    def _tell_index(self, change: Change, before: Change) -> str:
        """Let the person's index know of the paths, where it has them as they were; says so when it cannot."""
        waiting = tenacity.Retrying(
            retry=tenacity.retry_if_exception_message(match=r"(?s).*index\.lock"),
            stop=tenacity.stop_after_delay(INDEX_WAIT_S),
            wait=tenacity.wait_random_exponential(0.05, 0.5),
            sleep=interrupts.sleep,
            reraise=True,
        )
        try:
            waiting(self._tell, change, before)
        except GitFailedError as error:
            why = error.words.partition("\n")[0]
            advice = f"before you commit: git reset -q -- {' '.join(change)}"
            return f"git's index does not know of the commit ({why}); {advice}"
        return ""

    def _tell(self, change: Change, before: Change) -> None:
        behind = _behind(change, before, self._paths.in_index(change))
        if behind:
            self._paths.put_into_index(behind)


def _behind(change: Change, before: Change, found: Mapping[str, Entry]) -> Change:
    """What is not yet so of a change, where nothing else was done meanwhile."""
    return {
        path: entry
        for path, entry in change.items()
        if found.get(path) != entry and (path not in found or alike(found[path], before.get(path)))
    }


def _is_one_of(found: Entry | None, *wanted: Entry | None) -> bool:
    return any(alike(found, each) for each in wanted)


def _is_folder(entry: Entry | None) -> bool:
    return entry is not None and entry.mode == FOLDER
