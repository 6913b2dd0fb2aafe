"""The project's files: which of them may be edited, and how one is written so that no moment sees half of it."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_SKIPPED_FOLDERS = {"node_modules", "venv", "build", "dist", "site-packages", "skills", "docs"}
_TEST_FOLDERS = {"test", "tests", "testing"}
_CONFIGURATION = {"conftest.py", "setup.py", "noxfile.py", "tasks.py", "conf.py", "sitecustomize.py"}
_MAX_FILES = 2000
_MAX_BYTES = 400_000


def is_editable(path: str) -> bool:
    """Say whether a file (relative, with slashes) is the project's own code: no test, no configuration."""
    pure = PurePosixPath(path)
    if pure.suffix != ".py" or pure.name in _CONFIGURATION or _TEST_FOLDERS & set(pure.parts[:-1]):
        return False
    if any(part in _SKIPPED_FOLDERS or part.startswith(".") for part in pure.parts):
        return False
    return not (pure.name.startswith("test_") or pure.stem.endswith("_test") or pure.stem in _TEST_FOLDERS)


def editable_files(root: Path) -> list[str]:
    """The files that may be edited, relative to the repository, at most 2000."""
    return sorted(_walk(root))[:_MAX_FILES]


def _walk(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        if here != root and (here / "pyvenv.cfg").exists():
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _SKIPPED_FOLDERS]
        for name in names:
            path = (here / name).relative_to(root).as_posix()
            if is_editable(path) and is_plain(root / path):
                yield path


def is_plain(path: Path) -> bool:
    """Say whether it is a regular file of a sensible size, and no link that may lead out of the repository."""
    return not path.is_symlink() and path.is_file() and path.stat().st_size <= _MAX_BYTES


def replace(path: Path, content: bytes, mtime_ns: int) -> None:
    """Write the file in one step, with its mode and the given modification time.

    Python takes compiled code for fresh when the source's size and its time in whole seconds agree, so that whoever
    writes two versions within one second has to set the times apart.
    """
    staged = staging_path(path)
    mode = path.stat().st_mode
    try:
        staged.write_bytes(content)
        staged.chmod(mode)
        os.utime(staged, ns=(mtime_ns, mtime_ns))
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)


def staging_path(path: Path) -> Path:
    """Where the new content lies until it takes the file's place."""
    return path.with_name(f".{path.name}.offline")
