"""`hook.gate = run`: the pushed commit is checked while git waits, and nothing else is."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from agentloop.records import commit_receipts

from .conftest import PASSES, Pushing

RUN = f'until = "{PASSES}"\nhook.gate = "run"\n'


@pytest.fixture
def gated(pushing: Pushing) -> Pushing:
    pushing.configure(RUN)
    return pushing


def test_the_commit_is_checked_and_not_the_working_tree(gated: Pushing) -> None:
    commit = gated.commit()
    (gated.root / "broken").write_text("not committed\n")
    done = gated.push()
    assert done.returncode == 0, done.stderr
    first, second = done.stderr.splitlines()
    assert first == f"agentloop: checking main ({commit[:10]}), at most 60 s; the remote is connected and waits"
    assert second == f"agentloop: main ({commit[:10]}) passed `{PASSES}` now"
    receipt = commit_receipts.read(gated.folder, gated.git("rev-parse", "HEAD^{tree}"), PASSES)
    assert receipt
    assert receipt.verdict == "pass"
    assert gated.queue.waiting()


def test_a_commit_that_fails_is_refused_and_not_checked_again(gated: Pushing) -> None:
    gated.commit("broken")
    (gated.root / "broken").unlink()
    before = gated.heads()
    done = gated.push()
    assert done.returncode == 1
    assert "failed `sh check.sh passes`" in done.stderr
    assert "not pushed (hook.gate)" in done.stderr
    assert gated.heads() == before
    assert "checking" not in gated.push().stderr
    assert not gated.queue.waiting()


@pytest.mark.slow
def test_what_does_not_end_in_time_is_ended_and_the_push_goes_on(gated: Pushing, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    gated.configure(
        f'until = "sh slow.sh passes"\nhook.gate = "run"\nhook.timeout = "2s"\nsandbox_writable = ["{tmp_path}"]\n'
    )
    commit = gated.commit("slow.sh", f"echo $$ > {pid}\nexec sleep 600\n")
    done = gated.push()
    assert done.returncode == 0
    assert f"main ({commit[:10]}) goes on unchecked: the check did not end within 2 s (hook.timeout)" in done.stderr
    assert not pid.exists() or not Path(f"/proc/{pid.read_text().strip()}").exists()


@pytest.mark.slow
def test_a_fault_of_ours_lets_the_push_go_on_and_is_told(gated: Pushing) -> None:
    commit = gated.commit()
    gated.folder.mkdir(parents=True, exist_ok=True)
    (gated.folder / "pushes").write_text("in the way")
    done = gated.push()
    assert done.returncode == 0
    assert "goes on unchecked" in done.stderr
    assert commit in gated.heads()


def test_git_in_a_check_does_not_find_the_repository_that_is_pushed(gated: Pushing, tmp_path: Path) -> None:
    """From a linked worktree git gives its hooks GIT_DIR: a `git commit` elsewhere would land in the pushed branch."""
    linked = tmp_path / "linked"
    gated.git("worktree", "add", "-qb", "linked", str(linked))
    (linked / "agentloop.toml").write_text('until = "sh trap.sh passes"\nhook.gate = "run"\n')
    script = (
        'd=$(mktemp -d) && cd "$d" && git init -q . && git -c user.name=x -c user.email=x commit -q '
        "--allow-empty -m trap && git rev-list --count HEAD > count && test $(cat count) = 1\n"
    )
    commit = gated.commit("trap.sh", script, cwd=linked)
    done = gated.push("origin", "linked", cwd=linked)
    assert f"linked ({commit[:10]}) passed" in done.stderr
    assert gated.git("rev-parse", "linked") == commit
    assert gated.git("log", "--format=%s", "--all", "--grep=trap", "--", ":!trap.sh") == ""


def test_the_trap_is_real(gated: Pushing, tmp_path: Path) -> None:
    """The same work in a hook that keeps git's variables does reach the pushed branch."""
    linked = tmp_path / "linked"
    gated.git("worktree", "add", "-qb", "linked", str(linked))
    commit = gated.commit(cwd=linked)
    hook = gated.root / ".git/hooks/pre-push"
    hook.write_text(
        '#!/bin/sh\nd=$(mktemp -d) && cd "$d" && git -c user.name=x -c user.email=x commit -q --allow-empty -m trap\n'
    )
    gated.push("origin", "linked", cwd=linked)
    assert gated.git("log", "-1", "--format=%s", "linked") == "trap"
    assert gated.git("rev-parse", "linked~1") == commit


@pytest.mark.slow
def test_ctrl_c_ends_the_check_and_the_push(gated: Pushing, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    gated.configure(f'until = "sh slow.sh passes"\nhook.gate = "run"\nsandbox_writable = ["{tmp_path}"]\n')
    gated.commit("slow.sh", f"echo $$ > {begun}\nexec sleep 600\n")
    before = gated.heads()
    pushing = subprocess.Popen(["git", "push", "-q"], cwd=gated.root, stderr=subprocess.PIPE, start_new_session=True)
    while not begun.exists() or not begun.read_text():
        time.sleep(0.05)
    os.killpg(pushing.pid, signal.SIGINT)
    pushing.communicate(timeout=60)
    assert pushing.returncode != 0
    assert gated.heads() == before
    while Path(f"/proc/{begun.read_text().strip()}").exists():  # the check has a session of its own
        time.sleep(0.05)
