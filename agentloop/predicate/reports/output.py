"""Reading what test runners print, as it comes: line by line, in constant memory."""

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agentloop.predicate.reports.runners import Runner, known, looks_for
from agentloop.predicate.reports.tally import MAX_IDS, Excerpt, Outcome, Tally, test_id
from agentloop.text.quoting import plain

MAX_READ_BYTES = 16 * 1024 * 1024
"""So much is read from the beginning, and of what is longer the end besides: totals stand there."""
TAIL_BYTES = 1024 * 1024
_BLOCK_BYTES = 64 * 1024
_MAX_LINE_BYTES = 4096
_MAX_LINE_CHARS = 1000
_MAX_DEPTH = 30
_OUTLINE_STEP = 2
_MAX_FAILURE_LINES = 200


class OutputReader:
    """Takes the output of a command in chunks and finds the runner that printed it.

    Blocks of it are searched for the words of each runner first: most of what programs print is nothing of a test
    runner's, and looking at each line of it would take longer than printing it.
    """

    def __init__(self) -> None:
        self._readings = [_Reading(runner) for runner in known()]
        self._waiting = bytearray()
        self._room = MAX_READ_BYTES
        self._tail = bytearray()
        self._was_cut = False
        self._in_long_line = False
        self._before = ""
        """The block before, when nobody looked at its lines."""
        self._titles: dict[int, str] = {}
        """The last line at each indentation that was no result: a suite's title, where results are an outline."""

    def feed(self, chunk: bytes) -> None:
        """Take what came."""
        if self._room <= 0:
            self._tail += chunk
            if len(self._tail) > 2 * TAIL_BYTES:
                del self._tail[:-TAIL_BYTES]
                self._was_cut = True
            return
        self._room -= len(chunk)
        self._waiting += chunk
        if len(self._waiting) >= _BLOCK_BYTES:
            self._read_waiting()

    def finish(self) -> tuple[Runner, Tally, bool] | None:
        """The runner that has most to say, what it said, and whether it named every test; None for none."""
        if self._was_cut:
            self._read_waiting()
            self._waiting, self._in_long_line = self._tail.partition(b"\n")[2], False
        else:
            self._waiting += self._tail
        self._waiting += b"\n"
        self._read_waiting()
        for reading in self._readings:
            reading.close()
        best = max(self._readings, key=lambda reading: reading.weight)
        return (best.runner, best.tally, best.is_complete and not self._was_cut) if any(best.weight) else None

    def _read_waiting(self) -> None:
        whole, newline, part = self._waiting.rpartition(b"\n")
        if newline and self._in_long_line:
            whole = whole.partition(b"\n")[2]
            self._in_long_line = False
        if newline:
            self._read(whole)
        if self._in_long_line:
            part = bytearray()
        elif len(part) > _MAX_LINE_BYTES:
            # The rest of a line that is too long is left out, up to its end.
            self._read(part[:_MAX_LINE_BYTES])
            part, self._in_long_line = bytearray(), True
        self._waiting = part

    def _read(self, block: bytearray) -> None:
        text = block.decode("utf-8", errors="replace")
        if "\r" in text:
            text = text.replace("\r", "\n")
        if "\x1b" in text:
            text = plain(text)
        readings = [reading for reading in self._readings if reading.is_concerned(text)]
        if not readings:
            self._before = text
            return
        self._entitle(self._before)
        self._before = ""
        for line in text.split("\n"):
            if line:
                self._take(line[:_MAX_LINE_CHARS], readings)

    def _take(self, line: str, readings: Sequence["_Reading"]) -> None:
        stripped = line.strip()
        indent = len(line) - len(line.lstrip(" "))
        is_result = False
        for reading in readings:
            is_result |= reading.take(line, stripped, indent, self._titles)
        if indent and not is_result:
            self._titles[min(indent, _MAX_DEPTH * _OUTLINE_STEP)] = stripped

    def _entitle(self, text: str) -> None:
        for line in text.split("\n"):
            if line.startswith(" "):
                self._take(line[:_MAX_LINE_CHARS], ())


@dataclass(slots=True)
class _Suite:
    indent: int
    name: str
    has_tests: bool = False


class _Reading:
    """The output in the eyes of one runner."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.tally = Tally(repeats=runner.repeats, uncounted=runner.uncounted)
        self._is_capturing = False
        self._heading = ""
        self._suites: list[_Suite] = []
        self._title = ""
        self._pending: list[tuple[str, Outcome]] = []
        self._ended = False
        self._names_all = False
        self._failure = Excerpt()
        self._failure_lines = 0

    @functools.cached_property
    def _looks_for(self) -> Callable[[str], re.Match[str] | None]:
        return looks_for(self.runner.name)  # most runners are never asked, and to compile it takes a while

    @property
    def weight(self) -> tuple[bool, bool, int]:
        return self.is_complete, bool(self.tally.stated), len(self.tally.outcomes)

    @property
    def is_complete(self) -> bool:
        if any(self.tally.overflow.values()):
            return False
        if self.tally.stated:
            return bool(self.tally.outcomes) and self.tally.results["passed"] >= self.tally.counts.passed
        return self._names_all and bool(self.tally.outcomes)

    def is_concerned(self, text: str) -> bool:
        """There may be something in it for this runner."""
        return self._is_capturing or any(word in text for word in self.runner.words)

    def take(self, line: str, stripped: str, indent: int, titles: Mapping[int, str]) -> bool:
        """Look at a line; True when it says something."""
        says_something = bool(self._looks_for(stripped))
        if says_something:
            self._understand(stripped, indent, titles)
        if self._is_capturing:
            self._capture(line, stripped)
        return says_something

    def _understand(self, line: str, indent: int, titles: Mapping[int, str]) -> None:
        self._add_totals(line)
        self._note(line)
        if self._ended:
            return
        if result := self.runner.result(line):
            outcome, groups = result
            self._add(outcome, groups, indent, titles)
        else:
            self._open(line, indent)

    def _capture(self, line: str, stripped: str) -> None:
        """Take a line of the first failure's details."""
        end = self.runner.failure_end
        if self._failure_lines >= _MAX_FAILURE_LINES or (self._failure_lines and end and end.match(stripped)):
            self._is_capturing = False
            return
        self._failure_lines += 1
        self._failure.add(line + "\n")

    def close(self) -> None:
        self._flush("")
        if self._failure_lines > 1:
            self.tally.failure = self._failure.text.strip("\n")

    def _add_totals(self, line: str) -> None:
        for pattern in self.runner.totals:
            if match := pattern.match(line):
                for kind, number in match.groupdict("0").items():
                    self.tally.state(kind.partition("_")[0], int(number[:9]))

    def _note(self, line: str) -> None:
        runner = self.runner
        self._ended = self._ended or bool(runner.names_end and runner.names_end.match(line))
        self._names_all = self._names_all or bool(runner.names_all and runner.names_all.match(line))
        details_are_here = self._ended or not runner.names_end
        if details_are_here and not self._failure_lines and runner.failure and runner.failure.match(line):
            self._is_capturing = True

    def _open(self, line: str, indent: int) -> None:
        runner = self.runner
        if name := _name(runner.heading, line):
            self._heading, self._suites = name, []
        elif name := _name(runner.footer, line):
            self._flush(name)
        elif name := _name(runner.title, line):
            self._title = name
        elif name := _name(runner.suite, line):
            self._close_suites(indent)
            if len(self._suites) < _MAX_DEPTH:
                self._suites.append(_Suite(indent, name))

    def _close_suites(self, indent: int) -> _Suite | None:
        """Close what is not around this indentation; returns the suite at this very one."""
        closed = None
        while self._suites and self._suites[-1].indent >= indent:
            closed = self._suites.pop()
        return closed if closed and closed.indent == indent else None

    def _add(self, outcome: Outcome, groups: Mapping[str, str], indent: int, titles: Mapping[int, str]) -> None:
        name = groups.get("id") or self._title
        if not name:
            return
        closed = self._close_suites(indent)
        if closed and closed.has_tests and closed.name == test_id(name):
            self.tally.results[outcome] += 1  # the suite's own result, made of its tests'
            return
        for suite in self._suites:
            suite.has_tests = True
        around = [suite.name for suite in self._suites] or self._titles_around(indent, titles)
        full = test_id(self.runner.separator.join([*around, name]))
        outer = groups.get("scope") or self._heading
        if self.runner.footer and not outer and len(self._pending) < MAX_IDS:
            self._pending.append((full, outcome))
        else:
            self.tally.add(self._within(outer, full), outcome)

    def _titles_around(self, indent: int, titles: Mapping[int, str]) -> list[str]:
        levels = range(_OUTLINE_STEP, indent, _OUTLINE_STEP) if self.runner.outline else ()
        return [titles[level] for level in levels if level in titles]

    def _within(self, outer: str, name: str) -> str:
        return test_id(f"{outer}{self.runner.separator}{name}") if outer else name

    def _flush(self, footer: str) -> None:
        for name, outcome in self._pending:
            self.tally.add(self._within(footer, name), outcome)
        self._pending.clear()


def _name(patterns: Sequence[re.Pattern[str]], line: str) -> str:
    match = next((match for pattern in patterns if (match := pattern.match(line))), None)
    return test_id(" ".join(part for part in match.groups() if part)) if match else ""
