"""Whatever an agent does to the repository: what is the person's is as if agentloop had not been there, or it is said.

The same is done to a copy of the repository without agentloop, and both are compared.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import Bench, git

FILES = [
    "echo 2 > count; echo new > new; rm -f untracked; chmod -x run.sh",
    "rm -rf count; mkdir count; echo x > count/in; rm -rf folder; ln -s /etc folder",
    "printf x > $(printf 'a\\nb'); printf x > $(printf '\\033[31mred')",
]
HISTORY = [
    "git commit -qam work",
    "git checkout -qb side; git add -A; git commit -qm all",
    "git checkout -q main",
    "git checkout -q --detach",
    "git commit -q --allow-empty -m x; git rebase -q --autostash -f --root",
]
INDEX_AND_STASH = [
    "git add -A",
    "git rm -q --cached mine",
    "git reset -q --hard",
    "git stash -q -u; touch .git/index.lock",
    "rm -f .git/index.lock; git stash pop -q",
    "git stash drop -q; git clean -fdq",
    "git reflog expire --expire=now --all; git gc -q --prune=now",
]
LOST = {
    "rm -rf .git": "no git repository any more",
    "rm -rf .git; git init -q": "snapshot 0 is gone",
    "echo nonsense > .git/HEAD": "no git repository any more",
    "mv .git ../away; echo 'gitdir: ../away' > .git": "no git repository any more",
    "git config core.worktree ../..": "is not its working tree any more",
    "git for-each-ref --format='delete %(refname)' refs/agentloop | git update-ref --stdin; "
    "git reflog expire --expire=now --all; git gc -q --prune=now": "snapshot 0 is gone",
    "cd ..; rm -rf repo": "is gone",
    "cd ..; mv repo elsewhere; mkdir repo": "no git repository any more",
}
PERSON = """
mkdir folder; echo f > folder/f; echo 'exit 0' > run.sh; chmod +x run.sh; echo ignored > .gitignore
git add .; git commit -qm more
echo one > stashed; git add stashed; git stash -q; echo two > stashed; git add stashed; git stash -q
echo staged > mine; git add mine; echo unstaged > mine; echo changed >> run.sh
echo u > untracked; echo i > ignored
"""


@pytest.fixture
def person(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A repository in which somebody is in the middle of their work; the ids of commits depend on nothing else."""
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(name, "2026-01-01T00:00:00Z")
    subprocess.run(["bash", "-ec", PERSON], cwd=bench.repo, check=True)
    return bench


def files(repo: Path) -> dict[str, str]:
    """Every file that is not git's: what it is and holds."""
    found = {}
    for path in sorted(repo.rglob("*")):
        name = path.relative_to(repo).as_posix()
        if path.is_symlink():
            found[name] = f"link to {path.readlink()}"
        elif path.is_file() and not name.startswith(".git/"):
            found[name] = f"{path.stat().st_mode & 0o111:o} {path.read_text()}"
    return found


def persons(repo: Path) -> dict[str, str]:
    """What of git is the person's."""
    asked = {
        "HEAD": ("rev-parse", "--symbolic-full-name", "HEAD", "HEAD^{commit}"),
        "index": ("ls-files", "-s"),
        "branches": ("for-each-ref", "refs/heads", "refs/stash"),
        "stashes": ("stash", "list", "--format=%H"),
    }
    return {name: git(repo, *words) for name, words in asked.items()}


def back_again(bench: Bench, told: str) -> None:
    """Do what undo says about what it leaves."""
    (bench.repo / ".git/index.lock").unlink(missing_ok=True)
    for command in (line.strip() for line in told.splitlines() if line.startswith("  git ")):
        subprocess.run(command, shell=True, cwd=bench.repo, check=True, capture_output=True)


def live_through(bench: Bench, scripts: list[str]) -> None:
    """Have an agent do all that, a turn each; look at what it comes to, and take it back."""
    beside = bench.repo.parent / "beside"
    before, of_person = files(bench.repo), persons(bench.repo)
    shutil.copytree(bench.repo, beside, symlinks=True)
    bench.steps(*({"run": script} for script in scripts))
    done = bench.run("--max-attempts", str(len(scripts)), "--guard", "off")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    for script in scripts:
        subprocess.run(script, shell=True, cwd=beside, check=False, capture_output=True)
        subprocess.run(["sh", "check.sh"], cwd=beside, check=False, capture_output=True)
    after = persons(bench.repo)
    assert files(bench.repo) == files(beside)
    assert after == persons(beside)
    undone = bench.agentloop("undo")
    assert undone.returncode == 0, undone.stderr
    assert persons(bench.repo) == after
    assert "\033" not in undone.stdout
    if "ignored" not in files(bench.repo):  # git clean and git stash -u leave it, an agent may not
        del before["ignored"]
    assert files(bench.repo) == before
    back_again(bench, undone.stdout)
    again = persons(bench.repo)
    assert [again[name] for name in ("HEAD", "index")] == [of_person[name] for name in ("HEAD", "index")]
    assert set(of_person["stashes"].split()) <= set(again["stashes"].split())
    assert files(bench.repo) == before


@pytest.mark.parametrize("scripts", [HISTORY, INDEX_AND_STASH], ids=["history", "index"])
@pytest.mark.slow
def test_one_thing_after_the_other(person: Bench, scripts: list[str]) -> None:
    live_through(person, scripts)


@pytest.fixture
def fresh(person: Bench) -> Bench:
    """The same for one example after the other."""
    shutil.copytree(person.repo, person.repo.parent / "as it was", symlinks=True)
    return person


def _again(bench: Bench) -> None:
    for name in ("repo", "beside"):
        shutil.rmtree(bench.repo.parent / name, ignore_errors=True)
    bench.script.with_suffix(".log").unlink(missing_ok=True)
    shutil.copytree(bench.repo.parent / "as it was", bench.repo, symlinks=True)


def anything(size: int) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from([*FILES, *HISTORY, *INDEX_AND_STASH]), min_size=2, max_size=size)


QUIETLY = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=3, deadline=None, suppress_health_check=QUIETLY)
@given(scripts=anything(3))
@pytest.mark.slow
def test_anything_in_any_order(fresh: Bench, scripts: list[str]) -> None:
    _again(fresh)
    live_through(fresh, scripts)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@settings(max_examples=100, deadline=None, suppress_health_check=QUIETLY)
@given(scripts=anything(6))
def test_anything_in_any_order_at_length(fresh: Bench, scripts: list[str]) -> None:
    _again(fresh)
    live_through(fresh, scripts)


@pytest.mark.parametrize(
    "script", [pytest.param(script, marks=pytest.mark.slow if at % 3 else ()) for at, script in enumerate(LOST)]
)
def test_a_repository_that_is_lost_ends_the_run(person: Bench, script: str) -> None:
    person.steps({"run": "echo 2 > count"}, {"run": script})
    done = person.run("--json")
    result = json.loads(done.stdout)
    assert (done.returncode, result["outcome"], result["attempts"]) == (2, "repository_lost", 1)
    assert LOST[script] in result["reason"]
    assert "Traceback" not in done.stderr
    journal = next(person.state_folder().glob("*/*/journal.jsonl"))
    assert json.loads(journal.read_text().splitlines()[-1])["type"] == "run.ended"
    if person.repo.exists():
        undone = person.agentloop("undo")
        assert (undone.returncode, "Traceback" in undone.stderr) == (2, False)


@pytest.mark.slow
def test_a_repository_that_comes_back_is_worked_in_again(person: Bench) -> None:
    person.steps({"run": "mv .git ../away; exit 1"}, {"run": "echo 3 > count"})
    assert person.run().returncode == 2
    (person.repo.parent / "away").rename(person.repo / ".git")
    done = person.agentloop("resume")
    assert done.returncode == 0, done.stderr
