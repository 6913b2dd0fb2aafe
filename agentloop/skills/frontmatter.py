"""The block between the two `---` of a SKILL.md, read as YAML in which every scalar is a text.

What agents mend, each in its own way, is mended here too and said in a problem, so that a strict reader refuses at
the first of them and a lenient one warns. Nothing here expands, repeats, constructs an object or nests without end.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from agentloop.errors import AgentloopError
from agentloop.skills.yaml_texts import Problem, TextReader, stands_twice

MAX_CHARS = 16_384
_OPENING = re.compile(r"\ufeff?---[ \t]*\r?(?=\n)")
_CLOSING = re.compile(r"\n---[ \t]*\r?(?=\n|\Z)")
_NEARLY_CLOSING = re.compile(r"\n[ \t]{0,40}---[^\n]*")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")
_KEY = re.compile(r"(?P<quote>[\"']?)(?P<key>[A-Za-z_][\w.-]*)(?P=quote)[ \t]*:(?=[ \t\r\n]|\Z)[ \t]*")
_BLOCK_STYLE = re.compile(r"[|>][-+0-9]*[ \t]*\Z")


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
class Block:
    """Where the frontmatter lies in a text: `text[begin:end]` is the YAML, `text[body:]` what follows."""

    begin: int
    end: int
    body: int
    exact: bool = True


@dataclass(slots=True)
class Frontmatter:
    """What a frontmatter says: texts, lists and maps of them; the line of each key; what is wrong with it."""

    content: dict[str, Any]
    body: str
    body_line: int
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Entry:
    """A top-level key with all of its lines.

    Args:
        key: the key.
        begin: where its first line begins in the YAML.
        value: where its value begins.
        end: behind its last line.
        line: the line in the file.
    """

    key: str
    begin: int
    value: int
    end: int
    line: int


def locate(text: str) -> Block:
    """Find the frontmatter of a SKILL.md.

    Raises:
        SkillFormatError: there is none, it is not closed, or it is longer than 16 KB.
    """
    opening = _OPENING.match(text)
    if not opening:
        raise SkillFormatError("there is no frontmatter")
    closing = _CLOSING.search(text, opening.end())
    exact = closing is not None
    closing = closing or _NEARLY_CLOSING.search(text, opening.end())
    if not closing:
        raise SkillFormatError("the frontmatter is not closed by ---")
    begin, end = opening.end() + 1, closing.start() + 1
    if end - begin > MAX_CHARS:
        raise SkillFormatError("the frontmatter is longer than 16 KB")
    return Block(min(begin, end), end, min(closing.end() + 1, len(text)), exact)


def read(text: str) -> Frontmatter:
    """Read the frontmatter of a SKILL.md, and say what had to be mended for that.

    Raises:
        SkillFormatError: not even a lenient reader can take it for one.
    """
    block = locate(text)
    source = text[block.begin : block.end]
    body_line = text.count("\n", 0, block.body) + 1
    found = Frontmatter({}, text[block.body :], body_line)
    if text.startswith("\ufeff"):
        found.problems.append(Problem("byte-order-mark", 1, "it begins with a byte order mark", harmless=True))
    if not block.exact:
        message = "the frontmatter is not closed by a line of --- alone"
        found.problems.append(Problem("frontmatter-end", body_line - 1, message))
    control = _CONTROL.search(source)
    if control:
        line = 2 + source.count("\n", 0, control.start())
        found.problems.append(Problem("frontmatter-yaml", line, "the frontmatter holds a control character"))
        source = _CONTROL.sub(" ", source)
    try:
        _take(found, source, 2)
    except yaml.YAMLError as error:
        _mend(found, source, error)
    return found


def entries(source: str) -> Iterator[Entry]:
    """The top-level keys of a frontmatter with their lines, found without YAML; comments between them are no one's."""
    position, line, end = 0, 2, 0
    begun: Entry | None = None
    for raw in source.splitlines(keepends=True):
        match = _KEY.match(raw)
        if match:
            if begun:
                yield replace(begun, end=end)
            begun = Entry(match["key"], position, position + match.end(), 0, line)
        position += len(raw)
        line += raw.endswith("\n")
        if match or not (raw.isspace() or raw.startswith("#")):
            end = position
    if begun:
        yield replace(begun, end=end)


def _take(found: Frontmatter, source: str, first_line: int) -> None:
    """Read YAML into what was found; nothing is kept of it where it cannot be read."""
    reader = TextReader(source, first_line)
    content = reader.document()
    if not isinstance(content, dict):
        raise SkillFormatError("the frontmatter is no mapping", 2)
    for key in content:
        if key in found.content:
            reader.problems.append(stands_twice(key, reader.lines[key]))
    found.content.update(content)
    found.lines.update(reader.lines)
    found.problems.extend(reader.problems)


def _mend(found: Frontmatter, source: str, error: yaml.YAMLError) -> None:
    """Read key by key, and what is no YAML as the text that it looks like."""
    whole = _problem_of(error, 2)
    before = len(found.problems)
    for entry in entries(source):
        try:
            _take(found, source[entry.begin : entry.end], entry.line)
        except (yaml.YAMLError, SkillFormatError) as wrong:
            if entry.key in found.content:
                found.problems.append(stands_twice(entry.key, entry.line))
            value = as_it_looks(source[entry.value : entry.end])
            found.content[entry.key] = value
            found.lines[entry.key] = entry.line
            line, why = _problem_of(wrong, entry.line)
            rule = "unquoted-colon" if ": " in value and not value.startswith(("[", "{")) else "frontmatter-yaml"
            message = f"the frontmatter is no valid YAML: {why} ({entry.key})"
            found.problems.append(Problem(rule, line, message, entry.key))
    if not found.content:
        raise SkillFormatError(f"the frontmatter is no valid YAML: {whole[1]}", whole[0]) from error
    if len(found.problems) == before:
        message = f"the frontmatter is no valid YAML: {whole[1]}"
        found.problems.append(Problem("frontmatter-yaml", whole[0], message))


def as_it_looks(raw: str) -> str:
    """The text that a value which is no YAML was meant to be."""
    lines = [line.strip() for line in raw.splitlines()]
    if lines and _BLOCK_STYLE.fullmatch(lines[0]):
        lines[0] = ""
    text = " ".join(line for line in lines if line)
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1]
    return text


def _problem_of(error: Exception, first_line: int) -> tuple[int, str]:
    mark = getattr(error, "problem_mark", None)
    why = getattr(error, "problem", None) or str(error).partition("\n")[0]
    return (mark.line if mark else 0) + first_line, why
