"""What each way to install the hook has to say of itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agentloop.hook import marks
from agentloop.hook.decision import REFUSED
from agentloop.repo import HooksFolder

UNLESS_REFUSED = f"[ $? -ne {REFUSED} ]"
"""Shell, after `||`: whatever else is wrong, the push goes on, also where agentloop is gone or half installed."""


@dataclass(frozen=True, slots=True)
class Here:
    """Where the hook is to go."""

    root: Path
    """The top of the working tree."""
    hooks: HooksFolder
    program: Path | None
    """The agentloop that is at work, for a hook that belongs to this machine alone."""

    @property
    def hook(self) -> Path:
        """What git runs."""
        return self.hooks.path / "pre-push"


@dataclass(frozen=True, slots=True)
class Standing:
    """How the hook stands, by one way."""

    where: Path
    """The file with our part."""
    why_not: Sequence[str] = ()
    """Why git does not run it, and what to do; nothing when it does."""


class Way(Protocol):
    """A way to install the hook."""

    name: str

    def is_meant(self, here: Here, /) -> bool:
        """It is the way that fits, where nobody has said which."""
        ...

    def install(self, here: Here) -> list[str]:
        """Put the hook there.

        Returns:
            What was done and what is left to do, a line each; nothing when it was there already.

        Raises:
            UsageError: it cannot go there.
            OSError: a file cannot be written.
        """
        ...

    def uninstall(self, here: Here) -> list[str]:
        """Take it away, so that all is as it was before.

        Returns:
            What was done; nothing when it was not there.

        Raises:
            UsageError: somebody has changed it since.
            OSError: a file cannot be written.
        """
        ...

    def standing(self, here: Here) -> Standing | None:
        """How it stands; None when it was not installed."""
        ...


def read(path: Path) -> str:
    """A file's text, with its line ends and what is not UTF-8 as they are; empty when there is no file.

    Raises:
        OSError: it cannot be read.
    """
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return ""


def write(path: Path, text: str, mode: int | None = None) -> None:
    """Write a file in one step; links are followed, and its mode is kept.

    Args:
        path: the file.
        text: all of it.
        mode: that of a new file.
    """
    target = path.resolve() if path.is_symlink() else path
    target.parent.mkdir(parents=True, exist_ok=True)
    kept = target.stat().st_mode & 0o7777 if target.exists() else mode
    unfinished = target.with_name(f".{target.name}.agentloop")
    try:
        unfinished.write_bytes(text.encode("utf-8", "surrogateescape"))
        if kept is not None:
            unfinished.chmod(kept)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def taken_out(files: list[Path]) -> list[str]:
    """Take our part out of files, and those away that were made for it; says of which.

    Raises:
        UsageError: somebody has changed our part.
    """
    done = []
    for file in files:
        text = read(file)
        rest = marks.without(text, str(file))
        if rest == text:
            continue
        if rest is None:
            file.unlink()
        else:
            write(file, rest)
        done.append(f"taken away: {file}")
    return done
