"""The archive: skills put away where no agent and no installer looks, never deleted.

It is a folder beside the skills folder, and what was SKILL.md has another name in it: an installer that is told to
search deeply, or that finds no other skill, takes any SKILL.md of the repository (found by running them).
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from agentloop.skills import format as skill_format
from agentloop.skills import frontmatter
from agentloop.skills.disk import read_bytes
from agentloop.skills.format import quote
from agentloop.skills.library import MAX_BYTES
from agentloop.skills.reading import as_text
from agentloop.text.quoting import one_line

FILE = "ARCHIVED.md"
_DAY = "agentloop-archived"
_REASON = "agentloop-archived-because"
MAX_REASON_CHARS = 500
_MAP = re.compile(r"[ \t]*(?:#[^\n]*)?\r?\n(?P<indent>[ ]+)(?=[^\s#-])")
_MARKS = re.compile(rf'^ +{_DAY}: "[^\n]*"\r?\n(?: +{_REASON}: "[^\n]*"\r?\n)?', re.MULTILINE)
_EMPTY_MAP = re.compile(r"^metadata:\r?\n(?![ \t])", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Archived:
    """A skill in the archive."""

    name: str
    description: str
    day: str
    """When it was archived: `2026-11-25`; empty when its SKILL.md has no place for that."""
    reason: str


def folder_of(skills_dir: str) -> str:
    """Where the archive of a skills folder is, relative to the repository's root like it."""
    return f"{skills_dir}-archive"


def archived(root: Path) -> list[Archived]:
    """The skills in an archive, in order of name; empty when there is none."""
    try:
        names = sorted(os.listdir(root))
    except OSError:
        return []
    return [_read(root / name) for name in names if (root / name / FILE).is_file()]


def put_away(text: str, day: str, reason: str) -> str:
    """The SKILL.md with the day and the reason in its metadata; as it was where it has no place for them."""
    head, begin = _head(text)
    end = "\r\n" if head.endswith("\r\n") else "\n"
    marks = {_DAY: day, **({_REASON: one_line(reason, MAX_REASON_CHARS)} if reason else {})}
    metadata = next((entry for entry in frontmatter.entries(head) if entry.key == "metadata"), None)
    if not metadata:
        added = [f"metadata:{end}", *(f"  {key}: {quote(value)}{end}" for key, value in marks.items())]
        return text[: begin + len(head)] + "".join(added if head else []) + text[begin + len(head) :]
    into = _MAP.match(head, metadata.value)
    if not into:
        return text
    at = begin + into.start("indent")
    return (
        text[:at] + "".join(f"{into['indent']}{key}: {quote(value)}{end}" for key, value in marks.items()) + text[at:]
    )


def taken_out(text: str) -> str:
    """The SKILL.md as it was before it was put away."""
    head, begin = _head(text)
    former, number = _MARKS.subn("", head, count=1)
    former = _EMPTY_MAP.sub("", former) if number else former
    return text[:begin] + former + text[begin + len(head) :]


def _head(text: str) -> tuple[str, int]:
    """The frontmatter of a SKILL.md and where it begins; empty when there is none."""
    try:
        block = frontmatter.locate(text)
    except skill_format.SkillFormatError:
        return "", 0
    return text[block.begin : block.end], block.begin


def _read(folder: Path) -> Archived:
    try:
        text = read_bytes(folder / FILE, MAX_BYTES).decode("utf-8", "replace")
        content = frontmatter.read(text).content
    except (OSError, skill_format.SkillFormatError):
        content = {}
    metadata = content.get("metadata")
    marks = metadata if isinstance(metadata, dict) else {}
    return Archived(
        name=folder.name,
        description=as_text(content.get("description", "")),
        day=as_text(marks.get(_DAY, "")),
        reason=as_text(marks.get(_REASON, "")),
    )
