"""The main job with real agents: their own programs, their own tools, a scripted model on loopback."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from agentloop.agents import commandline, registry

from .clis import AGENTS
from .conftest import OFFERED, RIGHT, WRONG, Place, git, quick_for, write_skill
from .dialects import USAGE_IN, USAGE_OUT, Fail, Reply, Run, Say, dump
from .scripted_model import Request
from .table import expect, note

pytestmark = [pytest.mark.agents, pytest.mark.timeout(400)]
Make = Callable[..., Place]
SILENT = ["gemini", "gptme"]
"""They do not say with which exit code a command ended, or not which command it was."""
TELLING = [name for name in AGENTS if registry.load(name).stream.paths.results]
"""They say which tools they called, and how that ended."""
AT_ONCE = [name for name in TELLING if "{result_file}" not in registry.load(name).start]
"""They say so as it happens."""


def tagged(run: str) -> list[int]:
    """The processes of a run that are alive."""
    found = []
    for process in psutil.process_iter():
        try:
            if run in process.environ().values():
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def wait_for(path: Path, timeout_s: float = 150) -> None:
    deadline = time.monotonic() + timeout_s
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.05)


def test_wrong_then_right_then_a_skill_all_in_one_session(place: Make) -> None:
    there = place(WRONG, Say("Fixed it."), RIGHT, Say("Now it is."), write_skill, Say("Written."))
    expect(there.agent, "whole run", "same session", "session id", "tokens", "cost", "skill seen")
    code, result = there.run()
    assert code == 0, result
    assert result["verdicts"] == ["fail", "pass"]
    assert result["skill"]["name"] == "limits-are-inclusive"

    commit = result["skill"]["commit"]
    changed = git(there.repo, "show", "--name-only", "--format=", commit).split()
    assert changed == ["skills/limits-are-inclusive/SKILL.md"]
    message = git(there.repo, "show", "-s", "--format=%(trailers)", commit)
    for trailer in (f"Agentloop-Run: {result['run']}", f"Agentloop-Agent: {there.agent.name}", "Agentloop-Attempts: 2"):
        assert trailer in message
    left = {f"?? {path}" for path in there.agent.leaves}
    assert {*git(there.repo, "status", "--porcelain").splitlines()} - left == {" M ages.py"}
    assert "age >= 18" in (there.repo / "ages.py").read_text()
    assert there.adapter.proven[-1] in (there.repo / changed[0]).read_text()
    assert not tagged(result["run"])
    note(there.agent, "whole run", "yes")

    note(there.agent, "same session", same_session(there))
    note(there.agent, "session id", session_id(there))
    note(there.agent, "tokens", tokens(there, result))
    note(there.agent, "cost", cost(there, result))
    note(there.agent, "skill seen", seen_by_a_fresh_session(there))


def asked(there: Place, words: str) -> Request:
    """The request that brought a prompt with these words."""
    return next(request for request in there.model.main if words in request.prompt)


def same_session(there: Place) -> str:
    """The prompts after the first come with what was said before."""
    for later in (asked(there, "test_limit"), asked(there, "Draft folder:")):
        assert "Make the tests pass" in later.conversation
        if not there.adapter.resumable:
            return "no: it gets the run's ledger"
        assert "Fixed it." in later.conversation
        assert WRONG.command in later.conversation.replace("\\", "") or "age > 18" in later.conversation
    return "yes"


def session_id(there: Place) -> str:
    """Each turn names the same session."""
    named = {event["session"] for event in there.events() if event["type"] == "turn.ended"}
    if not there.adapter.names_session:
        return "none"
    assert len(named) == 1
    assert None not in named
    return there.adapter.session


def tokens(there: Place, result: dict[str, Any]) -> str:
    """The model's own count, with or without side requests."""
    if result["input_tokens"] is None:
        return "not said"
    for requests, which in ((there.model.main, "yes"), (there.model.requests, "yes, with side requests")):
        if (result["input_tokens"], result["output_tokens"]) == (USAGE_IN * len(requests), USAGE_OUT * len(requests)):
            return which
    raise AssertionError((result, len(there.model.main), len(there.model.requests)))


def cost(there: Place, result: dict[str, Any]) -> str:
    """Known where the adapter says so."""
    known = there.adapter.reports_cost and there.agent.is_priced
    assert (result["cost_usd"] is not None and not result["cost_is_estimated"]) is known
    return f"${result['cost_usd']:.4f}" if known else "not said"


def seen_by_a_fresh_session(there: Place) -> str:
    """The skill is offered to the model, or the agent's own command lists it."""
    if not there.adapter.skills:
        return "it reads none"
    seen = []
    before = len(there.model.requests)
    assert there.turn("Which skills are there?").status == "done"
    told = [dump(request.body) for request in there.model.requests[before:]]
    if any(words in text for text in told for words in (OFFERED, "Available skills: limits-are-inclusive")):
        seen.append("by the model's request")
    if there.adapter.skills_probe:
        values = {"program": there.adapter.programs[0], "cwd": str(there.repo)}
        probe = commandline.filled(there.adapter.skills_probe, values, ())
        there.environment |= there.adapter.environment
        assert "limits-are-inclusive" in there.call(probe).stdout
        seen.append("by its own list")
    assert seen
    return ", ".join(seen)


@quick_for("claude", "codex", among=AT_ONCE)
def test_tool_calls_and_tokens_are_reported_as_they_come(place: Make) -> None:
    there = place(WRONG, Say("Fixed it."), RIGHT, Say("Now it is."), Say("NO SKILL: nothing new"))
    done = there.call(there.argv())
    assert done.returncode == 0, done.stderr
    assert "mkdir -p ./ &&" in done.stderr
    result = json.loads(done.stdout)
    assert result["skill_declined"] == "nothing new"
    assert tokens(there, result)


@pytest.mark.parametrize("place", ["claude"], indirect=True)
def test_the_dollars_are_those_of_the_agents_own_last_line(place: Make) -> None:
    there = place(WRONG, Say("Fixed it."), RIGHT, Say("Now it is."), Say("NO SKILL: nothing new"))
    result = there.run()[1]
    log = there.call([sys.executable, "-m", "agentloop", "logs", "--turn", "3"]).stdout
    assert result["cost_usd"] == pytest.approx(json.loads(log.splitlines()[-1])["total_cost_usd"])


@pytest.mark.parametrize(
    ("place", "flags"),
    [
        ("claude", ["--allowedTools", "Bash", "Edit", "--append-system-prompt", "be very nice"]),
        (
            "claude",
            ["-p", "--append-system-prompt", "be nice", "--permission-mode=acceptEdits", "--allowedTools=Bash"],
        ),
        ("codex", ["exec", "--skip-git-repo-check", "-s", "danger-full-access"]),
        ("codex", ["exec", "--dangerously-bypass-approvals-and-sandbox", "--json"]),
    ],
    indirect=["place"],
)
def test_a_users_own_flags_are_taken_as_the_agent_takes_them(place: Make, flags: list[str]) -> None:
    there = place(WRONG, Say("Fixed it."), RIGHT, Say("Now it is."))
    argv = [word for word in there.argv("--distill", "never")[:-1] if word not in ("--agent", there.agent.name)]
    done = there.call([*argv, "Make the tests pass", "--", there.agent.name, *flags])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdicts"] == ["fail", "pass"]
    assert "Fixed it." in there.model.main[2].conversation


@pytest.mark.parametrize("place", ["claude", "codex"], indirect=True)
def test_a_key_that_is_refused_ends_the_run_with_the_agents_own_words(place: Make) -> None:
    code, result = place(Fail(401, "scripted: who are you?")).run()
    assert code == 5
    assert "401" in result["reason"] or "API key" in result["reason"]
    assert result["attempts"] == 0


@pytest.mark.parametrize("place", ["claude", "codex"], indirect=True)
def test_a_server_that_always_fails_is_waited_for_until_the_time_is_spent(place: Make) -> None:
    there = place(Fail(500, "scripted: on fire"))
    code, result = there.run("--max-time", "20s")
    assert (code, result["outcome"]) == (4, "spent")
    (first, *_others) = [event["reason"] for event in there.events() if event["type"] == "wait.started"]
    assert "500" in first or "on fire" in first or "high demand" in first


def skill_or_word(request: Request) -> Reply:
    """The skill when that is asked for; Vibe finishes a turn that was cut off before it hears the next prompt."""
    return write_skill(request) if "Draft folder: `" in request.prompt else Say("So it is.")


@quick_for("claude", "codex", among=[name for name in AT_ONCE if registry.load(name).names_session])
def test_kill_9_in_the_second_turn_then_resume_goes_on_in_the_same_session(place: Make) -> None:
    slow = Run("touch in-turn-two; sleep 60")
    there = place(WRONG, Say("Fixed it."), slow, RIGHT, Say("Now it is."), skill_or_word)
    running = there.popen()
    wait_for(there.repo / "in-turn-two")
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    (there.repo / "in-turn-two").unlink()
    done = there.call([sys.executable, "-m", "agentloop", "resume", "--json"])
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["attempts"], result["skill"]["name"]) == (2, "limits-are-inclusive")
    last = there.model.main[-1].conversation
    for words in ("Make the tests pass", "Fixed it.", "test_limit", "Draft folder:"):
        assert words in last
    assert not tagged(result["run"])


@quick_for("claude", "codex", among=[name for name in AGENTS if registry.load(name).fork])
def test_a_fork_writes_the_skill_and_the_session_stays_as_it_was(place: Make) -> None:
    there = place(WRONG, Say("Fixed it."), RIGHT, Say("Now it is."), write_skill, Say("Written."))
    code, result = there.run("--distill-in", "fork")
    assert code == 0
    assert result["skill"]["name"] == "limits-are-inclusive"
    for words in ("Make the tests pass", "Fixed it.", "Draft folder:"):
        assert words in asked(there, "Draft folder:").conversation
    events = there.events()
    sessions = [event["session"] for event in events if event["type"] == "turn.ended"]
    assert sessions[0] == sessions[1] != sessions[2]


@quick_for("claude", "codex", among=[name for name in TELLING if name not in SILENT])
def test_what_the_agent_ran_is_in_the_journal_with_its_outcome(place: Make) -> None:
    there = place(Run("make nothing-of-the-kind"), RIGHT, Say("Done."))
    code, result = there.run("--distill", "never")
    assert code == 0
    events = there.events()
    called = {event["call"]: event["command"] for event in events if event["type"] == "tool.called"}
    ended = [(called[event["call"]], event["failed"]) for event in events if event["type"] == "tool.ended"]
    assert [failed for _command, failed in ended] == [True, False]
    assert "nothing-of-the-kind" in ended[0][0]
    assert result["verdicts"] == ["pass"]


@quick_for("claude", "codex", among=[name for name in AGENTS if registry.load(name).store])
def test_a_loaded_skill_is_known_from_the_journal_and_from_the_agents_own_store(place: Make) -> None:
    there = place(Run("cat skills/mend-ages/SKILL.md"), RIGHT, Say("Done."))
    folder = there.repo / "skills/mend-ages"
    folder.mkdir(parents=True)
    text = "---\nname: mend-ages\ndescription: Ages. Use when ages are wrong.\n---\n\nMend.\n"
    (folder / "SKILL.md").write_text(text)
    git(there.repo, "add", ".")
    git(there.repo, "commit", "-qm", "Keep a skill")
    assert there.run()[0] == 0
    usage = [sys.executable, "-m", "agentloop", "skills", "usage", "--json"]
    (known,) = json.loads(there.call(usage).stdout)
    assert [(use["agent"], use["outcome"]) for use in known["uses"]] == [(there.agent.name, "reached")]
    session = known["uses"][0]["session"]
    there.environment["XDG_STATE_HOME"] = str(there.repo.parent / "another-state")
    (known,) = json.loads(there.call(usage).stdout)
    assert [(use["session"], use["outcome"]) for use in known["uses"]] == [(session, None)]
