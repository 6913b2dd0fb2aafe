"""Runs in worktrees of their own: the person's tree is left alone, and the work comes back as a branch."""

import hashlib
import json
import os
import signal
import subprocess
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Bench, git
from .test_run import wait_for

Step = Callable[..., dict[str, Any]]
WRONG = {"run": "echo 2 > count"}
RIGHT = {"run": "echo 3 > count"}


def everything(repo: Path) -> dict[str, str]:
    """The person's own: each file of the tree, the index, HEAD, their branches, the stash."""
    files = [path for path in repo.rglob("*") if path.is_file() and ".git" not in path.relative_to(repo).parts]
    files += [repo / ".git" / name for name in ("index", "HEAD", "config", "logs/HEAD", "logs/refs/stash")]
    found = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.exists()}
    refs = git(repo, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return {**found, "refs": "\n".join(ref for ref in refs if "agentloop/" not in ref)}


def make_busy(repo: Path) -> None:
    """The person is in the middle of something: a stash, staged, unstaged and untracked changes."""
    (repo / "count").write_text("9\n")
    git(repo, "stash", "-q")
    (repo / "mine").write_text("staged\n")
    git(repo, "add", "mine")
    (repo / "mine").write_text("unstaged\n")
    (repo / "new").write_text("untracked\n")


def worktrees(repo: Path) -> list[str]:
    return [line for line in git(repo, "worktree", "list", "--porcelain").splitlines() if line.startswith("worktree ")]


def left_of_runs(bench: Bench) -> list[str]:
    """What lies beside the journals."""
    folder = next(bench.state_folder().iterdir())
    return [str(path) for name in ("worktrees", "groups") for path in (folder / name).glob("*")]


def begin(bench: Bench) -> subprocess.Popen[bytes]:
    return subprocess.Popen(bench.argv("--worktree"), cwd=bench.repo, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_the_work_comes_back_as_a_branch_and_the_persons_tree_stays(bench: Bench, write_skill: Step) -> None:
    make_busy(bench.repo)
    before = everything(bench.repo)
    seen = bench.script.with_suffix(".seen")
    look = f"cp {bench.repo}/.git/index {seen}; pwd > {seen}.pwd; cat count > {seen}.count; git branch --show-current"
    bench.steps({"run": f"{look}; echo 2 > count; echo x > added"}, RIGHT, write_skill())
    done = bench.run("--worktree", "--json")
    assert done.returncode == 0, done.stderr
    assert "what you changed in 2 files since is not in it" in done.stderr
    assert everything(bench.repo) == before
    assert Path(f"{seen}.count").read_text() == "0\n"
    assert not Path(Path(f"{seen}.pwd").read_text().strip()).exists()
    result = json.loads(done.stdout)
    branch = f"agentloop/{result['run']}"
    assert result["work"] == {"branch": branch, "commit": git(bench.repo, "rev-parse", branch).strip(), "left": []}
    subjects = git(bench.repo, "log", "--format=%s", f"main..{branch}").splitlines()
    assert subjects == ["Link skills for agents", "Add skill keep-counting", "Make the count 3"]
    changed = git(bench.repo, "show", "--name-only", "--format=", f"{branch}~2").split()
    assert changed == ["added", "count"]
    assert f"Agentloop-Run: {result['run']}" in git(bench.repo, "show", "-s", "--format=%B", f"{branch}~2")
    assert git(bench.repo, "show", "-s", "--format=%an", f"{branch}~2").strip() == "Test"
    assert result["skill"]["commit"] == git(bench.repo, "rev-parse", f"{branch}~1").strip()
    assert {prompt["session"] for prompt in bench.prompts()} == {"s-1"}
    assert len(worktrees(bench.repo)) == 1
    assert left_of_runs(bench) == []
    assert not [*(bench.repo / ".git/agentloop").glob("*")]


@pytest.mark.slow
def test_the_summary_says_how_to_look_and_how_to_merge(bench: Bench) -> None:
    bench.steps(WRONG)
    done = bench.run("--worktree", "--max-attempts", "1")
    assert done.returncode == 1
    branch = git(bench.repo, "for-each-ref", "--format=%(refname:short)", "refs/heads/agentloop").strip()
    assert f"the branch {branch} (as far as it came)" in done.stdout
    assert f"git diff main...{branch}" in done.stdout
    assert bench.agentloop("status").stdout.count(f"git merge {branch}") == 1
    assert "work brought back" in bench.agentloop("logs").stdout
    git(bench.repo, "merge", "-q", branch)
    assert (bench.repo / "count").read_text() == "2\n"


def test_with_nothing_changed_no_branch_is_left(bench: Bench) -> None:
    bench.steps({"say": "BLOCKED: I may not"})
    done = bench.run("--worktree")
    assert done.returncode == 7, done.stderr
    assert "no branch is left" in done.stdout
    assert git(bench.repo, "for-each-ref", "refs/heads").count("\n") == 1
    assert left_of_runs(bench) == []


@pytest.mark.slow
def test_two_at_once(bench: Bench, tmp_path: Path) -> None:
    """And a third in the person's own tree."""
    runs, benches = [], []
    for name in ("one", "two", "three"):
        there = Bench(bench.repo, tmp_path / f"{name}.json")
        flag = ["--worktree"] if name != "three" else []
        wait = f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done"
        there.steps({"run": f"touch {tmp_path}/{name}; {wait}; echo 3 > count"})
        runs.append(subprocess.Popen(there.argv(*flag, "--json"), cwd=bench.repo, stdout=subprocess.PIPE, text=True))
        benches.append(there)
    for name in ("one", "two", "three"):
        wait_for(tmp_path / name)
    (tmp_path / "go").touch()
    results = [json.loads(run.communicate(timeout=60)[0]) for run in runs]
    assert [result["outcome"] for result in results] == ["reached"] * 3
    assert len({result["run"] for result in results}) == 3
    assert git(bench.repo, "for-each-ref", "refs/heads/agentloop").count("\n") == 2
    assert left_of_runs(bench) == []


def killed_when(bench: Bench, condition: str) -> None:
    """Run, and kill the supervisor with a hook of git's as soon as a ref changes and a condition holds."""
    pid = bench.script.with_suffix(".pid")
    hook = bench.repo / ".git/hooks/reference-transaction"
    hook.write_text(
        f"#!/bin/sh\nrefs=$(cat)\n[ $1 = committed ] || exit 0\n{condition} || exit 0\n"
        f"until [ -s {pid} ]; do sleep 0.05; done\nkill -9 $(cat {pid})\n"
    )
    hook.chmod(0o755)
    running = begin(bench)
    pid.write_text(str(running.pid))
    _out, err = running.communicate(timeout=60)
    assert running.returncode == -signal.SIGKILL, err
    hook.unlink()


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param('echo "$refs" | grep -q " refs/heads/agentloop/"', id="while it is made"),
        pytest.param(
            'git log -1 --format=%s | grep -q "^Make the count"', id="after the work's commit", marks=pytest.mark.slow
        ),
        pytest.param('git log -1 --format=%s | grep -q "^Add skill"', id="after the skill's commit"),
    ],
)
@pytest.mark.slow
def test_killed_and_resumed_from_the_persons_tree(bench: Bench, write_skill: Step, condition: str) -> None:
    bench.steps(WRONG, RIGHT, write_skill())
    make_busy(bench.repo)
    before = everything(bench.repo)
    killed_when(bench, condition)
    assert everything(bench.repo) == before
    done = bench.agentloop("resume", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    subjects = git(bench.repo, "log", "--format=%s", f"main..{result['work']['branch']}").splitlines()
    assert subjects == ["Link skills for agents", "Add skill keep-counting", "Make the count 3"]
    assert everything(bench.repo) == before
    assert len(worktrees(bench.repo)) == 1
    assert left_of_runs(bench) == []


@pytest.mark.slow
def test_a_worktree_that_was_lost_in_the_middle_is_made_again_as_it_was(bench: Bench) -> None:
    asked = bench.script.with_suffix(".asked")
    bench.steps(
        {"run": "echo 2 > count; echo kept > added; rm check.sh; git checkout -q HEAD check.sh"},
        {"run": f"pwd > {asked}; touch {asked}.now", "sleep_s": 30},
        RIGHT,
    )
    running = begin(bench)
    wait_for(Path(f"{asked}.now"))
    running.kill()
    running.communicate()
    subprocess.run(["rm", "-rf", asked.read_text().strip()], check=True)
    done = bench.agentloop("resume", "--json", running_id(bench))
    assert done.returncode == 0, done.stderr
    branch = json.loads(done.stdout)["work"]["branch"]
    assert git(bench.repo, "show", f"{branch}:added") == "kept\n"
    assert git(bench.repo, "diff", "--name-only", "main", branch).split() == ["added", "count"]


def running_id(bench: Bench) -> str:
    return str(json.loads(bench.agentloop("status", "--json").stdout)["run"])


@pytest.mark.slow
def test_a_worktree_of_a_run_that_has_ended_is_pruned_and_one_that_can_be_resumed_is_not(bench: Bench) -> None:
    bench.steps(WRONG)
    bench.run("--worktree", "--max-attempts", "1")
    ended = running_id(bench)
    folder = next(bench.state_folder().iterdir()) / "worktrees"
    # As if it had been killed before this was removed.
    git(bench.repo, "worktree", "add", "-q", str(folder / ended), f"agentloop/{ended}")
    bench.steps({"run": f"touch {bench.script}.now", "sleep_s": 30})
    bench.script.with_suffix(".log").unlink()
    running = begin(bench)
    wait_for(Path(f"{bench.script}.now"))
    running.kill()
    running.communicate()
    bench.steps(RIGHT)
    assert bench.run("--worktree").returncode == 0
    left = left_of_runs(bench)
    assert len(left) == 1
    assert ended not in left[0]
    again = bench.agentloop("resume", ended)
    assert (again.returncode, "has ended" in again.stderr) == (2, True)


def test_an_environment_with_the_project_installed_in_place_imports_the_worktrees_own(bench: Bench) -> None:
    (bench.repo / ".gitignore").write_text(".venv/\n")
    (bench.repo / "src").mkdir()
    (bench.repo / "src/counted.py").write_text("N = 0\n")
    git(bench.repo, "add", ".")
    git(bench.repo, "commit", "-qm", "Sources")
    venv.create(bench.repo / ".venv", symlinks=True)
    site = next((bench.repo / ".venv/lib").glob("python*/site-packages"))
    (site / "project.pth").write_text(f"{bench.repo}/src\n")
    script = bench.repo / ".venv/bin/checked"
    script.write_text(f"#!{bench.repo}/.venv/bin/python\nimport counted\nassert counted.N == 3, counted.__file__\n")
    script.chmod(0o755)
    before = everything(bench.repo)
    bench.steps({"run": "echo N = 3 > src/counted.py; echo 3 > count"})
    path = f"{bench.repo}/.venv/bin:{os.environ['PATH']}"
    flags = ["--until", "checked passes", "--until", ".venv/bin/checked passes", "--max-attempts", "1"]
    done = bench.call(bench.argv("--worktree", *flags), env={**os.environ, "PATH": path})
    assert done.returncode == 0, done.stdout + done.stderr
    assert everything(bench.repo) == before


def test_a_file_that_looks_like_a_secret_stays_out_and_is_not_lost(bench: Bench) -> None:
    bench.steps({"run": "echo 3 > count; echo secret > server.key; mkdir -m 555 closed"})
    done = bench.run("--worktree")
    assert done.returncode == 0, done.stderr
    assert "in no commit: server.key" in done.stdout
    assert (Path(left_of_runs(bench)[0]) / "server.key").read_text() == "secret\n"


@pytest.mark.parametrize(
    ("set_up", "words"),
    [
        (["git", "branch", "agentloop"], "beside the branch agentloop"),
        (["git", "config", "user.useConfigOnly", "true"], "whose commits"),
    ],
)
def test_what_is_in_the_way_is_said_before_anything_begins(
    bench: Bench, isolated_home: Path, set_up: list[str], words: str
) -> None:
    subprocess.run(set_up, cwd=bench.repo, check=True)
    if "user.useConfigOnly" in set_up:
        (isolated_home / ".gitconfig").write_text("")
    bench.steps(RIGHT)
    done = bench.run("--worktree")
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not bench.script.with_suffix(".log").exists()


def test_a_signal_leaves_it_resumable(bench: Bench) -> None:
    now = bench.script.with_suffix(".now")
    bench.steps({"run": f"echo 2 > count; touch {now}", "sleep_s": 30}, RIGHT)
    running = begin(bench)
    wait_for(now)
    running.send_signal(signal.SIGINT)
    assert b"Traceback" not in running.communicate(timeout=90)[1]
    assert running.returncode == 130
    assert len(left_of_runs(bench)) == 1
    assert bench.agentloop("resume").returncode == 0
    assert left_of_runs(bench) == []


def test_there_has_to_be_a_commit(bench: Bench) -> None:
    subprocess.run(["rm", "-rf", ".git"], cwd=bench.repo, check=True)
    git(bench.repo, "init", "-q")
    bench.steps(RIGHT)
    done = bench.run("--worktree")
    assert done.returncode == 2
    assert "no commit yet" in done.stderr
    assert "git commit" in done.stderr


def test_it_works_wherever_the_person_is(bench: Bench, tmp_path: Path) -> None:
    """On no branch, in a folder of a linked worktree with a space in its path; told by the configuration."""
    main, linked = bench.repo, tmp_path / "my other tree"
    git(main, "worktree", "add", "-q", "--detach", str(linked))
    (linked / "deep").mkdir()
    (linked / "agentloop.toml").write_text("worktree = true\n")
    bench.repo = linked / "deep"
    bench.steps(RIGHT)
    done = bench.run("--json")
    assert done.returncode == 0, done.stderr
    branch = json.loads(done.stdout)["work"]["branch"]
    assert git(main, "show", f"{branch}:count") == "3\n"
    assert left_of_runs(bench) == []
    bench.repo = main
    assert (
        f"git diff {git(main, 'rev-parse', '--short=10', 'main').strip()}...{branch}"
        in bench.agentloop("status").stdout
    )


@pytest.mark.slow
def test_work_that_cannot_be_committed_stays_until_it_can(bench: Bench) -> None:
    place = bench.script.with_suffix(".place")
    bench.steps({"run": f"echo 3 > count; pwd > {place}; mv .git {place}.git"})
    done = bench.run("--worktree", "--guard", "off", "--max-attempts", "1")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    tree = Path(place.read_text().strip())
    assert (tree / "count").read_text() == "3\n"
    Path(f"{place}.git").rename(tree / ".git")
    done = bench.agentloop("resume")
    assert done.returncode == 0, done.stderr
    assert "git merge agentloop/" in done.stdout


@pytest.mark.parametrize("merged", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.slow
def test_undo_takes_the_skill_back_where_it_is(bench: Bench, write_skill: Step, merged: bool) -> None:
    bench.steps(WRONG, RIGHT, write_skill())
    branch = f"agentloop/{json.loads(bench.run('--worktree', '--json').stdout)['run']}"
    if merged:
        git(bench.repo, "merge", "-q", branch)
    before = everything(bench.repo)
    done = bench.agentloop("undo")
    assert done.returncode == 0, done.stderr
    assert f"git branch -D {branch}" in done.stdout
    assert "taken back" in bench.agentloop("status").stdout
    assert git(
        bench.repo, "diff", "--name-only", "main~4" if merged else "main", "main" if merged else branch
    ).split() == ["count"]
    assert (everything(bench.repo) == before) is not merged
    assert git(bench.repo, "status", "--porcelain") == ""
