"""A skill of somebody else's, read as leniently as agents do: what they get over is a warning.

What each agent takes and what it refuses was found out by running them: an unquoted colon is repaired by Claude Code,
Codex and others and refused by a few; a name that is not its folder's counts for all but Claude Code; a skill without
a description is listed by some.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentloop.skills import frontmatter
from agentloop.skills.disk import read_bytes
from agentloop.skills.format import FILE, Skill, SkillFormatError
from agentloop.skills.frontmatter import Frontmatter
from agentloop.skills.values import MAX_DESCRIPTION_CHARS, deviations
from agentloop.text.quoting import one_line, plain

MAX_BYTES = 1024 * 1024
"""What is longer fits into no agent's context."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A skill, and what a stricter reader would not have taken; one sentence each."""

    skill: Skill
    warnings: tuple[str, ...]


def load(folder: Path) -> Loaded:
    """Read the skill of a folder leniently.

    Its name is the frontmatter's, or the folder's where there is none; without a description, the first paragraph of
    the body stands for it. Texts of the frontmatter are free of control characters.

    Raises:
        SkillFormatError: no agent could use it: there is no SKILL.md that can be read, no frontmatter, or neither a
            description nor a text to take one from.
    """
    text, warnings = _text(folder)
    name = folder.name or folder.resolve().name
    found = frontmatter.read(text)
    skill = _skill(found, name)
    warnings += [f"line {problem.line}: {problem.message}" for problem in found.problems]
    warnings += [f"line {problem.line}: {problem.message}" for problem in deviations(found, name, ascii_names=False)]
    return Loaded(skill, (*warnings, *_choices(found, skill, name)))


def find_file(folder: Path) -> str:
    """The name of a folder's SKILL.md as it is spelt there; empty when there is none."""
    return next((name for name in (FILE, FILE.lower(), FILE.replace("SKILL", "Skill")) if (folder / name).exists()), "")


def _text(folder: Path) -> tuple[str, list[str]]:
    """The text of SKILL.md, and what is odd about it."""
    spelt = find_file(folder)
    if not spelt:
        raise SkillFormatError(f"there is no {FILE} in {folder.name}")
    warnings = [] if spelt == FILE else [f"the file is spelt {spelt}: some agents read {FILE} alone"]
    try:
        path = (folder / spelt).resolve(strict=True)
        if not path.is_relative_to(folder.resolve()):
            raise SkillFormatError(f"{folder.name}/{spelt} is a link that leads out of the skill")
        content = read_bytes(path, MAX_BYTES)
    except (OSError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or error
        raise SkillFormatError(f"{folder.name}/{spelt} cannot be read: {why}") from error
    if len(content) > MAX_BYTES:
        raise SkillFormatError(f"{folder.name}/{spelt} is larger than 1 MB")
    text = content.decode("utf-8", "replace")
    if "\ufffd" in text and text.encode("utf-8") != content:
        warnings.append("it is not UTF-8 throughout: what is not is read as \ufffd")
    return text, warnings


def _skill(found: Frontmatter, folder: str) -> Skill:
    content = found.content
    name = content.get("name")
    description = as_text(content.get("description", "")).strip() or _first_paragraph(found.body)
    if not description:
        raise SkillFormatError("there is neither a description nor a text to take one from", found.body_line)
    metadata = content.get("metadata")
    return Skill(
        name=plain(name).strip() if isinstance(name, str) and plain(name).strip() else folder,
        description=description,
        body=found.body.strip("\r\n"),
        license=as_text(content.get("license", "")),
        compatibility=as_text(content.get("compatibility", "")),
        metadata={plain(key): as_text(value) for key, value in metadata.items()} if isinstance(metadata, dict) else {},
        allowed_tools=as_text(content.get("allowed-tools", ""), " "),
    )


def _choices(found: Frontmatter, skill: Skill, folder: str) -> Iterator[str]:
    """What was taken where agents differ."""
    if unicodedata.normalize("NFKC", skill.name) != unicodedata.normalize("NFKC", folder):
        yield f"it is known as {skill.name!r}, to Claude Code as {folder!r}"
    if not as_text(found.content.get("description", "")).strip():
        yield "its first paragraph stands for the description; most agents do not list it"


def as_text(value: Any, separator: str = ", ") -> str:
    """A value of a frontmatter as one text."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list):
        return separator.join(as_text(item) for item in value)
    return separator.join(f"{plain(key)}: {as_text(item)}" for key, item in value.items())


def _first_paragraph(body: str) -> str:
    paragraph: list[str] = []
    for line in body[: 8 * MAX_DESCRIPTION_CHARS].splitlines():
        words = line.strip()
        if words and not words.startswith(("#", "```", "~~~", "---", "<!--", "![")):
            paragraph.append(words)
        elif paragraph:
            break
    return one_line(" ".join(paragraph), MAX_DESCRIPTION_CHARS)
