"""The program in a run, and by itself: few starts, since litellm takes seconds to load."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agentloop.builtin.__main__ import main
from tests.agents.conftest import RIGHT, SOURCE, TEST, WRONG, git, write_skill
from tests.agents.dialects import USAGE_IN, Fail, Run, Say
from tests.nasty_texts import SAME

from .conftest import Desk

Make = Callable[..., Desk]
PROGRAM = [sys.executable, "-m", "agentloop.builtin", "--model", "openai/scripted"]


def test_a_run_fails_passes_and_keeps_a_skill_all_in_one_session(desk: Make) -> None:
    there = desk(WRONG, Say("Fixed it."), RIGHT, Say("Now it is."), write_skill, Say("Written."))
    (there.root / "ages.py").write_text(SOURCE)
    (there.root / "test_ages.py").write_text(TEST)
    (there.root / ".gitignore").write_text("__pycache__/\n")
    git(there.root, "init", "-q")
    git(there.root, "add", ".")
    git(there.root, "commit", "-qm", "Begin")
    argv = [sys.executable, "-m", "agentloop", "run", "--until", "python -m unittest passes", "--json"]
    argv += ["--agent", "builtin", "--model", "openai/scripted", "Make the tests pass"]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        argv, cwd=there.root, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["verdicts"], result["skill"]["name"]) == (["fail", "pass"], "limits-are-inclusive")
    assert (result["input_tokens"], result["cost_usd"]) == (6 * USAGE_IN, None)
    assert git(there.root, "status", "--porcelain").splitlines() == [" M ages.py"]
    last = there.server.main[-1].conversation
    for words in ("Make the tests pass", "Fixed it.", "test_limit", "Now it is.", "Draft folder:"):
        assert words in last
    assert "wrong side" not in last
    assert "- limits-are-inclusive: Which side a limit belongs to." not in there.server.main[0].conversation


@pytest.mark.slow
def test_kill_9_in_a_step_then_a_resume_goes_on_from_there(desk: Make) -> None:
    prompt = "--resume x\n'quoted' \"twice\" \\ $HOME `id`\r\n\U0001f680 \u202e\t--\n" + "\n".join(SAME)
    prompt += "\n0123456789" * 20_000
    there = desk(Run("echo one > one"), Run("touch begun; sleep 64"), Say("Went on."))
    running = subprocess.Popen(
        [*PROGRAM, "--session", "a-session"], cwd=there.root, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    assert running.stdin
    running.stdin.write(prompt.encode())
    running.stdin.close()
    deadline = time.monotonic() + 60
    while not (there.root / "begun").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert there.server.main[0].prompt == prompt
    assert "killed while this ran" in there.results()[-1]

    argv = [*PROGRAM, "--resume", "a-session"]
    done = subprocess.run(argv, cwd=there.root, input="Go on.", capture_output=True, text=True, check=False)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert events[0] == {"type": "session", "id": "a-session"}
    assert events[-1] == {"type": "done", "text": "Went on."}
    asked = there.server.main[-1].conversation
    for words in (prompt, "echo one > one", "touch begun", "Go on."):
        assert words in asked


def test_a_model_that_refuses_is_an_event_and_exit_code_1(
    desk: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = desk(Fail(401, "who are you?"), Fail(429, retry_after_s=3600))
    monkeypatch.chdir(there.root)
    for kind, reset in (("login", None), ("rate_limit", 3600)):
        monkeypatch.setattr(sys, "argv", ["builtin", "--session", "s", "--model", "openai/scripted"])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Do it.")))
        assert main() == 1
        opened, error = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert opened == {"type": "session", "id": "s"}
        assert (error["type"], error["kind"], error["reset"]) == ("error", kind, reset)


@pytest.mark.slow
def test_a_fork_knows_what_the_session_does_and_has_a_name_of_its_own(
    desk: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = desk(Say("Noted."), Say("It was 17."))
    there.take("Remember 17")
    monkeypatch.chdir(there.root)
    monkeypatch.setattr(sys, "argv", ["builtin", "--fork", "a-session", "--model", "openai/scripted"])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Which number?")))
    assert main() == 0
    opened = json.loads(capsys.readouterr().out.splitlines()[0])
    assert opened["id"] != "a-session"
    assert "Remember 17" in there.server.main[-1].conversation
    assert len(there.session.messages) == 2


def test_without_a_model_nothing_is_begun(desk: Make) -> None:
    there = desk(Say("x"))
    git(there.root, "init", "-q")
    argv = [sys.executable, "-m", "agentloop", "run", "--until", "false passes", "--agent", "builtin", "Do it"]
    done = subprocess.run(argv, cwd=there.root, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    for words in ("--model", "agentloop.toml", "AGENTLOOP_MODEL"):
        assert words in done.stderr
    done = subprocess.run([*PROGRAM[:3], "--resume", "x"], input="", capture_output=True, text=True, check=False)
    assert (done.returncode, json.loads(done.stdout)["message"].split(";")[0]) == (1, "no model is named")
