"""The main job from the command line: a real repository, a real program as the agent, real git."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pexpect
import psutil
import pytest

from .conftest import AGENT, SKILL, Bench, git

Step = Callable[..., dict[str, Any]]
WRONG = {"run": "echo 2 > count"}
RIGHT = {"run": "echo 3 > count"}


def test_it_loops_until_the_check_holds_and_commits_the_skill_alone(bench: Bench, write_skill: Step) -> None:
    """Failed attempt, same session again with the evidence, pass, skill, commit; nothing else is touched."""
    (bench.repo / "mine").write_text("staged\n")
    git(bench.repo, "add", "mine")
    (bench.repo / "mine").write_text("unstaged\n")
    index_before = git(bench.repo, "diff", "--cached")
    bench.steps(WRONG, RIGHT, write_skill())
    done = bench.run("--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["outcome"], result["attempts"], result["was_red"]) == ("reached", 2, True)
    assert result["verdicts"] == ["fail", "pass"]
    first, second, third = bench.prompts()
    assert not first["resumed"]
    assert second["resumed"]
    assert second["session"] == third["session"] == "s-1"
    assert "the count is 2" in second["prompt"]
    assert "the count is 2" in third["prompt"]
    commit = result["skill"]["commit"]
    assert git(bench.repo, "show", "--name-only", "--format=", commit).split() == ["skills/keep-counting/SKILL.md"]
    message = git(bench.repo, "show", "-s", "--format=%B", commit)
    for trailer in ("Agentloop-Run: ", "Agentloop-Agent: ", "Agentloop-Until: sh check.sh", "Agentloop-Attempts: 2"):
        assert trailer in message
    assert git(bench.repo, "diff", "--cached") == index_before
    assert git(bench.repo, "status", "--porcelain").splitlines() == [" M count", "AM mine"]
    assert (bench.repo / ".claude/skills/keep-counting/SKILL.md").is_file()
    assert (bench.repo / ".agents/skills/keep-counting/SKILL.md").is_file()
    assert not (bench.repo / ".agentloop-draft").exists()


def test_a_first_attempt_that_passes_is_not_asked_for_a_skill(bench: Bench) -> None:
    bench.steps(RIGHT)
    assert bench.run().returncode == 0
    assert len(bench.prompts()) == 1


def test_an_agent_may_decline(bench: Bench) -> None:
    bench.steps(WRONG, RIGHT, {"say": "NO SKILL: anyone would know this"})
    done = bench.run("--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["skill_declined"] == "anyone would know this"
    assert git(bench.repo, "log", "--format=%s").split() == ["Begin"]


def test_findings_go_back_and_a_mended_draft_is_committed(bench: Bench, write_skill: Step) -> None:
    broken = SKILL.replace("name: keep-counting", "name: Keep_Counting")
    bench.steps(WRONG, RIGHT, write_skill(broken), write_skill())
    done = bench.run("--json")
    assert json.loads(done.stdout)["skill"]["name"] == "keep-counting"
    assert "name" in bench.prompts()[3]["prompt"]


def test_a_draft_that_stays_broken_is_kept_and_reported(bench: Bench, write_skill: Step) -> None:
    broken = SKILL.replace("description:", "descriptoin:")
    bench.steps(WRONG, RIGHT, write_skill(broken))
    done = bench.run("--json")
    result = json.loads(done.stdout)
    assert done.returncode == 0
    assert result["skill"] is None
    assert (Path(result["skill_kept_back"]["path"]) / "SKILL.md").read_text() == broken
    assert len(bench.prompts()) == 5
    assert git(bench.repo, "log", "--format=%s").split() == ["Begin"]


def test_the_attempts_run_out(bench: Bench) -> None:
    bench.steps(WRONG)
    done = bench.run("--max-attempts", "2")
    assert done.returncode == 1
    assert "not reached" in done.stdout
    assert len(bench.prompts()) == 2


def test_an_agent_without_a_session_gets_the_ledger(bench: Bench, write_skill: Step) -> None:
    bench.steps(WRONG, RIGHT, write_skill())
    argv = [sys.executable, "-m", "agentloop", "run", "--until", "sh check.sh passes", "Make the count 3", "--"]
    done = bench.call([*argv, sys.executable, str(AGENT), str(bench.script)])
    assert done.returncode == 0, done.stderr
    assert "no session to return to" in done.stderr
    second = bench.prompts()[1]
    assert not second["resumed"]
    assert "Make the count 3" in second["prompt"]
    assert "the count is 2" in second["prompt"]
    skill = (bench.repo / "skills/keep-counting/SKILL.md").read_text()
    assert "agentloop-session" in skill


def test_kill_9_in_the_second_turn_then_resume_comes_to_the_same_end(bench: Bench, write_skill: Step) -> None:
    bench.steps(WRONG, {"run": "echo 3 > count; touch in-turn-two", "sleep_s": 30}, {"say": "went on"}, write_skill())
    running = subprocess.Popen(bench.argv(), cwd=bench.repo, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    wait_for(bench.repo / "in-turn-two")
    agents = [child.pid for child in psutil.Process(running.pid).children(recursive=True)]
    running.send_signal(signal.SIGKILL)
    running.communicate()
    (bench.repo / "in-turn-two").unlink()
    done = bench.agentloop("resume", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["attempts"] == 2
    assert result["skill"]["name"] == "keep-counting"
    assert {prompt["session"] for prompt in bench.prompts()} == {"s-1"}
    assert not [pid for pid in agents if is_alive(pid)]


def test_kill_9_right_after_the_skills_commit_then_resume_makes_no_second_one(bench: Bench, write_skill: Step) -> None:
    bench.steps(WRONG, RIGHT, write_skill())
    pid = bench.script.with_suffix(".pid")
    hook = bench.repo / ".git/hooks/reference-transaction"
    hook.write_text(
        f"#!/bin/sh\ngrep -q ' refs/heads/' && [ $1 = committed ] || exit 0\n"
        f"until [ -s {pid} ]; do sleep 0.05; done\nkill -9 $(cat {pid})\n"
    )
    hook.chmod(0o755)
    running = subprocess.Popen(bench.argv(), cwd=bench.repo, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    pid.write_text(str(running.pid))
    running.communicate(timeout=60)
    assert running.returncode == -signal.SIGKILL
    hook.unlink()
    assert len(git(bench.repo, "log", "--format=%s").splitlines()) == 2
    done = bench.agentloop("resume", "--json")
    assert done.returncode == 0, done.stderr
    skill = json.loads(done.stdout)["skill"]
    assert skill["commit"] == git(bench.repo, "log", "--format=%H", "--grep", "Add skill").strip()
    assert skill["paths"] == ["skills/keep-counting/SKILL.md"]
    assert git(bench.repo, "status", "--porcelain").splitlines() == [" M count"]


@pytest.mark.slow
def test_kill_9_in_a_hook_of_the_skills_commit_then_resume_commits_it(bench: Bench, write_skill: Step) -> None:
    bench.steps(WRONG, RIGHT, write_skill())
    pid = bench.script.with_suffix(".pid")
    hook = bench.repo / ".git/hooks/pre-commit"
    hook.write_text(f"#!/bin/sh\nuntil [ -s {pid} ]; do sleep 0.05; done\nkill -9 $(cat {pid})\nsleep 60\n")
    hook.chmod(0o755)
    running = subprocess.Popen(bench.argv(), cwd=bench.repo, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    pid.write_text(str(running.pid))
    running.communicate(timeout=60)
    assert running.returncode == -signal.SIGKILL
    hook.unlink()
    done = bench.agentloop("resume", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["skill"]["paths"] == ["skills/keep-counting/SKILL.md"]
    assert git(bench.repo, "status", "--porcelain").splitlines() == [" M count"]


@pytest.mark.parametrize("links_commit", [2, 3])
@pytest.mark.slow
def test_undo_knows_the_links_of_a_run_that_was_killed(bench: Bench, write_skill: Step, links_commit: int) -> None:
    """Killed right after the skill's commit, or after the links' commit."""
    bench.steps(WRONG, RIGHT, write_skill())
    pid = bench.script.with_suffix(".pid")
    hook = bench.repo / ".git/hooks/reference-transaction"
    hook.write_text(
        f"#!/bin/sh\ngrep -q ' refs/heads/' && [ $1 = committed ] || exit 0\n"
        f"[ $(git rev-list --count HEAD) = {links_commit} ] || exit 0\n"
        f"until [ -s {pid} ]; do sleep 0.05; done\nkill -9 $(cat {pid})\n"
    )
    hook.chmod(0o755)
    running = subprocess.Popen(bench.argv(), cwd=bench.repo, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    pid.write_text(str(running.pid))
    running.communicate(timeout=60)
    assert running.returncode == -signal.SIGKILL
    hook.unlink()
    assert bench.agentloop("resume").returncode == 0
    assert git(bench.repo, "status", "--porcelain").splitlines() == [" M count"]
    assert (bench.repo / ".claude/skills/keep-counting/SKILL.md").is_file()
    assert bench.agentloop("undo", "--keep-work").returncode == 0
    assert git(bench.repo, "status", "--porcelain").splitlines() == [" M count"]
    assert not [name for name in ("skills", ".claude", ".agents") if (bench.repo / name).exists()]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_agents_tree_and_leaves_the_run_resumable(
    bench: Bench, number: signal.Signals, code: int
) -> None:
    bench.steps({"run": "touch in-turn; (sleep 60 &) ; setsid sleep 60", "sleep_s": 30}, RIGHT)
    running = subprocess.Popen(bench.argv(), cwd=bench.repo, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(bench.repo / "in-turn")
    time.sleep(0.3)
    agents = psutil.Process(running.pid).children(recursive=True)
    assert agents
    running.send_signal(number)
    _out, err = running.communicate(timeout=20)
    assert running.returncode == code
    assert b"Traceback" not in err
    assert not psutil.wait_procs(agents, timeout=3)[1]
    assert bench.agentloop("status").stdout.count("resume")
    assert bench.agentloop("resume").returncode == 0


def test_status_logs_and_undo(bench: Bench, write_skill: Step) -> None:
    bench.steps(WRONG, RIGHT, write_skill())
    bench.run()
    assert "reached" in bench.agentloop("status").stdout
    assert "attempt 1: fail" in bench.agentloop("logs").stdout
    assert "session: s-1" in bench.agentloop("logs", "--turn", "1").stdout
    undone = bench.agentloop("undo")
    assert undone.returncode == 0, undone.stderr
    assert not (bench.repo / "skills").exists()
    assert git(bench.repo, "status", "--porcelain") == ""
    assert "taken back" in bench.agentloop("status").stdout
    again = bench.agentloop("undo", "--keep-work")
    assert (again.returncode, "is not there any more" in again.stdout) == (0, True)


@pytest.mark.parametrize("place", ["unborn", "detached", "worktree"])
@pytest.mark.slow
def test_it_works_wherever_head_is(bench: Bench, write_skill: Step, place: str, tmp_path: Path) -> None:
    if place == "unborn":
        subprocess.run(["rm", "-rf", ".git"], cwd=bench.repo, check=True)
        git(bench.repo, "init", "-q")
    elif place == "detached":
        git(bench.repo, "checkout", "-q", "--detach")
    else:
        git(bench.repo, "worktree", "add", "-q", str(tmp_path / "linked"))
        bench.repo = tmp_path / "linked"
    bench.steps(WRONG, RIGHT, write_skill())
    done = bench.run("--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["skill"]["name"] == "keep-counting"


def test_a_second_run_in_the_same_worktree_waits_for_nobody(bench: Bench) -> None:
    bench.steps({"run": "touch in-turn", "sleep_s": 30})
    running = subprocess.Popen(bench.argv(), cwd=bench.repo, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    wait_for(bench.repo / "in-turn")
    second = bench.run()
    assert second.returncode == 2
    assert "another run is at work" in second.stderr
    assert bench.agentloop("undo").returncode == 2
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=20)


def test_gits_own_variables_reach_no_child(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(tmp_path, "init", "-q", str(other))
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / "index"))
    bench.steps({"run": "echo 3 > count; env | grep ^GIT_ > seen"})
    assert bench.run().returncode == 0
    assert "GIT_DIR" not in (bench.repo / "seen").read_text()


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(path: Path, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.02)


def test_the_environment_marks_the_run(bench: Bench) -> None:
    bench.steps({"run": "echo 3 > count; printenv AGENTLOOP_RUN > tag"})
    bench.run()
    assert (bench.repo / "tag").read_text().strip() in os.listdir(next(bench.state_folder().iterdir()))


def test_the_result_is_on_stdout_and_the_progress_on_stderr(bench: Bench) -> None:
    bench.steps(RIGHT)
    done = bench.run()
    assert "reached" in done.stdout
    assert "prompting the agent" in done.stderr
    quiet = bench.run("--quiet")
    assert quiet.stderr == ""
    assert "reached" in quiet.stdout


def test_events_are_the_journals_own_lines(bench: Bench) -> None:
    bench.steps(WRONG, RIGHT, {"say": "NO SKILL: known"})
    done = bench.run("--events")
    streamed = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["seq"] for event in streamed] == list(range(len(streamed)))
    assert streamed == [json.loads(line) for line in bench.agentloop("logs", "--json").stdout.splitlines()]


@pytest.mark.slow
def test_logs_can_be_followed_while_the_run_goes_on(bench: Bench) -> None:
    bench.steps({"run": "touch in-turn; while [ ! -e go ]; do sleep 0.05; done; rm in-turn; echo 3 > count"})
    running = subprocess.Popen(bench.argv(), cwd=bench.repo, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(bench.repo / "in-turn")
    command = [sys.executable, "-m", "agentloop", "logs", "--follow"]
    following = subprocess.Popen(command, cwd=bench.repo, stdout=subprocess.PIPE, text=True)
    assert following.stdout
    assert "run " in following.stdout.readline()
    (bench.repo / "go").touch()
    rest = following.communicate(timeout=30)[0]
    assert running.wait(timeout=30) == 0
    assert following.returncode == 0
    assert "ended: " in rest


@pytest.mark.parametrize("obstacle", ["skills", ".claude", ".agents", "skills/keep-counting"])
@pytest.mark.slow
def test_what_goes_wrong_with_the_skill_never_changes_the_exit_code(
    bench: Bench, write_skill: Step, obstacle: str
) -> None:
    bench.steps(WRONG, RIGHT, write_skill())
    (bench.repo / obstacle).parent.mkdir(exist_ok=True)
    (bench.repo / obstacle).write_text("in the way\n")
    done = bench.run("--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outcome"] == "reached"
    assert (bench.repo / obstacle).read_text() == "in the way\n"


@pytest.mark.slow
def test_a_run_is_resumed_where_it_belongs(bench: Bench, tmp_path: Path) -> None:
    bench.steps(WRONG, {"run": "touch in-turn-two", "sleep_s": 30})
    with subprocess.Popen(
        bench.argv(), cwd=bench.repo, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        wait_for(bench.repo / "in-turn-two")
        assert json.loads(bench.agentloop("status", "--json").stdout)["outcome"] == "running"
        running.send_signal(signal.SIGINT)
    run = json.loads(bench.agentloop("status", "--json").stdout)
    assert run["outcome"] == "interrupted"
    git(bench.repo, "worktree", "add", "-q", str(tmp_path / "other"))
    argv = [sys.executable, "-m", "agentloop", "resume", run["run"]]
    done = subprocess.run(argv, cwd=tmp_path / "other", capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert f"cd {bench.repo}" in done.stderr
    done = subprocess.run(argv[:-1], cwd=tmp_path / "other", capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "is to be resumed" in done.stderr) == (2, True)


def test_a_run_goes_on_when_nobody_reads_it_any_more(bench: Bench) -> None:
    bench.steps(WRONG, RIGHT)
    argv = " ".join(f"'{word}'" for word in bench.argv("--events", "--distill", "never"))
    done = subprocess.run(
        ["bash", "-c", f"{argv} 2>&1 | head -1; echo ${{PIPESTATUS[0]}}"],
        cwd=bench.repo, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "0"
    assert (bench.repo / "count").read_text() == "3\n"
    assert "Exception ignored" not in done.stderr


def test_a_file_that_is_no_utf_8_is_no_obstacle(bench: Bench, write_skill: Step) -> None:
    bench.steps(WRONG, {"run": "echo 3 > count; printf 'caf\\351\\n' > latin"}, write_skill())
    (bench.repo / "latin").write_bytes(b"th\xe9\n")
    git(bench.repo, "add", "latin")
    git(bench.repo, "commit", "-qm", "Add a file in Latin-1")
    done = bench.run("--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["skill"]


@pytest.mark.slow
def test_what_waits_for_a_person_is_resumed_in_a_terminal(bench: Bench, write_skill: Step) -> None:
    bench.steps(WRONG, RIGHT, write_skill())
    argv = bench.argv("--json")
    argv[argv.index("sh check.sh passes")] = "sh check.sh passes and approved"
    done = bench.call(argv, stdin=subprocess.DEVNULL)
    assert done.returncode == 7, done.stderr
    child = pexpect.spawn(
        sys.executable, ["-m", "agentloop", "resume"], cwd=str(bench.repo), timeout=30, encoding="utf-8"
    )
    child.expect("approve")
    child.sendline("y")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert (bench.repo / "skills/keep-counting/SKILL.md").is_file()
