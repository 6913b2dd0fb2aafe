"""A skill's files read with bounds: no link is followed, no device or pipe is waited for."""

import errno
import os
import stat
from pathlib import Path


def read_bytes(path: str | Path, max_bytes: int) -> bytes:
    """The beginning of an ordinary file: one byte more than `max_bytes` says that there is more of it.

    Raises:
        OSError: it cannot be read, or it is a link, a folder, a device or a pipe.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "no ordinary file", str(path))
        content = os.read(descriptor, max_bytes + 1)
        while len(content) <= max_bytes and (more := os.read(descriptor, max_bytes + 1 - len(content))):
            content += more
        return content
    finally:
        os.close(descriptor)
