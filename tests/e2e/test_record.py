"""A run's record: who is told of its end, how runs are listed, followed and reported, and what becomes of old ones."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agentloop import config
from agentloop import events as ev
from agentloop.records import journal
from agentloop.repo import Repo
from tests.old_records import place, record

from .conftest import Bench, git

WRONG = {"run": "echo 2 > count"}
RIGHT = {"run": "echo 3 > count"}
ENDED = ev.RunEnded(outcome="not_reached", exit_code=1, reason="it does not hold")


def follow(bench: Bench) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "agentloop", "logs", "--follow"]
    return subprocess.Popen(command, cwd=bench.repo, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(path: Path) -> None:
    ends_at = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < ends_at
        time.sleep(0.02)


def test_those_are_told_of_the_end_that_the_person_named_and_nobody_else(
    bench: Bench, isolated_home: Path, tmp_path: Path
) -> None:
    config.user_folder().mkdir(parents=True)
    (config.user_folder() / "agentloop.toml").write_text("[notify]\ncmd = 'cat > told; echo no; exit 3'\n")
    (bench.repo / "agentloop.toml").write_text(f"[notify]\ncmd = 'touch {tmp_path}/evil'\n")
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    bench.steps(WRONG, RIGHT)
    environment = {**os.environ, "GITHUB_STEP_SUMMARY": str(summary)}
    done = bench.call(bench.argv("--json", "--distill", "never"), env=environment)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["changed"] == {"files": 1, "insertions": 1, "deletions": 1}
    assert json.loads((isolated_home / "told").read_text()) == {"event": "run.ended", **result}
    assert "warning: notify.cmd: exited 3: no" in done.stderr
    assert "agentloop.toml: notify is not used" in done.stderr
    assert not (tmp_path / "evil").exists()
    before, heading, text = summary.read_text().partition("## agentloop: reached")
    assert (before, bool(heading)) == ("before\n", True)
    assert "| count | +1 | -1 |" in text
    assert bench.agentloop("report").stdout == heading + text


@pytest.mark.parametrize(("make", "words"), [(Path.mkdir, "Is a directory"), (os.mkfifo, "No such device or address")])
def test_a_summary_that_cannot_be_written_is_a_warning(
    bench: Bench, tmp_path: Path, make: Callable[[Path], None], words: str
) -> None:
    summary = tmp_path / "summary"
    make(summary)
    bench.steps(RIGHT)
    done = bench.call(bench.argv("--quiet"), env={**os.environ, "GITHUB_STEP_SUMMARY": str(summary)})
    assert done.returncode == 0
    assert done.stderr == f"warning: the job's summary {summary} cannot be written: {words}\n"


def test_logs_are_followed_beyond_a_kill_to_the_end_of_the_resumed_run(bench: Bench) -> None:
    bench.steps({"run": "touch in-turn; while [ ! -e go ]; do sleep 0.05; done"}, RIGHT)
    running = subprocess.Popen(bench.argv(), cwd=bench.repo, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(bench.repo / "in-turn")
    with follow(bench) as following:
        assert following.stdout
        assert following.stderr
        following.stdout.readline()
        running.send_signal(signal.SIGKILL)
        running.wait()
        assert "waiting for: agentloop resume" in following.stderr.readline()
        (bench.repo / "go").touch()
        assert bench.agentloop("resume", "--quiet").returncode == 0
        rest = following.communicate(timeout=60)[0]
    assert following.returncode == 0
    assert "run resumed" in rest
    assert "ended: " in rest.splitlines()[-1]


def test_logs_that_are_followed_end_when_the_record_goes(bench: Bench) -> None:
    folder = record(Repo.open(bench.repo), 40)
    with follow(bench) as following:
        assert following.stderr
        assert "waiting" in following.stderr.readline()
        shutil.rmtree(folder.path)
        assert following.wait(timeout=60) == 0
        assert "was pruned" in following.stderr.read()


def test_the_runs_of_all_repositories_with_those_at_work_first(bench: Bench, tmp_path: Path) -> None:
    here, there = Repo.open(bench.repo), Repo.create(_folder(tmp_path / "there"), "Begin")
    new, working = record(here, 1, ENDED), record(there, 3)
    damaged, cut_off = record(here, 5, ENDED), record(here, 8)
    damaged.journal.write_text(damaged.journal.read_text().replace('"seq":0', '"seq":"x"'))
    book = journal.Journal(working)
    try:
        lines = bench.call([sys.executable, "-m", "agentloop", "status", "--everywhere"]).stdout.splitlines()
        objects = json.loads(bench.agentloop("status", "--all", "--json").stdout)
    finally:
        book.close()
    assert [line.split()[0] for line in lines] == [working.run, new.run, damaged.run, cut_off.run]
    assert [line[22:36].strip() for line in lines] == ["running", "not reached", "unreadable", "not ended"]
    assert str(there.root) in lines[0]
    assert "1 d ago" in lines[1]
    assert [each["run"] for each in objects] == [new.run, damaged.run, cut_off.run]
    assert "cannot be read" in objects[1]["problem"]


def test_old_runs_are_pruned_here_and_everywhere(bench: Bench, tmp_path: Path) -> None:
    here, gone = Repo.open(bench.repo), Repo.create(_folder(tmp_path / "gone"), "Begin")
    old, cut_off = record(here, 40, ENDED, size=3_000_000), record(here, 41)
    skilled = record(here, 42, ev.SkillLoaded(name="s"), ENDED)
    record(gone, 50)
    (place(gone) / "receipts").mkdir()
    shutil.rmtree(gone.root)
    said = bench.agentloop("runs", "prune", "--dry-run").stdout
    assert f"would remove 2 runs of {bench.repo}: 2 MB; 1 kept (it can be resumed: 1)" in said
    assert old.path.is_dir()
    assert bench.agentloop("runs", "prune", "--keep", "2").stdout.startswith(skilled.run)
    done = bench.agentloop("runs", "prune", "--everywhere")
    assert done.returncode == 0, done.stderr
    assert not old.path.exists()
    assert cut_off.path.is_dir()
    assert git(bench.repo, "for-each-ref", "--format=%(refname)").split() == [
        "refs/agentloop/" + cut_off.run + "/0", "refs/heads/main"
    ]  # fmt: skip
    assert "which is gone" in done.stdout
    assert not place_of_gone(done.stdout).exists()


def place_of_gone(said: str) -> Path:
    name = next(line for line in said.splitlines() if "what else was kept for" in line).split()[-1]
    return config.state_folder() / name


def _folder(path: Path) -> Path:
    path.mkdir()
    (path / "a").write_text("1\n")
    return path
