"""Running the check: what fails, what passes, and whether an edit made it strictly better.

Every program gets a process group and a time; what is left of the group is killed.
"""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agentloop.interrupts import raise_if_interrupted
from agentloop.offline.runners import Runner, runner_from_output, runner_of

_PROBE = Path(__file__).with_name("probe.py")
_BASELINE_TIMEOUT_S = 600.0
_MAX_TEST_S = 10.0
_MIN_TRIAL_S = 2.0
_FACTOR = 6.0
_LOOK_S = 0.2
_MAX_OUTPUT = 20_000


@dataclass(frozen=True, slots=True)
class Ran:
    """A program that ended: its exit code (None: it took too long), what it printed, seconds."""

    code: int | None
    output: str
    duration_s: float


def run(argv: Sequence[str], root: Path, timeout_s: float, extra: Mapping[str, str]) -> Ran:
    """Run a program without stdin; kill its group when it takes too long, or when we are ended ourselves.

    Raises:
        OSError: it cannot be started.
        Interrupted: a signal was noted meanwhile.
    """
    started = time.monotonic()
    env = {**os.environ, **extra, "PYTHONDONTWRITEBYTECODE": "1"}
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            argv, cwd=root, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, process_group=0
        )
        try:
            code = _wait(process, timeout_s)
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        out.seek(max(0, out.tell() - _MAX_OUTPUT) if out.seek(0, os.SEEK_END) else 0)
        output = out.read().decode("utf-8", "replace")
    return Ran(code, output, time.monotonic() - started)


def _wait(process: subprocess.Popen[bytes], timeout_s: float) -> int | None:
    ends_at = time.monotonic() + timeout_s
    while (left_s := ends_at - time.monotonic()) > 0:
        raise_if_interrupted()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(min(left_s, _LOOK_S))
    return None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How all tests came out; with a trace also which lines each executed.

    `tests` maps a test to pass, fail, error or skip; `lines` maps a test to the (path, line) pairs that it executed.
    """

    tests: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    lines: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    hung_s: float = 0.0
    """Seconds spent in tests that had to be ended."""
    complete: bool = True
    """False when a runner was cut off: then nothing can be concluded from a missing test."""

    @property
    def failing(self) -> set[str]:
        """The tests that failed or raised."""
        return {test for test, outcome in self.tests.items() if outcome in ("fail", "error")}

    @property
    def passing(self) -> set[str]:
        """The tests that passed."""
        return {test for test, outcome in self.tests.items() if outcome == "pass"}


def improves(before: Outcome, after: Outcome) -> bool:
    """Say whether strictly fewer tests fail and nothing that passed is lost."""
    if not after.complete or len(after.failing) >= len(before.failing) or before.passing - after.passing:
        return False
    # When a file could not even be imported its tests had no names yet: new failures are then no breakage.
    if any(_is_import_failure(test) for test in before.failing):
        return True
    return not after.failing - before.failing and not before.failing - after.tests.keys()


def _is_import_failure(test: str) -> bool:
    return "_FailedTest" in test or (".py" in test and "::" not in test)


class Suite:
    """The check's commands in a repository; those that run tests are also asked test by test."""

    def __init__(self, root: Path, checks: Sequence[str]) -> None:
        self.root = root
        self.checks = tuple(checks)
        self.runs = 0
        self._runners: list[Runner] = []
        self._limit_s = _BASELINE_TIMEOUT_S

    def check(self) -> list[Ran]:
        """Run the commands themselves, as the supervisor will."""
        return [self._command(check) for check in self.checks]

    def observe(self) -> Outcome:
        """Run all tests with a trace; empty when no command of the check runs tests that we understand."""
        self._runners = [runner for runner in (runner_of(check, self.root) for check in self.checks) if runner]
        if not self._runners:
            guesses = [runner_from_output(ran.output, self.root) for ran in self.check() if ran.code != 0]
            self._runners = [runner for runner in guesses if runner][:1]
        return self._probe_all(None, trace=True)

    def set_pace(self) -> Outcome:
        """Run all tests without a trace, and derive from the time it took what a trial may take."""
        self._limit_s = _BASELINE_TIMEOUT_S
        started = time.monotonic()
        outcome = self._probe_all(None, trace=False)
        self._limit_s = max(_MIN_TRIAL_S, _FACTOR * (time.monotonic() - started - outcome.hung_s))
        return outcome

    def trial(self, before: Outcome) -> Outcome | None:
        """Judge the tree as it stands now: first the failing tests alone, all of them when that looks better.

        Returns:
            The outcome of all tests when it is strictly better than before, else None.
        """
        quick = self._probe_all(before.failing, trace=False)
        if not quick.complete or len(quick.failing) >= len(before.failing):
            return None
        whole = self._probe_all(None, trace=False)
        return whole if improves(before, whole) else None

    def _command(self, check: str) -> Ran:
        self.runs += 1
        argv = ["bash", "-o", "pipefail", "-c", check]
        return run(argv, self.root, max(self._limit_s, 10 * _MIN_TRIAL_S), {})

    def _probe_all(self, only: Iterable[str] | None, *, trace: bool) -> Outcome:
        whole = Outcome()
        complete, hung_s = True, 0.0
        chosen = None if only is None else sorted(only)
        for runner in self._runners:
            part = self._probe(runner, chosen, trace=trace)
            whole.tests.update(part.tests)
            whole.texts.update(part.texts)
            whole.lines.update(part.lines)
            hung_s += part.hung_s
            complete = complete and part.complete
        return Outcome(whole.tests, whole.texts, whole.lines, hung_s, complete)

    def _probe(self, runner: Runner, only: list[str] | None, *, trace: bool) -> Outcome:
        self.runs += 1
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "record.json"
            order = {
                "kind": runner.kind,
                "args": list(runner.args),
                "root": str(self.root),
                "trace": trace,
                "only": only,
                "out": str(out),
                "test_s": min(_MAX_TEST_S, self._limit_s / 2),
                "cpu_s": int(self._limit_s) + 1,
            }
            argv = [*runner.python, str(_PROBE), json.dumps(order)]
            run(argv, self.root, self._limit_s, runner.env)
            try:
                record = json.loads(out.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                return Outcome(complete=False)
        lines = {test: [(path, line) for path, line in pairs] for test, pairs in record["lines"].items()}
        return Outcome(record["tests"], record["texts"], lines, record["hung_s"])
