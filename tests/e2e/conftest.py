"""A real repository whose check fails, a scripted agent, and the real command line."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

AGENT = Path(__file__).parent / "scripted_agent.py"
SKILL = """---
name: keep-counting
description: "How the counter is kept. Use when the check says that the count is wrong."
---

# Keep counting

The file `count` holds one number. Check it with `sh check.sh`.
"""


def git(folder: Path, *args: str) -> str:
    """What git says."""
    done = subprocess.run(["git", *args], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


@dataclass
class Bench:
    """A repository, and agentloop to be run in it."""

    repo: Path
    script: Path

    def steps(self, *steps: dict[str, Any]) -> None:
        """Say what the agent does, turn by turn."""
        self.script.write_text(json.dumps(steps))

    def argv(self, *flags: str, task: str = "Make the count 3", agent: bool = True) -> list[str]:
        """The command line of a run."""
        program = f"{sys.executable} {AGENT} {self.script}"
        session = ["--session-from", r"session: (\S+)", "--resume-with", f"{program} --session {{session}}"]
        command = [sys.executable, "-m", "agentloop", "run", "--until", "sh check.sh passes", *flags]
        return [*command, *session, task, "--", *program.split()] if agent else [*command, task]

    def run(self, *flags: str, **kwargs: Any) -> subprocess.CompletedProcess[str]:
        """Run agentloop to its end."""
        return self.call(self.argv(*flags, **kwargs))

    def call(self, argv: list[str], **kwargs: Any) -> subprocess.CompletedProcess[str]:
        """Run any command in the repository."""
        return subprocess.run(argv, cwd=self.repo, capture_output=True, text=True, timeout=150, check=False, **kwargs)

    def agentloop(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run another command of agentloop."""
        return self.call([sys.executable, "-m", "agentloop", *args])

    def prompts(self) -> list[dict[str, Any]]:
        """What the agent was asked, turn by turn."""
        return [json.loads(line) for line in self.script.with_suffix(".log").read_text().splitlines()]

    def state_folder(self) -> Path:
        """Where the runs lie."""
        return Path(os.environ["XDG_STATE_HOME"]) / "agentloop"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A repository whose check wants the number 3, committed."""
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "count").write_text("0\n")
    (repo / "check.sh").write_text('read n < count\nif [ "$n" != 3 ]; then echo "the count is $n"; exit 1; fi\n')
    git(repo, "init", "-q")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "Begin")
    return Bench(repo, tmp_path / "script.json")


@pytest.fixture
def write_skill(tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """A step that writes a skill into the draft folder."""

    def step(text: str = SKILL, name: str = "keep-counting") -> dict[str, Any]:
        source = tmp_path / f"{name}-{abs(hash(text))}.md"
        source.write_text(text)
        return {"run": f"mkdir -p {{draft}}/{name} && cp {source} {{draft}}/{name}/SKILL.md"}

    return step
