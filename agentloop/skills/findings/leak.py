"""Leaks: a skill that carries the solution itself teaches nothing, and makes every later proof of it worthless.

Pure: the patch and what the tests expect come in as text.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agentloop.skills.findings.code import code_in
from agentloop.skills.findings.finding import Finding
from agentloop.skills.findings.rules import broken
from agentloop.skills.format import FILE

_MANY = 3
_MIN_LINE_CHARS = 12
_MIN_LEAK_CHARS = 20
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
    added = frozenset(added_lines(solution.patch))
    for path, text in texts.items():
        lines = [(code.line, _squeezed(code.text)) for code in code_in(text)] if path == FILE else _numbered(text)
        hits = {line: number for number, line in reversed(lines) if line in added}
        share = len(hits) / len(added) if added else 0.0
        if len(hits) >= _MANY or (share >= 0.5 and sum(map(len, hits)) >= _MIN_LEAK_CHARS):
            count = f"{len(hits)} lines" if len(hits) > 1 else "a line"
            yield broken("patch", path, min(hits.values()), f"it holds {count} of this run's patch")


def added_lines(patch: str) -> list[str]:
    """The lines that a patch adds and that say something, without their spacing."""
    added = [_squeezed(line[1:]) for line in patch.splitlines() if line.startswith("+") and not line.startswith("+++")]
    return [line for line in added if len(line) >= _MIN_LINE_CHARS and not _TRIVIAL.fullmatch(line)]


def _numbered(text: str) -> list[tuple[int, str]]:
    return [(number, _squeezed(line)) for number, line in enumerate(text.splitlines(), start=1)]


def _squeezed(line: str) -> str:
    return " ".join(line.split())


def _values(texts: Mapping[str, str], solution: Solution) -> Iterator[Finding]:
    values = {value for text in solution.tests for value in expected_values(text)}
    for path, text in texts.items():
        for value in sorted(values):
            at = _position(text, value)
            if at >= 0 and not solution.is_known(value):
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
    match = re.search(rf"(?<![\w.]){re.escape(value)}(?![\w])", text)
    return match.start() if match else -1
