"""Real agents driven by a person, within `agentloop wrap` and without it; asked afterwards for what they learned."""

import json
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pexpect
import pytest

from tests.e2e.terminal import at_terminal, end

from .conftest import Place, git, write_skill
from .dialects import Run, Say

pytestmark = [pytest.mark.agents, pytest.mark.timeout(180)]
COMMANDS = {
    "claude": ["claude", "-p", "--permission-mode", "acceptEdits", "--allowedTools=Bash"],
    "codex": ["codex", "exec", "-s", "danger-full-access"],
    "copilot": ["copilot", "--allow-all-tools", "--no-auto-update", "-p"],
    "gemini": ["gemini", "--approval-mode", "yolo", "--skip-trust", "-p"],
    "kimi": ["kimi", "-p"],
    "opencode": ["opencode", "run"],
    "pi": ["pi", "-p"],
    "qwen": ["qwen", "--auth-type", "openai", "--approval-mode", "yolo"],
}
UNTIL = ["--until", "python -m unittest passes"]
WORK = (
    Run("sed --in-vain ages.py"),
    Run("sed 's/age > 21/age >= 18/' ages.py > new && mv new ages.py"),
    Say("Now it is."),
)
each_agent = pytest.mark.parametrize("place", sorted(COMMANDS), indirect=True)


def call(there: Place, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a person would, without anything to be read."""
    return subprocess.run(
        argv, cwd=there.repo, env=there.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=100, check=False,
    )  # fmt: skip


def assert_was_asked(there: Place, asked: int) -> None:
    """The session that did the work got the prompt for the skill, with what failed in it; its skill was committed."""
    request = there.model.main[asked]
    for words in ("Make the tests pass", "Now it is.", "Draft folder:", "age >= 18", "`sed --in-vain ages.py` failed"):
        assert words in request.conversation
    assert "Draft folder:" in request.prompt
    shown = git(there.repo, "log", "--format=%s", "--name-only")
    assert "Add skill limits-are-inclusive\n\nskills/limits-are-inclusive/SKILL.md" in shown


@each_agent
def test_a_session_of_before_is_found_and_distilled(place: Callable[..., Place]) -> None:
    there = place(*WORK, write_skill, Say("Written."))
    name = there.agent.name
    done = call(there, *COMMANDS[name], "Make the tests pass")
    assert done.returncode == 0, done.stderr
    done = call(there, sys.executable, "-m", "agentloop", "distill", *UNTIL, "--agent", name, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["was_red"], result["verdicts"]) == (True, ["pass"])
    assert_was_asked(there, len(WORK))
    listed = json.loads(call(there, sys.executable, "-m", "agentloop", "distill", "--list", "--json").stdout)
    assert [(one["agent"], one["session"], one["skill"]) for one in listed] == [
        (name, result["session"], "limits-are-inclusive")
    ]


@each_agent
def test_a_wrapped_session_is_found_and_distilled(place: Callable[..., Place]) -> None:
    there = place(*WORK, write_skill, Say("Written."))
    argv = [*COMMANDS[there.agent.name], "Make the tests pass"]
    done = call(there, sys.executable, "-m", "agentloop", "wrap", *UNTIL, "--distill", "always", "--", *argv)
    assert done.returncode == 0, done.stderr
    assert "Now it is." in done.stdout
    assert "skill committed" in done.stderr
    assert_was_asked(there, len(WORK))


def settle(child: Any, holds: Callable[[], bool] = lambda: True) -> None:
    """Take what is drawn until something holds and the screen has stood still for a while."""
    still = 0
    while still < 3 or not holds():
        still = 0 if child.expect([pexpect.TIMEOUT, r"(?s).+"], timeout=0.5) else still + 1


def knows_its_person(home: Path, repo: Path) -> None:
    """Spare the person what the agents ask at their first start."""
    project = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}
    claude = {"hasCompletedOnboarding": True, "theme": "dark", "projects": {str(repo): project}}
    claude["customApiKeyResponses"] = {"approved": ["dummy"], "rejected": []}
    (home / ".claude.json").write_text(json.dumps(claude))
    codex = home / ".codex/config.toml"
    if codex.exists():
        codex.write_text(f'{codex.read_text()}\n[projects."{repo}"]\ntrust_level = "trusted"\n')


@pytest.mark.parametrize(
    ("place", "argv", "bye"),
    [
        ("claude", ["claude", "--permission-mode", "acceptEdits", "--allowedTools=Bash"], "/exit"),
        ("codex", ["codex", "--no-daemon", "-s", "danger-full-access", "-a", "never"], "/quit"),
    ],
    indirect=["place"],
)
def test_a_person_works_with_it_on_its_own_screen(
    place: Callable[..., Place], argv: list[str], bye: str, isolated_home: Path
) -> None:
    there = place(*WORK, write_skill, Say("Written."))
    knows_its_person(isolated_home, there.repo)
    environment: dict[str, Any] = {**there.environment, "TERM": "xterm-256color"}
    with at_terminal(there.repo, "wrap", *UNTIL, "--", *argv, **environment) as child:
        child.expect("[\u276f\u203a]")
        settle(child)
        child.send("Make the tests pass")
        settle(child)
        child.send("\r")
        settle(child, lambda: len(there.model.main) >= len(WORK))
        child.send(bye)
        settle(child)
        child.send("\r")
        child.expect(r"Distill a skill from this session\? \[Y/n\] ", timeout=60)
        assert termios.tcgetattr(child.child_fd)[3] & termios.ICANON
        child.sendline("")
        code, told = end(child)
    assert code == 0, told
    assert_was_asked(there, len(WORK))
