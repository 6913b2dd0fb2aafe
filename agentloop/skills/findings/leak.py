"""Leaks: a skill that carries the solution itself teaches nothing, and makes every later proof of it worthless.

Pure: the patch and what the tests expect come in as text.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from agentloop.skills.findings.finding import Finding
from agentloop.skills.findings.rules import broken

_MANY = 3
_MIN_LINE_CHARS = 12
_MIN_LEAK_CHARS = 20
_MIN_LINE_TOKENS = 3
_MAX_LINE_TOKENS = 60
_MAX_VALUES = 200
_TOKEN = re.compile(r"\w+|[^\w\s]")
_PROSE = re.compile(r"(?i)\.(?:md|markdown|mdx|rst|adoc)$")
_TRIVIAL = re.compile(r"(?:from|import|use|using|require|package|include|else|try|#|//|\*|/\*)\b.*|[\W\d_]*")
_ASSERTS = re.compile(r"assert|expect|should|\bequal|toBe|toEqual|==", re.IGNORECASE)
_LITERAL = re.compile(
    r"""(?<!\w)(?P<quote>["'`])(?P<text>(?:(?!(?P=quote))[^\\\n]){4,200})(?P=quote)"""
    r"|(?<![\w.])(?P<number>-?\d[\d_]*(?:\.\d+)?)(?![\w.])"
)


@dataclass(frozen=True)
class Solution:
    """What a skill must not give away.

    Args:
        patch: the difference that the run made, as `git diff` writes it.
        tests: the texts of the tests that had failed.
        is_known: whether a value stands in the project beside its tests, so that it is no secret of theirs.
    """

    patch: str
    tests: Sequence[str]
    is_known: Callable[[str], bool]


def leaks(texts: Mapping[str, str], solution: Solution) -> list[Finding]:
    """Where a skill gives the solution away.

    Args:
        texts: the skill's files by their path in it.
        solution: what is to stay out.
    """
    return [*_patch(texts, solution), *_values(texts, solution)]


def _patch(texts: Mapping[str, str], solution: Solution) -> Iterator[Finding]:
    """The lines of the patch in all of the skill, whatever stands around them and however they are spaced."""
    tree = _tree(added_lines(solution.patch))
    count = len(set(_lines(tree)))
    hits: dict[str, tuple[str, int]] = {}
    for path, text in texts.items():
        for line, position in _found(tree, text):
            hits.setdefault(line, (path, text.count("\n", 0, position) + 1))
    share = len(hits) / count if count else 0.0
    if len(hits) >= _MANY or (share >= 0.5 and sum(map(len, hits)) >= _MIN_LEAK_CHARS):
        said = f"{len(hits)} lines" if len(hits) > 1 else "a line"
        path, number = next(iter(hits.values()))
        yield broken("patch", path, number, f"it holds {said} of this run's patch")


_Tree = dict[str, Any]
"""Lines as their tokens, one below the other; below the last one, at the empty token, stands the line itself."""


def _tree(lines: Sequence[str]) -> _Tree:
    tree: _Tree = {}
    for line in lines:
        node, tokens = tree, _TOKEN.findall(line)[:_MAX_LINE_TOKENS]
        if len(tokens) >= _MIN_LINE_TOKENS:
            for token in tokens:
                node = node.setdefault(token, {})
            node[""] = line
    return tree


def _lines(tree: _Tree) -> Iterator[str]:
    for token, below in tree.items():
        yield from [below] if not token else _lines(below)


def _found(tree: _Tree, text: str) -> Iterator[tuple[str, int]]:
    """The lines in a text, each with where it begins."""
    tokens = [(match[0], match.start()) for match in _TOKEN.finditer(text)]
    for at, (_token, position) in enumerate(tokens):
        node = tree
        for token, _position in tokens[at : at + _MAX_LINE_TOKENS]:
            if token not in node:
                break
            node = node[token]
            if "" in node:
                yield node[""], position


def added_lines(patch: str) -> list[str]:
    """The lines that a patch adds and that say something, without their spacing; what it adds to prose is no code."""
    added, is_prose = [], False
    for line in patch.splitlines():
        if line.startswith("+++ "):
            is_prose = _PROSE.search(line) is not None
        elif line.startswith("+") and not is_prose:
            added.append(" ".join(line[1:].split()))
    return [line for line in added if len(line) >= _MIN_LINE_CHARS and not _TRIVIAL.fullmatch(line)]


def _values(texts: Mapping[str, str], solution: Solution) -> Iterator[Finding]:
    values = sorted({value for text in solution.tests for value in expected_values(text)})
    hits = (
        (path, text, value, at)
        for path, text in texts.items()
        for value in values
        if (at := _position(text, value)) >= 0
    )
    for path, text, value, at in islice(hits, _MAX_VALUES):
        if not solution.is_known(value):
            line = text.count("\n", 0, at) + 1
            yield broken("expected-value", path, line, f"it holds {value!r}, which the tests expect")


def expected_values(test: str) -> set[str]:
    """The telling values that a test's text holds a result against: no short words, no small numbers."""
    found: set[str] = set()
    for line in test.splitlines():
        if not _ASSERTS.search(line):
            continue
        for match in _LITERAL.finditer(line[:2000]):
            value = match["text"] or match["number"]
            if _is_telling(value):
                found.add(value)
    return found


def _is_telling(value: str) -> bool:
    digits = sum(letter.isdigit() for letter in value)
    if re.fullmatch(r"[-\d_.]+", value):
        return digits >= 5
    return len(value) >= 6 and (digits > 0 or " " in value.strip() or not value.isidentifier())


def _position(text: str, value: str) -> int:
    if value not in text:
        return -1
    match = re.search(rf"(?<![\w.]){re.escape(value)}(?![\w])", text)
    return match.start() if match else -1
