"""A whole run with an agent that is a plain program for people, kept alive in a terminal."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .conftest import AGENT, Bench, git
from .test_run import RIGHT, WRONG, wait_for

Step = Callable[..., dict[str, Any]]


def argv(bench: Bench, *flags: str) -> list[str]:
    run = [sys.executable, "-m", "agentloop", "run", "--until", "sh check.sh passes", "--driver", "terminal", *flags]
    return [*run, "Make the count 3", "--", sys.executable, str(AGENT), str(bench.script), "--repl"]


def test_one_process_takes_every_prompt_from_the_task_to_the_skill(bench: Bench, write_skill: Step) -> None:
    bench.steps(WRONG, RIGHT, write_skill())
    done = bench.call(argv(bench, "--json"))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["verdicts"] == ["fail", "pass"]
    changed = git(bench.repo, "show", "--name-only", "--format=", result["skill"]["commit"]).split()
    assert changed == ["skills/keep-counting/SKILL.md"]
    first, second, third = bench.prompts()
    assert first["prompt"].startswith("Make the count 3")
    assert "the count is 2" in second["prompt"]
    assert "Draft folder" in third["prompt"]
    assert first["session"] == second["session"] == third["session"]
    assert done.stderr.count("in a new session") == 1
    assert done.stderr.count("in the same session") == 2
    pid = first["session"].removeprefix("process ")
    assert not Path("/proc", pid).exists()


def test_kill_9_ends_the_agent_and_a_new_one_gets_the_ledger(bench: Bench) -> None:
    bench.steps(WRONG, {"run": "touch in-turn-two", "sleep_s": 30}, RIGHT)
    running = subprocess.Popen(
        argv(bench, "--distill", "never"), cwd=bench.repo, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    wait_for(bench.repo / "in-turn-two", timeout_s=60)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    (bench.repo / "in-turn-two").unlink()
    done = bench.agentloop("resume", "--json")
    assert done.returncode == 0, done.stderr
    _first, second, third = bench.prompts()
    assert second["session"] != third["session"]
    assert "Make the count 3" in third["prompt"]
    assert "the count is 2" in third["prompt"]
