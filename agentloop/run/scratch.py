"""The temporary files of a run, in one folder, which a later run takes away when its own was killed.

They hold the prompt of a turn, so that none is to be left lying. A lock that dies with its process says whose folder is
in use: nobody has to know which runs there are.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NEW = ".agentloop-new-"
_PREFIX = "agentloop-run-"


@contextmanager
def own_folder() -> Iterator[None]:
    """While this lasts, temporary files are made in a folder of their own; those of dead runs are taken away first."""
    before = tempfile.tempdir
    _sweep(Path(tempfile.gettempdir()))
    try:
        made = Path(tempfile.mkdtemp(prefix=_NEW))
        fd = _locked(made)
        folder = made.rename(made.with_name(made.name.replace(_NEW, _PREFIX)))  # only now may it be swept
    except OSError:  # whoever needs a temporary file will say so
        yield
        return
    tempfile.tempdir = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
        shutil.rmtree(folder, ignore_errors=True)
        os.close(fd)


def _locked(folder: Path) -> int:
    """Hold a folder.

    Raises:
        OSError: it is no folder, or somebody else holds it.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise
    return fd


def _sweep(place: Path) -> None:
    for folder in place.glob(f"{_PREFIX}*"):
        try:
            fd = _locked(folder)
        except OSError:
            continue
        if os.fstat(fd).st_uid == os.getuid():
            shutil.rmtree(folder, ignore_errors=True)
        os.close(fd)
