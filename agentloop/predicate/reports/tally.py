"""What a test runner said, collected: outcomes by test id and stated totals, bounded whatever comes."""

import hashlib
import re
from typing import Literal

from agentloop.events import TestCounts
from agentloop.text.quoting import one_line

MAX_IDS = 200_000
MAX_ID_CHARS = 300
MAX_FAILURE_CHARS = 6000
_HASH_CHARS = 8

Outcome = Literal["passed", "failed", "skipped"]
_SEVERITY: dict[Outcome, int] = {"passed": 0, "skipped": 1, "failed": 2}


def test_id(text: str) -> str:
    """One line without control characters; a long one keeps its ends and a hash, so that it stays unlike others."""
    line = one_line(text, len(text))
    if len(line) <= MAX_ID_CHARS:
        return line
    middle = f"…{hashlib.sha256(line.encode(errors='replace')).hexdigest()[:_HASH_CHARS]}…"
    half = (MAX_ID_CHARS - len(middle)) // 2
    return line[:half] + middle + line[-half:]


class Excerpt:
    """The beginning and the end of a text that comes in pieces."""

    def __init__(self, max_chars: int = MAX_FAILURE_CHARS) -> None:
        self._half = max_chars // 2
        self._head = ""
        self._tail = ""
        self._dropped = 0

    def add(self, piece: str) -> None:
        """Take what comes next."""
        room = self._half - len(self._head)
        self._head += piece[:room]
        self._tail += piece[room:]
        excess = max(0, len(self._tail) - self._half)
        self._dropped += excess
        self._tail = self._tail[excess:]

    @property
    def text(self) -> str:
        """What was kept, with a note of what was not."""
        note = f"\n[... {self._dropped} characters left out ...]\n" if self._dropped else ""
        return self._head + note + self._tail


class Tally:
    """The tests of one command, as far as they were named and counted.

    Args:
        repeats: a stated number of failed or skipped tests is one of results, of which a test can have several.
        uncounted: matches the ids that a stated total leaves out.
    """

    def __init__(self, *, repeats: bool = False, uncounted: re.Pattern[str] | None = None) -> None:
        self._repeats = repeats
        self._uncounted = uncounted
        self.outcomes: dict[str, Outcome] = {}
        self.stated: dict[str, int] = {}
        """Totals as the runner gave them: passed, failed, skipped, total."""
        self.results: dict[Outcome, int] = {"passed": 0, "failed": 0, "skipped": 0}
        """Results that were named, a test that has several counted as often."""
        self.overflow: dict[Outcome, int] = {"passed": 0, "failed": 0, "skipped": 0}
        self.failure = ""

    def add(self, name: str, outcome: Outcome) -> None:
        """Take one result; of several for one test the worst counts."""
        self.results[outcome] += 1
        known = self.outcomes.get(name)
        if known is None and len(self.outcomes) >= MAX_IDS:
            self.overflow[outcome] += 1
        elif known is None or _SEVERITY[outcome] > _SEVERITY[known]:
            self.outcomes[name] = outcome

    def state(self, kind: str, number: int) -> None:
        """Take a total; those of several runs add up."""
        self.stated[kind] = self.stated.get(kind, 0) + number

    @property
    def counts(self) -> TestCounts:
        """The totals; a runner's own where it gave them, but never fewer failures than it named."""
        named = dict(self.overflow)
        for outcome in self.outcomes.values():
            named[outcome] += 1
        failed, skipped = (self._number(outcome, named[outcome]) for outcome in ("failed", "skipped"))
        passed = self.stated.get("passed")
        if passed is None:
            total = self.stated.get("total")
            passed = named["passed"] if total is None else max(0, total + self._beside - failed - skipped)
        return TestCounts(passed=passed, failed=failed, skipped=skipped)

    def _number(self, outcome: Literal["failed", "skipped"], named: int) -> int:
        stated = self.stated.get(outcome, 0)
        if self._repeats and self.results[outcome] >= stated and not self.overflow[outcome]:
            return named
        return max(stated, named)

    @property
    def _beside(self) -> int:
        """How many of the named are no part of the total."""
        return sum(bool(self._uncounted and self._uncounted.match(name)) for name in self.outcomes)
