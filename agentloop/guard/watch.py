"""What git does not record and a pass still depends on: ignored files that hook into a runner, and the tools."""

import hashlib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path, PurePosixPath

from agentloop.guard.protected import Protection
from agentloop.repo import Repo

_ENVIRONMENTS = (".venv", "venv", "env")
_SITE = ("*.pth", "sitecustomize.py", "usercustomize.py", "pytest_*.py")
_MAX_HASHED_BYTES = 64 * 1024 * 1024


def hooks(repo: Repo, protection: Protection) -> dict[str, str]:
    """The ignored files that alter how tests are collected or judged, with their digests, by path."""
    found = [repo.root / path for path in repo.ignored() if protection.refuses_new(path.rstrip("/") + _inside(path))]
    found += _site_hooks(repo.root)
    return {path.relative_to(repo.root).as_posix(): digest(path) for path in sorted(found)}


def tools(paths: Iterable[str]) -> dict[str, str]:
    """The digests of the programs that a predicate's commands were resolved to."""
    return {path: digest(Path(path)) for path in sorted(set(paths)) if path}


def digest(path: Path) -> str:
    """What a file or a folder holds; of large ones, its size and its time."""
    try:
        if path.is_dir():
            names = sorted(item.name for item in path.iterdir())
            return hashlib.sha256("\0".join(names).encode()).hexdigest()[:16]
        status = path.stat()
        if status.st_size > _MAX_HASHED_BYTES:
            return f"{status.st_size}:{status.st_mtime_ns}"
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError:
        return "unreadable"


def _inside(path: str) -> str:
    """An ignored folder stands for what lies in it."""
    return "/__init__.py" if path.endswith("/") else ""


def _site_hooks(root: Path) -> Iterator[Path]:
    for name in _ENVIRONMENTS:
        for site in (root / name).glob("lib/python*/site-packages"):
            for pattern in _SITE:
                yield from site.glob(pattern)


def is_among(tool: str, root: Path, recorded: Collection[str]) -> bool:
    """The program is one of the files that git records."""
    path = PurePosixPath(tool)
    return path.is_relative_to(root) and str(path.relative_to(root)) in recorded
