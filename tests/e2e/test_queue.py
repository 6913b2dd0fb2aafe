"""The queue: sessions behind a plain `git push` with the hook, asked later."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from agentloop.hook import installing
from agentloop.records import commit_receipts, folders
from agentloop.records.queue import Queue, QueuedJob
from agentloop.repo import Repo

from .conftest import git
from .test_by_hand import FOUND_OUT, Hands, hands

__all__ = ["hands"]
COMMIT = "run git commit -am 'Count to three'"


@pytest.fixture
def pushed(hands: Hands, tmp_path: Path) -> Hands:
    """A session whose commit was pushed by a plain `git push`."""
    git(tmp_path, "init", "-q", "--bare", "there.git")
    git(hands.repo, "remote", "add", "origin", str(tmp_path / "there.git"))
    (hands.repo / ".git/info/exclude").write_text("agentloop.toml\n")
    (hands.repo / "agentloop.toml").write_text('until = "sh check.sh passes"\n')
    git(hands.repo, "push", "-q", "-u", "origin", "main")
    with Repo.open(hands.repo) as repo:
        installing.install(installing.here(repo))
    hands.by_hand(*FOUND_OUT, COMMIT)
    return hands


def push(hands: Hands, **env: str) -> str:
    done = subprocess.run(
        ["git", "push", "-q"], cwd=hands.repo, env={**os.environ, **hands.env, **env}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return done.stderr


def queue_of(hands: Hands) -> Queue:
    return Queue(commit_receipts.folder_of(hands.repo / ".git"))


def test_the_session_is_asked_later_and_its_draft_waits(pushed: Hands) -> None:
    assert "has not been checked" in push(pushed)
    assert not pushed.prompts()
    listed = json.loads(pushed.call("queue", "list", "--json").stdout)
    assert [(job["state"], job["ref"], job["tip"]) for job in listed] == [
        ("waiting", "refs/heads/main", git(pushed.repo, "rev-parse", "HEAD").strip())
    ]
    done = pushed.call("queue", "run")
    assert done.returncode == 0, done.stderr
    assert "the draft keep-counting waits: agentloop skills review" in done.stdout
    assert len(pushed.prompts()) == 1
    assert "keep-counting" in pushed.call("skills", "review", "--list").stdout
    assert git(pushed.repo, "status", "--porcelain") == ""
    assert git(pushed.repo, "log", "--format=%s").splitlines() == ["Count to three", "Begin"]
    git(pushed.repo, "push", "-q", "--no-verify", "--force", "origin", "HEAD~1:main")
    push(pushed)
    again = pushed.call("queue", "run")
    assert "no job waits" in again.stderr
    assert len(pushed.prompts()) == 1
    told = pushed.call("distill", "--until", "sh check.sh passes")
    assert "from an earlier push: the draft keep-counting waits" in told.stderr


def test_it_is_asked_after_the_next_command_that_may_take_its_time(pushed: Hands) -> None:
    push(pushed)
    command = ("run", "--until", "sh check.sh passes", "--agent", "scripted")
    for quick in (("check", "sh check.sh passes"), ("status", "--all"), ("config", "show"), (*command, "--quiet")):
        assert pushed.call(*quick).returncode == 0
    pushed.env["CI"] = "true"
    assert pushed.call(*command).returncode == 0
    assert not pushed.prompts()
    pushed.env["CI"] = ""
    done = pushed.call(*command, "--json")
    assert (done.returncode, json.loads(done.stdout)["outcome"]) == (0, "already_holds"), done.stderr
    assert "the draft keep-counting waits: agentloop skills review" in done.stderr.splitlines()[-1]
    assert len(pushed.prompts()) == 1
    assert "earlier push" not in pushed.call(*command).stderr


@pytest.mark.slow
def test_what_becomes_of_jobs_is_one_line(pushed: Hands) -> None:
    queue = queue_of(pushed)
    for at in (1.0, 2.0):
        queue.finish(QueuedJob("/gone", "refs/heads/a", "origin", "", f"{int(at):040x}", (), at), "no skill", at)
    told = pushed.call("run", "--until", "sh check.sh passes", "--agent", "scripted").stderr
    assert [line for line in told.splitlines() if "earlier push" in line] == [
        "2 jobs from earlier pushes came to an end: agentloop queue list --done"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("land", ["commit", "branch:learned"])
def test_it_lands_where_it_is_told(pushed: Hands, land: str) -> None:
    push(pushed)
    pushed.env["AGENTLOOP_QUEUE_LAND"] = land
    done = pushed.call("queue", "run")
    assert done.returncode == 0, done.stderr
    assert "skill keep-counting committed" in done.stdout
    branch = "learned" if land != "commit" else "main"
    assert "Add skill keep-counting" in git(pushed.repo, "log", "--format=%s", branch)
    assert git(pushed.repo, "status", "--porcelain") == ""


@pytest.mark.slow
def test_a_commit_that_does_not_pass_asks_nobody(pushed: Hands) -> None:
    (pushed.repo / "count").write_text("4\n")
    git(pushed.repo, "commit", "-qam", "Spoil it")
    push(pushed)
    done = pushed.call("queue", "run")
    assert (done.returncode, "does not pass" in done.stdout) == (0, True)
    assert not pushed.prompts()


@pytest.mark.slow
def test_a_job_that_somebody_was_killed_over_is_gone_on_with(pushed: Hands, tmp_path: Path) -> None:
    push(pushed)
    asked = tmp_path / "asked"
    turn = pushed.env["SCRIPTED_TURN"]
    argv = [sys.executable, "-m", "agentloop", "queue", "run"]
    env = {**os.environ, **pushed.env, "SCRIPTED_TURN": f"touch {asked}; sleep 600"}
    worker = subprocess.Popen(argv, cwd=pushed.repo, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not asked.exists():
        time.sleep(0.05)
    assert f"process {worker.pid} works on them" in pushed.call("queue", "list").stderr
    assert "works on the queue" in pushed.call("queue", "run").stderr
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    (job,) = queue_of(pushed).waiting()
    pushed.env["SCRIPTED_TURN"] = turn
    done = pushed.call("queue", "run")
    assert done.returncode == 0, done.stderr
    assert "the draft keep-counting waits" in done.stdout
    (run,) = job.runs.values()
    assert [folder.run for folder in folders.runs(pushed.repo / ".git")] == [run]
    (over,) = queue_of(pushed).done()
    (queue_of(pushed).place / f"done/{over.id}.json").unlink()
    queue_of(pushed).keep(replace(over, outcome="", at=0.0))  # as if it had been killed once more, right before its end
    assert "the draft keep-counting waits" in pushed.call("queue", "run").stdout


@pytest.mark.slow
def test_a_worker_of_its_own_outlives_the_push(pushed: Hands) -> None:
    pushed.env["AGENTLOOP_QUEUE_WORKER"] = "true"
    push(pushed)
    queue = queue_of(pushed)
    while not queue.done():
        time.sleep(0.1)
    assert "the draft keep-counting waits" in queue.done()[0].outcome
    while queue.worker():
        time.sleep(0.1)


@pytest.mark.slow
def test_a_worker_that_is_at_work_needs_no_other(pushed: Hands) -> None:
    pushed.env["AGENTLOOP_QUEUE_WORKER"] = "true"
    queue = queue_of(pushed)
    with queue.held():
        push(pushed)
    assert (len(queue.waiting()), queue.log.exists()) == (1, False)


@pytest.mark.slow
def test_a_repository_cannot_start_a_worker(pushed: Hands) -> None:
    (pushed.repo / "agentloop.toml").write_text('until = "sh check.sh passes"\nqueue.worker = true\n')
    push(pushed)
    assert queue_of(pushed).worker() is None
    assert not (queue_of(pushed).place / "worker.log").exists()


@pytest.mark.slow
def test_what_was_dropped_is_not_queued_again(pushed: Hands) -> None:
    push(pushed)
    assert pushed.call("queue", "drop").returncode == 2
    dropped = pushed.call("queue", "drop", "--all")
    assert (dropped.returncode, dropped.stdout.startswith("dropped ")) == (0, True)
    assert "no job waits" in pushed.call("queue", "list").stderr
    (job,) = queue_of(pushed).done()
    assert queue_of(pushed).has(replace(job, outcome=""))


@pytest.mark.slow
def test_a_working_tree_and_a_commit_that_are_gone_end_a_job(pushed: Hands) -> None:
    queue, tip = queue_of(pushed), "1" * 40
    queue.keep(QueuedJob("/gone", "refs/heads/a", "origin", "", tip, (), 1.0))
    queue.keep(QueuedJob(str(pushed.repo), "refs/heads/b", "origin", "", tip, (), 2.0))
    (queue.place / "0123456789ab.json").write_text("no job of ours")
    lines = pushed.call("queue", "run").stdout.splitlines()
    assert [line.partition("  ")[2] for line in lines] == ["the working tree /gone is gone", "the commit is gone"]


def test_the_hook_is_silent_below_our_own_push_and_knows_what_that_has_checked(pushed: Hands, tmp_path: Path) -> None:
    done = pushed.call("push")
    assert done.returncode == 0, done.stderr
    assert "agentloop: " not in done.stderr
    assert not queue_of(pushed).waiting()
    assert git(pushed.repo, "log", "-1", "--format=%s").strip() == "Link skills for agents"
    git(tmp_path, "init", "-q", "--bare", "other.git")
    git(pushed.repo, "remote", "add", "other", str(tmp_path / "other.git"))
    told = subprocess.run(
        ["git", "push", "-q", "other", "main"], cwd=pushed.repo, capture_output=True, text=True, check=True
    ).stderr
    assert "passed `sh check.sh passes`" in told


@pytest.mark.slow
def test_a_usage_limit_is_no_answer_and_the_session_is_asked_another_time(pushed: Hands, isolated_home: Path) -> None:
    with (isolated_home / ".config/agentloop/agents/scripted.toml").open("a") as adapter:
        adapter.write('\n[[errors]]\nkind = "rate_limit"\npattern = "usage limit"\nreset = "resets in (\\\\d+) s"\n')
    push(pushed)
    turn = pushed.env["SCRIPTED_TURN"]
    pushed.env["SCRIPTED_TURN"] = "echo usage limit, resets in 7200 s >&2; kill -9 $PPID"
    limited = pushed.call("queue", "run")
    assert (limited.returncode, "usage limit" in limited.stdout) == (1, True), limited.stderr
    pushed.env["SCRIPTED_TURN"] = turn
    done = pushed.call("queue", "run")
    assert "the draft keep-counting waits" in done.stdout, done.stderr
    assert len(pushed.prompts()) == 2


@pytest.mark.slow
def test_a_session_that_another_process_asks_is_not_asked_beside_it(pushed: Hands, tmp_path: Path) -> None:
    push(pushed)
    asked, turn = tmp_path / "asked", pushed.env["SCRIPTED_TURN"]
    argv = [sys.executable, "-m", "agentloop", "distill", "--until", "sh check.sh passes"]
    env = {**os.environ, **pushed.env, "SCRIPTED_TURN": f"touch {asked}; sleep 600"}
    other = subprocess.Popen(argv, cwd=pushed.repo, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not asked.exists():
        time.sleep(0.05)
    pushed.env["SCRIPTED_TURN"] = turn
    done = pushed.call("queue", "run")
    other.terminate()
    other.wait()
    assert "or it was asked already" in done.stdout, done.stderr
    assert len(pushed.prompts()) == 1
