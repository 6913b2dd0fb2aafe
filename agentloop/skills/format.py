"""A skill as data: SKILL.md in, SKILL.md out, after the Agent Skills specification (agentskills.io)."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agentloop.skills import frontmatter
from agentloop.skills.frontmatter import SkillFormatError
from agentloop.skills.yaml_texts import KEYS

__all__ = ["FILE", "KEYS", "Skill", "SkillFormatError", "parse", "quote", "read", "render"]

FILE = "SKILL.md"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_NO_CHARACTER = re.compile("[\ud800-\udfff\ufffe\uffff]")
_MAX_PLAIN_KEY_CHARS = 1000  # YAML lets a key on one line with its value have 1024


@dataclass(frozen=True, slots=True)
class Skill:
    """What a SKILL.md says."""

    name: str
    description: str
    body: str
    license: str = ""
    compatibility: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    allowed_tools: str = ""


def parse(text: str) -> Skill:
    """Read a SKILL.md strictly.

    Raises:
        SkillFormatError: it cannot be read, a required key is missing, or a value is of the wrong kind.
    """
    found = frontmatter.read(text)
    for problem in found.problems:
        if not problem.harmless:
            raise SkillFormatError(problem.message, problem.line)
    _check_kinds(found)
    content = found.content
    return Skill(
        name=content["name"],
        description=content["description"],
        body=found.body.strip("\r\n"),
        license=content.get("license", ""),
        compatibility=content.get("compatibility", ""),
        metadata=content.get("metadata", {}),
        allowed_tools=content.get("allowed-tools", ""),
    )


def _check_kinds(found: frontmatter.Frontmatter) -> None:
    for key, value in found.content.items():
        if key not in KEYS:
            raise SkillFormatError(f"the key {key!r} is not in the format; known: {', '.join(KEYS)}", found.lines[key])
        wanted = dict if key == "metadata" else str
        if not isinstance(value, wanted):
            raise SkillFormatError(f"{key} is no {'map' if wanted is dict else 'text'}", found.lines[key])
    for key in ("name", "description"):
        if not found.content.get(key, "").strip():
            raise SkillFormatError(f"{key} is missing or empty", found.lines.get(key, 2))
    if not all(isinstance(value, str) for value in found.content.get("metadata", {}).values()):
        raise SkillFormatError("metadata is no map of texts", found.lines["metadata"])


def render(skill: Skill) -> str:
    """Write a SKILL.md: every scalar quoted, so that no YAML reader can take it for something else.

    In the frontmatter each control character, line ends and tabs included, becomes a space. Everywhere, what is no
    character (half of a surrogate pair, U+FFFE, U+FFFF) becomes U+FFFD, so that the text is valid UTF-8 and YAML.
    """
    lines = ["---", f"name: {quote(skill.name)}", f"description: {quote(skill.description)}"]
    optional = (
        ("license", skill.license),
        ("compatibility", skill.compatibility),
        ("allowed-tools", skill.allowed_tools),
    )
    lines += [f"{key}: {quote(value)}" for key, value in optional if value]
    if skill.metadata:
        lines.append("metadata:")
        metadata = {quote(key): quote(value) for key, value in sorted(skill.metadata.items())}
        for key, value in metadata.items():
            lines += [f"  {key}: {value}"] if len(key) <= _MAX_PLAIN_KEY_CHARS else [f"  ? {key}", f"  : {value}"]
    return "\n".join([*lines, "---", "", _NO_CHARACTER.sub("\ufffd", skill.body), ""])


def read(folder: Path) -> Skill:
    """Read the SKILL.md of a folder.

    Raises:
        SkillFormatError: it is missing or cannot be read.
    """
    try:
        return parse((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SkillFormatError(f"{folder.name}/{FILE} cannot be read: {error}") from error


def quote(text: str) -> str:
    """A YAML scalar that every reader takes for this text, but for what `render` says of characters."""
    return json.dumps(_NO_CHARACTER.sub("\ufffd", _CONTROL.sub(" ", text)), ensure_ascii=False)
