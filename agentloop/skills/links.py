"""The links by which agents find the skills.

No agent reads a top-level `skills/`. Nearly all read `.agents/skills`, Claude Code reads `.claude/skills` alone
(both found by running them), so the first is a link to the folder and the second holds a link for each skill.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

_WHOLE = Path(".agents/skills")
_EACH = Path(".claude/skills")


def link(root: Path, skills_dir: str) -> list[Path]:
    """Make the links that are missing and remove ours that lead nowhere; nothing else is replaced.

    Returns:
        The paths made or removed, relative to the root.
    """
    made = missing(root, skills_dir)
    for path in made:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        _link_or_copy(target, root / skills_dir if path == _WHOLE else root / skills_dir / path.name)
    return made + _remove_broken(root, skills_dir)


def missing(root: Path, skills_dir: str) -> list[Path]:
    """The links that are not there."""
    return [path for path in _wanted(root, skills_dir) if not os.path.lexists(root / path)]


def _wanted(root: Path, skills_dir: str) -> Iterator[Path]:
    skills = sorted(path.parent.name for path in (root / skills_dir).glob("*/SKILL.md"))
    if not skills:
        return
    whole = root / _WHOLE
    if whole.is_symlink() or not whole.exists():
        yield _WHOLE
    elif whole.is_dir():
        yield from (_WHOLE / name for name in skills)
    if (root / _EACH).is_symlink():
        return
    yield from (_EACH / name for name in skills)


def _link_or_copy(path: Path, target: Path) -> None:
    try:
        path.symlink_to(os.path.relpath(target, path.parent), target_is_directory=True)
    except OSError:  # a file system without links
        shutil.copytree(target, path)


def _remove_broken(root: Path, skills_dir: str) -> list[Path]:
    removed = []
    for folder in (_WHOLE, _EACH):
        if (root / folder).is_symlink() or not (root / folder).is_dir():
            continue
        for path in (root / folder).iterdir():
            ours = (
                path.is_symlink() and Path(os.path.normpath(path.parent / path.readlink())).parent == root / skills_dir
            )
            if ours and not path.exists():
                path.unlink()
                removed.append(path.relative_to(root))
    return removed
