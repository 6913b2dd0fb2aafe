"""Walls around a program: what it can write to."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from agentloop.process import landlock

_BOUNDS = ("--die-with-parent", "--unshare-pid", "--cap-drop", "ALL")
_READABLE = ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc")
Entered = tuple[Sequence[str], Callable[[], None] | None]
"""The command line, and what the new process does before it becomes that program."""


class Walls(Protocol):
    """What keeps a program from writing anywhere but where it may."""

    @property
    def writable(self) -> tuple[Path, ...]:
        """Files, and folders with all that is below, that it may write."""

    @property
    def hides_signals(self) -> bool:
        """A program that a signal ends seems to exit with 128 and its number, as in a shell."""

    def around(self, argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> AbstractContextManager[Entered]:
        """How the program is started within; it has to be, while this lasts.

        Raises:
            OSError: they cannot be put up.
        """


@dataclass(frozen=True, slots=True)
class Landlock:
    """Walls by the kernel's Landlock."""

    writable: tuple[Path, ...]
    hides_signals: bool = False

    @contextmanager
    def around(self, argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Iterator[Entered]:
        """See `Walls`."""
        del cwd, env
        with landlock.ruleset(self.writable) as rules:
            yield argv, partial(landlock.enter, rules)


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """Walls by bubblewrap: all other files are there to be read, processes outside cannot be seen.

    Root is not spared: without dropping its capabilities, it would mount the disk once more, writable.

    Args:
        program: its path.
        writable: see `Walls`.
        kept: what lies within those and is not to be written all the same.
    """

    program: str
    writable: tuple[Path, ...]
    kept: tuple[Path, ...] = ()
    hides_signals: bool = True

    @contextmanager
    def around(self, argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Iterator[Entered]:
        """See `Walls`."""
        where = str(cwd / argv[0]) if "/" in argv[0] else argv[0]
        if shutil.which(where, path=env.get("PATH")) is None:
            raise FileNotFoundError(argv[0])
        binds = [word for path in sorted(self.writable) if path.exists() for word in ("--bind", str(path), str(path))]
        binds += [word for path in self.kept if path.exists() for word in ("--ro-bind", str(path), str(path))]
        yield [self.program, *_BOUNDS, *_READABLE, *binds, "--chdir", str(cwd), "--", *argv], None
