"""What git keeps of a path, and where: in a commit, in an index, in the working tree."""

import os
import stat
import tempfile
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agentloop.repo.runner import Git

LINK = "120000"
FOLDER = "040000"
"""Git keeps no folders; the mode says that one is in a file's place."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or a link as git keeps it: its mode, and the id of its content."""

    mode: str
    blob: str


Change = Mapping[str, Entry | None]
"""What paths are to be; None: gone."""


def alike(one: Entry | None, other: Entry | None) -> bool:
    """The content is the same; the permission to execute may differ."""
    if one is None or other is None:
        return one is other
    return one.blob == other.blob and (one.mode == LINK) == (other.mode == LINK)


class Paths:
    """The paths of a working tree, relative to its top.

    Args:
        git: git, running at the top of the working tree.
    """

    def __init__(self, git: Git) -> None:
        self._git = git

    def store(self, path: str, content: bytes, mode: str) -> Entry:
        """Keep content as git keeps it at that path, with the filters that are configured for it."""
        if mode == LINK:
            return self.store_links({path: content})[path]
        return Entry(mode, self._git.ask("hash-object", "-w", "--stdin", f"--path={path}", stdin=content))

    def store_links(self, targets: Mapping[str, bytes]) -> dict[str, Entry]:
        """Keep links by what they say."""
        blobs = self._link_blobs(targets.values(), "-w")
        return {path: Entry(LINK, blob) for path, blob in zip(targets, blobs, strict=True)}

    def in_commit(self, commit: str | None, paths: Collection[str]) -> dict[str, Entry]:
        """The files at and below these paths in a commit; none when there is no such commit."""
        if not commit or not paths:
            return {}
        found = {}
        for line in self._git.find("ls-tree", "-r", "-z", commit, "--", *paths).split("\0"):
            fields, _, path = line.partition("\t")
            if path:
                mode, _kind, blob = fields.split()
                found[path] = Entry(mode, blob)
        return found

    def in_index(self, paths: Collection[str]) -> dict[str, Entry]:
        """These paths in the person's index."""
        found: dict[str, Entry] = {}
        if not paths:
            return found
        for line in self._git.ask("--literal-pathspecs", "ls-files", "-s", "-z", "--", *paths).split("\0"):
            fields, _, path = line.partition("\t")
            if path:
                mode, blob, _stage = fields.split()
                found[path] = Entry(mode, blob)
        return found

    def in_working_tree(self, paths: Iterable[str]) -> dict[str, Entry]:
        """These paths in the working tree, as git would keep them."""
        modes = {path: mode for path in paths if (mode := _mode(self._git.folder / path))}
        files = [path for path, mode in modes.items() if mode not in (LINK, FOLDER)]
        if files and not self.has_links():  # git wrote what a link says into a file
            stubs = {path for path, entry in self.in_index(files).items() if entry.mode == LINK}
            modes.update(dict.fromkeys(stubs, LINK))
            files = [path for path in files if path not in stubs]
        blobs = dict(zip(files, self._git.ask("hash-object", "--", *files).split(), strict=True)) if files else {}
        links = {path: _target(self._git.folder / path) for path, mode in modes.items() if mode == LINK}
        blobs.update(zip(links, self._link_blobs(links.values()), strict=True))
        return {path: Entry(mode, blobs.get(path, "")) for path, mode in modes.items()}

    def has_links(self) -> bool:
        """Git makes symbolic links in this working tree."""
        return self._git.find("config", "--type=bool", "--get", "core.symlinks") != "false"

    def ignored(self, paths: Collection[str]) -> set[str]:
        """Those of the paths that git is told to ignore; none when one of them lies beyond a link."""
        if not paths:
            return set()
        asked = "\0".join(paths).encode("utf-8", "surrogateescape")
        found = self._git.ask("check-ignore", "-z", "--stdin", stdin=asked, fine=(0, 1, 128))
        return set(found.split("\0")) - {""}

    def _link_blobs(self, targets: Collection[bytes], *words: str) -> list[str]:
        """The ids of links by what they say; one process for all of them."""
        if not targets:
            return []
        with tempfile.TemporaryDirectory(prefix="agentloop-") as folder:
            files = [Path(folder) / str(number) for number in range(len(targets))]
            for file, target in zip(files, targets, strict=True):
                file.write_bytes(target)
            return self._git.ask("hash-object", "--no-filters", *words, "--", *map(str, files)).split()

    def put_into_index(self, change: Change, index: Path | None = None) -> None:
        """Make an index have these paths so: the person's own, or another file."""
        env = {"GIT_INDEX_FILE": str(index)} if index else {}
        gone = [path for path, entry in change.items() if entry is None]
        there = [f"{entry.mode} {entry.blob}\t{path}" for path, entry in change.items() if entry]
        if gone:
            self._git.ask("update-index", "-z", "--force-remove", "--stdin", stdin=_listed(gone), env=env)
        if there:
            self._git.ask("update-index", "-z", "--index-info", stdin=_listed(there), env=env)

    def write(self, change: Change) -> None:
        """Make the working files so, each of them new, never in place; no index is told."""
        for path, entry in change.items():
            file = self._git.folder / path
            if file.is_symlink() or not file.is_dir():
                with suppress(FileNotFoundError, NotADirectoryError):
                    file.unlink()
            if entry is None:
                prune(self._git.folder, file)
        there = {path: entry for path, entry in change.items() if entry}
        if there:
            with tempfile.TemporaryDirectory(prefix="agentloop-") as folder:
                index = Path(folder) / "index"
                self.put_into_index(there, index)
                self._git.ask("checkout-index", "-q", "-a", env={"GIT_INDEX_FILE": str(index)})


def prune(root: Path, file: Path) -> None:
    """Remove the folders that held only this file, which is gone."""
    for parent in file.parents:
        if parent == root:
            return
        with suppress(FileNotFoundError):
            try:
                parent.rmdir()
            except OSError:  # something else is in it
                return


def _listed(lines: Iterable[str]) -> bytes:
    """Lines as git reads them with `-z`."""
    return "".join(f"{line}\0" for line in lines).encode("utf-8", "surrogateescape")


def _target(path: Path) -> bytes:
    """What a link says, or the file that stands for it."""
    return os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()


def _mode(path: Path) -> str:
    """The mode as git has it; empty when nothing is there."""
    try:
        found = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return ""
    if stat.S_ISLNK(found):
        return LINK
    if not stat.S_ISREG(found):
        return FOLDER
    return "100755" if found & stat.S_IXUSR else "100644"
