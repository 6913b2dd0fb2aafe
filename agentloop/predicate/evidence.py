"""Short feedback out of long output: what failed by name, what is new, the first error, and where the whole log is."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentloop.events import Checked, Leaf, TestCounts
from agentloop.predicate.reports.report import OUR_ANNOUNCEMENT, TestReport, failures_path
from agentloop.predicate.reports.runners import named as runner_named
from agentloop.text.quoting import fenced, one_line, plain
from agentloop.text.redact import redact

MAX_EXCERPT_CHARS = 6000
MAX_FEEDBACK_BYTES = 7500
MAX_NAMED = 40
"""So many failing tests are named, over all conditions; the rest is counted."""
MAX_ID_BYTES = 120
_MAX_FIXED_NAMED = 5
_MAX_CONDITIONS = 3
_MAX_SOURCE_BYTES = 100
_MAX_REASON_BYTES = 100
_MAX_PATH_BYTES = 200
_MAX_SOURCES_BYTES = 200
_MIN_BLOCK_BYTES = 160
_FAILURE_SHARE = 0.6
_HEAD_SHARE = 0.35
_FENCE_BYTES = 40
_LONG_FENCE = re.compile(r"`{9,}")


def excerpt(output: str, max_chars: int = MAX_EXCERPT_CHARS) -> str:
    """The head and the tail of an output: no escape codes, no secrets, cut at lines where it can be."""
    text = redact(OUR_ANNOUNCEMENT.sub("", plain(output)).strip("\n"))
    if len(text) <= max_chars:
        return text
    head_chars = int(max_chars * _HEAD_SHARE)
    head = text[:head_chars].rpartition("\n")[0] or text[:head_chars]
    tail = text[-(max_chars - head_chars) :]
    tail = tail.partition("\n")[2] or tail
    left_out = text[len(head) : len(text) - len(tail)].count("\n")
    return f"{head}\n[... {left_out} lines left out ...]\n{tail}"


def feedback(check: Checked, before: Checked | None) -> str:
    """What goes back to the session, in Markdown; output is fenced as data.

    The failing tests come by name, the new ones first, then the first failure, the output, and where the whole of it
    is. Room is shared out over the conditions, the least important gives way first.

    Args:
        check: what the predicate came to.
        before: an earlier check to compare it with; None says nothing of what is new.

    Returns:
        At most MAX_FEEDBACK_BYTES, as UTF-8.
    """
    failing = [leaf for leaf in check.leaves if leaf.verdict != "pass"]
    earlier = {leaf.source: leaf for leaf in before.leaves} if before else {}
    conditions = [_Condition.read(leaf, earlier.get(leaf.source)) for leaf in failing[:_MAX_CONDITIONS]]
    for condition, named in zip(conditions, _shares([len(one.failed) for one in conditions], MAX_NAMED), strict=True):
        condition.named = named
    ending = [_further(failing[_MAX_CONDITIONS:]), _held(check.leaves)]
    used = sum(_size(part) for part in ending) + sum(condition.fixed_size for condition in conditions)
    parts = [condition.render(room) for condition, room in _rooms(conditions, MAX_FEEDBACK_BYTES - used)]
    return "\n\n".join(part for part in (*parts, *ending) if part)


def ran_tests(check: Checked) -> bool:
    """Tests of some condition ran, or were skipped; not only what could not be loaded was reported."""
    return any(_ran(report) for report in map(_report, check.leaves) if report)


def failing_tests(leaf: Leaf) -> list[str]:
    """The tests that failed, by name, where they are known."""
    report = _report(leaf)
    return [*report.failed] if report else []


def first_error(leaf: Leaf) -> str:
    """The first failure where tests tell of it, otherwise what the condition's command printed."""
    report = _report(leaf)
    return (report.first_failure if report else "") or leaf.output


def _ran(report: TestReport) -> bool:
    counts = report.counts
    others = sum(1 for _ in _no_tests(report))
    return counts.passed + counts.failed + counts.skipped > others


def _no_tests(report: TestReport) -> Iterator[str]:
    is_test = runner_named(report.runner).is_test
    return (name for name in report.outcomes if not is_test(name))


@dataclass(slots=True)
class _Condition:
    """One condition that does not hold, and what is known of its tests."""

    leaf: Leaf
    new: list[str]
    still: list[str]
    fixed: list[str]
    compared: bool
    counts: TestCounts | None
    first_failure: str
    named: int = 0

    @classmethod
    def read(cls, leaf: Leaf, before: Leaf | None) -> "_Condition":
        report, earlier = _report(leaf), _report(before)
        outcomes = report.outcomes if report else {}
        failed = [name for name, outcome in outcomes.items() if outcome == "failed"]
        known = {name for name, outcome in earlier.outcomes.items() if outcome == "failed"} if earlier else set()
        tests = known.difference(_no_tests(earlier)) if earlier else known
        silent = _silence(leaf, report)
        return cls(
            leaf=leaf,
            new=[name for name in failed if name not in known],
            still=[name for name in failed if name in known],
            fixed=[name for name in sorted(tests) if outcomes.get(name, silent) == "passed"],
            compared=earlier is not None,
            counts=report.counts if report else None,
            first_failure=report.first_failure if report else "",
        )

    @property
    def failed(self) -> list[str]:
        return [*self.new, *self.still]

    @property
    def is_unchanged(self) -> bool:
        return self.compared and bool(self.still) and not self.new and not self.fixed

    @property
    def fixed_size(self) -> int:
        """What it takes without any output."""
        return _size(self.render(0))

    def render(self, room: int) -> str:
        """In Markdown.

        Args:
            room: the bytes that are left for the first failure and the output.
        """
        output = "" if self.is_unchanged else redact(plain(self.leaf.output)).strip("\n")
        fixed = self._fixed(room)
        room -= _size(fixed)
        failure = _block("The first failure:", self.first_failure, int(room * _FAILURE_SHARE) if output else room)
        output = _block("The output:" if self.counts else "", output, room - _size(failure))
        parts = [self._heading(), *self._names(), fixed, failure, output, self._log()]
        return "\n".join(part for part in parts if part)

    def _fixed(self, room: int) -> str:
        lists = [_listed("Fixed since", self.fixed, named, "fixed") for named in range(_MAX_FIXED_NAMED, -1, -1)]
        return next((text for text in lists if _size(text) <= room), lists[-1])

    def _heading(self) -> str:
        source = _code(_cut(one_line(redact(self.leaf.source), 4 * _MAX_SOURCE_BYTES), _MAX_SOURCE_BYTES))
        reason = _cut(one_line(redact(self.leaf.reason), 4 * _MAX_REASON_BYTES), _MAX_REASON_BYTES)
        lines = [f"{source}: {self.leaf.verdict} ({reason})"]
        if self.counts:
            lines.append(f"{self.counts.failed} failed, {self.counts.passed} passed, {self.counts.skipped} skipped.")
        if self.is_unchanged:
            lines.append("These are the same failures as last time.")
        return "\n".join(lines)

    def _names(self) -> list[str]:
        left = len(self.failed) - self.named
        return [
            _listed("**New** failures", self.new, self.named, "new") if self.compared else "",
            "" if self.compared else _listed("Failed", self.new, self.named),
            _listed("Still failing", self.still, max(0, self.named - len(self.new)), "still failing"),
            f"All the failed tests: {_path(failures_path(Path(self.leaf.report)))}" if left else "",
        ]

    def _log(self) -> str:
        return f"The whole output: {_path(Path(self.leaf.log))}" if self.leaf.log else ""


def _report(leaf: Leaf | None) -> TestReport | None:
    if not leaf or not leaf.report:
        return None
    try:
        return TestReport.load(Path(leaf.report))
    except (OSError, ValueError):
        return None  # gone since: the verdict stands without it


def _silence(leaf: Leaf, report: TestReport | None) -> str:
    """What a test is that is not named any more."""
    if not report or report.complete or leaf.verdict != "fail":
        return "gone"
    # A runner that names only failures says by its silence that a test passed, if it came to its end with all loaded.
    return "gone" if any(_no_tests(report)) else "passed"


def _shares(wanted: Sequence[int], total: int) -> list[int]:
    """Share a number out: who wants little gets it, the others the same of the rest."""
    shares = [0] * len(wanted)
    order = sorted(range(len(wanted)), key=lambda at: wanted[at])
    for position, at in enumerate(order):
        shares[at] = min(wanted[at], total // (len(order) - position))
        total -= shares[at]
    return shares


def _rooms(conditions: Sequence[_Condition], room: int) -> list[tuple[_Condition, int]]:
    """What each condition may use for its output."""
    joints = 2 * (len(conditions) + 2)
    blocks = [one.first_failure + one.leaf.output + "".join(one.fixed[:_MAX_FIXED_NAMED]) for one in conditions]
    wanted = [_size(block) + 6 * _FENCE_BYTES for block in blocks]
    return list(zip(conditions, _shares(wanted, max(0, room - joints)), strict=True))


def _listed(title: str, names: Sequence[str], named: int, what: str = "") -> str:
    """How many there are, the first of them by name, and how many of them are not named."""
    if not names:
        return ""
    lines = "\n".join(_cut(_tame(name), MAX_ID_BYTES) for name in names[:named])
    if not lines:
        return f"{title}: {len(names)}, none named here"
    left = len(names) - named
    more = f"\n... and {left} more {what}".rstrip() if left > 0 else ""
    return f"{title}: {len(names)}\n{fenced(lines)}{more}"


def _further(leaves: Sequence[Leaf]) -> str:
    if not leaves:
        return ""
    return f"{len(leaves)} more conditions do not hold: " + _sources(leaves)


def _held(leaves: Sequence[Leaf]) -> str:
    passed = [leaf for leaf in leaves if leaf.verdict == "pass"]
    return "These hold already: " + _sources(passed) if passed else ""


def _sources(leaves: Sequence[Leaf]) -> str:
    """As many as one line has room for, the rest counted."""
    names: list[str] = []
    for leaf in leaves:
        names.append(_code(_cut(one_line(redact(leaf.source), _MAX_SOURCES_BYTES), _MAX_SOURCE_BYTES)))
        if _size(", ".join(names)) > _MAX_SOURCES_BYTES:
            names[-1] = f"and {len(leaves) - len(names) + 1} more"
            break
    return ", ".join(names)


def _block(title: str, text: str, room: int) -> str:
    """A fenced text under its title, within so many bytes; nothing when that is too little to be of use."""
    room -= _size(title) + _FENCE_BYTES
    if not text or room < min(_MIN_BLOCK_BYTES, _size(text)):
        return ""
    return f"{title}\n{fenced(_head_and_tail(_tame(text), room))}".strip("\n")


def _head_and_tail(text: str, max_bytes: int) -> str:
    if _size(text) <= max_bytes:
        return text
    note = "\n[... left out ...]\n"
    room = max_bytes - _size(note)
    head, tail = _first(text, int(room * _HEAD_SHARE)), _last(text, room - int(room * _HEAD_SHARE))
    return (head.rpartition("\n")[0] or head) + note + (tail.partition("\n")[2] or tail)


def _cut(text: str, max_bytes: int) -> str:
    """Leave the middle out."""
    if _size(text) <= max_bytes:
        return text
    half = (max_bytes - _size("…")) // 2
    return f"{_first(text, half)}…{_last(text, half)}"


def _first(text: str, max_bytes: int) -> str:
    return text.encode(errors="replace")[:max_bytes].decode(errors="ignore")


def _last(text: str, max_bytes: int) -> str:
    return text.encode(errors="replace")[-max_bytes:].decode(errors="ignore") if max_bytes > 0 else ""


def _size(text: str) -> int:
    return len(text.encode(errors="replace"))


def _tame(text: str) -> str:
    """Leave control characters out, and shorten runs of backticks, which would make the fence around them as long."""
    return _LONG_FENCE.sub("`" * 8, plain(text))


def _code(text: str) -> str:
    return f"`{text.replace('`', chr(39))}`"


def _path(path: Path) -> str:
    return _cut(one_line(str(path), 4 * _MAX_PATH_BYTES), _MAX_PATH_BYTES)
