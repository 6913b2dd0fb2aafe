"""Sessions that grow too long or get lost, and those that are left by choice: a new one gets the run's ledger."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import AGENT, SKILL, Bench
from .test_run import RIGHT, WRONG, wait_for

Step = Callable[..., dict[str, Any]]
FULL = {"say": "error: the context window is full", "exit": 1}
GONE = {"say": "error: there is no session of that name", "exit": 1}
BROKEN = SKILL.replace("name: keep-counting", "name: Keep_Counting")


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """The scripted agent as an adapter of the user's own, whose failures are known by their text."""
    program = json.dumps([sys.executable, str(AGENT), str(bench.script)])
    resume = json.dumps([sys.executable, str(AGENT), str(bench.script), "--session", "{session}"])
    folder = Path(os.environ["XDG_CONFIG_HOME"]) / "agentloop/agents"
    folder.mkdir(parents=True)
    (folder / "scripted.toml").write_text(
        f'name = "scripted"\nprograms = ["{sys.executable}"]\nstart = {program}\nresume = {resume}\n'
        'session = "reported"\n[stream.patterns]\nsession = "session: (\\\\S+)"\n'
        '[[errors]]\nkind = "context"\npattern = "context window"\n'
        '[[errors]]\nkind = "session_lost"\npattern = "there is no session"\n'
    )
    return bench


def argv(*flags: str) -> list[str]:
    command = [sys.executable, "-m", "agentloop", "run", "--until", "sh check.sh passes", "--agent", "scripted"]
    return [*command, "--json", *flags, "Make the count 3"]


def run(bench: Bench, *flags: str) -> tuple[dict[str, Any], str]:
    """The result of a run that succeeds, and what was said meanwhile."""
    done = bench.call(argv(*flags))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def asked(bench: Bench) -> list[tuple[str, bool]]:
    """The session of each turn, and whether it was returned to."""
    return [(one["session"], one["resumed"]) for one in bench.prompts()]


def skill(bench: Bench) -> str:
    return (bench.repo / "skills/keep-counting/SKILL.md").read_text()


def test_fresh_gives_each_attempt_a_session_and_asks_the_one_that_had_the_success(
    bench: Bench, write_skill: Step
) -> None:
    bench.steps(WRONG, {"run": "echo 4 > count"}, RIGHT, write_skill())
    result, said = run(bench, "--session", "fresh")
    assert (result["attempts"], result["skill"]["name"]) == (3, "keep-counting")
    assert asked(bench) == [("s-1", False), ("s-2", False), ("s-3", False), ("s-3", True)]
    third = bench.prompts()[2]["prompt"]
    for words in ("no memory", "Make the count 3", "Attempt 1: fail", "the count is 2", "the count is 4"):
        assert words in third
    assert said.count("the session is left (--session fresh)") == 2
    assert "no memory" not in bench.prompts()[3]["prompt"]
    assert "fresh: each attempt had its own, with the run's ledger" in skill(bench)


@pytest.mark.parametrize("failure", [FULL, GONE])
def test_a_work_turn_goes_on_in_a_new_session_that_is_told_everything(
    bench: Bench, write_skill: Step, failure: dict[str, Any]
) -> None:
    bench.steps(WRONG, failure, RIGHT, write_skill())
    result, said = run(bench)
    assert (result["attempts"], result["skill"]["name"]) == (2, "keep-counting")
    assert asked(bench) == [("s-1", False), ("s-1", True), ("s-2", False), ("s-2", True)]
    third = bench.prompts()[2]["prompt"]
    for words in ("no memory", "Make the count 3", "the count is 2"):
        assert words in third
    assert "the session is lost (" in said
    assert failure["say"] in said
    assert "agentloop-session" not in skill(bench)


@pytest.mark.parametrize("failure", [FULL, GONE])
@pytest.mark.slow
def test_the_skill_is_asked_of_a_new_session_where_the_old_one_cannot_be_returned_to(
    bench: Bench, write_skill: Step, failure: dict[str, Any]
) -> None:
    bench.steps(WRONG, RIGHT, failure, write_skill())
    result, said = run(bench)
    assert result["skill"]["name"] == "keep-counting"
    assert asked(bench) == [("s-1", False), ("s-1", True), ("s-1", True), ("s-2", False)]
    told = bench.prompts()[3]["prompt"]
    for words in ("You have no memory of the work", "Make the count 3", "+3", "the count is 2", "Draft folder:"):
        assert words in told
    assert "You have no memory" not in bench.prompts()[2]["prompt"]
    assert "the session is lost (" in said
    assert "lost: a new one was prompted with the run's ledger" in skill(bench)


@pytest.mark.slow
def test_a_repair_is_asked_of_a_new_session_too_and_the_draft_is_still_there(bench: Bench, write_skill: Step) -> None:
    mend = {"run": "cd {draft}/keep-counting && sed -i s/Keep_Counting/keep-counting/ SKILL.md"}
    bench.steps(WRONG, RIGHT, write_skill(BROKEN), GONE, mend)
    result, _said = run(bench)
    assert result["skill"]["name"] == "keep-counting"
    assert asked(bench)[-2:] == [("s-1", True), ("s-2", False)]
    told = bench.prompts()[4]["prompt"]
    for words in ("You have no memory of the work", "Mend exactly these findings", "the count is 2", "+3"):
        assert words in told
    assert "lost: a new one" in skill(bench)


@pytest.mark.slow
def test_a_second_session_that_cannot_do_it_either_is_the_last(bench: Bench) -> None:
    bench.steps(WRONG, RIGHT, FULL)
    result, _said = run(bench)
    assert result["outcome"] == "reached"
    assert "context window" in result["skill_kept_back"]["reason"]
    assert asked(bench)[2:] == [("s-1", True), ("s-2", False)]


@pytest.mark.slow
def test_kill_9_in_the_new_session_then_resume_comes_to_the_same_end(bench: Bench, write_skill: Step) -> None:
    bench.steps(WRONG, RIGHT, FULL, {"run": "touch ../in-turn-four", "sleep_s": 60}, write_skill())
    running = subprocess.Popen(argv(), cwd=bench.repo, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(bench.repo.parent / "in-turn-four")
    running.send_signal(signal.SIGKILL)
    running.wait()
    done = bench.agentloop("resume", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["skill"]["name"] == "keep-counting"
    assert asked(bench)[3:] == [("s-2", False), ("s-2", True)]
    assert "You have no memory of the work" in bench.prompts()[4]["prompt"]
    assert "lost: a new one" in skill(bench)
