"""The links by which agents find the skills.

No agent reads a top-level `skills/`. Nearly all read `.agents/skills`, Claude Code reads `.claude/skills` alone
(both found by running them), so the first is a link to the folder and the second holds a link for each skill.

Nothing is written here: it says what there should be, so that whoever commits it writes it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

_WHOLE = Path(".agents/skills")
_EACH = Path(".claude/skills")
PLACES = (_WHOLE.as_posix(), _EACH.as_posix())
"""Where links are made."""


def wanted(root: Path, skills_dir: str) -> dict[str, str]:
    """The links that there should be, with what each says; a path that somebody else has taken is not among them.

    Every parent of a path is an ordinary folder of the repository or does not exist.
    """
    targets = {path.as_posix(): _target(path, skills_dir) for path in _places(root, skills_dir)}
    return {
        path: target
        for path, target in targets.items()
        if not os.path.lexists(root / path) or _says(root / path) == target
    }


def missing(root: Path, skills_dir: str) -> list[Path]:
    """The links that are not there."""
    return [Path(path) for path in wanted(root, skills_dir) if not os.path.lexists(root / path)]


def broken(root: Path, skills_dir: str) -> list[str]:
    """Our links that lead nowhere, since their skill is gone."""
    folders = [root / place for place in PLACES if (root / place).is_dir() and not _detour(root, Path(place) / "x")]
    paths = [path.relative_to(root) for folder in folders for path in sorted(folder.iterdir())]
    return [
        path.as_posix()
        for path in paths
        if _says(root / path) == _target(path, skills_dir) and not (root / path).exists()
    ]


def hindrances(root: Path, skills_dir: str) -> list[str]:
    """Why skills cannot be linked in a place, where they cannot be read there already; one clause each."""
    names = _names(root, skills_dir)
    detours = {place: _detour(root, Path(place) / "x") for place in PLACES}
    detours[_WHOLE.as_posix()] = _detour(root, _WHOLE)
    return [
        f"{detour} is a link or a file"
        for place, detour in detours.items()
        if detour and not all(_leads_to(root / place / name, root / skills_dir / name) for name in names)
    ]


def _places(root: Path, skills_dir: str) -> Iterator[Path]:
    names = _names(root, skills_dir)
    whole = root / _WHOLE
    if names and not _detour(root, _WHOLE):
        if whole.is_symlink() or not whole.is_dir():
            yield _WHOLE
        else:
            yield from (_WHOLE / name for name in names)
    if not _detour(root, _EACH / "x"):
        yield from (_EACH / name for name in names)


def _names(root: Path, skills_dir: str) -> list[str]:
    return sorted(path.parent.name for path in (root / skills_dir).glob("*/SKILL.md"))


def _target(path: Path, skills_dir: str) -> str:
    return os.path.relpath(skills_dir if path == _WHOLE else Path(skills_dir) / path.name, path.parent)


def _detour(root: Path, path: Path) -> str:
    """The first parent of a path that is a link or a file, so that nothing of the repository can lie below it."""
    for parent in reversed(path.parents):
        folder = root / parent
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            return parent.as_posix()
    return ""


def _leads_to(path: Path, skill: Path) -> bool:
    return path.resolve() == skill.resolve()


def _says(path: Path) -> str:
    """What a link says; empty when it is none."""
    return str(path.readlink()) if path.is_symlink() else ""
