"""A repository of plain files, and a supervisor's view of the embedded agent: prompts in, events out."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

UNITTEST = f"{sys.executable} -m unittest -q"
PYTEST = f"{sys.executable} -m pytest -q -p no:randomly"


@dataclass(frozen=True)
class Turn:
    """What one turn printed."""

    code: int
    events: list[dict[str, Any]]

    @property
    def text(self) -> str:
        return str(next((event["text"] for event in self.events if event["type"] == "done"), ""))

    @property
    def tried(self) -> list[str]:
        return [event["detail"] for event in self.events if event.get("name") == "try"]

    @property
    def read(self) -> list[str]:
        return [event["detail"] for event in self.events if event.get("name") == "read"]


@dataclass
class ScriptedSupervisor:
    """Prompts the agent turn by turn, as a run does, without looking inside."""

    root: Path
    check: str
    session: str = "a-session"
    turns: int = 0

    def command(self) -> list[str]:
        return [sys.executable, "-m", "agentloop.offline", "--resume" if self.turns else "--session", self.session]

    def send(self, prompt: str) -> Turn:
        done = subprocess.run(
            self.command(), cwd=self.root, input=prompt, capture_output=True, text=True, timeout=220, check=False
        )
        assert done.stderr == ""
        self.turns += 1
        return Turn(done.returncode, [json.loads(line) for line in done.stdout.splitlines()])

    def work(self) -> Turn:
        return self.send(f"Mend it.\n\nCheck: `{self.check}`\n")

    def record(self) -> dict[str, Any]:
        """What the session has written down."""
        file = Path(os.environ["XDG_STATE_HOME"]) / "agentloop" / "offline" / f"{self.session}.json"
        return dict(json.loads(file.read_text()))

    def passes(self) -> bool:
        # Through bash, as a shell would; the tree's compiled files are written as a user's run would write them.
        return (
            subprocess.run(["bash", "-c", self.check], cwd=self.root, capture_output=True, check=False).returncode == 0
        )

    def work_until_it_passes(self, most: int = 10) -> list[Turn]:
        turns = []
        for _ in range(most):
            turns.append(self.work())
            if self.passes():
                return turns
        raise AssertionError(turns[-1].text)


@pytest.fixture
def repository(tmp_path: Path) -> Callable[[Mapping[str, str], str], ScriptedSupervisor]:
    """Write files and say by which check they are judged."""

    def write(files: Mapping[str, str], check: str) -> ScriptedSupervisor:
        root = tmp_path / "repository"
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        return ScriptedSupervisor(root, check)

    return write


def contents(root: Path) -> dict[str, bytes]:
    """All files of a tree but compiled ones."""
    files = (path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}
