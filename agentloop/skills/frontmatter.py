"""The block between the two `---` of a SKILL.md, read as YAML in which every scalar is a text.

What agents mend, each in its own way, is mended here too and said in a problem, so that a strict reader refuses at
the first of them and a lenient one warns. Nothing here expands, repeats, constructs an object or nests without end.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import yaml

from agentloop.errors import AgentloopError

MAX_CHARS = 16_384
_MAX_DEPTH = 20
_MAX_ALIASED_CHARS = 1024
_OPENING = re.compile(r"\ufeff?---[ \t]*\r?(?=\n)")
_CLOSING = re.compile(r"\n---[ \t]*\r?(?=\n|\Z)")
_NEARLY_CLOSING = re.compile(r"\n[ \t]{0,40}---[^\n]*")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]|(?<=.)\ufeff", re.DOTALL)
_KEY = re.compile(r"(?P<quote>[\"']?)(?P<key>[A-Za-z_][\w.-]*)(?P=quote)[ \t]*:(?=[ \t\r\n]|\Z)[ \t]*")
_BLOCK_STYLE = re.compile(r"[|>][-+0-9]*[ \t]*\Z")
_LOADER = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader
_OTHER_THAN_TEXT = re.compile(
    r"(?i:y|n|yes|no|on|off|true|false|null|~)|[-+]?(?:0[xob])?[0-9_]+|[-+]?[0-9][0-9_]*\.[0-9_]*(?:e[-+]?[0-9]+)?"
    r"|[-+]?\.[0-9]+|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|[-+]?[0-9]+(?::[0-5]?[0-9])+|[-+]?\.(?i:inf|nan)"
)


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
class Problem:
    """What a lenient reader gets over and a strict one does not.

    Args:
        rule: the id of the finding that it is.
        line: the line in the file, from 1.
        message: what is wrong.
        key: the top-level key that it stands at; empty when it is about the whole.
        harmless: we read it as it was meant, by the letter of the format; some other reader may not.
    """

    rule: str
    line: int
    message: str
    key: str = ""
    harmless: bool = False


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
    cleaned = _CONTROL.sub(" ", source)
    if cleaned != source:
        line = 2 + source.count("\n", 0, next(_CONTROL.finditer(source)).start())
        found.problems.append(Problem("frontmatter-yaml", line, "the frontmatter holds a control character"))
    try:
        _take(found, cleaned, 2)
    except yaml.YAMLError as error:
        _mend(found, cleaned, error)
    return found


def entries(source: str) -> Iterator[Entry]:
    """The top-level keys of a frontmatter with their lines, found without YAML."""
    position, line = 0, 2
    begun: tuple[str, int, int, int] | None = None
    for raw in source.splitlines(keepends=True):
        match = _KEY.match(raw)
        if match:
            if begun:
                yield Entry(begun[0], begun[1], begun[2], position, begun[3])
            begun = (match["key"], position, position + match.end(), line)
        position += len(raw)
        line += raw.endswith("\n")
    if begun:
        yield Entry(begun[0], begun[1], begun[2], position, begun[3])


def _take(found: Frontmatter, source: str, first_line: int) -> None:
    """Read YAML into what was found; nothing is kept of it where it cannot be read."""
    reader = _Reader(source, first_line)
    content = reader.document()
    if not isinstance(content, dict):
        raise SkillFormatError("the frontmatter is no mapping", 2)
    for key in content:
        if key in found.content:
            reader.problems.append(_twice(key, reader.lines[key]))
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
                found.problems.append(_twice(entry.key, entry.line))
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


def _twice(key: str, line: int) -> Problem:
    return Problem("duplicate-key", line, f"the frontmatter is no valid YAML: the key {key!r} stands twice", key)


def _unreadable(why: str, event: yaml.Event) -> yaml.YAMLError:
    return yaml.MarkedYAMLError(problem=why, problem_mark=cast("yaml.Mark", event.start_mark))


class _Reader:
    """YAML's events, made texts, lists and maps.

    PyYAML's own constructors are not used: they turn texts into dates and numbers, expand aliases and recurse.
    """

    def __init__(self, source: str, first_line: int) -> None:
        self.problems: list[Problem] = []
        self.lines: dict[str, int] = {}
        self._source = source
        self._first_line = first_line
        self._anchors: dict[str, str] = {}
        self._key = ""
        self._events = yaml.parse(source, Loader=_LOADER)

    def document(self) -> Any:
        """The one document; None when there is none."""
        next(self._events)
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            return None
        content = self._node(next(self._events), 0)
        next(self._events)
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise _unreadable("a second document begins", after)
        return content

    def _node(self, event: yaml.Event, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if depth > _MAX_DEPTH:
            raise _unreadable("too deeply nested", event)
        if event.tag not in (None, "!"):  # type: ignore[attr-defined]
            message = f"the frontmatter is no valid YAML: the tag {event.tag!r} is not allowed"  # type: ignore[attr-defined]
            self._complain("frontmatter-yaml", event, message)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(inner := next(self._events), yaml.SequenceEndEvent):
                items.append(self._node(inner, depth + 1))
            return items
        return self._mapping(depth)

    def _mapping(self, depth: int) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise _unreadable("a key is no text", event)
            key = event.value
            if depth == 0:
                self._key = key
                self.lines[key] = self._line(event)
            if key in mapping:
                self.problems.append(_twice(key, self._line(event)))
            mapping[key] = self._node(next(self._events), depth + 1)
        return mapping

    def _scalar(self, event: yaml.ScalarEvent, depth: int) -> str:
        value: str = event.value
        if event.anchor and len(value) <= _MAX_ALIASED_CHARS:
            self._anchors[event.anchor] = value
        if not event.style and event.tag is None:
            self._suspect(event, value, depth)
        return value

    def _suspect(self, event: yaml.ScalarEvent, value: str, depth: int) -> None:
        """A plain scalar that other readers take for something else, or not all of which is read."""
        if value and value[0] in _SUSPICIOUS and len(value) < 64 and _OTHER_THAN_TEXT.fullmatch(value):
            message = f"{self._key}: other readers take {value!r} for a number, a date, a truth value or nothing"
            self._complain("ambiguous-scalar", event, message, harmless=True)
        elif depth == 1 and self._key in ("description", "compatibility") and self._is_cut(event):
            message = f"{self._key} ends at ' #': what follows is taken for a comment"
            self._complain("unquoted-comment", event, message, harmless=True)

    def _is_cut(self, event: yaml.ScalarEvent) -> bool:
        """A comment follows on the same line."""
        if " #" not in self._source or event.end_mark is None:
            return False
        lines = self._source.split("\n")
        rest = lines[event.end_mark.line : event.end_mark.line + 1]
        return any(line[event.end_mark.column :].lstrip().startswith("#") for line in rest)

    def _alias(self, event: yaml.AliasEvent) -> str:
        name = event.anchor or ""
        how = "" if name in self._anchors else "; it is read as a text"
        message = f"the frontmatter is no valid YAML: aliases are not allowed (*{name}){how}"
        self._complain("frontmatter-alias", event, message)
        return self._anchors.get(name, f"*{name}")

    def _complain(self, rule: str, event: yaml.Event, message: str, *, harmless: bool = False) -> None:
        self.problems.append(Problem(rule, self._line(event), message, self._key, harmless))

    def _line(self, event: yaml.Event) -> int:
        return (event.start_mark.line if event.start_mark else 0) + self._first_line


_SUSPICIOUS = frozenset("yYnNoOtTfF~+-.0123456789")
