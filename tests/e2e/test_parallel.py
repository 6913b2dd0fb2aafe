"""Several sessions that try side by side: the first honest pass wins, and nothing is left of the others."""

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
from .test_own_worktree import everything, left_of_runs, worktrees
from .test_run import is_alive, wait_for

Step = Callable[..., dict[str, Any]]
AGENT = Path(__file__).parent / "scripted_member.py"


@pytest.fixture
def members(bench: Bench, tmp_path: Path) -> Callable[..., list[str]]:
    """The command line of a group: what each member does, turn by turn, in the order in which they come."""

    def argv(*scripts: list[dict[str, Any]], flags: tuple[str, ...] = ("--json",)) -> list[str]:
        bench.script = tmp_path / "members"
        bench.script.mkdir()
        for number, steps in enumerate(scripts, 1):
            (bench.script / f"{number}.json").write_text(json.dumps(steps))
        program = [sys.executable, str(AGENT), str(bench.script)]
        session = ["--session-from", r"session: (\S+)", "--resume-with", f"{' '.join(program)} --session {{session}}"]
        many = ["--attempts-in-parallel", str(len(scripts))]
        command = [sys.executable, "-m", "agentloop", "run", "--until", "sh check.sh passes", *many, *flags]
        return [*command, *session, "Make the count 3", "--", *program]

    return argv


def states(bench: Bench) -> dict[int, dict[str, Any]]:
    found = json.loads(bench.agentloop("status", "--all", "--json").stdout)
    return dict(enumerate(found, 1))


def branches(bench: Bench) -> list[str]:
    return git(bench.repo, "for-each-ref", "--format=%(refname:short)", "refs/heads/agentloop").split()


def processes() -> list[str]:
    """Whatever was started by this test."""
    mine = psutil.process_iter(["pid", "name", "environ"])
    homes = [one for one in mine if (one.info["environ"] or {}).get("HOME") == os.environ["HOME"]]
    return [one.info["name"] for one in homes if is_alive(one.info["pid"])]


def test_the_first_honest_pass_wins_and_nothing_is_left_of_the_others(
    bench: Bench, write_skill: Step, members: Callable[..., list[str]]
) -> None:
    """One goes the long way, one wins after a failure, one hangs with children that try to get away."""
    before = everything(bench.repo)
    gate = bench.script.with_suffix(".gate")
    hang = f"touch {gate}; echo 7 > count; (setsid sleep 300 &); sleep 300"
    wait = f"until [ -e {gate} ] && [ -e {gate}2 ]; do sleep 0.05; done"
    lose = {"run": f"echo 5 > count; git commit -qam mine; touch {gate}2; sleep 60"}
    win = [{"run": f"{wait}; echo 2 > count"}, {"run": "echo 3 > count"}, write_skill()]
    done = bench.call(members([lose], win, [{"run": hang}]))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["outcome"], result["attempts_in_parallel"]) == ("reached", 3)
    assert branches(bench) == [result["work"]["branch"]]
    subjects = git(bench.repo, "log", "--format=%s", f"main..{branches(bench)[0]}").splitlines()
    assert subjects == ["Link skills for agents", "Add skill keep-counting", "Make the count 3"]
    assert sorted(state["outcome"] for state in states(bench).values()) == ["reached", "superseded", "superseded"]
    assert "[2] " in done.stderr
    assert everything(bench.repo) == before
    assert len(worktrees(bench.repo)) == 1
    assert left_of_runs(bench) == []
    assert processes() == []


@pytest.mark.slow
def test_when_all_fail_the_result_is_of_the_one_that_came_furthest(
    bench: Bench, members: Callable[..., list[str]]
) -> None:
    done = bench.call(
        members([{"say": "BLOCKED: no"}], [{"run": "echo 2 > count"}], flags=("--json", "--max-attempts", "1"))
    )
    assert done.returncode == 1, done.stderr
    result = json.loads(done.stdout)
    assert result["outcome"] == "not_reached"
    assert branches(bench) == [result["work"]["branch"]]
    assert left_of_runs(bench) == []


@pytest.mark.slow
def test_a_pass_that_is_not_honest_does_not_win(bench: Bench, members: Callable[..., list[str]]) -> None:
    gate = bench.script.with_suffix(".gate")
    cheat = [{"run": f"echo true > check.sh; touch {gate}"}, {"run": f"touch {gate}2; sleep 60"}]
    done = bench.call(members(cheat, [{"run": f"until [ -e {gate}2 ]; do sleep 0.05; done; echo 3 > count"}]))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert git(bench.repo, "show", f"{result['work']['branch']}:count") == "3\n"


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGKILL])
@pytest.mark.slow
def test_when_the_parent_dies_so_do_all_and_the_group_can_be_resumed(
    bench: Bench, members: Callable[..., list[str]], number: signal.Signals
) -> None:
    now = bench.script.with_suffix(".now")
    steps = [{"run": f"echo x >> {now}; echo 2 > count; sleep 60"}, {"run": "echo 3 > count"}]
    argv = members(steps, steps, flags=("--json", "--quiet"))
    running = subprocess.Popen(argv, cwd=bench.repo, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(now)
    while now.read_text().count("x") < 2:
        time.sleep(0.05)
    running.send_signal(number)
    _out, err = running.communicate(timeout=60)
    assert running.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    assert b"Traceback" not in err
    assert (b"go on with all of them: agentloop resume group-" in err) == (number == signal.SIGINT)
    deadline = time.monotonic() + 60
    while processes():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert len(left_of_runs(bench)) == 3
    done = bench.agentloop("resume", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert branches(bench) == [result["work"]["branch"]]
    assert left_of_runs(bench) == []
    assert sorted(state["outcome"] for state in states(bench).values()) == ["reached", "superseded"]


@pytest.mark.slow
def test_a_member_can_be_resumed_alone_and_the_other_finds_the_win_taken(
    bench: Bench, members: Callable[..., list[str]]
) -> None:
    now = bench.script.with_suffix(".now")
    steps = [{"run": f"echo x >> {now}; sleep 60"}, {"run": "echo 3 > count"}]
    argv = members(steps, steps, flags=("--json", "--quiet"))
    running = subprocess.Popen(argv, cwd=bench.repo, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(now)
    while now.read_text().count("x") < 2:
        time.sleep(0.05)
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=60)
    one, two = (state["run"] for state in states(bench).values())
    assert json.loads(bench.agentloop("resume", "--json", two).stdout)["outcome"] == "reached"
    other = bench.agentloop("resume", "--json", one)
    assert json.loads(other.stdout)["outcome"] == "superseded"
    assert branches(bench) == [f"agentloop/{two}"]
    assert len(worktrees(bench.repo)) == 1


def test_what_cannot_begin_is_said_once(bench: Bench, members: Callable[..., list[str]]) -> None:
    done = bench.call(members([], [], flags=("--events",)))
    assert done.returncode == 2
    assert "--events" in done.stderr
    git(bench.repo, "branch", "agentloop")
    done = bench.agentloop("run", "--attempts-in-parallel", "2", "--until", "true passes", "x", "--", "true")
    assert done.returncode == 2
    assert done.stderr.count("beside the branch agentloop") == 1
