"""Landlock: a program and all that it starts can change no file but below given paths.

No privilege is wanted for it, and nothing undoes it. The numbers and their versions (the "ABI" of the kernel) are those
of the kernel's documentation, userspace-api/landlock. What it does not cover is told there, too: the mode, owner, times
and attributes of a file that is there already, and whatever other programs do when they are asked to.
"""

import ctypes
import os
import struct
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

_WRITE_FILE = 1 << 1
_REMOVE = 1 << 4 | 1 << 5
_MAKE_DEVICES = 1 << 6 | 1 << 11
_MAKE_FILES = 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 12
_REFER = 1 << 13
_TRUNCATE = 1 << 14
_REFER_SINCE, _TRUNCATE_SINCE = 2, 3
MIN_VERSION = 2
"""The oldest version that ordinary programs do well under: the first one lets no file be moved to another folder."""


@cache
def version() -> int:
    """The version that the kernel knows; 0 where there is none, or it is switched off."""
    if sys.platform != "linux":
        return 0
    try:
        return _call(_CREATE_RULESET, None, 0, _ASK_VERSION)
    except OSError:
        return 0


@contextmanager
def ruleset(writable: Iterable[Path], known: int | None = None) -> Iterator[int]:
    """The rules, to be entered by `enter` in the process that they are for.

    Args:
        writable: files, and folders with all that is below; what does not exist is left out.
        known: the version to keep to; None: the kernel's.

    Raises:
        OSError: the kernel refuses.
    """
    handled = _handled(version() if known is None else known)
    rules = _call(_CREATE_RULESET, struct.pack("=Q", handled), 8, 0)
    try:
        for path in writable:
            with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
                _allow(rules, path, handled)
        yield rules
    finally:
        os.close(rules)


def enter(rules: int) -> None:
    """Keep the calling process, and all that it will start, to the rules.

    Raises:
        OSError: the kernel refuses.
    """
    if _libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs")
    _call(_RESTRICT_SELF, rules, 0)


def _handled(known: int) -> int:
    """What is forbidden unless a rule allows it: every way to change what is on the disk that the version knows."""
    handled = _WRITE_FILE | _REMOVE | _MAKE_FILES | _MAKE_DEVICES
    handled |= _REFER if known >= _REFER_SINCE else 0
    return handled | (_TRUNCATE if known >= _TRUNCATE_SINCE else 0)


def _allow(rules: int, path: Path, handled: int) -> None:
    """Allow all but making devices: root could write to a whole disk by one."""
    opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        right = handled & ~_MAKE_DEVICES if path.is_dir() else handled & (_WRITE_FILE | _TRUNCATE)
        _call(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", right, opened), 0)
    finally:
        os.close(opened)


def _call(number: int, *arguments: int | bytes | None) -> int:
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    result = int(_libc().syscall(ctypes.c_long(number), *words))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


@cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    return libc
