"""Texts looked for in texts, in time that grows with their length alone.

A pattern is tried only where one of its anchors stands, plain words that are found fast, and nothing in a pattern
may repeat without a limit, so that no line, however long, makes it stall.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MAX_HITS = 20
"""Of one pattern in one file; who has seen as many knows."""
_MAX_TRIES = 20_000


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a rule looks for.

    Args:
        rule: the id of the rule.
        message: what is wrong; the text found is quoted behind it.
        anchors: what it begins with, in lower case; the expression is matched where one of them stands.
        expression: in lower case, and without unlimited repetition; it may look behind.
    """

    rule: str
    message: str
    anchors: tuple[str, ...]
    expression: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Hit:
    """A pattern found."""

    pattern: Pattern
    begin: int
    end: int


def pattern(rule: str, message: str, anchors: Sequence[str], *expression: str) -> Pattern:
    """Make a pattern out of parts; a blank in them stands for up to four blanks and line ends in a text."""
    return Pattern(rule, message, tuple(anchors), re.compile("".join(expression).replace(" ", r"\s{1,4}")))


def lowered(text: str) -> str:
    """The text in lower case, each character in its place."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in text)


def search(patterns: Sequence[Pattern], lower: str) -> Iterator[Hit]:
    """Find patterns in a text in lower case; where an anchor stands too often to be tried each time, that is a hit."""
    for each in patterns:
        for anchor in each.anchors:
            position = lower.find(anchor)
            if position >= 0:
                yield from _tried(each, anchor, lower, position)


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


_TOO_MANY = pattern("unread", "it says this too often; what follows was not held against every rule", ())
