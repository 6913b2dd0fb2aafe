"""YAML read as texts, lists and maps of texts: nothing expands, repeats, constructs an object or nests without end.

PyYAML's own constructors are not used: they turn texts into dates and numbers, expand aliases and recurse.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import yaml

KEYS = ("name", "description", "license", "compatibility", "metadata", "allowed-tools")
"""The keys of the format."""
_MAX_DEPTH = 20
_MAX_ALIASED_CHARS = 1024
_LOADER = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader
_OTHER_THAN_TEXT = re.compile(
    r"(?i:y|n|yes|no|on|off|true|false|null|~)|[-+]?(?:0[xob])?[0-9_]+|[-+]?[0-9][0-9_]*\.[0-9_]*(?:e[-+]?[0-9]+)?"
    r"|[-+]?\.[0-9]+|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|[-+]?[0-9]+(?::[0-5]?[0-9])+|[-+]?\.(?i:inf|nan)"
)
_SUSPICIOUS = frozenset("yYnNoOtTfF~+-.0123456789")


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


def stands_twice(key: str, line: int) -> Problem:
    """The problem of a key that stands twice; the last one counts."""
    return Problem("duplicate-key", line, f"the frontmatter is no valid YAML: the key {key!r} stands twice", key)


def _unreadable(why: str, event: yaml.Event) -> yaml.YAMLError:
    return yaml.MarkedYAMLError(problem=why, problem_mark=cast("yaml.Mark", event.start_mark))


def _is_ambiguous(value: str) -> bool:
    return value[:1] in _SUSPICIOUS and len(value) < 64 and _OTHER_THAN_TEXT.fullmatch(value) is not None


class TextReader:
    """YAML's events, made texts, lists and maps.

    Args:
        source: the YAML.
        first_line: the line of the file that it begins on.
    """

    def __init__(self, source: str, first_line: int) -> None:
        self.problems: list[Problem] = []
        self.lines: dict[str, int] = {}
        self._source = source
        self._first_line = first_line
        self._anchors: dict[str, str] = {}
        self._key = ""
        self._next = cast("Callable[[], yaml.Event]", _LOADER(source).get_event)

    def document(self) -> Any:
        """The one document; None when there is none."""
        self._next()
        event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            return None
        content = self._node(self._next(), 0)
        self._next()
        after = self._next()
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
            while not isinstance(inner := self._next(), yaml.SequenceEndEvent):
                items.append(self._node(inner, depth + 1))
            return items
        return self._mapping(depth)

    def _mapping(self, depth: int) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise _unreadable("a key is no text", event)
            key = event.value
            if depth == 0:
                self._key = key
                self.lines[key] = self._line(event)
            if key in mapping:
                self.problems.append(stands_twice(key, self._line(event)))
            mapping[key] = self._node(self._next(), depth + 1)
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
        if self._key in KEYS and _is_ambiguous(value):
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
