"""Runs the tests of another project and says, as JSON, how each came out and which lines each executed.

A script of its own that needs nothing but the standard library, because it runs under the project's own interpreter,
where agentloop is not installed: `python probe.py '{"kind": "unittest", "args": [], "root": ".", ...}'`.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
import threading
import traceback
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_MAX_TEXT = 4000
_MAX_MEMORY = 4 << 30


class TestHung(BaseException):
    """A test took too long; no `except Exception` of the tested code swallows it."""

    __test__ = False


class Recorder:
    """What happened: the outcome of each test, the text of each failure, the lines that each executed."""

    def __init__(self, root: str, trace: bool, only: list[str] | None, limit_s: float) -> None:
        self.root = os.path.realpath(root) + os.sep
        self.trace = trace
        self.only = None if only is None else set(only)
        self.limit_s = limit_s
        self.hung_s = 0.0
        self.tests: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self.lines: dict[str, list[tuple[str, int]]] = {}
        self._wanted: dict[str, str | None] = {}

    def note(self, test: str, outcome: str, text: str = "") -> None:
        """Record an outcome; a failure is never overwritten by a later success of the same test."""
        if self.tests.get(test) in ("fail", "error") and outcome not in ("fail", "error"):
            return
        self.tests[test] = outcome
        if text:
            self.texts[test] = text[-_MAX_TEXT:]

    @contextlib.contextmanager
    def watching(self, test: str) -> Iterator[None]:
        """Record the lines that are executed inside, and end what takes longer than a test may."""
        signal.signal(signal.SIGALRM, self._end_test)
        signal.setitimer(signal.ITIMER_REAL, self.limit_s)
        try:
            with self._tracing(test):
                yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _end_test(self, _number: int, _frame: Any) -> None:
        self.hung_s += self.limit_s
        raise TestHung(f"ended after {self.limit_s:.1f} s")

    @contextlib.contextmanager
    def _tracing(self, test: str) -> Iterator[None]:
        if not self.trace:
            yield
            return
        seen: set[tuple[str, int]] = set()
        on_call = self._tracer(seen)
        threading.settrace(on_call)
        sys.settrace(on_call)
        try:
            yield
        finally:
            sys.settrace(None)
            threading.settrace(None)  # type: ignore[arg-type,unused-ignore]
            self.lines[test] = sorted(set(self.lines.get(test, [])) | seen)

    def _tracer(self, seen: set[tuple[str, int]]) -> Callable[..., Any]:
        def on_line(frame: Any, event: str, _arg: Any) -> Any:
            if event == "line":
                path = self._wanted[frame.f_code.co_filename]
                if path is not None:
                    seen.add((path, frame.f_lineno))
            return on_line

        def on_call(frame: Any, _event: str, _arg: Any) -> Any:
            name = frame.f_code.co_filename
            if name not in self._wanted:
                self._wanted[name] = self._relative(name)
            return on_line if self._wanted[name] is not None else None

        return on_call

    def _relative(self, name: str) -> str | None:
        path = os.path.realpath(name)
        if not path.startswith(self.root) or "site-packages" in path:
            return None
        return path[len(self.root) :].replace(os.sep, "/")


class RecordingResult(unittest.TestResult):
    """A unittest result that notes into a recorder."""

    recorder: Recorder

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder = recorder

    def addSuccess(self, test: Any) -> None:  # noqa: N802
        """Note a pass."""
        self.recorder.note(test.id(), "pass")

    def addFailure(self, test: Any, err: Any) -> None:  # noqa: N802
        """Note a failed assertion."""
        self.recorder.note(test.id(), "fail", _text(err))

    def addError(self, test: Any, err: Any) -> None:  # noqa: N802
        """Note an exception."""
        self.recorder.note(test.id(), "error", _text(err))

    def addSkip(self, test: Any, reason: str) -> None:  # noqa: N802
        """Note a skip."""
        self.recorder.note(test.id(), "skip", reason)

    def addExpectedFailure(self, test: Any, err: Any) -> None:  # noqa: N802, ARG002
        """Note a failure that was expected as a pass."""
        self.recorder.note(test.id(), "pass")

    def addUnexpectedSuccess(self, test: Any) -> None:  # noqa: N802
        """Note a success that was not expected as a failure."""
        self.recorder.note(test.id(), "fail", "unexpected success")

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:  # noqa: N802, ARG002
        """Note a failed subtest as a failure of its test."""
        if err is not None:
            self.recorder.note(test.id(), "fail", _text(err))


class RecordingRunner:
    """Stands where unittest wants a runner; runs the suite test by test."""

    recorder: Recorder

    def run(self, suite: Any, /) -> RecordingResult:
        """Run the chosen tests of the suite with their fixtures."""
        result = RecordingResult(self.recorder)
        for test in _flat(suite):
            _watch(test, self.recorder)
        suite.run(result)
        return result


def _flat(suite: Any) -> Iterator[Any]:
    for test in suite:
        if isinstance(test, unittest.BaseTestSuite):
            yield from _flat(test)
        else:
            yield test


def _watch(test: Any, recorder: Recorder) -> None:
    """Let a test run inside the recorder, or not at all when it was not chosen."""
    original = test.run

    def run(result: Any = None) -> Any:
        if recorder.only is not None and test.id() not in recorder.only:
            return result
        with recorder.watching(test.id()):
            return original(result)

    test.run = run
    # A suite calls the test itself; the call looks `run` up on the instance.


def _text(err: Any) -> str:
    return "".join(traceback.format_exception(*err))


def run_unittest(recorder: Recorder, args: list[str]) -> None:
    """Run as `python -m unittest ARGS` would."""
    RecordingRunner.recorder = recorder
    unittest.TestProgram(module=None, argv=["python -m unittest", *args], testRunner=RecordingRunner(), exit=False)


class PytestRecorder:
    """A pytest plugin that notes into a recorder."""

    def __init__(self, recorder: Recorder, pytest: Any) -> None:
        self.recorder = recorder

        @pytest.hookimpl(hookwrapper=True)  # type: ignore[untyped-decorator,unused-ignore]
        def around(item: Any) -> Iterator[None]:
            with recorder.watching(item.nodeid):
                yield

        self.pytest_runtest_setup = around
        self.pytest_runtest_call = around

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Leave only the chosen tests."""
        if self.recorder.only is not None:
            items[:] = [item for item in items if item.nodeid in self.recorder.only]

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note the outcome of a phase."""
        if report.failed:
            self.recorder.note(report.nodeid, "fail" if report.when == "call" else "error", report.longreprtext)
        elif report.skipped:
            self.recorder.note(report.nodeid, "pass" if hasattr(report, "wasxfail") else "skip")
        elif report.when == "call":
            self.recorder.note(report.nodeid, "pass")

    def pytest_collectreport(self, report: Any) -> None:
        """Note a file that could not be collected."""
        if report.failed:
            self.recorder.note(report.nodeid, "error", str(report.longrepr))


def run_pytest(recorder: Recorder, args: list[str]) -> None:
    """Run as `pytest ARGS` would, to the end, without a cache."""
    import pytest

    extra = ["-p", "no:cacheprovider", "--maxfail=1000000"]
    pytest.main([*args, *extra], plugins=[PytestRecorder(recorder, pytest)])


def main() -> None:
    """Read the order from the command line, write the record to the file that it names."""
    order = json.loads(sys.argv[1])
    # The script's own folder must not shadow the project's modules.
    sys.path[0] = str(Path.cwd())
    sys.argv = [order["kind"]]
    resource.setrlimit(resource.RLIMIT_CPU, (order["cpu_s"], order["cpu_s"] + 1))
    resource.setrlimit(resource.RLIMIT_DATA, (_MAX_MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    recorder = Recorder(order["root"], order["trace"], order["only"], order["test_s"])
    runners = {"unittest": run_unittest, "pytest": run_pytest}
    with contextlib.suppress(SystemExit):
        runners[order["kind"]](recorder, order["args"])
    record = {"tests": recorder.tests, "texts": recorder.texts, "lines": recorder.lines, "hung_s": recorder.hung_s}
    Path(order["out"]).write_text(json.dumps(record), encoding="utf-8")


if __name__ == "__main__":
    main()
