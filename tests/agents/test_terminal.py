"""Real agents in the screens that they show to people: kept alive in a terminal, through a whole run."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from agentloop.agents import opening
from agentloop.job import Job

from .conftest import RIGHT, WRONG, Place, git, write_skill
from .dialects import Fail, Say

pytestmark = [
    pytest.mark.agents,
    pytest.mark.timeout(240),
    pytest.mark.parametrize("place", ["claude", "codex"], indirect=True),
]
Make = Callable[..., Place]
LONG = "\n".join(f"Rule {number}: keep 'quotes', \"quotes\" and 🧪; {'x' * 40}" for number in range(2600))


@pytest.fixture(autouse=True)
def welcomed(isolated_home: Path) -> None:
    """Claude Code was welcomed before: its first welcome wants to reach the maker's own servers."""
    (isolated_home / ".claude.json").write_text('{"hasCompletedOnboarding": true}')


def test_wrong_then_right_then_a_skill_in_one_live_session(place: Make) -> None:
    there = place(WRONG, Say("Fixed it."), RIGHT, Say("Now it is."), write_skill, Say("Written."))
    code, result = there.run("--driver", "terminal", "--turn-timeout", "90s")
    assert code == 0
    assert result["verdicts"] == ["fail", "pass"]
    assert result["skill"]["name"] == "limits-are-inclusive"
    second, third = there.model.main[2], there.model.main[4]
    assert "test_limit" in second.prompt
    for later in (second, third):
        assert "Make the tests pass" in later.conversation
        assert "Fixed it." in later.conversation
        assert WRONG.command in later.conversation.replace("\\", "")
    changed = git(there.repo, "show", "--name-only", "--format=", result["skill"]["commit"]).split()
    assert changed == ["skills/limits-are-inclusive/SKILL.md"]


def test_a_prompt_of_200_kb_is_pasted_whole(place: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(LONG.encode()) > 200_000
    there = place(Say("Read."), Say("Read again."))
    for name, value in there.environment.items():
        monkeypatch.setenv(name, value)
    job = Job(task="-", until=("true",), agent=there.agent.name, worktree=str(there.repo), driver="terminal")
    session = opening.open_session(job, f"test-{os.getpid()}", cwd=there.repo)
    try:
        for prompt in (LONG, "And this?"):
            turn = session.send(prompt, log=tmp_path / "log", timeout_s=100, idle_timeout_s=60, emit=str)
            assert turn.status == "done", turn.error
    finally:
        session.close()
    first, second = there.model.main
    assert LONG in first.conversation
    assert LONG in second.conversation
    assert second.prompt.endswith("And this?")


def test_the_agents_words_are_read_from_its_screen(place: Make) -> None:
    there = place(WRONG, Say("Fixed it."), RIGHT, Say("Now it is."), Say("NO SKILL: nothing new"))
    code, result = there.run("--driver", "terminal")
    assert (code, result["skill_declined"]) == (0, "nothing new")


def test_a_refused_key_ends_the_run(place: Make) -> None:
    code, result = place(Fail(401, "scripted: who are you?")).run("--driver", "terminal", "--turn-timeout", "60s")
    assert code == 5, json.dumps(result)
