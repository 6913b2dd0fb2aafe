"""The library: the skills of a repository, as they stand in its skills folder."""

import difflib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from agentloop.errors import UsageError
from agentloop.skills import reading
from agentloop.skills.disk import read_bytes
from agentloop.skills.format import FILE, Skill, SkillFormatError
from agentloop.text.quoting import one_line

STATUS = "agentloop-status"
"""The metadata key that says whether a skill is provisional."""
MAX_BYTES = 256 * 1024
"""What is looked at of a SKILL.md."""
_MAX_FILES = 1000
_MAX_REASON_CHARS = 200
_MAX_NAME_CHARS = 100


@dataclass(frozen=True, slots=True)
class Shelved:
    """A skill in its folder."""

    folder: Path
    skill: Skill
    warnings: tuple[str, ...] = ()
    """What a stricter reader would not have taken."""

    @property
    def status(self) -> str:
        """`provisional`, `proven`, or nothing for a skill that says nothing of it."""
        return self.skill.metadata.get(STATUS, "")

    def files(self) -> list[tuple[str, int]]:
        """The files of the skill, with their sizes in bytes; links and what cannot be looked at are left out."""
        return list(_files(self.folder))


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A folder whose SKILL.md is no skill."""

    folder: Path
    reason: str


def folders(root: Path) -> list[Path]:
    """The skill folders directly below a folder, in order of name: ordinary folders with an ordinary SKILL.md.

    Raises:
        UsageError: the folder cannot be listed.
    """
    return [root / name for name in names(root) if _is_skill(f"{root}/{name}")]


def names(root: Path) -> list[str]:
    """The names of the ordinary folders directly below a folder, in order; empty when it does not exist.

    Raises:
        UsageError: the folder cannot be listed.
    """
    try:
        with os.scandir(root) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"the skills in {root} cannot be listed: {error.strerror}") from error


@dataclass(frozen=True)
class Library:
    """The skills below a folder.

    Args:
        root: the skills folder; it need not exist.
        name: what the repository calls it: `skills`, or `docs/skills`.
    """

    root: Path
    name: str

    @classmethod
    def of(cls, repository: Path, skills_dir: str) -> "Library":
        """The library of a repository.

        Raises:
            UsageError: the folder is a link that leads out of the repository, or nowhere.
        """
        root = repository / skills_dir
        try:
            inside = root.resolve().is_relative_to(repository.resolve())
        except (OSError, RuntimeError):  # links in a circle
            inside = False
        if not inside:
            raise UsageError(f"{skills_dir} leads out of the repository", hint="make it an ordinary folder")
        return cls(root, skills_dir)

    @cached_property
    def folders(self) -> list[Path]:
        """The skills' folders, in order of name."""
        return folders(self.root)

    def skills(self) -> Iterator[Shelved | Unreadable]:
        """Read them all, in order of name, with what stands in the place of a skill and is none."""
        for folder in (self.root / name for name in names(self.root)):
            if _is_skill(str(folder)):
                yield read(folder)
            elif problem := _no_ordinary_skill(folder):
                yield Unreadable(folder, problem)

    def find(self, name: str) -> Shelved | Unreadable:
        """The skill of a name: its folder's, or else the one that its SKILL.md says.

        Raises:
            UsageError: there is none; says the near ones.
        """
        by_folder = {folder.name: folder for folder in self.folders}
        if name in by_folder:
            return read(by_folder[name])
        entries = list(self.skills())
        for entry in entries:
            if entry.folder.name == name:
                return entry
        shelved = [entry for entry in entries if isinstance(entry, Shelved)]
        for entry in shelved:
            if entry.skill.name == name:
                return entry
        known = [*by_folder, *(entry.skill.name for entry in shelved)]
        near = sorted(
            {one_line(each, _MAX_NAME_CHARS) for each in difflib.get_close_matches(name, known, n=3, cutoff=0.5)}
        )
        hint = f"did you mean {' or '.join(near)}?" if near else "see what there is: agentloop skills list"
        raise UsageError(f"there is no skill {name!r} in {self.name}/", hint=hint)


def read(folder: Path) -> Shelved | Unreadable:
    """Read the skill of a folder leniently; never raises for what the folder holds."""
    try:
        loaded = reading.load(folder)
    except SkillFormatError as error:
        return Unreadable(folder, one_line(error.message, _MAX_REASON_CHARS))
    return Shelved(folder, loaded.skill, loaded.warnings)


def beginning(folder: str) -> bytes:
    """The first 256 KB of a folder's SKILL.md.

    Raises:
        OSError: it cannot be read, or is no ordinary file.
    """
    return read_bytes(f"{folder}/{FILE}", MAX_BYTES)[:MAX_BYTES]


def text(folder: Path) -> str:
    """What its SKILL.md says, at most 256 KB of it; nothing when it cannot be read."""
    try:
        return beginning(str(folder)).decode("utf-8", "replace")
    except OSError:
        return ""


def _is_skill(folder: str) -> bool:
    try:
        return stat.S_ISREG(os.lstat(f"{folder}/{FILE}").st_mode)
    except OSError:
        return False


def _no_ordinary_skill(folder: Path) -> str:
    """Why a folder that seems to be a skill is not taken for one; empty when it does not seem to be."""
    try:
        spelt = [name for name in os.listdir(folder) if name.lower() == FILE.lower()]
    except OSError as error:
        return f"its folder cannot be listed: {error.strerror}"
    if FILE in spelt:
        return f"its {FILE} is a link or no ordinary file"
    return f"its {FILE} is spelt {spelt[0]}" if spelt else ""


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    found = 0
    for parent, children, names in os.walk(folder):
        children.sort()
        for name in sorted(names):
            path = Path(parent, name)
            try:
                about = path.lstat()
            except OSError:
                continue
            if stat.S_ISREG(about.st_mode):
                yield path.relative_to(folder).as_posix(), about.st_size
                found += 1
                if found >= _MAX_FILES:
                    return
