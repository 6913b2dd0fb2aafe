"""Copies of skills, where a link cannot be or would not last: marked, so that nothing of a person's is overwritten.

A copy holds a file that says what it is a copy of and what it held when it was made. Whoever changes the copy makes
it his own: it is never overwritten then.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agentloop.errors import AgentloopError
from agentloop.skills.disk import read_bytes

MARKER = ".agentloop-copy"
LINK = "120000"
EXECUTABLE = "100755"
_MAX_BYTES = 8 * 1024 * 1024
_MAX_FILES = 1000
_MAX_MARK_BYTES = 10_000
_LEFT_OUT = {"__pycache__", ".git"}
_MARK = re.compile(r"copy-of: (?P<origin>[^\n]+)\nsha256: (?P<sha256>[0-9a-f]{64})\n")
_WORDS = "agentloop keeps this copy up to date while nothing in this folder is changed.\n"

Standing = Literal["absent", "same", "outdated", "changed", "foreign"]
"""What is in a copy's place: nothing, the same files, an older copy, one that somebody changed, something else."""


class CopyError(AgentloopError):
    """A skill that cannot be copied: it is too large, or a file of it cannot be read."""


@dataclass(frozen=True, slots=True)
class File:
    """A file, or a link and what it says, with its mode as git has it."""

    mode: str
    content: bytes


def contents(folder: Path) -> dict[str, File]:
    """The files of a skill by path, but for a copy's mark; links are left out.

    Raises:
        CopyError: it has more than 1,000 files or 8 MB, or one of them cannot be read.
    """
    found: dict[str, File] = {}
    left = _MAX_BYTES
    for path in _paths(folder):
        try:
            content = read_bytes(path, left)
            mode = EXECUTABLE if path.lstat().st_mode & stat.S_IXUSR else "100644"
        except OSError as error:
            raise CopyError(f"{path} cannot be read: {error.strerror}") from error
        found[path.relative_to(folder).as_posix()] = File(mode, content)
        left -= len(content)
        if left < 0 or len(found) > _MAX_FILES:
            raise CopyError(f"{folder} is larger than 8 MB or has more than {_MAX_FILES} files", hint="make it smaller")
    found.pop(MARKER, None)
    return found


def marked(files: Mapping[str, File], origin: str) -> dict[str, File]:
    """The files of a copy: those of the skill, and the mark."""
    mark = f"copy-of: {origin}\nsha256: {_digest(files)}\n{_WORDS}"
    return {**files, MARKER: File("100644", mark.encode())}


def standing(folder: Path, origin: str, wanted: Mapping[str, File] | None) -> Standing:
    """What stands where a copy of a skill is to be.

    Args:
        folder: the copy's place.
        origin: what it is a copy of.
        wanted: the skill's files; None when there is no such skill any more.

    Raises:
        CopyError: the folder cannot be read.
    """
    if not os.path.lexists(folder):
        return "absent"
    if folder.is_symlink() or not folder.is_dir():
        return "foreign"
    there = _digest(contents(folder))
    if wanted is not None and there == _digest(wanted):
        return "same"
    mark = _mark(folder)
    if mark is None or mark["origin"] != origin:
        return "foreign"
    return "outdated" if mark["sha256"] == there else "changed"


def origin_of(folder: Path) -> str:
    """What a folder says that it is a copy of; empty when it is none."""
    mark = _mark(folder)
    return mark["origin"] if mark else ""


def is_untouched(folder: Path) -> bool:
    """The folder is a copy, and nobody changed it."""
    mark = _mark(folder)
    return mark is not None and mark["sha256"] == _digest(contents(folder))


def _mark(folder: Path) -> re.Match[str] | None:
    try:
        return _MARK.match(
            read_bytes(folder / MARKER, _MAX_MARK_BYTES).decode("utf-8", "replace").replace("\r\n", "\n")
        )
    except OSError:
        return None


def _paths(folder: Path) -> Iterator[Path]:
    for parent, children, names in os.walk(folder):
        children[:] = sorted(set(children) - _LEFT_OUT)
        yield from (path for name in sorted(names) if stat.S_ISREG((path := Path(parent, name)).lstat().st_mode))


def _digest(files: Mapping[str, File]) -> str:
    """The same on every system: a line end may be that of another."""
    digest = hashlib.sha256()
    for path, file in sorted(files.items()):
        content = file.content.replace(b"\r\n", b"\n")
        digest.update(f"{path}\0{len(content)}\0".encode("utf-8", "surrogateescape") + content)
    return digest.hexdigest()
