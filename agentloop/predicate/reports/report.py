"""What the tests of one command came to: from the report that its runner writes, or from what it prints."""

import contextlib
import re
import secrets
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from agentloop.events import TestCounts
from agentloop.predicate.reports import junit
from agentloop.predicate.reports.output import OutputReader
from agentloop.predicate.reports.runners import known
from agentloop.predicate.reports.tally import MAX_FAILURE_CHARS, Outcome, Tally
from agentloop.text.quoting import plain, shorten
from agentloop.text.redact import redact

OUR_ANNOUNCEMENT = re.compile(r"^-+ generated xml file: .*/\d+-[0-9a-f]{16}\.xml -+\n?", re.MULTILINE)
"""What pytest prints of a file that is gone when it is read."""
_PYTEST = "pytest"
_REDACTED_AT_ONCE = 1000


class TestReport(BaseModel):
    """The tests of one command; bounded, without secrets and control characters."""

    __test__ = False  # no test class, whatever pytest thinks of the name
    model_config = ConfigDict(frozen=True, extra="forbid")
    runner: str
    outcomes: dict[str, Outcome]
    """By test id, in the order of the report."""
    counts: TestCounts
    complete: bool
    """Every test is named, also those that passed."""
    first_failure: str = ""
    """The details of the first failure, bounded."""
    from_document: bool = False
    """The runner wrote it to a file of its own; what was read from the output anything may have printed."""

    @property
    def failed(self) -> tuple[str, ...]:
        """The ids of the tests that failed."""
        return tuple(name for name, outcome in self.outcomes.items() if outcome == "failed")

    def save(self, path: Path) -> None:
        """Write it as JSON, and the list of the failed tests beside it.

        Raises:
            OSError: the disk does not take it.
        """
        path.write_text(self.model_dump_json(), encoding="utf-8")
        if self.failed:
            failures_path(path).write_text("".join(f"{name}\n" for name in self.failed), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            OSError: it cannot be read.
            ValueError: it is no report.
        """
        return cls.model_validate_json(path.read_bytes())


def failures_path(report: Path) -> Path:
    """Where the list of all failed tests lies, one a line."""
    return report.with_suffix(".failed.txt")


class Recorder:
    """Watches one command of a check for what its test runner says.

    Args:
        folder: outside of the tree; the runner's report is written there, and taken away again.
        number: which command of the check it is.
        cwd: where the command runs; paths on its command line are meant from there.
    """

    def __init__(self, folder: Path, number: int, cwd: Path = Path()) -> None:
        self._document = folder.resolve() / f"{number}-{secrets.token_hex(8)}.xml"
        self._cwd = cwd
        self._output = OutputReader()
        self._began_ns = _file_clock_ns(self._document)

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """What is to be added to the command's environment, so that its runner reports."""
        # The older family names each test's file, without which there is no telling module from class.
        ours = f"--junitxml={shlex.quote(str(self._document))} -o junit_family=xunit1"
        return {"PYTEST_ADDOPTS": f"{env.get('PYTEST_ADDOPTS', '')} {ours}".strip()}

    def feed(self, chunk: bytes) -> None:
        """Take a piece of the command's output."""
        self._output.feed(chunk)

    def finish(self, command: str) -> TestReport | None:
        """Say what the tests came to, after the command's end; None when nothing is known.

        Args:
            command: as one would type it; a JUnit file that it names counts when it is new.

        Raises:
            Interrupted: a signal was noted meanwhile.
        """
        try:
            for path, runner in self._documents(command):
                tally = junit.read(path, pytest=runner == _PYTEST)
                if tally:
                    return _report(runner, tally, complete=not any(tally.overflow.values()), from_document=True)
        finally:
            with contextlib.suppress(OSError):  # not there, or no file
                self._document.unlink()
        said = self._output.finish()
        if not said:
            return None
        runner_said, tally, complete = said
        return _report(runner_said.name, tally, complete=complete, from_document=False)

    def _documents(self, command: str) -> list[tuple[Path, str]]:
        """The JUnit files that were written since the start, the last one first."""
        named = {self._cwd / path: runner for path, runner in _named_documents(command)}
        written = {path: _written_ns(path) for path in {self._document, *named}}
        new = [path for path, at_ns in written.items() if at_ns >= self._began_ns]
        return [(path, named.get(path, _PYTEST)) for path in sorted(new, key=lambda path: -written[path])]


def _named_documents(command: str) -> list[tuple[str, str]]:
    """The JUnit files that a command line names, each with the runner whose flag it is."""
    try:
        words = shlex.split(command)
    except ValueError:
        return []
    flags = {flag: runner.name for runner in known() for flag in runner.report_flags}
    found = []
    for word, following in zip(words, [*words[1:], ""], strict=True):
        flag, equals, value = word.partition("=")
        path = value if equals else following
        if flag in flags and path:
            found.append((path, flags[flag]))
    return found


def _file_clock_ns(path: Path) -> int:
    """The time as the file system stamps it, which may lie behind the clock by a tick."""
    path.touch()
    began_ns = path.stat().st_mtime_ns
    path.unlink()
    return began_ns


def _written_ns(path: Path) -> int:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return -1
    # Anyone can set the one; a rename or a link changes the other alone.
    return min(status.st_mtime_ns, status.st_ctime_ns)


def _report(runner: str, tally: Tally, *, complete: bool, from_document: bool) -> TestReport:
    clean = Tally()
    for name, outcome in zip(_redacted(list(tally.outcomes)), tally.outcomes.values(), strict=True):
        clean.add(name, outcome)
    return TestReport(
        runner=runner,
        outcomes=clean.outcomes,
        counts=tally.counts,
        complete=complete,
        first_failure=shorten(redact(plain(tally.failure).strip("\n")), MAX_FAILURE_CHARS),
        from_document=from_document,
    )


def _redacted(names: list[str]) -> list[str]:
    """Many at once: looking for each secret in each name would take seconds."""
    done: list[str] = []
    for start in range(0, len(names), _REDACTED_AT_ONCE):
        some = names[start : start + _REDACTED_AT_ONCE]
        together = redact("\n".join(some)).split("\n")
        done += together if len(together) == len(some) else [redact(name) for name in some]
    return done
