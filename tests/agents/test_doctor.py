"""The doctor on real agents: their versions, and the skills that they list without a model."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agentloop.agents import registry

from .conftest import Place, git

pytestmark = [pytest.mark.agents, pytest.mark.timeout(180)]
SKILL = '---\nname: moon-cheese\ndescription: "Counts cheese. Use when the moon test fails."\n---\n\nCount twice.\n'


def test_each_agent_lists_the_skills_that_are_linked(place: Callable[..., Place]) -> None:
    there = place()
    adapter = registry.load(there.agent.name)
    (there.repo / "skills/moon-cheese").mkdir(parents=True)
    (there.repo / "skills/moon-cheese/SKILL.md").write_text(SKILL)
    git(there.repo, "add", ".")
    git(there.repo, "commit", "-qm", "Keep a skill")
    before = doctor(there)
    assert there.call([sys.executable, "-m", "agentloop", "skills", "link"]).returncode == 0
    after = doctor(there)
    assert (before["skills"], after["skills"]) == ("note", "ok")
    assert after["version"] == "ok"
    if adapter.skills_probe:
        assert (before["seen"], after["seen"]) == ("note", "ok")
    assert not there.model.requests
    assert git(there.repo, "status", "--porcelain") == ""


def doctor(there: Place) -> dict[str, str]:
    """What is found, by what it is about."""
    done = there.call([sys.executable, "-m", "agentloop", "agents", "doctor", there.agent.name, "--json"])
    assert done.returncode == 0, done.stderr
    (agent,) = json.loads(done.stdout)["agents"]
    return {finding["about"]: finding["level"] for finding in agent["findings"]}


def test_claude_runs_nothing_that_a_repository_names(place: Callable[..., Place], tmp_path: Path) -> None:
    there = place()
    if there.agent.name not in ("claude", "codex"):
        pytest.skip("it reads its settings of the repository")
    marks = tmp_path / "marks"
    marks.mkdir()
    hook = {"hooks": [{"type": "command", "command": f"touch {marks}/hook"}]}
    settings = {"hooks": {"SessionStart": [hook]}, "apiKeyHelper": f"touch {marks}/key; echo key"}
    (there.repo / "skills/moon-cheese").mkdir(parents=True)
    (there.repo / "skills/moon-cheese/SKILL.md").write_text(SKILL)
    for folder in (".claude", ".codex"):
        (there.repo / folder).mkdir()
    (there.repo / ".claude/settings.json").write_text(json.dumps(settings))
    (there.repo / ".codex/hooks.json").write_text(json.dumps({"hooks": settings["hooks"]}))
    (there.repo / ".codex/config.toml").write_text(f'[mcp_servers.x]\ncommand = "touch"\nargs = ["{marks}/server"]\n')
    (there.repo / ".mcp.json").write_text(
        json.dumps({"mcpServers": {"x": {"command": "touch", "args": [f"{marks}/server"]}}})
    )
    doctor(there)
    assert [*marks.iterdir()] == []
