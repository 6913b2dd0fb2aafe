"""A person drives an agent, inside `agentloop wrap` and without it: a terminal, an agent with a store, real git."""

import json
import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from agentloop.events import Checked
from agentloop.records import journal
from agentloop.state import RunState
from agentloop.state.fold import fold

from .conftest import SKILL, Bench, git
from .terminal import at_terminal, end, interrupt

ADAPTER = """
name = "scripted"
title = "Scripted"
programs = ["scripted-agent"]
start = ["{program}", "--resume", "new", "{extra}"]
resume = ["{program}", "--resume", "{session}", "{extra}"]
session = "reported"

[flags]
refused = ["--continue"]
valued = ["--model"]

[stream]
format = "jsonl"

[stream.paths]
session = "session"
text = "text"
finished = "finished"

[store]
root = "~/.scripted"
files = "*/*.jsonl"
session = "session"
cwd = "cwd"
time = "time"

[store.paths]
tools = "call && [{name: 'shell', call: call.id, command: call.command}]"
results = "result && [{call: result.id, failed: result.code != `0`, output: result.output}]"
"""
CONSENT = r"Distill a skill from this session\? \[Y/n\] "


@dataclass
class Hands:
    """A person's machine: an agent with an adapter, and a repository whose check fails."""

    bench: Bench
    home: Path
    bin: Path
    env: dict[str, Any] = field(default_factory=dict)

    @property
    def repo(self) -> Path:
        return self.bench.repo

    def wrap(self, *flags: str, argv: tuple[str, ...] = ("scripted-agent",), cwd: Path | None = None) -> Any:
        """Open the agent in a terminal of its own."""
        told = ["wrap", "--until", "sh check.sh passes", *flags, "--", *argv]
        return at_terminal(cwd or self.repo, *told, **self.env)

    def by_hand(self, *lines: str, cwd: Path | None = None, argv: tuple[str, ...] = ()) -> str:
        """Work with the agent without agentloop; the session's name."""
        done = subprocess.run(
            ["scripted-agent", *argv], cwd=cwd or self.repo, env={**os.environ, **self.env}, check=True,
            input="\n".join([*lines, "quit"]), text=True, capture_output=True,
        )  # fmt: skip
        assert done.returncode == 0
        newest = max((self.home / ".scripted").glob("*/*.jsonl"), key=lambda path: path.stat().st_mtime)
        return newest.stem

    def wait_a_moment(self, session: str) -> None:
        """As if the session had been gone on with later than at once."""
        (kept,) = (self.home / ".scripted").glob(f"*/{session}.jsonl")
        later = kept.stat().st_mtime + 10
        os.utime(kept, (later, later))

    def distill(self, *flags: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run `agentloop distill` to its end."""
        return self.call("distill", *flags, cwd=cwd)

    def call(self, *args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run agentloop to its end."""
        argv = [sys.executable, "-m", "agentloop", *args]
        env = {**os.environ, **self.env}
        return subprocess.run(
            argv, cwd=cwd or self.repo, env=env, capture_output=True, text=True, timeout=150, check=False
        )

    def prompts(self) -> list[dict[str, Any]]:
        """What the agent was asked without a person."""
        path = self.home / ".scripted/prompts.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def state(self) -> RunState:
        """How the newest run stands."""
        folder = self.bench.state_folder()
        path = max(folder.glob("*/*/journal.jsonl"))
        return fold(journal.read(path))


DECLINES = "echo NO SKILL: nothing new"
UNTIL = ("--until", "sh check.sh passes")


@pytest.fixture
def hands(bench: Bench, isolated_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hands:
    monkeypatch.delenv("CI", raising=False)
    folder = tmp_path / "bin"
    folder.mkdir()
    agent = folder / "scripted-agent"
    agent.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("interactive_agent.py")} "$@"\n')
    agent.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    adapters = isolated_home / ".config/agentloop/agents"
    adapters.mkdir(parents=True)
    (adapters / "scripted.toml").write_text(ADAPTER)
    skill = tmp_path / "SKILL.md"
    skill.write_text(SKILL)
    turn = f"mkdir -p {{draft}}/keep-counting && cp {skill} {{draft}}/keep-counting/SKILL.md"
    return Hands(bench, isolated_home, folder, {"SCRIPTED_TURN": turn, "TERM": "xterm"})


def say(child: Any, *lines: str) -> None:
    for line in lines:
        child.expect("> ")
        child.sendline(line)


def runs(process: psutil.Process) -> bool:
    """It has not ended; one that nobody has reaped yet has."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


FOUND_OUT = ("run sh check.sh", "run echo 1 > count", "run sh check.sh", "run echo 3 > count", "run sh check.sh")


def test_a_session_that_found_something_out_is_asked_for_the_skill_when_its_person_leaves(hands: Hands) -> None:
    with hands.wrap(argv=("scripted-agent", "--model", "big")) as child:
        say(child, *FOUND_OUT, "quit 7")
        child.expect(CONSENT)
        child.sendline("")
        code, told = end(child)
    assert code == 7
    assert "skill committed: skills/keep-counting/SKILL.md" in told
    (asked,) = hands.prompts()
    assert asked["argv"] == ["--resume", hands.state().session, "--model", "big"]
    assert "the count is 1" in asked["prompt"]
    assert "-0" in asked["prompt"]
    assert "+3" in asked["prompt"]
    state = hands.state()
    assert state.base == git(hands.repo, "rev-parse", "HEAD~2").strip()
    assert (state.baseline.verdict, [check.verdict for check in state.checks]) == ("fail", ["pass"])  # type: ignore[union-attr]
    assert [call.outcome for call in state.calls][:2] == ["failed", "succeeded"]
    assert '"agentloop-driven-by": "a person"' in (hands.repo / "skills/keep-counting/SKILL.md").read_text()
    assert git(hands.repo, "status", "--porcelain").splitlines() == [" M count"]


@pytest.mark.parametrize(
    ("flags", "answer", "reason"),
    [
        ([], "n", "it was not wanted"),
        ([], "\x04", "it was not wanted"),
        (["--distill", "never"], "", "--distill never"),
    ],
)
@pytest.mark.slow
def test_nobody_is_asked_when_the_person_does_not_want_it(
    hands: Hands, flags: list[str], answer: str, reason: str
) -> None:
    with hands.wrap(*flags) as child:
        say(child, *FOUND_OUT, "quit")
        if answer:
            child.expect(CONSENT)
            child.send(answer if answer == "\x04" else f"{answer}\n")
        code, told = end(child)
    assert code == 0
    assert reason in told
    assert not hands.prompts()


@pytest.mark.slow
def test_without_a_question_it_is_asked_at_once(hands: Hands) -> None:
    with hands.wrap("--no-ask", "--distill", "always") as child:
        say(child, "run echo 3 > count", "quit")
        code, told = end(child)
    assert (code, "Distill a skill" in told, len(hands.prompts())) == (0, False, 1)
    assert "Add skill keep-counting" in git(hands.repo, "log", "--format=%s")


def test_a_check_that_fails_is_told_with_its_evidence_and_nothing_is_distilled(hands: Hands) -> None:
    with hands.wrap() as child:
        say(child, "run echo 2 > count", "quit 3")
        code, told = end(child)
    assert code == 3
    assert "not reached: the predicate does not hold" in told
    assert "the count is 2" in told
    assert hands.state().baseline is None
    assert not hands.prompts()


def test_work_by_cheating_is_refused(hands: Hands) -> None:
    with hands.wrap() as child:
        say(child, "run sh check.sh", "run echo exit 0 > check.sh", "run sh check.sh", "quit")
        code, told = end(child)
    assert code == 0
    assert "dishonest" in told
    assert "check.sh" in told
    assert not hands.prompts()


def test_who_only_looks_is_not_checked(hands: Hands) -> None:
    with hands.wrap() as child:
        say(child, "quit")
        code, told = end(child)
    assert code == 0
    assert "nothing has changed and no tool was called" in told
    assert not list(hands.state().checks)


def test_of_an_agent_that_nobody_knows_the_work_is_checked_and_nobody_can_be_asked(hands: Hands) -> None:
    with hands.wrap("--distill", "always", argv=("sh", "-c", "echo 3 > count; exit 5")) as child:
        code, told = end(child)
    assert code == 5
    assert "the session was not found, so that nobody can be asked" in told
    assert "attempt 1: pass" in told


@pytest.mark.slow
def test_the_session_that_was_left_for_another_is_not_the_one_that_is_asked(hands: Hands) -> None:
    with hands.wrap("--no-ask", "--distill", "always") as child:
        say(child, "run echo 1 > count", "clear", "run echo 3 > count", "quit")
        assert end(child)[0] == 0
    assert [call.command for call in hands.state().calls] == ["echo 3 > count"]
    assert hands.prompts()[0]["session"] == hands.state().session


def test_of_a_session_that_was_gone_on_with_only_the_new_part_is_work(hands: Hands) -> None:
    first = hands.by_hand("run echo old")
    with hands.wrap("--no-ask", "--distill", "always", argv=("scripted-agent", "--continue")) as child:
        say(child, "run echo 3 > count", "quit")
        assert end(child)[0] == 0
    assert hands.state().session == first
    assert [call.command for call in hands.state().calls] == ["echo 3 > count"]
    assert hands.prompts()[0]["argv"] == ["--resume", first]


def test_ctrl_c_and_a_new_size_reach_the_agent_and_not_us(hands: Hands) -> None:
    with hands.wrap() as child:
        child.expect("> ")
        interrupt(child, "you typed ctrl-C")
        say(child, "run touch started; sleep 30")  # ctrl-C takes away what was typed and not yet read
        wait_until((hands.repo / "started").exists)
        interrupt(child, r"\[exit 130\]")
        child.setwinsize(31, 77)
        say(child, "size")
        child.expect("size 77 31")
        say(child, "quit 4")
        assert end(child)[0] == 4
    assert hands.state().interrupted is None


def test_ctrl_z_gives_the_shell_back(hands: Hands) -> None:
    command = f"{sys.executable} -m agentloop wrap --until 'sh check.sh passes' -- scripted-agent"
    with at_terminal(hands.repo, argv=["/bin/bash", "--norc", "--noprofile", "-i"], **hands.env) as child:
        child.sendline(command)
        child.expect("> ")
        child.send("\x1a")
        child.expect("Stopped")
        child.sendline("echo mine $((6 * 7))")
        child.expect("mine 42")
        child.sendline("fg")
        child.sendline("run echo back")
        child.expect("back .exit 0")
        say(child, "quit 6")
        child.expect("not reached")
        child.sendline("echo code $?")
        child.expect("code 6")


def test_after_our_own_kill_9_the_run_goes_on_from_what_the_session_did(hands: Hands) -> None:
    with hands.wrap("--no-ask") as child:
        say(child, *FOUND_OUT)
        child.expect("> ")
        agent = psutil.Process(child.pid).children()
        assert not termios.tcgetattr(child.child_fd)[3] & termios.ECHO
        os.kill(child.pid, signal.SIGKILL)
        wait_until(lambda: not any(map(runs, agent)))
    done = hands.call("resume", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["skill"]["name"] == "keep-counting"
    assert hands.prompts()[0]["session"] == hands.state().session


def test_where_the_agent_cannot_be_started_nothing_is_left(hands: Hands) -> None:
    with hands.wrap(argv=("no-such-agent",)) as child:
        code, told = end(child)
    assert code == 5
    assert "not installed" in told


def test_the_agent_is_wanted(hands: Hands) -> None:
    done = hands.bench.agentloop("wrap", *UNTIL)
    assert done.returncode == 2
    assert "after --" in done.stderr


def test_a_session_of_before_is_asked_with_what_changed_since_it_began(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = hands.by_hand("run sh check.sh", "run echo 3 > count", "run sh check.sh")
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"@{int(time.time()) + 2} +0000")  # git counts whole seconds
    git(hands.repo, "commit", "-qam", "Count right")
    done = hands.distill(*UNTIL, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["session"], result["skill"]["name"], result["was_red"]) == (session, "keep-counting", True)
    (asked,) = hands.prompts()
    assert asked["session"] == session
    assert "+3" in asked["prompt"]
    assert "the count is 0" in asked["prompt"]


@pytest.mark.slow
def test_it_is_not_asked_twice_unless_it_is_named_or_was_gone_on_with(hands: Hands) -> None:
    session = hands.by_hand("run echo 3 > count")
    assert hands.distill(*UNTIL).returncode == 0
    hands.env["SCRIPTED_TURN"] = DECLINES
    done = hands.distill(*UNTIL)
    assert done.returncode == 2
    assert "asked for a skill already" in done.stderr
    listed = hands.distill("--list").stdout
    assert session in listed
    assert "skill keep-counting" in listed
    assert hands.distill(*UNTIL, "--session", session[:8]).returncode == 0
    hands.by_hand("run sh check.sh", argv=("--continue",))
    hands.wait_a_moment(session)
    assert hands.distill(*UNTIL).returncode == 0
    assert [asked["session"] for asked in hands.prompts()] == [session] * 3
    assert "no skill: nothing new" in hands.distill("--list").stdout


def test_a_check_that_fails_asks_nobody_and_fails(hands: Hands) -> None:
    hands.by_hand("run echo 2 > count")
    done = hands.distill(*UNTIL)
    assert done.returncode == 1
    assert "the predicate does not hold" in done.stdout
    assert not hands.prompts()


@pytest.mark.slow
def test_of_several_sessions_one_has_to_be_named(hands: Hands) -> None:
    first = hands.by_hand("run echo 3 > count")
    second = hands.by_hand("run sh check.sh")
    hands.env["SCRIPTED_TURN"] = DECLINES
    done = hands.distill(*UNTIL)
    assert done.returncode == 2
    assert first in done.stderr
    assert second in done.stderr
    assert "--session ID" in done.stderr
    assert not hands.prompts()
    assert hands.distill(*UNTIL, "--session", "latest").returncode == 0
    assert hands.distill(*UNTIL, "--agent", "scripted").returncode == 0
    assert [asked["session"] for asked in hands.prompts()] == [second, first]


def test_at_a_terminal_it_is_asked_which(hands: Hands) -> None:
    first = hands.by_hand("run echo 3 > count")
    hands.by_hand("run sh check.sh")
    with at_terminal(hands.repo, "distill", *UNTIL, **hands.env) as child:
        child.expect(r"Which one\? \[1\] ")
        child.sendline("7")
        child.expect("from 1 to 2")
        child.sendline("2")
        code, told = end(child)
    assert code == 0
    assert "skill committed" in told
    assert hands.prompts()[0]["session"] == first


@pytest.mark.slow
def test_sessions_of_other_places_are_nobodys(hands: Hands, tmp_path: Path) -> None:
    inner = hands.repo / "vendored"
    worktree = tmp_path / "worktree"
    git(hands.repo, "worktree", "add", "-q", str(worktree))
    for folder in (inner, tmp_path / "elsewhere"):
        folder.mkdir()
        git(folder, "init", "-q")
        hands.by_hand("run true", cwd=folder)
    there = hands.by_hand("run echo 3 > count", cwd=worktree)
    done = hands.distill(*UNTIL)
    assert done.returncode == 2
    assert "no session of an agent worked in this repository" in done.stderr
    assert "3 sessions, none of them here" in done.stderr
    done = hands.distill(*UNTIL, cwd=worktree)
    assert done.returncode == 0, done.stderr
    assert [asked["session"] for asked in hands.prompts()] == [there]
    assert "skill keep-counting" in git(worktree, "log", "--format=%s")


def test_a_session_in_a_subfolder_goes_on_there(hands: Hands) -> None:
    folder = hands.repo / "sub"
    folder.mkdir()
    hands.by_hand("run echo 3 > ../count", cwd=folder)
    done = hands.distill(*UNTIL, "--json")
    assert done.returncode == 0, done.stderr
    assert hands.prompts()[0]["cwd"] == str(folder)
    assert not list(folder.iterdir())
    assert json.loads(done.stdout)["skill"]["paths"] == ["skills/keep-counting/SKILL.md"]


@pytest.mark.slow
def test_without_a_predicate_the_only_configured_check_counts(hands: Hands) -> None:
    hands.by_hand("run echo 3 > count")
    done = hands.distill()
    assert done.returncode == 2
    assert "a predicate is wanted" in done.stderr
    (hands.repo / "agentloop.toml").write_text('[checks]\nall = "sh check.sh passes"\n')
    done = hands.distill("--skills-to", "outbox")
    assert done.returncode == 0, done.stderr
    assert "until the configured check all" in done.stderr


@pytest.mark.slow
def test_what_a_metric_was_is_measured_in_the_tree_of_the_start(hands: Hands) -> None:
    (hands.repo / "agentloop.toml").write_text("[metrics.count]\ncommand = 'cat count'\nregex = '\\d+'\n")
    git(hands.repo, "add", ".")
    git(hands.repo, "commit", "-qm", "Measure")
    hands.by_hand("run echo 0 > count")
    done = hands.distill("--until", "count >= baseline + 1")
    assert done.returncode == 1
    hands.by_hand("run echo 3 > count")
    assert hands.distill("--until", "count >= baseline + 1", "--session", "latest").returncode == 0
    assert isinstance(hands.state().baseline, Checked)
