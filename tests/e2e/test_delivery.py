"""Where a skill goes, from the command line: another branch, the outbox, or wherever a person says."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentloop.repo import Repo
from agentloop.run import review
from tests.drafts import keep_back

from .conftest import SKILL, Bench, git
from .terminal import at_terminal, end, scripted_editor

Step = Callable[..., dict[str, Any]]
RIGHT = {"run": "echo 3 > count"}
ALWAYS = ("--distill", "always")
ASKED = r"\[a\]ccept, \[e\]dit, \[r\]eject or \[l\]ater\? "


def test_a_skill_on_a_branch_and_its_undo(bench: Bench, write_skill: Step) -> None:
    bench.steps(RIGHT, write_skill())
    head = git(bench.repo, "rev-parse", "HEAD")
    done = bench.run("--skills-to", "branch learned", *ALWAYS, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["skill"]["branch"] == "learned"
    assert git(bench.repo, "status", "--porcelain").splitlines() == [" M count"]
    assert git(bench.repo, "rev-parse", "HEAD", "learned^").split() == [head.strip()] * 2
    assert "keep-counting" in git(bench.repo, "show", "learned:skills/keep-counting/SKILL.md")
    assert "took back skills/keep-counting on learned" in bench.agentloop("undo").stdout
    assert git(bench.repo, "ls-tree", "learned", "skills") == ""


@pytest.mark.slow
def test_kill_9_right_after_the_branchs_commit_then_resume_makes_no_second_one(bench: Bench, write_skill: Step) -> None:
    bench.steps(RIGHT, write_skill())
    pid = bench.script.with_suffix(".pid")
    hook = bench.repo / ".git/hooks/reference-transaction"
    hook.write_text(
        f"#!/bin/sh\ngrep -q ' refs/heads/' && [ $1 = committed ] || exit 0\n"
        f"until [ -s {pid} ]; do sleep 0.05; done\nkill -9 $(cat {pid})\n"
    )
    hook.chmod(0o755)
    running = subprocess.Popen(bench.argv("--skills-to", "branch", *ALWAYS), cwd=bench.repo,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
    pid.write_text(str(running.pid))
    running.communicate(timeout=60)
    assert running.returncode == -signal.SIGKILL
    hook.unlink()
    tip = git(bench.repo, "rev-parse", "agentloop/skills").strip()
    done = bench.agentloop("resume", "--json")
    assert done.returncode == 0, done.stderr
    skill = json.loads(done.stdout)["skill"]
    assert (skill["commit"], skill["branch"]) == (tip, "agentloop/skills")
    assert git(bench.repo, "rev-parse", "agentloop/skills").strip() == tip


def test_the_outbox_keeps_it_for_a_review(bench: Bench, write_skill: Step) -> None:
    bench.steps(RIGHT, write_skill())
    done = bench.run("--skills-to", "outbox", *ALWAYS, "--json")
    result = json.loads(done.stdout)
    assert (result["exit_code"], result["skill"], result["skill_waits_for_review"]) == (0, None, True)
    assert git(bench.repo, "log", "--format=%s").split() == ["Begin"]
    assert "skill committed" in bench.agentloop("skills", "review", "--accept", "keep-counting").stdout
    assert (bench.repo / ".claude/skills/keep-counting/SKILL.md").is_file()


def test_a_branch_that_is_in_use_is_refused_before_the_run(bench: Bench, tmp_path: Path) -> None:
    git(bench.repo, "worktree", "add", "-q", "-b", "taken", str(tmp_path / "linked"))
    done = bench.run("--skills-to", "branch:taken")
    assert (done.returncode, "in use by" in done.stderr) == (2, True), done.stderr
    assert not bench.state_folder().exists()


def test_without_a_terminal_nobody_is_asked(bench: Bench, write_skill: Step) -> None:
    bench.steps(RIGHT, write_skill())
    done = bench.run("--review", *ALWAYS, "--json")
    assert done.returncode == 0, done.stderr
    assert "nobody could be asked" in json.loads(done.stdout)["skill_kept_back"]["reason"]


@pytest.mark.parametrize("way", ["--no-input", "CI"])
@pytest.mark.slow
def test_at_a_terminal_one_can_want_not_to_be_asked(bench: Bench, write_skill: Step, way: str) -> None:
    bench.steps(RIGHT, write_skill())
    flags, env = (["--no-input"], {}) if way == "--no-input" else ([], {"CI": "true"})
    with at_terminal(bench.repo, argv=bench.argv("--review", *ALWAYS, *flags), **env) as child:
        code, told = end(child)
    assert code == 0
    assert "nobody could be asked" in told


def test_the_person_is_asked_edits_and_accepts(bench: Bench, write_skill: Step, tmp_path: Path) -> None:
    bench.steps(RIGHT, write_skill())
    editor = scripted_editor(tmp_path, 'printf "\\nA line more.\\n" >> "$1"')
    with at_terminal(bench.repo, argv=bench.argv("--review", *ALWAYS), EDITOR=editor) as child:
        child.expect(ASKED)
        assert "The file `count` holds one number" in child.before
        child.sendline("e")
        child.expect("A line more")
        child.expect(ASKED)
        child.sendline("a")
        code, told = end(child)
    assert code == 0
    assert "draft accepted, as edited" in told
    text = git(bench.repo, "show", "HEAD:skills/keep-counting/SKILL.md")
    assert "A line more." in text
    assert "agentloop-run" in text


@pytest.mark.parametrize(
    ("said", "words"), [(["r", "too narrow"], "skill rejected"), (["l"], "agentloop skills review")]
)
def test_the_exit_code_is_the_works_whatever_is_said(
    bench: Bench, write_skill: Step, said: list[str], words: str
) -> None:
    bench.steps(RIGHT, write_skill())
    with at_terminal(bench.repo, argv=bench.argv("--review", *ALWAYS)) as child:
        for line in said:
            child.expect(r"\? ")
            child.sendline(line)
        code, told = end(child)
    assert code == 0
    assert words in told
    assert git(bench.repo, "log", "--format=%s").split() == ["Begin"]


@pytest.mark.slow
def test_who_is_cut_off_while_asking_is_asked_again(bench: Bench, write_skill: Step) -> None:
    bench.steps(RIGHT, write_skill())
    with at_terminal(bench.repo, argv=bench.argv("--review", *ALWAYS)) as child:
        child.expect(ASKED)
        child.sendintr()
        code, told = end(child)
        assert (code, "agentloop resume" in told) == (130, True)
    with at_terminal(bench.repo, "resume") as child:
        child.expect(ASKED)
        os.kill(child.pid, signal.SIGKILL)
        end(child)
    with at_terminal(bench.repo, "resume") as child:
        child.expect(ASKED)
        child.sendline("a")
        assert end(child)[0] == 0
    assert len(bench.prompts()) == 2
    assert SKILL.splitlines()[5] in git(bench.repo, "log", "-p", "--", "skills")


@pytest.mark.slow
def test_what_was_rejected_is_told_and_not_taken_again(bench: Bench, write_skill: Step) -> None:
    repo = Repo.open(bench.repo)
    keep_back(repo, text=SKILL)
    [draft], _problems = review.waiting(repo.common_dir)
    review.reject(repo, draft, "everybody here knows that")
    bench.steps(RIGHT, write_skill(), {"say": "still the same"})
    result = json.loads(bench.run(*ALWAYS, "--json").stdout)
    assert (result["exit_code"], result["skill"]) == (0, None)
    assert "everybody here knows that" in bench.prompts()[1]["prompt"]
    assert "rejected-before" in bench.prompts()[2]["prompt"]
