"""Secrets, found and masked: by the formats of providers, and by the values of secret-looking variables.

A seatbelt against accidents, not a proof: what has no known format and stands in no variable is not found.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from agentloop.text.secret_formats import FORMATS, Format

_RUNS = (
    "01234567890123", "9876543210", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl",
    "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s9t0", "1a2b3c4d5e6f7g8h9i0j1k2l3m4n5o6p7q8r9s0t",
)  # fmt: skip
_PLACEHOLDER = re.compile(
    r"(?i:x{4,}|your|example|placeholder|change[_-]?(?:me|this)|redacted|dummy|fake|sample|abc123|def456|JBSWY3DPEHPK3PXP)"
    r"|\*{3,}|\.{3,}|…|<[^>]*>|\$\{|\{\{|(.)\1{5}|"
    + "|".join(run[at : at + 6] for word in _RUNS for run in {word, word.upper()} for at in range(len(run) - 5))
)
_WEAK = re.compile(r"[A-Za-z]+[0-9]*[^A-Za-z0-9]*|0x(?:[0-9a-fA-F]{40}|[A-Za-z]+)|(?i:.*p[a@4]ssw[o0]rd.*)")
_CHANGES = re.compile(r"(?<=[a-z])[A-Z0-9]|(?<=[A-Z])[0-9]|(?<=[0-9])[A-Za-z]|[!@#$%^&+?~]")
_ESCAPES = r"\\[nrt]|%[0-9A-Fa-f]{2}|\[[0-9;]{1,12}m"
"""What may end in a letter and yet stand before a word: an escaped line end, a URL's escape, a terminal's colour."""
_APART = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2})|(?<=[0-9\[]m))"
_WORDS = re.compile(r"(?:[A-Za-z]?[a-z]*|[A-Z]*)(?:[-_.:/]+(?:[A-Za-z]?[a-z]*|[A-Z]*))*+")
_SECRET_NAME = re.compile(r"(?i)(?:(?:^|_)(?:API_?)?KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(?:$|_)")
_MIN_VALUE_CHARS = 8
_MIN_KEY_CHARS = 32


class _Found(NamedTuple):
    """A secret in a text: from where, to where, and which format's (its place in the table, the most exact first)."""

    start: int
    end: int
    rank: int


def redact(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """Mask what looks like a secret, with the kind of secret in its place."""
    for kind, value in _values(environment):
        text = text.replace(value, f"[redacted: {kind}]")
    parts = []
    at = 0
    for found in _find(text, report=False):
        parts += [text[at : found.start], f"[redacted: {FORMATS[found.rank].kind}]"]
        at = found.end
    return "".join([*parts, text[at:]]) if parts else text


def secrets_in(text: str, environment: Mapping[str, str] = os.environ) -> list[tuple[int, str]]:
    """The line and the kind of each secret. What only may be one is masked by `redact`, but not told here."""
    found = [(each.start, FORMATS[each.rank].kind) for each in _find(text, report=True)]
    for kind, value in _values(environment):
        found += [(match.start(), kind) for match in re.finditer(re.escape(value), text)]
    line, at, told = 1, 0, []
    for start, kind in sorted(found):
        line, at = line + text.count("\n", at, start), start
        told.append((line, kind))
    return told


def _find(text: str, *, report: bool) -> list[_Found]:
    """Every secret by its format, in order; those that overlap as one, under the most exact name."""
    merged: list[_Found] = []
    for found in sorted(_tried(text, report=report)):
        if merged and found.start < merged[-1].end:
            last = merged[-1]
            merged[-1] = _Found(last.start, max(last.end, found.end), min(last.rank, found.rank))
        else:
            merged.append(found)
    return merged


def _tried(text: str, *, report: bool) -> list[_Found]:
    """Only where the head of a format stands is its pattern tried, and not inside of what it matched already."""
    text = f"\n{text}"  # so that something stands before the first head
    found: list[_Found] = []
    heads, *searches = _searches()
    for search in searches:
        hit = search.search(text)
        if hit is None:
            continue
        ranks = _ranks()
        done: dict[int, int] = {}
        while hit is not None:
            start, head = hit.start(1), hit[1]
            if head not in ranks:  # an escape
                start, after = hit.end(), heads.match(text, hit.end())
                head = after[0] if after else ""
            for rank in ranks.get(head, ()):
                form = FORMATS[rank]
                match = start >= done.get(rank, 0) and _pattern(form).match(text, max(0, start - form.before[1]))
                if match:
                    begin, done[rank] = match.span(match.re.groups)
                    if _is_secret(form, text[begin : done[rank]], report=report):
                        found.append(_Found(begin - 1, done[rank] - 1, rank))
            hit = search.search(text, max(start, hit.start() + 1))
    return found


@cache
def _searches() -> tuple[re.Pattern[str], ...]:
    """Patterns of the heads that begin words; of those where they do; of the others, and of escapes before a word."""
    apart, inside = (
        [head for form in FORMATS if form.apart is each for head in form.heads.split("|")] for each in (True, False)
    )
    first, second = ("".join(re.escape(sign) for sign in {head[at] for head in apart}) for at in (0, 1))
    return (
        re.compile(_tree(apart)),
        re.compile(f"[^A-Za-z0-9](?=[{first}][{second}])({_tree(apart)})"),
        re.compile(f"({_tree(inside)}|{_ESCAPES})"),
    )


@cache
def _ranks() -> Mapping[str, tuple[int, ...]]:
    """For each head the formats to try: its own, and those of the heads that it begins with."""
    own = defaultdict(list)
    for rank, form in enumerate(FORMATS):
        for head in form.heads.split("|"):
            own[head].append(rank)
    return {head: tuple(rank for start in own if head.startswith(start) for rank in own[start]) for head in own}


def _tree(words: Iterable[str]) -> str:
    """Alternatives that look at each beginning that words share once, and take the longest word."""
    by_first = defaultdict(list)
    for word in words:
        by_first[word[0]].append(word[1:])
    return "|".join(re.escape(first) + _rest(rests) for first, rests in by_first.items())


def _rest(rests: list[str]) -> str:
    more = [rest for rest in rests if rest]
    return f"(?:{_tree(more)}){'?' if len(more) < len(rests) else ''}" if more else ""


@cache
def _pattern(form: Format) -> re.Pattern[str]:
    chars, count = form.before
    before = f"{_APART}{chars}{{{count}}}" if count else ""
    return re.compile(before + "(?:" + "|".join(map(re.escape, form.heads.split("|"))) + ")" + form.tail, re.ASCII)


def _is_secret(form: Format, text: str, *, report: bool) -> bool:
    if _is_placeholder(text):
        return False
    if form.random == "never":
        return not _WORDS.fullmatch(text)
    return _looks_random(text) or (form.random == "to report" and not report)


def _is_placeholder(text: str) -> bool:
    """Whether it is cut off, or broken up by what stands in for a secret; a whole key beside that counts."""
    if text.endswith(("...", "…")):
        return True
    parts = _PLACEHOLDER.split(text)
    return len(parts) > 1 and not any(part and len(part) >= _MIN_KEY_CHARS and _looks_random(part) for part in parts)


def _looks_random(text: str) -> bool:
    """Whether kinds of characters change as often as by chance, and no few make it up; words and names do not."""
    return (
        len(_CHANGES.findall(text)) >= max(3, len(text) / 5)
        and len(set(text)) >= min(10, len(text) / 2)
        and not _WEAK.fullmatch(text)
    )


def _values(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in _telling(frozenset(environment)):
        value = environment.get(name, "")
        if len(value) >= _MIN_VALUE_CHARS and not value.startswith(("/", "~")):
            if value.isalpha() and value.islower():
                continue  # a word such as "password" or "keychain" would be masked in every text
            yield f"value of {name}", value


@lru_cache(maxsize=8)
def _telling(names: frozenset[str]) -> tuple[str, ...]:
    """The names of variables that hold secrets."""
    return tuple(sorted(name for name in names if _SECRET_NAME.search(name)))
