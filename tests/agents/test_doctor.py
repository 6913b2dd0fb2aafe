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
    unlinked = "ok" if "skills" in adapter.skills else "note"
    assert (before["skills"], after["skills"]) == (unlinked, "ok" if adapter.skills else "note")
    assert after["version"] == "ok"
    if adapter.skills_probe:
        assert (before["seen"], after["seen"]) == (unlinked, "ok")
    assert not there.model.requests
    assert git(there.repo, "status", "--porcelain") == ""


def doctor(there: Place) -> dict[str, str]:
    """What is found, by what it is about."""
    done = there.call([sys.executable, "-m", "agentloop", "agents", "doctor", there.agent.name, "--json"])
    assert done.returncode == 0, done.stderr
    (agent,) = json.loads(done.stdout)["agents"]
    return {finding["about"]: finding["level"] for finding in agent["findings"]}


def test_some_agents_run_nothing_meanwhile_that_a_repository_names(place: Callable[..., Place], tmp_path: Path) -> None:
    there = place()
    if there.agent.name not in ("claude", "codex", "copilot", "opencode"):
        pytest.skip("it reads its settings of the repository")
    marks = tmp_path / "marks"
    marks.mkdir()
    server = {"command": "touch", "args": [f"{marks}/server"]}
    hook = {"SessionStart": [{"hooks": [{"type": "command", "command": f"touch {marks}/hook"}]}]}
    for path, content in {
        "skills/moon-cheese/SKILL.md": SKILL,
        ".mcp.json": json.dumps({"mcpServers": {"x": server}}),
        ".claude/settings.json": json.dumps({"hooks": hook, "apiKeyHelper": f"touch {marks}/key; echo key"}),
        ".codex/hooks.json": json.dumps({"hooks": hook}),
        ".codex/config.toml": f'[mcp_servers.x]\ncommand = "touch"\nargs = ["{marks}/server"]\n',
        ".github/hooks/x.json": json.dumps(
            {"version": 1, "hooks": {"sessionStart": [{"bash": f"touch {marks}/hook"}]}}
        ),
        ".opencode/plugin/x.js": f'import fs from "fs"; fs.writeFileSync("{marks}/plugin", "x")',
        "opencode.json": json.dumps({"mcp": {"x": {"type": "local", "command": ["touch", f"{marks}/server"]}}}),
    }.items():
        (there.repo / path).parent.mkdir(parents=True, exist_ok=True)
        (there.repo / path).write_text(content)
    doctor(there)
    assert [*marks.iterdir()] == []
