"""What git ignores and a check cannot do without, brought into a worktree of a run's own.

Installed packages become folders of links, so that new and replaced files stay in the worktree; what names the
person's tree in them (editable installs, the scripts of a virtual environment) is copied and names the worktree.
"""

import os
import shutil
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath

from agentloop.guard.record import INSTALLED
from agentloop.guard.replay import SINGLE_NAMES, SINGLE_SUFFIXES

_PATHS = ("PATH", "PYTHONPATH", "NODE_PATH", "VIRTUAL_ENV")
_MAX_NAMING_BYTES = 256 * 1024


def bring(source: Path, target: Path, ignored: Iterable[str]) -> None:
    """Bring along what may be needed and is not there yet; what cannot be brought is left out.

    Args:
        source: the person's tree.
        target: the worktree.
        ignored: the ignored files and folders of `source`.
    """
    clear(unfinished(target))  # of somebody who was killed
    for path in ignored:
        _bring(source, target, path.rstrip("/"))


def _bring(source: Path, target: Path, path: str) -> None:
    there, name = target / path, PurePosixPath(path).name
    if os.path.lexists(there) or not there.parent.is_dir():
        return
    part = unfinished(target)
    try:
        if name in INSTALLED and (source / path).is_dir():
            link = partial(_link, str(source).encode(), str(target).encode())
            shutil.copytree(source / path, part, symlinks=True, copy_function=link)
        elif name in SINGLE_NAMES or name.endswith(SINGLE_SUFFIXES):
            copy = shutil.copytree if (source / path).is_dir() else shutil.copy2
            copy(source / path, part)
        else:
            return
        part.replace(there)
    except OSError:
        clear(part)


def _link(source: bytes, target: bytes, file: str, link: str) -> None:
    path = Path(file)
    if path.parent.name == "bin" or path.suffix == ".pth" or path.name.startswith("__editable__"):
        content = path.read_bytes() if path.stat().st_size <= _MAX_NAMING_BYTES else b""
        if source in content:
            Path(link).write_bytes(content.replace(source, target))
            shutil.copymode(file, link)
            return
    Path(link).symlink_to(file)


def unfinished(target: Path) -> Path:
    """Where something is made that is to be in the worktree as a whole or not at all."""
    return target.with_name(f"{target.name}.part")


def clear(part: Path) -> None:
    """Take away what was not finished."""
    shutil.rmtree(part, ignore_errors=True)
    part.unlink(missing_ok=True)


@contextmanager
def pointed(source: Path, target: Path) -> Iterator[None]:
    """While this lasts, our environment is as `point` makes it."""
    before = dict(os.environ)
    point(os.environ, source, target)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


def point(environment: MutableMapping[str, str], source: Path, target: Path) -> None:
    """Let the variables that say where programs and modules are name the worktree, where it has the folder."""
    for name in _PATHS:
        if name in environment:
            folders = environment[name].split(os.pathsep)
            environment[name] = os.pathsep.join(_moved(folder, source, target) for folder in folders)


def _moved(folder: str, source: Path, target: Path) -> str:
    path = Path(folder)
    if not path.is_absolute() or not path.is_relative_to(source):
        return folder
    there = target / path.relative_to(source)
    return str(there) if there.is_dir() else folder
