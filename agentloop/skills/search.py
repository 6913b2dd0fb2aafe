"""Which skill is about something: ranked by words, without an index that could be stale.

Every SKILL.md is read anew and only the query's words are counted in it (BM25); nothing is parsed.
"""

import heapq
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

from agentloop.skills import library
from agentloop.skills.library import MAX_BYTES
from agentloop.skills.words import ASCII_WORDS, STOP, WORDS, flat, stem
from agentloop.text.quoting import one_line

_K1 = 1.2
_B = 0.75
_NAME_WEIGHT = 8
_HEAD_WEIGHT = 4
_MAX_QUERY_CHARS = 20_000
_MAX_TERMS = 40
_WHOLE_BELOW = 4
"""A stem shorter than this begins too many other words."""
_LOOKED_AT_CLOSELY = 200
_MAX_LINE_CHARS = 160
_OPENING = re.compile(rb"(?:\xef\xbb\xbf)?---[ \t]*\r?\n")
_METADATA = re.compile(rb"^metadata:[^\n]*(?:\n[ \t][^\n]*)*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Hit:
    """A skill that a query found."""

    folder: Path
    score: float
    line: int
    """The line of SKILL.md that has most of what was asked for, from 1."""
    text: str
    """That line."""


def search(root: Path, query: str, limit: int) -> list[Hit]:
    """The skills that a query finds, best first, in order of name where they are equal.

    A word counts more in the name and in the description than in the body, and words that stand side by side in the
    query and in the skill count more than each alone. A skill that cannot be read is passed over.

    Args:
        root: the folder with the skills' folders.
        query: some words, or the text of an error.
        limit: the highest number of hits.

    Raises:
        UsageError: the folder cannot be listed.
    """
    asked = _Query.read(query)
    names = library.names(root)
    found = [counted for name in names if (counted := _count(f"{root}/{name}", name, asked))]
    if not found:
        return []
    rarity = _rarity(found, len(names))
    average = sum(each.length for each in found) / len(found)
    scored = _best([(_score(each, rarity, average), each.name) for each in found], max(limit, _LOOKED_AT_CLOSELY))
    closely = [
        (score * (1 + asked.exactly(asked.flat(asked.lower(_text(f"{root}/{name}"))))), name) for score, name in scored
    ]
    return [_hit(root / name, score, asked, rarity) for score, name in _best(closely, limit)]


@dataclass(frozen=True, slots=True)
class _Term:
    """A word of the query, with what is counted for it in a flattened text."""

    word: bytes
    forms: tuple[bytes, ...]

    @classmethod
    def of(cls, word: str) -> "_Term":
        """Forms of a long word begin with its stem; a short one has an `s` at most."""
        root = stem(word)
        if not word.isascii():  # no spaces between words, perhaps
            return cls(word.encode(), (word.encode(),))
        forms = (f" {root}",) if len(root) >= _WHOLE_BELOW else (f" {word} ", f" {word}s ")
        return cls(f" {word} ".encode(), tuple(form.encode() for form in forms))


@dataclass(frozen=True, slots=True)
class _Query:
    """What is asked for."""

    terms: tuple[_Term, ...]
    pairs: tuple[bytes, ...]
    """Words that stand side by side."""
    forms: tuple[bytes, ...]
    """What is counted for all terms, in their order."""
    ascii: bool

    @classmethod
    def read(cls, query: str) -> "_Query":
        """Take a query apart; words that say nothing are left out unless it has no others."""
        text = query[:_MAX_QUERY_CHARS].lower()
        words = flat(text.encode("utf-8", "replace")).decode("utf-8", "replace").split()
        telling = [word for word in words if word not in STOP and len(word) > 1] or words
        terms = tuple(_Term.of(word) for word in list(dict.fromkeys(telling))[:_MAX_TERMS])
        pairs = tuple(f" {one} {other} ".encode() for one, other in list(pairwise(words))[:_MAX_TERMS])
        return cls(terms, pairs, tuple(form for term in terms for form in term.forms), text.isascii())

    def lower(self, text: bytes) -> bytes:
        """A text in lower case, as far as the query needs it."""
        return text if self.ascii else text.decode("utf-8", "replace").lower().encode()

    def flat(self, lower: bytes) -> bytes:
        """A text made comparable: its words with spaces around them, each one place further on."""
        return b" " + lower.translate(ASCII_WORDS if self.ascii else WORDS) + b" "

    def counts(self, text: bytes, begin: int = 0, end: int = MAX_BYTES + 2) -> list[int]:
        """How often each term stands in a flattened text, or in a part of it."""
        found = [text.count(form, begin, end) for form in self.forms]
        if len(found) == len(self.terms):
            return found
        each = iter(found)
        return [sum(islice(each, len(term.forms))) for term in self.terms]

    def exactly(self, text: bytes) -> float:
        """The share of the query's words and of its pairs that stand in a flattened text just so."""
        wanted = [*(term.word for term in self.terms), *self.pairs]
        return sum(each in text for each in wanted) / len(wanted)


@dataclass(frozen=True, slots=True)
class _Counted:
    """A skill that has words of the query."""

    name: str
    length: int
    """In bytes."""
    counts: list[int]


def _count(folder: str, name: str, asked: _Query) -> _Counted | None:
    """Count the query's words in a skill; None when it has none of them."""
    lower = asked.lower(_text(folder))
    text = asked.flat(lower)
    whole = asked.counts(text)
    if not any(whole):
        return None
    opening = _OPENING.match(lower)
    begin = opening.end() if opening else 0
    end = max(lower.find(b"\n---", begin - 1), begin) if opening else 0
    head = asked.counts(text, begin, end)
    metadata = _METADATA.search(lower, begin, end)
    silent = asked.counts(text, *metadata.span()) if metadata else [0] * len(head)
    named = asked.counts(asked.flat(asked.lower(name.encode("utf-8", "replace"))))
    counts = [
        in_whole + (_HEAD_WEIGHT - 1) * in_head - _HEAD_WEIGHT * in_silent + _NAME_WEIGHT * in_name
        for in_whole, in_head, in_silent, in_name in zip(whole, head, silent, named, strict=True)
    ]
    return _Counted(name, len(text), counts) if any(counts) else None


def _rarity(found: Sequence[_Counted], total: int) -> list[float]:
    """What each word of the query is worth: the more skills have it, the less."""
    having = [sum(map(bool, counts)) for counts in zip(*(each.counts for each in found), strict=True)]
    return [math.log(1 + (total - number + 0.5) / (number + 0.5)) for number in having]


def _score(each: _Counted, rarity: Sequence[float], average: float) -> float:
    """BM25, times the share of the words' worth that the skill has at all."""
    scale = _K1 * (1 - _B + _B * each.length / average)
    sums = [worth * count * (_K1 + 1) / (count + scale) for worth, count in zip(rarity, each.counts, strict=True)]
    had = sum(worth for worth, count in zip(rarity, each.counts, strict=True) if count)
    return sum(sums) * had / sum(rarity)


def _best(scored: list[tuple[float, str]], number: int) -> list[tuple[float, str]]:
    return heapq.nsmallest(number, scored, key=lambda each: (-each[0], each[1]))


def _hit(folder: Path, score: float, asked: _Query, rarity: Sequence[float]) -> Hit:
    number, line = max(_lines(_text(str(folder)), asked, rarity), default=(0.0, 0, b""))[1:]
    return Hit(folder, score, -number, one_line(line.decode("utf-8", "replace"), _MAX_LINE_CHARS))


def _lines(whole: bytes, asked: _Query, rarity: Sequence[float]) -> Iterator[tuple[float, int, bytes]]:
    """Each line with its worth and its number, negative so that of equals the first is the greatest."""
    for number, line in enumerate(whole.split(b"\n"), 1):
        text = asked.flat(asked.lower(line))
        worth = sum(worth for worth, count in zip(rarity, asked.counts(text), strict=True) if count)
        yield worth * (1 + asked.exactly(text)), -number, line


def _text(folder: str) -> bytes:
    try:
        return library.beginning(folder)
    except OSError:
        return b""
