"""Working files brought back to how a snapshot has them, where nobody else changed them since.

Index, stash and HEAD have no part in it. What is to be written is made beside the tree first and then moved into its
place, file by file: a full disk is found out before anything has changed, and no file is ever half written.
"""

import errno
import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agentloop.errors import RepoError
from agentloop.repo import snapshots
from agentloop.repo.paths import Change, Entry, Paths, prune
from agentloop.repo.runner import NO_HOOKS, Git, GitFailedError

_REPOSITORY = "160000"
_UNKNOWN = Entry("", "")
"""Something is there that git does not record: an ignored file, or one that cannot be read."""


@dataclass(frozen=True, slots=True)
class Restoration:
    """What it takes to have the working files as a snapshot has them."""

    wanted: str
    """The snapshot."""
    change: Change
    """What each path is to be that is not so yet."""
    foreign: tuple[str, ...]
    """The paths that somebody else changed since; with any of them nothing is to be done."""
    repositories: tuple[str, ...]
    """Repositories within this one, which stay as they are: a snapshot has none of their content."""
    ignored: tuple[str, ...] = ()
    """Files that stay, since the snapshot ignores them: that it does not have them does not say that they are new."""


class WorkingFiles:
    """The files of a working tree.

    Args:
        git: git, running at the top of the working tree.
        git_dir: its own folder in the repository.
    """

    def __init__(self, git: Git, git_dir: Path) -> None:
        self._git = git
        self._root = git.folder
        self._git_dir = git_dir

    def plan(
        self, index: Path, wanted: str, known: Iterable[str], without: Collection[str], *, all_is_known: bool = True
    ) -> Restoration:
        """Find out what it takes to undo what led from a snapshot to others.

        What is the same in all of them is nobody's business: it stays as it is now.

        Args:
            index: the run's private index.
            wanted: the snapshot to have the files of.
            known: the snapshots in whose place it comes; whatever else stands in the tree is somebody else's work.
            without: paths to leave alone.
            all_is_known: what is in none of them is nobody's business. Otherwise it may be the run's own, or somebody
                else's: files that the snapshot has are foreign then, and others stay.

        Raises:
            RepoError: a snapshot is not there any more, or the tree cannot be read.
        """
        wants: dict[str, Entry | None] = {}
        fine: dict[str, set[Entry | None]] = {}
        for snapshot in known:
            for path, (there, entry) in self._differences(snapshot, wanted).items():
                if path not in without:
                    wants[path] = entry
                    fine.setdefault(path, set()).add(there)
        present = snapshots.present(self._git, index)
        for path, (_there, entry) in () if all_is_known else self._differences(present, wanted).items():
            if entry is not None and path not in without:
                wants[path] = entry
                fine.setdefault(path, set())
        now = self._now(present, wants)
        behind = {path: entry for path, entry in wants.items() if now[path] != entry}
        within = {path for path, entry in behind.items() if _has_repository(entry, *fine[path])}
        ignored = self._ignored(index, wanted, [path for path, entry in behind.items() if entry is None])
        change = {path: entry for path, entry in behind.items() if path not in within | ignored}
        foreign = {path for path in change if now[path] not in fine[path]} | self._in_the_way(change)
        return Restoration(wanted, change, (*sorted(foreign),), (*sorted(within),), (*sorted(ignored - within),))

    def with_changes(self, tree: str, changes: Iterable[tuple[str, str]], index: Path) -> tuple[str, list[str]]:
        """Make a tree of another by what others changed in theirs.

        Args:
            tree: what it begins with; a commit, or a tree.
            changes: the trees before and after, the newest last; a file comes as it was after.
            index: a private index file, which is made anew.

        Returns:
            The tree, and the paths in which it differs.

        Raises:
            RepoError: a tree is not there any more.
        """
        env = {"GIT_INDEX_FILE": str(index)}
        index.unlink(missing_ok=True)
        self._git.ask("read-tree", tree, env=env)
        for old, new in changes:
            entries = {path: after for path, (_before, after) in self._differences(old, new).items()}
            gone = Entry("0", "0" * len(tree))
            lines = (_index_line(path, entry or gone) for path, entry in sorted(entries.items(), key=_gone_first))
            listed = b"".join(lines)
            self._git.ask("update-index", "--add", "--replace", "-z", "--index-info", stdin=listed, env=env)
        made = self._git.ask("write-tree", env=env)
        return made, sorted(self._differences(tree, made))

    def restore(self, restoration: Restoration) -> None:
        """Make the working files so; what is done before a failure is found done by the next plan.

        Raises:
            RepoError: a file cannot be made, and nothing has changed; or one cannot be put in its place.
        """
        workshop = self._git_dir / "agentloop-undo"  # mostly on the file system of the tree
        change = restoration.change
        wanted = [path for path, entry in change.items() if entry]
        shutil.rmtree(workshop, ignore_errors=True)  # of an undo that was killed
        try:
            made = self._make(restoration.wanted, wanted, workshop)
            for path in change.keys() - set(wanted):
                self._take_away(path)
            for path in wanted:
                _put(made / path, self._root / path)
        except (GitFailedError, OSError) as error:
            why = error.words if isinstance(error, GitFailedError) else f"{error.strerror}: {error.filename}"
            hint = "mend that, then the same command again"
            raise RepoError(f"the files cannot be restored: {why}", hint=hint) from error
        finally:
            shutil.rmtree(workshop, ignore_errors=True)

    def _ignored(self, index: Path, wanted: str, paths: Collection[str]) -> set[str]:
        """Those of the paths that a snapshot does not have because it ignores them.

        An agent that changes what is ignored makes files appear in the next snapshot that were there all the time.
        """
        if not paths:
            return set()
        rules = [path for path in Paths(self._git).in_commit(wanted, ["."]) if Path(path).name == ".gitignore"]
        workshop = self._git_dir / "agentloop-undo"
        shutil.rmtree(workshop, ignore_errors=True)
        try:
            made = self._make(wanted, rules, workshop)
            listed = b"".join(os.fsencode(path) + b"\0" for path in paths)
            words = (*snapshots.excluding(index), "check-ignore", "--no-index", "-z", "--stdin")
            env = {"GIT_DIR": str(self._git_dir), "GIT_WORK_TREE": str(made)}
            return set(Git(made).ask(*words, stdin=listed, env=env, fine=(0, 1)).split("\0")) - {""}
        finally:
            shutil.rmtree(workshop, ignore_errors=True)

    def _differences(self, old: str, new: str) -> dict[str, tuple[Entry | None, Entry | None]]:
        words = self._git.ask("diff-tree", "-r", "-z", "--no-renames", old, new).split("\0")
        found = {}
        for fields, path in zip(words[::2], words[1::2], strict=False):
            old_mode, new_mode, old_blob, new_blob, _kind = fields.removeprefix(":").split()
            found[path] = (_entry(old_mode, old_blob), _entry(new_mode, new_blob))
        return found

    def _now(self, tree: str, paths: Collection[str]) -> Mapping[str, Entry | None]:
        """What stands at these paths: as a snapshot would have it, or unknown where none would."""
        recorded = Paths(self._git).in_commit(tree, ["."])
        return {path: recorded.get(path) or (_UNKNOWN if self._is_file(path) else None) for path in paths}

    def _is_file(self, path: str) -> bool:
        """There is a file, or a link, and no link leads to it."""
        file = self._root / path
        return not self._leads_through_link(path) and (file.is_symlink() or (file.exists() and not file.is_dir()))

    def _leads_through_link(self, path: str) -> bool:
        return any((self._root / parent).is_symlink() for parent in Path(path).parents)

    def _in_the_way(self, change: Change) -> set[str]:
        """What else stands where a file is to be, or where a folder of it is to be."""
        root = self._root
        found: set[str] = set()
        for path in (path for path, entry in change.items() if entry):
            parents = (root / parent for parent in Path(path).parents if parent != Path())
            found |= {_within(root, parent) for parent in parents if parent.is_symlink() or parent.is_file()}
            if (root / path).is_dir() and not (root / path).is_symlink():
                inside = (root / path).rglob("*")
                found |= {_within(root, file) for file in inside if file.is_symlink() or not file.is_dir()}
        return {path for path in found if change.get(path, _UNKNOWN) is not None}

    def _make(self, tree: str, paths: Collection[str], workshop: Path) -> Path:
        """Have git write files as it would check out that tree, with its attributes; returns the folder of them."""
        made = workshop / "files"
        made.mkdir(parents=True)
        env = {"GIT_INDEX_FILE": str(workshop / "index"), "GIT_DIR": str(self._git_dir), "GIT_WORK_TREE": str(made)}
        self._git.ask(*NO_HOOKS, "read-tree", "--no-sparse-checkout", tree, env=env)
        listed = b"".join(os.fsencode(path) + b"\0" for path in paths)
        self._git.ask(*NO_HOOKS, "checkout-index", "-q", "-z", "--stdin", stdin=listed, env=env)
        return made

    def _take_away(self, path: str) -> None:
        if self._leads_through_link(path):
            return
        file = self._root / path
        with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
            file.unlink()
        prune(self._root, file)


def _gone_first(found: tuple[str, Entry | None]) -> bool:
    return found[1] is not None


def _index_line(path: str, entry: Entry) -> bytes:
    """A line for `git update-index --index-info`; a path of mode 0 goes."""
    return f"{entry.mode} {entry.blob}\t".encode() + os.fsencode(path) + b"\0"


def _entry(mode: str, blob: str) -> Entry | None:
    return Entry(mode, blob) if int(mode, 8) else None


def _has_repository(*entries: Entry | None) -> bool:
    return any(entry is not None and entry.mode == _REPOSITORY for entry in entries)


def _within(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _put(made: Path, place: Path) -> None:
    """Move a file into its place, whole at any moment."""
    if place.is_dir() and not place.is_symlink():
        _remove_empty(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        made.replace(place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = place.with_name(f".{place.name}.agentloop")
        shutil.copy2(made, beside, follow_symlinks=False)
        beside.replace(place)


def _remove_empty(folder: Path) -> None:
    """Remove a folder and those in it; the plan has seen to it that they hold nothing."""
    for inside in sorted(folder.rglob("*"), reverse=True):
        inside.rmdir()
    folder.rmdir()
