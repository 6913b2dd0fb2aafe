"""A real agent CLI with an empty home, a repository whose tests fail, and the real command line."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .clis import AGENTS, Agent
from .dialects import Write
from .scripted_model import Request, ScriptedModel, Step

SOURCE = '''"""Ages."""


def is_adult(age):
    """Whether somebody of that age may vote."""
    return age > 21
'''
TEST = """import unittest

from ages import is_adult


class AgesTest(unittest.TestCase):
    def test_limit(self):
        self.assertTrue(is_adult(18))

    def test_below(self):
        self.assertFalse(is_adult(17))
"""
SKILL = """---
name: limits-are-inclusive
description: "Which side a limit belongs to. Use when AgesTest says 'False is not true' at a limit."
---

# Limits are inclusive

A limit belongs to the upper side: compare with `>=`. Verify by `python -m unittest`.
"""
WRONG = Write("ages.py", SOURCE.replace("age > 21", "age > 18"))
RIGHT = Write("ages.py", SOURCE.replace("age > 21", "age >= 18"))


def write_skill(request: Request) -> Write:
    """Write the skill where the prompt wants the draft."""
    draft = request.conversation.rpartition("Draft folder: `")[2].partition("`")[0]
    return Write(f"{draft}/limits-are-inclusive/SKILL.md", SKILL)


def git(folder: Path, *args: str) -> str:
    """What git says."""
    return subprocess.run(["git", *args], cwd=folder, check=True, capture_output=True, text=True).stdout


@dataclass
class Place:
    """An agent, its model and a repository."""

    agent: Agent
    repo: Path
    environment: dict[str, str]
    model: ScriptedModel

    def argv(self, *flags: str) -> list[str]:
        """The command line of a run."""
        until = ["--until", "python -m unittest passes"]
        command = [sys.executable, "-m", "agentloop", "run", *until, "--agent", self.agent.name, "--json", *flags]
        return [*command, "Make the tests pass"]

    def call(self, argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a command in the repository, with the agent's environment."""
        return subprocess.run(
            argv, cwd=self.repo, env=self.environment, capture_output=True, text=True, timeout=100, check=False
        )

    def run(self, *flags: str) -> tuple[int, dict[str, Any]]:
        """Run agentloop to its end."""
        done = self.call(self.argv(*flags))
        assert done.stdout.strip(), done.stderr
        return done.returncode, json.loads(done.stdout)

    def popen(self) -> subprocess.Popen[bytes]:
        """Begin a run."""
        return subprocess.Popen(
            self.argv(), cwd=self.repo, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with a defect that its tests show."""
    folder = tmp_path / "ages"
    folder.mkdir()
    (folder / "ages.py").write_text(SOURCE)
    (folder / "test_ages.py").write_text(TEST)
    (folder / ".gitignore").write_text("__pycache__/\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "Begin")
    return folder


@pytest.fixture(params=sorted(AGENTS))
def place(request: pytest.FixtureRequest, isolated_home: Path, repo: Path) -> Iterator[Callable[..., Place]]:
    """Say what the model says, and get each agent in turn."""
    agent = AGENTS[request.param]
    if not agent.cli.folder.is_dir():
        pytest.fail(f"{agent.name} is not installed: make test-agents")
    with ExitStack() as servers:

        def make(*script: Step) -> Place:
            model = servers.enter_context(ScriptedModel(agent.phrased(script), words_of_work=agent.words_of_work))
            environment = {
                "PATH": agent.path,
                "HOME": str(isolated_home),
                "XDG_STATE_HOME": os.environ["XDG_STATE_HOME"],
                "LANG": "C.UTF-8",
                "TERM": "dumb",
                **agent.configure(isolated_home, model.url),
            }
            return Place(agent, repo, environment, model)

        yield make
