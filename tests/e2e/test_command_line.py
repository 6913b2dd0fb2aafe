"""What is typed after --: which program it is, where it is found, and what is said of it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import AGENT, Bench
from .test_run import RIGHT, WRONG, wait_for


def script_agent(bench: Bench, path: Path) -> None:
    """Make a program of the scripted agent."""
    path.write_text(f'#!/bin/sh\nexec {sys.executable} {AGENT} {bench.script} "$@"\n')
    path.chmod(0o755)


def test_a_program_of_a_subfolder_is_found_from_there(bench: Bench) -> None:
    folder = bench.repo / "sub folder"
    folder.mkdir()
    script_agent(bench, folder / "ag.sh")
    bench.steps(WRONG, RIGHT)
    command = [sys.executable, "-m", "agentloop", "run", "--until", "sh check.sh passes", "--distill", "never"]
    session = ["--session-from", r"session: (\S+)", "--resume-with", "./ag.sh --session {session}"]
    argv = [*command, *session, "Make the count 3", "--", "./ag.sh"]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert f"work in the repository's root: {bench.repo}" in done.stderr
    assert [prompt["resumed"] for prompt in bench.prompts()] == [False, True]


def test_a_program_that_is_not_there_begins_no_run(bench: Bench) -> None:
    argv = [sys.executable, "-m", "agentloop", "run", "--until", "sh check.sh passes", "mend it", "--", "./none.sh"]
    done = bench.call(argv)
    assert done.returncode == 5
    assert str(bench.repo / "none.sh") in done.stderr
    assert "run " not in done.stdout


@pytest.mark.slow
def test_a_cost_limit_that_cannot_be_kept_is_said_once(bench: Bench) -> None:
    bench.steps(WRONG, RIGHT)
    done = bench.run("--max-cost", "1", "--distill", "never")
    assert done.returncode == 0
    assert done.stderr.count("--max-cost cannot be kept") == 1
    assert "--max-cost" not in bench.run("--distill", "never").stderr


@pytest.mark.parametrize("when", ["after the first turn", "in the first turn"])
@pytest.mark.slow
def test_a_session_without_a_name_is_gone_on_with_after_kill_9(bench: Bench, when: str) -> None:
    cut: dict[str, object] = {"run": "touch in-the-turn", "sleep_s": 30}
    bench.steps(*([WRONG] if when == "after the first turn" else []), cut, RIGHT)
    program = f"{sys.executable} {AGENT} {bench.script}"
    command = [sys.executable, "-m", "agentloop", "run", "--until", "sh check.sh passes", "--distill", "never"]
    argv = [*command, "--resume-with", f"{program} --session newest", "Make the count 3", "--", *program.split()]
    running = subprocess.Popen(argv, cwd=bench.repo, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    wait_for(bench.repo / "in-the-turn")
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    done = bench.agentloop("resume", "--json")
    assert done.returncode == 0, done.stderr
    assert "in the same session" in done.stderr
    assert "in a new session" not in done.stderr
    result = json.loads(done.stdout)
    assert result["cost_usd"] is None
    first, *later = bench.prompts()
    assert not first["resumed"]
    assert {prompt["session"] for prompt in later} == {"newest"}
    assert later[-1]["prompt"].startswith("Your last turn was cut off")


def test_an_adapter_that_is_wrong_is_told_of_and_stops_nobody_else(bench: Bench, isolated_home: Path) -> None:
    folder = isolated_home / ".config/agentloop/agents"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text('name = "mine"\nstart = ["mine"]\ncolour = "red"\n')
    bench.steps(RIGHT)
    done = bench.run()
    assert done.returncode == 0, done.stderr
    assert "mine.toml:3: unknown key 'colour'" in done.stderr
    listed = bench.agentloop("agents")
    assert listed.returncode == 0
    assert "claude" in listed.stdout
    assert "mine.toml:3: unknown key 'colour'" in listed.stderr


def test_a_word_that_a_known_agent_would_not_understand_begins_no_run(bench: Bench, tmp_path: Path) -> None:
    fake = tmp_path / "claude"
    fake.write_text("#!/bin/sh\n")
    fake.chmod(0o755)
    command = [sys.executable, "-m", "agentloop", "run", "--until", "sh check.sh passes"]
    done = bench.call([*command, "--", str(fake), "fix"])
    assert (done.returncode, done.stdout) == (2, "")
    assert "'fix' cannot be passed on to Claude Code" in done.stderr
    done = bench.call([*command, "one task", "--", str(fake), "another task"])
    assert done.returncode == 2
    assert "two tasks" in done.stderr
