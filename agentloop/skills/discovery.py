"""Where skills lie: the folders below a path that hold a SKILL.md."""

import os
from collections.abc import Iterator
from pathlib import Path

from agentloop.skills.format import FILE

_MAX_DEPTH = 6
_SKIPPED = frozenset((".git", "node_modules"))


def skills_at(path: Path) -> list[Path]:
    """The folders of the skills at a path: a SKILL.md, its folder, or a folder with such folders at any depth to 6.

    What lies in a skill's folder is the skill's, also another SKILL.md. No link is followed on the way down. A folder
    that cannot be looked into counts as one, so that it is told of.
    """
    if path.is_dir():
        return list(_below(path, 0))
    return [path.parent] if path.name.lower() == FILE.lower() and path.is_file() else []


def _below(folder: Path, depth: int) -> Iterator[Path]:
    try:
        with os.scandir(folder) as scanned:
            entries = sorted(scanned, key=lambda entry: entry.name)
    except OSError:
        yield folder
        return
    if any(entry.name.lower() == FILE.lower() for entry in entries):
        yield folder
    elif depth < _MAX_DEPTH:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and entry.name not in _SKIPPED:
                yield from _below(folder / entry.name, depth + 1)
