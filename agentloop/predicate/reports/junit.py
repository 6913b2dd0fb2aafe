"""Reading a test report in JUnit's XML: hostile data, read as a stream, of bounded size, depth and memory."""

import os
import stat
from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat

from agentloop.interrupts import raise_if_interrupted
from agentloop.predicate.reports.tally import Excerpt, Outcome, Tally, test_id

MAX_REPORT_BYTES = 256 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
_MAX_TOKEN_BYTES = 8 * 1024 * 1024
_MAX_DEPTH = 32
_MAX_ATTRIBUTE_CHARS = 4096
_OUTCOMES: dict[str, Outcome] = {"failure": "failed", "error": "failed", "skipped": "skipped"}


def read(path: Path, *, pytest: bool) -> Tally | None:
    """Read a report; None when there is none, it is too large, or it is no whole JUnit document.

    Args:
        path: anything may lie there; only a regular file is read, and nothing is waited for.
        pytest: make pytest's node ids out of what it says.

    Raises:
        Interrupted: a signal was noted meanwhile.
    """
    try:
        with _open(path) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_REPORT_BYTES:
                return None
            return _Reader(pytest).read(file)
    except (OSError, ValueError, expat.ExpatError):
        return None


def _open(path: Path) -> BinaryIO:
    # Without waiting: a FIFO that nobody writes to would be waited for at the opening.
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")


class _Reader:
    """Turns the parser's events into a tally; keeps one test at a time."""

    def __init__(self, pytest: bool) -> None:
        self._name = _node_id if pytest else _plain_id
        self._tally = Tally()
        self._depth = 0
        self._case = ""
        self._outcome: Outcome = "passed"
        self._failure: Excerpt | None = None
        self._in_failure = 0
        self._is_report = False

    def read(self, file: BinaryIO) -> Tally | None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        # No report needs a document type, and entities are declared in one.
        parser.StartDoctypeDeclHandler = _refuse
        fed = 0
        while chunk := file.read(min(_CHUNK_BYTES, MAX_REPORT_BYTES + 1 - fed)):
            raise_if_interrupted()
            fed += len(chunk)
            parser.Parse(chunk)
            if fed > MAX_REPORT_BYTES or fed - parser.CurrentByteIndex > _MAX_TOKEN_BYTES:
                return None
        parser.Parse(b"", True)
        return self._tally if self._is_report else None

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ValueError("nested too deep")
        if tag in ("testsuites", "testsuite"):
            self._is_report = True
        elif tag == "testcase":
            values = {key: value[:_MAX_ATTRIBUTE_CHARS] for key, value in attributes.items()}
            self._case, self._outcome = test_id(self._name(values)), "passed"
        elif tag in _OUTCOMES and self._case:
            self._outcome = "failed" if "failed" in (self._outcome, _OUTCOMES[tag]) else "skipped"
            if self._outcome == "failed" and self._failure is None:
                self._failure, self._in_failure = Excerpt(), self._depth
                self._failure.add(f"{self._case}\n{attributes.get('message', '')[:_MAX_ATTRIBUTE_CHARS]}\n")

    def _text(self, text: str) -> None:
        if self._in_failure and self._failure:
            self._failure.add(text)

    def _end(self, tag: str) -> None:
        if self._depth == self._in_failure and self._failure:
            self._tally.failure, self._in_failure = self._failure.text, 0
        self._depth -= 1
        if tag == "testcase":
            self._tally.add(self._case, self._outcome)
            self._case = ""


def _refuse(*_: object) -> None:
    raise ValueError("a report has no document type")


def _plain_id(case: dict[str, str]) -> str:
    return " > ".join(part for part in (case.get("classname", ""), case.get("name", "")) if part) or "(no name)"


def _node_id(case: dict[str, str]) -> str:
    """The id by which pytest takes the test: file, classes and name, as far as the report tells."""
    file, classname, name = case.get("file", ""), case.get("classname", ""), case.get("name", "")
    module = file.removesuffix(".py").replace("/", ".")
    if not classname and name == module:
        return file  # a file that could not be collected
    if file and classname == module:
        return f"{file}::{name}"
    if file and classname.startswith(module + "."):
        classes = classname[len(module) + 1 :].split(".")
        return "::".join([file, *classes, name])
    # The test is defined in another file than the one that was collected: a class that is inherited.
    parts = classname.split(".")
    first = next((at for at, part in enumerate(parts) if part[:1].isupper()), len(parts))
    path = "/".join(parts[:first]) + (".py" if first else "")
    return "::".join(part for part in (path, *parts[first:], name) if part) or "(no name)"
