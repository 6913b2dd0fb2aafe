"""Stand-in for the test reports until they are merged: no runner is known."""

from collections.abc import Mapping
from pathlib import Path

from agentloop.events import TestCounts


class TestReport:
    """What the tests of one command came to."""

    __test__ = False
    counts = TestCounts()

    def save(self, path: Path) -> None:
        """Write it as JSON."""


class Recorder:
    """Watches one command of a check for what its test runner says."""

    def __init__(self, folder: Path, number: int, cwd: Path = Path()) -> None:
        pass

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:  # noqa: ARG002 - stand-in
        """What is to be added to the command's environment."""
        return {}

    def feed(self, chunk: bytes) -> None:
        """Take a piece of the command's output."""

    def finish(self, command: str) -> TestReport | None:  # noqa: ARG002 - stand-in
        """Say what the tests came to, after the command's end."""
        return None
