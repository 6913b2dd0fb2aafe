"""Real agents driven by a person, within `agentloop wrap` and without it; asked afterwards for what they learned."""

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from .conftest import RIGHT_AT_ONCE, Place, git, write_skill
from .dialects import Run, Say

pytestmark = [pytest.mark.agents, pytest.mark.timeout(180)]
COMMANDS = {
    "claude": ["claude", "-p", "--permission-mode", "acceptEdits", "--allowedTools=Bash"],
    "codex": ["codex", "exec", "-s", "danger-full-access"],
}
UNTIL = ["--until", "python -m unittest passes"]
WORK = (Run("sed --in-vain ages.py"), RIGHT_AT_ONCE, Say("Now it is."))
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
