"""A real agent CLI with an empty home, a repository whose tests fail, and the real command line."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agentloop.agents import opening, registry
from agentloop.agents.headless import HeadlessSession
from agentloop.agents.session import Session, Turn
from agentloop.agents.spec import Adapter
from agentloop.job import Job

from .clis import AGENTS, QUICK, Agent
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
OFFERED = "Which side a limit belongs to"
_QUICK_FOR: Mapping[str, Sequence[str]] = {
    "test_acp": ["kimi"],
    "test_by_hand": ["codex"],
    "test_doctor": ["claude", "codex"],
    "test_failures": ["codex"],
    "test_gemini": [],
    "test_main_job": QUICK,
    "test_prompts": ["claude", "codex"],
    "test_terminal": ["codex"],
}
"""The agents that a module is run with for each change."""
SKILL = f"""---
name: limits-are-inclusive
description: "{OFFERED}. Use when AgesTest says 'False is not true' at a limit."
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
    ends: ExitStack
    """What is done at the end of the test."""

    @property
    def adapter(self) -> Adapter:
        """How agentloop knows it."""
        return registry.load(self.agent.name)

    def argv(self, *flags: str) -> list[str]:
        """The command line of a run."""
        until = ["--until", "python -m unittest passes"]
        command = [sys.executable, "-m", "agentloop", "run", *until, "--agent", self.agent.name, "--json", *flags]
        return [*command, "Make the tests pass"]

    def call(self, argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a command in the repository, with the agent's environment."""
        return subprocess.run(
            argv, cwd=self.repo, env=self.environment, capture_output=True, text=True, timeout=300, check=False
        )

    def run(self, *flags: str) -> tuple[int, dict[str, Any]]:
        """Run agentloop to its end."""
        done = self.call(self.argv(*flags))
        assert done.stdout.strip(), done.stderr
        return done.returncode, json.loads(done.stdout)

    @property
    def home(self) -> Path:
        """The agent's home."""
        return Path(self.environment["HOME"])

    @contextmanager
    def session(self) -> Iterator[HeadlessSession]:
        """A new session of the agent, without a run."""
        job = Job(until=("true",), agent=self.agent.name, worktree=str(self.repo))
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            session = opening.open_session(job, "agents-test", cwd=self.repo)
            assert isinstance(session, HeadlessSession)
            yield session
            session.close()

    def turn(self, prompt: str, *, timeout_s: float = 200, idle_timeout_s: float = 150) -> Turn:
        """One prompt in a new session."""
        with self.session() as session:
            return self.send(session, prompt, timeout_s=timeout_s, idle_timeout_s=idle_timeout_s)

    def send(self, session: Session, prompt: str, *, timeout_s: float = 200, idle_timeout_s: float = 150) -> Turn:
        """Another prompt in a session."""
        log = self.repo.parent / "turn.log"
        return session.send(
            prompt, log=log, timeout_s=timeout_s, idle_timeout_s=idle_timeout_s, emit=lambda _event: None
        )

    @staticmethod
    def now() -> float:
        """Unix time in seconds."""
        return time.time()

    def events(self) -> list[dict[str, Any]]:
        """The journal of the newest run."""
        log = self.call([sys.executable, "-m", "agentloop", "logs", "--json"]).stdout
        return [json.loads(line) for line in log.splitlines()]

    def popen(self, *flags: str) -> subprocess.Popen[bytes]:
        """Begin a run."""
        running = subprocess.Popen(
            self.argv(*flags), cwd=self.repo, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.ends.callback(_end, running)
        return running


def _end(running: subprocess.Popen[bytes]) -> None:
    """End a run that a failed test has left."""
    running.kill()
    running.wait()
    if running.stdout:
        running.stdout.close()


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


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Leave to `make test-agents` what each change need not wait for."""
    for item in items:
        quick = _QUICK_FOR.get(item.path.stem)
        if quick is not None and item.get_closest_marker("agents") and not _params(item) & {*quick}:
            item.add_marker(pytest.mark.slow)


def _params(item: pytest.Item) -> set[object]:
    """What a test is run with, where it is run with several things."""
    callspec = getattr(item, "callspec", None)
    return {value for value in callspec.params.values() if isinstance(value, str)} if callspec else set()


def quick_for(*names: str, among: Iterable[str] = AGENTS) -> pytest.MarkDecorator:
    """Run a test with each of the agents, and with those that are not named only where there is time."""
    params = [pytest.param(name, marks=() if name in names else pytest.mark.slow) for name in sorted(among)]
    return pytest.mark.parametrize("place", params, indirect=True)


@pytest.fixture(params=[pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in sorted(AGENTS)])
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
            return Place(agent, repo, environment, model, servers)

        yield make
