"""Skills into the archive and back, each time by a commit of its own; nothing is deleted."""

import os
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agentloop.errors import PublishError
from agentloop.repo import Change, Entry, Repo
from agentloop.skills import archive, links
from agentloop.skills import format as skill_format
from agentloop.text.quoting import one_line
from agentloop.text.redact import redact

_MAX_NAME_CHARS = 300


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move came to."""

    names: tuple[str, ...]
    commit: str
    notes: tuple[str, ...]
    """What the person has to know about it; mostly nothing."""


def archive_skills(
    repo: Repo,
    skills_dir: str,
    names: Sequence[str],
    *,
    day: str,
    reason: str = "",
    readers: Iterable[Sequence[str]] = (),
) -> Moved:
    """Move skills into the archive, and commit that with the links and copies that led to them.

    Args:
        repo: where.
        skills_dir: relative to the repository's root.
        names: the skills' folders; at least one.
        day: today, as `2026-11-25`.
        reason: why; kept with the skill and in the commit's message.
        readers: for each agent, the folders of a project that it reads.

    Raises:
        PublishError: one of them is not committed as it stands, or is in the archive already, or the commit cannot be
            made; nothing was moved.
        UsageError: the skills folder cannot be listed.
    """
    reason = redact(one_line(reason, archive.MAX_REASON_CHARS))
    plan = links.plan(repo.root, skills_dir, readers, linkable=repo.can_link(), without=names)
    useless = repo.entries_in_tree([path for path, file in plan.files.items() if file is None])
    tracked = repo.entries_at(repo.head(), *useless) if useless else {}
    change: dict[str, Entry | None] = dict.fromkeys(tracked)
    for name in names:
        move = _Move(skills_dir, archive.folder_of(skills_dir), name, skill_format.FILE, archive.FILE)
        change.update(move.change(repo, lambda text: archive.put_away(text, day, reason)))
    moved = _commit(repo, change, _message("Archive", names, reason), names, skills_dir)
    repo.paths.write(dict.fromkeys(useless.keys() - tracked.keys()))
    return replace(moved, notes=(*moved.notes, *plan.hindrances))


def restore_skills(repo: Repo, skills_dir: str, names: Sequence[str]) -> Moved:
    """Move skills back from the archive by a commit; they are what they were before.

    Raises:
        PublishError: one of them is not in the archive as it stands, or there is a skill of that name, or the commit
            cannot be made; nothing was moved.
    """
    change: dict[str, Entry | None] = {}
    for name in names:
        move = _Move(archive.folder_of(skills_dir), skills_dir, name, archive.FILE, skill_format.FILE)
        change.update(move.change(repo, archive.taken_out))
    return _commit(repo, change, _message("Restore", names), names, archive.folder_of(skills_dir))


@dataclass(frozen=True, slots=True)
class _Move:
    """A skill on its way.

    Args:
        source: the folder that it leaves.
        target: the folder that it goes to.
        name: its own folder.
        former: what its SKILL.md is called in `source`.
        later: what it is called in `target`.
    """

    source: str
    target: str
    name: str
    former: str
    later: str

    def change(self, repo: Repo, edit: Callable[[str], str]) -> Change:
        """What becomes of each path.

        Args:
            repo: where.
            edit: what becomes of the text of SKILL.md.

        Raises:
            PublishError: it is not committed, or something is in its place.
        """
        source, target = f"{self.source}/{self.name}", f"{self.target}/{self.name}"
        files = repo.entries_at(repo.head(), source)
        if f"{source}/{self.former}" not in files:
            raise PublishError(
                f"{source}/{self.former} is not committed",
                hint=f"commit it first: git add {shlex.quote(source)}; git commit",
            )
        if os.path.lexists(repo.root / target) or repo.entries_at(repo.head(), target):
            raise PublishError(f"{target} is there already", hint="move it out of the way first")
        moved = {path: self._moved(path) for path in files}
        if len(set(moved.values())) < len(moved):
            raise PublishError(f"{source} holds an {self.later} too", hint="give it another name")
        ignored = repo.ignored_of(moved.values())
        if ignored:
            raise PublishError(f"git is told to ignore {min(ignored)}", hint=f"take {self.target} out of .gitignore")
        main = f"{source}/{self.former}"
        edited = _edited(repo.root / main, edit)
        there = {moved[path]: entry for path, entry in files.items()}
        stored = repo.paths.store(moved[main], edited, files[main].mode)
        return {**dict.fromkeys(files), **there, moved[main]: stored}

    def _moved(self, path: str) -> str:
        parent, _slash, file = path.removeprefix(f"{self.source}/").rpartition("/")
        return f"{self.target}/{parent}/{self.later if file == self.former else file}"


def _edited(path: Path, edit: Callable[[str], str]) -> bytes:
    try:
        text = path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise PublishError(f"{path} cannot be read: {error.strerror}", hint="see git status") from error
    return edit(text).encode("utf-8", "surrogateescape")


def _commit(repo: Repo, change: Change, message: str, names: Sequence[str], source: str) -> Moved:
    done = repo.committing.commit(change, message)
    left = [f"{source}/{name}" for name in names if (repo.root / source / name).exists()]
    notes = [f"{folder} still holds files that git does not know" for folder in left]
    return Moved(tuple(names), done.commit or "", (*filter(None, [done.note]), *notes))


def _message(verb: str, names: Sequence[str], reason: str = "") -> str:
    said = ", ".join(one_line(name, _MAX_NAME_CHARS) for name in names)
    subject = f"{verb} {'skill' if len(names) == 1 else 'skills'} {said}"
    return f"{subject}\n\n{reason}".strip() + "\n"
