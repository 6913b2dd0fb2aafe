"""The main job over ACP with real agents: their own programs, kept alive, a scripted model on loopback."""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from agentloop.agents import registry

from .clis import AGENTS, BRIDGES
from .conftest import RIGHT, WRONG, Place, git, write_skill
from .dialects import Fail, Run, Say
from .scripted_model import ScriptedModel, Step
from .test_main_job import tagged, wait_for

pytestmark = [pytest.mark.agents, pytest.mark.timeout(240)]
Make = Callable[..., Place]
SPEAKERS = {name: agent for name, agent in {**AGENTS, **BRIDGES}.items() if registry.load(name).acp}


@pytest.fixture(params=sorted(SPEAKERS))
def speaker(request: pytest.FixtureRequest, isolated_home: Path, repo: Path) -> Iterator[Make]:
    """Say what the model says, and get each agent in turn."""
    agent = SPEAKERS[request.param]
    if not agent.cli.folder.is_dir():
        pytest.fail(f"{agent.name} is not installed: make test-agents")
    with ExitStack() as servers:

        def make(*script: Step) -> Place:
            model = servers.enter_context(ScriptedModel(script))
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


def test_wrong_then_right_then_a_skill_all_in_one_session(speaker: Make) -> None:
    there = speaker(WRONG, Say("Fixed it."), RIGHT, Say("Now it is."), write_skill, Say("Written."))
    code, result = there.run("--driver", "acp")
    assert code == 0, result
    assert result["verdicts"] == ["fail", "pass"]
    assert result["skill"]["name"] == "limits-are-inclusive"
    second, third = there.model.main[2], there.model.main[4]
    assert "test_limit" in second.prompt
    assert "Draft folder:" in third.prompt
    for later in (second, third):
        assert "Make the tests pass" in later.conversation
        assert "Fixed it." in later.conversation
    commit = result["skill"]["commit"]
    changed = git(there.repo, "show", "--name-only", "--format=", commit).split()
    assert changed == ["skills/limits-are-inclusive/SKILL.md"]
    assert not tagged(result["run"])


def test_the_commands_it_ran_and_what_it_used_are_known(speaker: Make) -> None:
    there = speaker(Run("cat skills/mend-ages/SKILL.md; false"), WRONG, Say("Fixed it."), RIGHT, Say("Now it is."))
    code, result = there.run("--driver", "acp", "--distill", "never")
    assert code == 0, result
    log = there.call([sys.executable, "-m", "agentloop", "logs", "--json"]).stdout
    events = [json.loads(line) for line in log.splitlines()]
    called = [event for event in events if event["type"] == "tool.called"]
    assert [event["command"] for event in called][1:] == [WRONG.command, RIGHT.command]
    assert [event["name"] for event in events if event["type"] == "skill.loaded"] == ["mend-ages"]
    ended = {event["call"]: event["failed"] for event in events if event["type"] == "tool.ended"}
    assert ended.get(called[0]["call"], True)
    assert not any(ended.get(event["call"]) for event in called[1:])
    texts = [event["text"] for event in events if event["type"] == "turn.ended"]
    assert [text.strip() for text in texts] == ["Fixed it.", "Now it is."]
    if registry.load(there.agent.name).reports_cost:
        assert result["cost_usd"] > 0


def test_kill_9_in_the_second_turn_then_resume_goes_on_in_the_same_session(speaker: Make) -> None:
    slow = Run("touch in-turn-two; sleep 60")
    there = speaker(WRONG, Say("Fixed it."), slow, RIGHT, Say("Now it is."))
    running = there.popen("--driver", "acp", "--distill", "never")
    try:
        wait_for(there.repo / "in-turn-two")
    finally:
        os.kill(running.pid, signal.SIGKILL)
        running.communicate()
    (there.repo / "in-turn-two").unlink()
    done = there.call([sys.executable, "-m", "agentloop", "resume", "--json"])
    assert done.returncode == 0, done.stderr
    last = there.model.main[-1].conversation
    # Gemini CLI cannot load a session in the minute in which it began: a new one is told everything, then.
    said = () if there.agent.name == "gemini" else ("Fixed it.",)
    for words in ("Make the tests pass", "test_limit", *said):
        assert words in last
    assert not tagged(json.loads(done.stdout)["run"])


def test_read_only_changes_nothing(speaker: Make) -> None:
    there = speaker(WRONG, Say("I may not."))
    before = (there.repo / "ages.py").read_text()
    code, _result = there.run("--driver", "acp", "--permissions", "read", "--max-attempts", "1")
    assert code == 1
    assert (there.repo / "ages.py").read_text() == before


def test_a_key_that_is_refused_ends_the_run(speaker: Make) -> None:
    there = speaker(Fail(401, "Unauthorized: invalid api key"))
    code, result = there.run("--driver", "acp", "--max-time", "120s")
    assert code == 5
    assert "uth" in result["reason"]
