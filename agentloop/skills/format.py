"""A skill as data: SKILL.md in, SKILL.md out, after the Agent Skills specification (agentskills.io)."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from agentloop.errors import AgentloopError

FILE = "SKILL.md"
KEYS = ("name", "description", "license", "compatibility", "metadata", "allowed-tools")
_FRONTMATTER = re.compile(
    r"\A\ufeff?---[ \t]*\r?\n(?P<yaml>.*?)(?:\r?\n)?---[ \t]*(?:\r?\n|\Z)(?P<body>.*)\Z", re.DOTALL
)
_MAX_FRONTMATTER_CHARS = 16_384
_MAX_DEPTH = 20
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_NO_CHARACTER = re.compile("[\ud800-\udfff\ufffe\uffff]")
_MAX_PLAIN_KEY_CHARS = 1000  # YAML lets a key on one line with its value have 1024


class SkillFormatError(AgentloopError):
    """A SKILL.md that cannot be read as one.

    Args:
        message: what is wrong.
        line: the line in the file, from 1.
    """

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


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


class _Loader(yaml.SafeLoader):
    """Every scalar a string, as agents read it; nothing that expands or repeats."""

    depth = 0

    def _mark(self) -> Any:
        return self.peek_event().start_mark  # type: ignore[no-untyped-call]

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases are not allowed", problem_mark=self._mark())
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem="too deeply nested", problem_mark=self._mark())
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: ARG002 - PyYAML asks with it
        mapping: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.MarkedYAMLError(problem="a key is not a string", problem_mark=key_node.start_mark)
            if key in mapping:
                raise yaml.MarkedYAMLError(problem=f"the key {key!r} stands twice", problem_mark=key_node.start_mark)
            mapping[key] = self.construct_object(value_node, deep=True)
        return mapping


_Loader.yaml_implicit_resolvers = {}
_Loader.add_constructor(
    yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG,
    lambda loader, node: loader.construct_mapping(node, deep=True),  # type: ignore[arg-type]
)


def frontmatter(text: str) -> tuple[dict[str, Any], str, int]:
    """The frontmatter as it stands, the body, and the body's first line.

    Raises:
        SkillFormatError: there is none, it is not closed, or it is no YAML mapping.
    """
    match = _FRONTMATTER.match(text)
    if not match:
        opened = text.lstrip("\ufeff").startswith("---")
        raise SkillFormatError("the frontmatter is not closed by ---" if opened else "there is no frontmatter")
    if len(match["yaml"]) > _MAX_FRONTMATTER_CHARS:
        raise SkillFormatError("the frontmatter is longer than 16 KB")
    try:
        content = yaml.load(match["yaml"], Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        raise SkillFormatError(f"the frontmatter is no valid YAML: {error.problem}", line) from error
    except yaml.YAMLError as error:
        raise SkillFormatError(f"the frontmatter is no valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise SkillFormatError("the frontmatter is no mapping", 2)
    return content, match["body"], text.count("\n", 0, match.start("body")) + 1


def parse(text: str) -> Skill:
    """Read a SKILL.md strictly.

    Raises:
        SkillFormatError: it cannot be read, a required key is missing, or a value is of the wrong kind.
    """
    content, body, _line = frontmatter(text)
    for key, value in content.items():
        if key not in KEYS:
            raise SkillFormatError(f"the key {key!r} is not in the format; known: {', '.join(KEYS)}", 2)
        wanted = dict if key == "metadata" else str
        if not isinstance(value, wanted):
            raise SkillFormatError(f"{key} is no {'map' if wanted is dict else 'text'}", 2)
    for key in ("name", "description"):
        if not content.get(key, "").strip():
            raise SkillFormatError(f"{key} is missing or empty", 2)
    metadata = content.get("metadata", {})
    if not all(isinstance(value, str) for value in metadata.values()):
        raise SkillFormatError("metadata is no map of texts", 2)
    return Skill(
        name=content["name"],
        description=content["description"],
        body=body.strip("\r\n"),
        license=content.get("license", ""),
        compatibility=content.get("compatibility", ""),
        metadata=metadata,
        allowed_tools=content.get("allowed-tools", ""),
    )


def render(skill: Skill) -> str:
    """Write a SKILL.md: every scalar quoted, so that no YAML reader can take it for something else.

    In the frontmatter each control character, line ends and tabs included, becomes a space. Everywhere, what is no
    character (half of a surrogate pair, U+FFFE, U+FFFF) becomes U+FFFD, so that the text is valid UTF-8 and YAML.
    """
    lines = ["---", f"name: {_quote(skill.name)}", f"description: {_quote(skill.description)}"]
    optional = (
        ("license", skill.license),
        ("compatibility", skill.compatibility),
        ("allowed-tools", skill.allowed_tools),
    )
    lines += [f"{key}: {_quote(value)}" for key, value in optional if value]
    if skill.metadata:
        lines.append("metadata:")
        metadata = {_quote(key): _quote(value) for key, value in sorted(skill.metadata.items())}
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


def _quote(text: str) -> str:
    return json.dumps(_NO_CHARACTER.sub("\ufffd", _CONTROL.sub(" ", text)), ensure_ascii=False)
