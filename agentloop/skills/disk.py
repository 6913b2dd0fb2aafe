"""A skill's files read with bounds: no link is followed, no device or pipe is waited for."""

import errno
import os
import stat
from pathlib import Path

MAX_FILE_BYTES = 256 * 1024
"""A file of a skill that is longer is read and kept no further."""


def read_bytes(path: str | Path, max_bytes: int) -> bytes:
    """The beginning of an ordinary file: one byte more than `max_bytes` says that there is more of it.

    Raises:
        OSError: it cannot be read, or it is a link, a folder, a device or a pipe.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EINVAL, "no ordinary file", str(path))
        parts = []
        left = max_bytes + 1
        while left > 0 and (part := os.read(descriptor, min(left, about.st_size + 1))):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)
