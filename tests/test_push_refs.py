"""What a push would do, read from git's own words: those of a real git, and what nobody expects."""

import subprocess
from pathlib import Path

import pytest

from agentloop.push import learning, refs
from agentloop.push.refs import PushedRef
from agentloop.repo import Repo, try_push


def git(folder: Path, *args: str) -> str:
    return subprocess.run(["git", *args], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """On `main`, two commits ahead of a remote that has `main` and `side`."""
    there, here = tmp_path / "it's there", tmp_path / "here"
    git(tmp_path, "init", "-q", "--bare", str(there))
    git(tmp_path, "init", "-q", str(here))
    for subject in ("One", "Two", "Three"):
        git(here, "commit", "-q", "--allow-empty", "-m", subject)
    git(here, "remote", "add", "origin", str(there))
    git(here, "push", "-q", "origin", "main~2:refs/heads/main", "main~1:refs/heads/side")
    git(here, "branch", "side", "main~2")
    git(here, "tag", "v1")
    monkeypatch.chdir(here)
    return here


def told(*arguments: str) -> list[tuple[str, str, str]]:
    _code, text = try_push(arguments, asks=False)
    return [(ref.flag, ref.source, ref.target) for ref in refs.parse(text)]


MAIN, SIDE, TAG = "refs/heads/main", "refs/heads/side", "refs/tags/v1"
TRACKED = [("*", f"refs/remotes/origin/{name}", f"refs/remotes/origin/{name}") for name in ("main", "side")]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["origin", "main"], [(" ", MAIN, MAIN)]),
        (["-q", "origin", "main"], [(" ", MAIN, MAIN)]),
        (["--verify", "origin", "HEAD:new"], [("*", "HEAD", "refs/heads/new")]),
        (["--", "origin", "main^{commit}:refs/heads/x"], [("*", "main^{commit}", "refs/heads/x")]),
        (["origin", "side"], [("!", SIDE, SIDE)]),
        (["-f", "origin", "side", ":main", "v1"], [("*", TAG, TAG), ("-", "", MAIN), ("+", SIDE, SIDE)]),
        (["origin", "main~2:main"], [("=", "main~2", MAIN)]),
        (["--mirror"], [(" ", MAIN, MAIN), ("+", SIDE, SIDE), ("*", TAG, TAG), *TRACKED]),
        (["nowhere"], []),
    ],
)
def test_what_git_says_is_understood(
    repo: Path, arguments: list[str], expected: list[tuple[str, str, str]], capfd: pytest.CaptureFixture[str]
) -> None:
    before = git(repo, "ls-remote", "origin")
    assert sorted(told(*arguments)) == sorted(expected)
    assert git(repo, "ls-remote", "origin") == before
    assert capfd.readouterr().out == ""


def test_only_what_brings_commits_is_work(repo: Path) -> None:
    git(repo, "notes", "add", "-m", "noted")
    _code, text = try_push(
        ["-f", "origin", "main", ":side", "v1", "refs/notes/commits", "main:refs/for/main"], asks=False
    )
    found = refs.parse(text)
    assert {(ref.source, ref.target) for ref in refs.with_work(found)} == {(MAIN, MAIN), (MAIN, "refs/for/main")}
    assert all(git(repo, "rev-parse", name) for name in refs.over_there(found))


def test_the_commit_over_there_is_known(repo: Path) -> None:
    _code, text = try_push(["-f", "origin", "main", "side", "HEAD:new"], asks=False)
    former = {ref.target: ref.former for ref in refs.parse(text)}
    assert git(repo, "rev-parse", "main~2").startswith(former[MAIN])
    assert git(repo, "rev-parse", "main~1").startswith(former[SIDE])
    assert former["refs/heads/new"] == ""


@pytest.mark.parametrize(
    "text", ["", "Done\n", "To nowhere\n", "\t\t\n", "?\ta:b\t[new]\n", " \tno colon\tx\n", ":\n", "*\n"]
)
def test_what_is_no_ref_is_passed_over(text: str) -> None:
    assert refs.parse(text) == []


def test_a_ref_that_goes_to_several_places_is_one() -> None:
    line = "*\tHEAD:refs/heads/x\t[new branch]\n"
    assert refs.parse(f"To a\n{line}To b\n{line}Done\n") == [PushedRef("*", "HEAD", "refs/heads/x")]


def test_what_one_of_several_places_has_already_is_new_all_the_same(repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repo), str(tmp_path / "second"))
    for place in (tmp_path / "second", tmp_path / "it's there", tmp_path / "second"):
        git(repo, "remote", "set-url", "--add", "--push", "origin", str(place))
    assert told("origin", "main") == [(" ", MAIN, MAIN)]


@pytest.mark.parametrize("cut_short", [["-o"], ["--no-dry-run", "--push-option"]])
def test_an_option_without_its_value_does_not_turn_the_trial_into_a_push(repo: Path, cut_short: list[str]) -> None:
    git(Path(git(repo, "remote", "get-url", "origin")), "config", "receive.advertisePushOptions", "true")
    before = git(repo, "ls-remote", "origin")
    try_push(["origin", "main", *cut_short], asks=False)
    assert git(repo, "ls-remote", "origin") == before


@pytest.mark.parametrize(
    ("arguments", "dry"),
    [
        (["-n"], True),
        (["-fn", "origin"], True),
        (["origin", "--dry-run"], True),
        (["--dry"], True),
        (["--delete", "origin", "x"], False),
        (["-o", "no"], False),
        (["--no-verify", "origin"], False),
        (["origin", "--", "-n"], False),
    ],
)
def test_a_dry_run_is_known(arguments: list[str], dry: bool) -> None:
    assert refs.is_dry(arguments) is dry


def test_where_commits_go_for_a_ref(repo: Path, tmp_path: Path) -> None:
    git(repo, "branch", "free")
    tree = tmp_path / 'a "tree"'
    git(repo, "worktree", "add", "-q", "-b", "linked", str(tree))
    home = Repo.open(repo)

    def where(source: str) -> tuple[Path, str] | None:
        found = learning.landing(home, PushedRef("*", source, "refs/heads/x"))
        return (found.repo.root, found.branch) if found else None

    assert where(MAIN) == where("HEAD") == (repo, "")
    assert where("refs/heads/free") == (repo, "free")
    assert where("refs/heads/linked") == (tree, "")
    assert where("main~1") is where(git(repo, "rev-parse", "HEAD")) is None
    git(repo, "switch", "-q", "--detach")
    assert (where("HEAD"), where(MAIN)) == ((repo, ""), (repo, "main"))
