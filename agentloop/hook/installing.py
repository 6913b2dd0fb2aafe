"""Where the hook goes, how it comes there, and whether git would run it."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from agentloop.errors import UsageError
from agentloop.hook.husky import Husky
from agentloop.hook.lefthook import Lefthook
from agentloop.hook.pre_commit import PreCommit
from agentloop.hook.raw import Raw
from agentloop.hook.ways import Here, Standing, Way
from agentloop.repo import Repo

WAYS: tuple[Way, ...] = (Husky(), Lefthook(), PreCommit(), Raw())
"""The ways to install it; of those that are meant the first one is."""


def here(repo: Repo) -> Here:
    """Where the hook of a repository is."""
    beside = shutil.which(Path(sys.executable).parent / "agentloop")
    found = beside or shutil.which("agentloop")
    return Here(repo.root, repo.hooks_folder(), Path(found).absolute() if found else None)


def install(place: Here, via: str = "") -> tuple[str, list[str]]:
    """Install the hook.

    Args:
        place: where.
        via: the name of a way; empty: the one that fits.

    Returns:
        The way, and what was done, a line each; no line when it was there already.

    Raises:
        UsageError: it cannot go there, or is installed in another way.
    """
    way = next(way for way in WAYS if (way.name == via if via else way.is_meant(place)))
    others = [other.name for other in WAYS if other is not way and other.standing(place)]
    if others:
        raise UsageError(f"the hook is installed already, via {others[0]}", hint="first: agentloop hook uninstall")
    return way.name, way.install(place)


def uninstall(place: Here) -> list[str]:
    """Take the hook away, in whichever way it came; says what was done.

    Raises:
        UsageError: somebody has changed it since.
    """
    return [line for way in WAYS for line in way.uninstall(place)]


def standing(place: Here) -> Sequence[tuple[str, Standing]]:
    """By which ways the hook is installed, and how it stands."""
    found = ((way.name, way.standing(place)) for way in WAYS)
    return [(name, how) for name, how in found if how]
