"""Where adapters come from: the user's folder, agentloop itself, and installed packages."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

from agentloop.config import user_folder

_GROUP = "agentloop.agents"
_NAME = re.compile(r"[\w.-]+")

Origin = Literal["user", "agentloop", "package"]


@dataclass(frozen=True, slots=True)
class Source:
    """An adapter's file, not read."""

    name: str
    path: Path
    origin: Origin


def sources() -> dict[str, Source]:
    """Where each agent is described, by name in order; the user's own file stands before ours, ours before others'."""
    found = {source.name: source for source in reversed([*_in_folders(), *_packaged()])}
    return dict(sorted(found.items()))


def source(name: str) -> Source | None:
    """Where the agent of that name is described; None for an unknown one."""
    for origin, folder in _folders():
        path = folder / f"{name}.toml"
        if _NAME.fullmatch(name) and os.path.lexists(path):  # what is no file is told when it is read
            return Source(name, path, origin)
    return next((found for found in _packaged() if found.name == name), None)


def comes_with_agentloop(name: str) -> bool:
    """There is a file of ours for the agent of that name, used or not."""
    return any(found.name == name and found.origin == "agentloop" for found in _in_folders())


def adapters_folder() -> Path:
    """Where the user's own adapters lie."""
    return user_folder() / "agents"


def _folders() -> list[tuple[Origin, Path]]:
    return [("user", adapters_folder()), ("agentloop", Path(str(resources.files(__package__))))]


def _in_folders() -> Iterator[Source]:
    for origin, folder in _folders():
        for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
            yield Source(path.stem, path, origin)


@cache
def _packaged() -> tuple[Source, ...]:
    """Those of installed packages: an entry point names the package in whose folder NAME.toml lies.

    The packages themselves are not imported.
    """
    from importlib import metadata  # it costs as much as all else that lists agents

    return tuple(Source(entry.name, _folder_of(entry.module) / f"{entry.name}.toml", "package")
                 for entry in metadata.entry_points(group=_GROUP))  # fmt: skip


def _folder_of(package: str) -> Path:
    from importlib import util

    try:
        spec = util.find_spec(package)
    except ImportError:
        spec = None
    folders = spec.submodule_search_locations if spec else None
    return Path(next(iter(folders or ()), package))
