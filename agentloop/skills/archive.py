"""The archive: skills put away where no agent and no installer looks, never deleted.

It is a folder beside the skills folder, and what was SKILL.md has another name in it: an installer that is told to
search deeply, or that finds no other skill, takes any SKILL.md of the repository (found by running them).
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agentloop.quoting import one_line
from agentloop.skills import format as skill_format
from agentloop.skills import frontmatter
from agentloop.skills.library import beginning

FILE = "ARCHIVED.md"
_DAY = "agentloop-archived"
_REASON = "agentloop-archived-because"
_MAX_REASON_CHARS = 500
_HEAD = re.compile(r"(?P<opening>\ufeff?---[ \t]*\r?\n)(?P<head>(?:(?!---[ \t]*\r?$)[^\n]*\n)*)", re.MULTILINE)
_METADATA = re.compile(r"^metadata:", re.MULTILINE)
_MAP = re.compile(r"^metadata:[ \t]*\r?\n(?P<indent>[ ]+)(?=[^\s#-])", re.MULTILINE)
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
    match = _HEAD.match(text)
    if not match:
        return text
    head, end = match["head"], "\r\n" if match["opening"].endswith("\r\n") else "\n"
    marks = {_DAY: day, **({_REASON: one_line(reason, _MAX_REASON_CHARS)} if reason else {})}
    into = _MAP.search(head)
    if into:
        at = into.start("indent")
        added = "".join(f"{into['indent']}{key}: {_quoted(value)}{end}" for key, value in marks.items())
    elif _METADATA.search(head):
        return text
    else:
        at = len(head)
        added = f"metadata:{end}" + "".join(f"  {key}: {_quoted(value)}{end}" for key, value in marks.items())
    at += match.start("head")
    return text[:at] + added + text[at:]


def taken_out(text: str) -> str:
    """The SKILL.md as it was before it was put away."""
    match = _HEAD.match(text)
    if not match:
        return text
    head, number = _MARKS.subn("", match["head"], count=1)
    head = _EMPTY_MAP.sub("", head) if number else head
    return text[: match.start("head")] + head + text[match.end("head") :]


def moved(paths: Iterator[str], source: str, target: str, name: str, *, back: bool = False) -> dict[str, str]:
    """Where each file of a skill goes: from `source/name` to `target/name`, and what is SKILL.md to another name."""
    old, new = (FILE, skill_format.FILE) if back else (skill_format.FILE, FILE)
    found = {}
    for path in paths:
        parent, _slash, file = path.removeprefix(f"{source}/{name}/").rpartition("/")
        found[path] = "/".join(filter(None, [target, name, parent, new if file == old else file]))
    return found


def _read(folder: Path) -> Archived:
    try:
        text = beginning(f"{folder}/{FILE}").decode("utf-8", "replace")
        content = frontmatter.read(text).content
    except (OSError, skill_format.SkillFormatError):
        content = {}
    metadata = content.get("metadata")
    marks = metadata if isinstance(metadata, dict) else {}
    description = content.get("description")
    return Archived(
        name=folder.name,
        description=description if isinstance(description, str) else "",
        day=str(marks.get(_DAY, "")),
        reason=str(marks.get(_REASON, "")),
    )


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
