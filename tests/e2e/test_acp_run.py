"""Whole runs over ACP, from the command line: a real repository, a live program as the agent, real git."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from .conftest import Bench, git

Turn = list[dict[str, Any]]
AGENT = Path(__file__).parent.parent / "scripted_acp_agent.py"
WRONG: Turn = [{"run": "echo 2 > count", "ask": True}, {"say": "Two."}]
RIGHT: Turn = [{"run": "echo 3 > count", "ask": True}, {"say": "Three."}]
SLOW: Turn = [{"run": "touch in-turn-two"}, {"sleep_s": 60}]
Step = Callable[..., dict[str, Any]]


def script(bench: Bench, *turns: Turn, **rest: Any) -> list[str]:
    """Say what the agent does; returns its command line."""
    bench.script.write_text(json.dumps({"turns": turns, **rest}))
    return [sys.executable, str(AGENT), str(bench.script)]


def argv(command: list[str], *flags: str) -> list[str]:
    run = [sys.executable, "-m", "agentloop", "run", "--until", "sh check.sh passes", "--driver", "acp", "--json"]
    return [*run, *flags, "Make the count 3", "--", *command]


def finish(bench: Bench, words: list[str]) -> tuple[int, dict[str, Any]]:
    done = bench.call(words)
    assert done.stdout.strip(), done.stderr
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


def alive(pid: int) -> bool:
    """Not one that only waits for whoever adopted it."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_wrong_then_right_then_a_skill_all_in_one_session(bench: Bench, write_skill: Step) -> None:
    command = script(bench, WRONG, RIGHT, [write_skill(), {"say": "Written."}])
    code, result = finish(bench, argv(command))
    assert (code, result["verdicts"], result["skill"]["name"]) == (0, ["fail", "pass"], "keep-counting")
    first, second, third = bench.prompts()
    assert {first["session"], second["session"], third["session"]} == {first["session"]}
    assert first["pid"] == second["pid"] == third["pid"]
    assert "the count is 2" in second["prompt"]
    assert "Draft folder:" in third["prompt"]
    commit = result["skill"]["commit"]
    assert git(bench.repo, "show", "--name-only", "--format=", commit).split() == ["skills/keep-counting/SKILL.md"]
    assert not alive(first["pid"])


def test_kill_9_in_turn_two_then_resume_loads_the_session(bench: Bench, write_skill: Step) -> None:
    command = script(bench, WRONG, SLOW, RIGHT, [write_skill(), {"say": "Written."}])
    running = subprocess.Popen(argv(command), cwd=bench.repo, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 60
    while not (bench.repo / "in-turn-two").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    (bench.repo / "in-turn-two").unlink()
    code, result = finish(bench, [sys.executable, "-m", "agentloop", "resume", "--json"])
    assert (code, result["attempts"], result["skill"]["name"]) == (0, 2, "keep-counting")
    first, second, third, fourth = bench.prompts()
    assert first["session"] == fourth["session"]
    assert second["pid"] != third["pid"] == fourth["pid"]
    assert third["before"] == [first["prompt"], second["prompt"]]
    assert not any(alive(prompt["pid"]) for prompt in bench.prompts())


def test_an_agent_that_cannot_load_is_told_everything_in_a_new_session(bench: Bench) -> None:
    command = script(bench, WRONG, [{"exit": 1}], RIGHT, offers={})
    code, result = finish(bench, argv(command, "--distill", "never"))
    assert (code, result["verdicts"]) == (0, ["fail", "fail", "pass"])
    first, _second, third = bench.prompts()
    assert first["session"] != third["session"]
    assert third["before"] == []
    assert "Make the count 3" in third["prompt"]
    assert "the count is 2" in third["prompt"]


@pytest.mark.slow
def test_read_keeps_the_agent_from_its_work_and_says_what_was_denied(bench: Bench) -> None:
    command = script(bench, RIGHT)
    code, _result = finish(bench, argv(command, "--permissions", "read", "--max-attempts", "1"))
    assert code == 1
    assert (bench.repo / "count").read_text() == "0\n"
    (turn,) = [event for event in events(bench) if event["type"] == "turn.ended"]
    assert turn["denied"] == ["echo 3 > count"]


@pytest.mark.slow
def test_ctrl_c_ends_the_agent_and_the_run_can_be_resumed(bench: Bench) -> None:
    command = script(bench, WRONG, SLOW, RIGHT)
    running = subprocess.Popen(argv(command, "--distill", "never"), cwd=bench.repo, stdout=subprocess.PIPE)
    while not (bench.repo / "in-turn-two").exists():
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode == 130
    assert not any(alive(prompt["pid"]) for prompt in bench.prompts())
    code, result = finish(bench, [sys.executable, "-m", "agentloop", "resume", "--json"])
    assert (code, result["verdicts"]) == (0, ["fail", "pass"])


@pytest.mark.slow
def test_something_that_speaks_no_acp_ends_the_run(bench: Bench) -> None:
    code, result = finish(bench, argv(["cat"]))
    assert code == 5
    assert "Method not found" in result["reason"]


@pytest.mark.slow
def test_an_agent_that_is_known_not_to_speak_it_is_refused(bench: Bench) -> None:
    words = [word for word in argv([]) if word != "--"]
    done = bench.call([*words, "--agent", "offline"])
    assert done.returncode == 2
    assert "not known to speak ACP" in done.stderr


def events(bench: Bench) -> list[dict[str, Any]]:
    log = bench.agentloop("logs", "--json").stdout
    return [json.loads(line) for line in log.splitlines()]
