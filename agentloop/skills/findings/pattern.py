"""Texts looked for in texts, in time that grows with their length alone.

A pattern is tried only in a text that holds one of its words, and only where one of its anchors stands; nothing in it
may repeat without a limit, so that no line, however long, makes it stall.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MAX_HITS = 20
"""Of one pattern in one file; who has seen as many knows."""
_MAX_TRIES = 20_000
_PLAIN = bytes(code for code in range(0x80) if 0x20 <= code < 0x7F or code in b"\t\n\r\f")
_WORDS = bytes(code if chr(code).isalnum() and code < 0x80 else 0x20 for code in range(256)).lower()


class Text:
    """A text of a skill, with what is asked of it more than once.

    Args:
        name: the file, relative to the skill's folder.
        text: its content.

    Attributes:
        raw: the text in UTF-8.
        words: its words of a-z and 0-9, in lower case.
        odd: what is neither ASCII nor a blank, one after the other.
        lower: the text in lower case, each character in its place; lines that a shell joins are joined.
    """

    __slots__ = ("lower", "name", "odd", "raw", "text", "words")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.raw = text.encode("utf-8", "replace")
        self.words = frozenset(self.raw.translate(_WORDS).split())
        self.odd = self.raw.translate(None, _PLAIN).decode("utf-8")
        self.lower = _lowered(text)

    def line(self, position: int) -> int:
        """The line of a position, from 1."""
        return self.text.count("\n", 0, position) + 1


def _lowered(text: str) -> str:
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in text)
    return lower.replace("\\\n", "  ") if "\\\n" in lower else lower


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a rule looks for.

    Args:
        rule: the id of the rule.
        message: what is wrong; the text found is quoted behind it.
        words: every text that it matches holds one of them; empty when that cannot be said.
        anchors: what it begins with, in lower case; the expression is matched where one of them stands.
        expression: in lower case, and without unlimited repetition; it may look behind.
    """

    rule: str
    message: str
    words: frozenset[bytes]
    anchors: tuple[str, ...]
    expression: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Hit:
    """A pattern found."""

    pattern: Pattern
    begin: int
    end: int


def pattern(rule: str, message: str, words: str, anchors: Sequence[str], *expression: str) -> Pattern:
    """Make a pattern out of parts; a blank in them stands for up to four blanks and line ends in a text."""
    compiled = re.compile("".join(expression).replace(" ", r"\s{1,4}"))
    return Pattern(rule, message, frozenset(words.encode().split()), tuple(anchors), compiled)


def search(patterns: Sequence[Pattern], text: Text) -> Iterator[Hit]:
    """Find patterns in a text; where an anchor stands too often to be tried each time, that is a hit."""
    words = text.words
    for each in patterns:
        if not each.words or not each.words.isdisjoint(words):
            for anchor in each.anchors:
                position = text.lower.find(anchor)
                if position >= 0:
                    yield from _tried(each, anchor, text.lower, position)


def _tried(each: Pattern, anchor: str, lower: str, position: int) -> Iterator[Hit]:
    hits = tries = 0
    while position >= 0 and hits < MAX_HITS:
        match = each.expression.match(lower, position)
        if match:
            yield Hit(each, position, match.end())
            hits += 1
        tries += 1
        if tries == _MAX_TRIES:
            yield Hit(_TOO_MANY, position, position + len(anchor))
            return
        position = lower.find(anchor, max(match.end() if match else 0, position + 1))


_TOO_MANY = pattern("unread", "it says this too often; what follows was not held against every rule", "", ())
