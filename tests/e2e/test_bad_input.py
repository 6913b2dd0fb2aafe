"""Each thing that a user can get wrong: its message, its exit code, and nothing left behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Bench, git


def run(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "agentloop", "run", *args]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def left_behind(repo: Path) -> list[str]:
    """What a command left in a repository and in the home."""
    state = Path(os.environ["XDG_STATE_HOME"]) / "agentloop"
    refs = git(repo, "for-each-ref", "refs/agentloop").splitlines()
    runs = [str(path) for path in state.rglob("journal.jsonl")] if state.exists() else []
    return [*git(repo, "status", "--porcelain", "--ignored").splitlines(), *refs, *runs]


def assert_refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr + done.stdout


def test_no_repository(tmp_path: Path) -> None:
    assert_refused(run("--until", "true passes", "--agent", "offline", "t", cwd=tmp_path), 2, "git init")


def test_a_bare_repository(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    assert_refused(run("--until", "true", "--agent", "offline", "t", cwd=tmp_path / "bare.git"), 2, "bare")


def test_an_unknown_agent_with_the_near_name(bench: Bench) -> None:
    assert_refused(run("--until", "true passes", "--agent", "cluade", "t", cwd=bench.repo), 2, "cluade", "claude")
    assert left_behind(bench.repo) == []


def test_an_agent_that_is_not_installed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    done = run("--until", "true passes", "--agent", "claude", "t", cwd=bench.repo)
    assert_refused(done, 5, "claude", "npm install")
    assert left_behind(bench.repo) == []


def test_a_predicate_whose_command_is_missing_costs_no_turn(bench: Bench) -> None:
    bench.steps({"say": "never"})
    argv = [word.replace("sh check.sh", "no-such-check") for word in bench.argv()]
    done = bench.call(argv)
    assert done.returncode == 2
    assert "no-such-check" in done.stdout
    assert not bench.script.with_suffix(".log").exists()


def test_no_task_and_a_predicate_that_holds(bench: Bench) -> None:
    done = run("--until", "true passes", "--agent", "offline", cwd=bench.repo)
    assert done.returncode == 0
    assert "holds already" in done.stdout


def test_an_adapter_with_a_wrong_key(bench: Bench, isolated_home: Path) -> None:
    folder = isolated_home / ".config/agentloop/agents"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text('name = "mine"\ncolour = "red"\n')
    done = run("--until", "true passes", "--agent", "mine", "t", cwd=bench.repo)
    assert_refused(done, 2, "mine.toml", "colour")
    assert left_behind(bench.repo) == []


def test_an_agent_that_exits_1_at_once(bench: Bench) -> None:
    bench.steps({"say": "out of order", "exit": 1})
    done = bench.run()
    assert done.returncode == 5
    assert "Traceback" not in done.stderr
    assert len(bench.prompts()) == 2
    assert git(bench.repo, "status", "--porcelain") == ""


@pytest.mark.parametrize("program", ["claude", "codex"])
def test_a_known_agent_that_prints_garbage(bench: Bench, tmp_path: Path, program: str) -> None:
    fake = tmp_path / program
    fake.write_text("#!/bin/sh\necho '}{ not JSON'\n")
    fake.chmod(0o755)
    done = run("--until", "sh check.sh passes", "mend it", "--", str(fake), cwd=bench.repo)
    assert_refused(done, 5)
    assert "agent unusable" in done.stdout


def test_an_agent_that_closes_its_output_and_sleeps(bench: Bench) -> None:
    program = "import os, time; os.close(1); os.close(2); time.sleep(60)"
    argv = ["--until", "sh check.sh passes", "--idle-timeout", "1s", "--max-attempts", "1", "mend it", "--"]
    done = run(*argv, sys.executable, "-c", program, cwd=bench.repo)
    assert_refused(done, 1, "idle")


def test_both_an_agent_and_a_command(bench: Bench) -> None:
    assert_refused(run("--until", "true", "--agent", "claude", "t", "--", "codex", cwd=bench.repo), 2, "exclude")


def test_a_run_that_does_not_exist(bench: Bench) -> None:
    done = bench.agentloop("resume", "nothing")
    assert_refused(done, 2, "no runs yet")


def test_a_program_that_cannot_be_executed(bench: Bench, tmp_path: Path) -> None:
    script = tmp_path / "agent.sh"
    script.write_text("#!/bin/sh\n")
    done = run("--until", "sh check.sh passes", "mend it", "--", str(script), cwd=bench.repo)
    assert_refused(done, 5, "chmod +x")


def test_a_disk_that_is_full_loses_nothing(bench: Bench) -> None:
    """No file may grow beyond a limit, which a program notices as it does a full disk."""
    bench.steps({"run": "yes agent output | head -c 3000000"}, {"run": "echo 3 > count"})
    limited = ["sh", "-c", 'ulimit -f 2000; trap "" XFSZ; exec "$@"', "sh", *bench.argv()]
    done = bench.call(limited)
    assert_refused(done, 2, "cannot go on", "agentloop resume")
    assert bench.agentloop("resume").returncode == 0


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--resume-with", "sh {sesion}", "--session-from", "(.)"], 2, "did you mean {session}"),
        (["--session-from", "x(.)"], 2, "--resume-with"),
        (["--resume-with", "no-such-program {prompt}"], 5, "is not on PATH"),
    ],
)
def test_options_that_cannot_work_are_refused_before_any_turn(
    bench: Bench, flags: list[str], code: int, words: str
) -> None:
    done = run("--until", "sh check.sh passes", *flags, "mend it", "--", "sh", "{prompt_file}", cwd=bench.repo)
    assert_refused(done, code, words)


@pytest.mark.parametrize(("argv", "code"), [(["bogus"], 2), (["logs", "no-such-run"], 2)])
def test_where_nothing_can_be_said_the_exit_code_tells(argv: list[str], code: int, bench: Bench) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "agentloop", *argv],
            cwd=bench.repo,
            stdout=full,
            stderr=full,
            timeout=60,
            check=False,
        )
    assert done.returncode == code
