"""The links by which agents find the skills, and the copies where there can be no links.

No agent reads a top-level `skills/`. Nearly all read `.agents/skills`, Claude Code reads `.claude/skills` alone
(both found by running them), so the first is a link to the folder and the second holds a link for each skill. An agent
that reads neither gets links in its own folder once the repository has one for it.

Nothing is written here: it says what there should be, so that whoever commits it writes it.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from agentloop.skills import copies, library
from agentloop.skills.copies import LINK, CopyError, File
from agentloop.skills.disk import read_bytes

_WHOLE = ".agents/skills"
_EACH = ".claude/skills"
_MAX_TARGET_BYTES = 4096

Lack = tuple[Literal["missing", "stale", "broken"], str]
"""What is wrong with a place, and its path."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What there should be."""

    places: tuple[str, ...]
    """The folders that agents read, relative to the root."""
    files: Mapping[str, File | None]
    """The links and the files of copies by path, also those that are there; None for what leads nowhere."""
    lacks: tuple[Lack, ...]
    hindrances: tuple[str, ...]
    """Why skills cannot be read in a place, or why one is not kept up to date; one clause each."""


def plan(
    root: Path,
    skills_dir: str,
    readers: Iterable[Sequence[str]] = (),
    *,
    linkable: bool = True,
    without: Collection[str] = (),
) -> Plan:
    """Say what links and copies there should be; a path that somebody else has taken is not among them.

    Every parent of a path is an ordinary folder of the repository or does not exist.

    Args:
        root: the top of the working tree.
        skills_dir: relative to the root.
        readers: for each agent, the folders of a project that it reads.
        linkable: a link can be made here.
        without: skills that are about to go.

    Raises:
        UsageError: the skills folder cannot be listed.
    """
    names = [folder.name for folder in library.folders(root / skills_dir) if folder.name not in without]
    places = tuple(_places(root, skills_dir, readers))
    plans = [_Place(root, skills_dir, place, names, linkable, without).steps() for place in places]
    steps = [step for steps in plans for step in steps]
    return Plan(
        places,
        {path: file for step in steps for path, file in step.files.items()},
        tuple(step.lack for step in steps if step.lack),
        tuple(step.hindrance for step in steps if step.hindrance),
    )


def leads_to(root: Path, path: str, name: str) -> bool:
    """A path that was made for a skill of that name is still ours: its link, or a file of an unchanged copy."""
    if (root / path).is_symlink():
        return Path(path).name == name
    return any(parent.name == name and copies.is_untouched(root / parent) for parent in Path(path).parents)


def _places(root: Path, skills_dir: str, readers: Iterable[Sequence[str]]) -> Iterator[str]:
    """The folders that are to hold skills: the defaults, and those of agents in use here that read none of them."""
    known = {_WHOLE, _EACH, skills_dir}
    yield from (_WHOLE, _EACH)
    for folders in readers:
        if folders and not known & set(folders):
            parent = Path(folders[0]).parent
            if parent != Path() and (root / parent).is_dir():
                known.add(folders[0])
                yield folders[0]


@dataclass(frozen=True, slots=True)
class _Step:
    """What there should be at one path."""

    files: Mapping[str, File | None] = field(default_factory=dict)
    lack: Lack | None = None
    hindrance: str = ""


@dataclass(frozen=True, slots=True)
class _Place:
    """A folder that agents read.

    Args:
        root: the top of the working tree.
        skills_dir: where the skills are.
        place: the folder, relative to the root like it.
        names: the skills that it is to hold.
        linkable: a link can be made here.
        without: skills that are about to go.
    """

    root: Path
    skills_dir: str
    place: str
    names: Sequence[str]
    linkable: bool
    without: Collection[str]

    def steps(self) -> list[_Step]:
        """What there should be in it."""
        stub = self._is_stub(self.place)
        one = self._is_one_link()
        detour = _detour(self.root, Path(self.place) if one or stub else Path(self.place) / "x")
        if detour:
            return [self._hindered(detour)]
        if one:
            return [self._whole()]
        return [*([_Step({self.place: None})] if stub else []), *map(self._each, self.names), *self._left_over()]

    def _is_one_link(self) -> bool:
        """One link leads to all skills."""
        there = self.root / self.place
        if self.place != _WHOLE or (there.is_dir() and not there.is_symlink()):
            return False
        return self.linkable or there.is_symlink()

    def _hindered(self, detour: str) -> _Step:
        skills = self.root / self.skills_dir
        read_anyway = all(_same(self.root / self.place / name, skills / name) for name in self.names)
        return (
            _Step() if read_anyway else _Step(lack=("missing", self.place), hindrance=f"{detour} is a link or a file")
        )

    def _whole(self) -> _Step:
        target = self._target(self.place)
        there = self.root / self.place
        if not os.path.lexists(there):
            return _Step({self.place: _link(target)}, ("missing", self.place)) if self.names else _Step()
        if _says(there) != target:
            return _Step(lack=None if there.exists() else ("broken", self.place))
        if not there.exists() or (self.without and not self.names):
            return _Step({self.place: None}, ("broken", self.place))
        return _Step({self.place: _link(target)})

    def _each(self, name: str) -> _Step:
        path = f"{self.place}/{name}"
        there, target = self.root / path, self._target(path)
        if there.is_symlink():
            if _says(there) == target:
                return _Step({path: _link(target)})
            return _Step(lack=None if there.exists() else ("broken", path))
        absent = not os.path.lexists(there)
        if absent and self.linkable:
            return _Step({path: _link(target)}, ("missing", path))
        if not absent and not self._is_stub(path) and copies.origin_of(there) != target:
            return _Step()
        try:
            return self._copy(path, target)
        except CopyError as error:
            return _Step(hindrance=error.message, lack=("stale", path))

    def _copy(self, path: str, target: str) -> _Step:
        files = copies.contents(self.root / self.skills_dir / Path(path).name)
        copy = _below(path, copies.marked(files, target))
        match copies.standing(self.root / path, target, files):
            case "same":
                return _Step(copy)
            case "outdated":
                former = dict.fromkeys(_below(path, copies.contents(self.root / path)))
                return _Step({**former, **copy}, ("stale", path))
            case "changed":
                return _Step(hindrance=f"{path} is a copy that somebody changed", lack=("stale", path))
            case _:
                stub = {path: None} if self._is_stub(path) else {}
                return _Step({**stub, **copy}, ("missing", path))

    def _left_over(self) -> Iterator[_Step]:
        """What was made for skills that are gone."""
        folder = self.root / self.place
        names = sorted(os.listdir(folder)) if folder.is_dir() else []
        for path in (f"{self.place}/{name}" for name in names if name not in self.names):
            there, target = self.root / path, self._target(path)
            if _says(there) == target or self._is_stub(path):
                if Path(path).name in self.without or not (self.root / self.skills_dir / Path(path).name).exists():
                    yield _Step({path: None}, ("broken", path))
            elif copies.origin_of(there) == target:
                yield self._left_copy(path)

    def _left_copy(self, path: str) -> _Step:
        try:
            if not copies.is_untouched(self.root / path):
                return _Step(hindrance=f"{path} is a copy that somebody changed, and its skill is gone")
            files = copies.contents(self.root / path)
        except CopyError as error:
            return _Step(hindrance=error.message)
        return _Step(dict.fromkeys(_below(path, {**files, copies.MARKER: None})), ("broken", path))

    def _target(self, path: str) -> str:
        """What the link at a path says."""
        skill = Path(self.skills_dir) if path == self.place else Path(self.skills_dir) / Path(path).name
        return os.path.relpath(skill, Path(path).parent)

    def _is_stub(self, path: str) -> bool:
        """A text file that stands for our link, as git writes it where links cannot be."""
        if self.linkable:
            return False
        try:
            return read_bytes(self.root / path, _MAX_TARGET_BYTES) == os.fsencode(self._target(path))
        except OSError:
            return False


def _below(path: str, files: Mapping[str, File | None]) -> dict[str, File | None]:
    return {f"{path}/{name}": file for name, file in files.items()}


def _link(target: str) -> File:
    return File(LINK, os.fsencode(target))


def _detour(root: Path, path: Path) -> str:
    """The first parent of a path that is a link or a file, so that nothing of the repository can lie below it."""
    for parent in reversed(path.parents):
        folder = root / parent
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            return parent.as_posix()
    return ""


def _same(path: Path, skill: Path) -> bool:
    try:
        return path.resolve() == skill.resolve()
    except (OSError, RuntimeError):  # links in a circle
        return False


def _says(path: Path) -> str:
    """What a link says; empty when it is none."""
    return str(path.readlink()) if path.is_symlink() else ""
