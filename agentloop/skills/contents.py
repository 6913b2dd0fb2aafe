"""What lies in a folder that somebody else wrote: looked at without following a link, and bounded."""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from agentloop.skills.disk import MAX_FILE_BYTES, read_bytes

MAX_FILES = 200


@dataclass(frozen=True, slots=True)
class File:
    """A file of a folder; links and other things are told of and never opened."""

    name: str
    """Relative to the folder."""
    kind: Literal["file", "link", "other"]
    size_bytes: int
    target: str = ""
    """What a link says."""


def files(folder: Path) -> list[File]:
    """The first `MAX_FILES` files of a folder and its subfolders; none when it is itself a link or is not there."""
    return [] if folder.is_symlink() else list(islice(_walk(folder), MAX_FILES))


def text(folder: Path, name: str) -> str:
    """The first `MAX_FILE_BYTES` of an ordinary file in a folder, as UTF-8 with what is none replaced.

    Raises:
        OSError: it is missing, a link, no ordinary file, or cannot be read; or the folder is a link.
    """
    if folder.is_symlink():
        raise OSError(errno.ELOOP, "it is a link", str(folder))
    return read_bytes(folder / name, MAX_FILE_BYTES)[:MAX_FILE_BYTES].decode("utf-8", errors="replace")


def _walk(root: Path) -> Iterator[File]:
    """In order of name, folder by folder; without recursion, since somebody else says how deep it is."""
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:  # gone, no folder, or deeper than a path can be long
            continue
        folders += [Path(entry.path) for entry in reversed(entries) if entry.is_dir(follow_symlinks=False)]
        yield from (_file(root, entry) for entry in entries if not entry.is_dir(follow_symlinks=False))


def _file(root: Path, entry: os.DirEntry[str]) -> File:
    name = Path(entry.path).relative_to(root).as_posix()
    if entry.is_symlink():
        return File(name, "link", 0, str(Path(entry.path).readlink()))
    status = entry.stat(follow_symlinks=False)
    return File(name, "file" if stat.S_ISREG(status.st_mode) else "other", status.st_size)
