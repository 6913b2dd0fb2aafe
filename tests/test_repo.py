"""Git, for real: what a commit and a snapshot take, and what they leave alone."""

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from agentloop.errors import PublishError, RepoError
from agentloop.repo import Repo

MESSAGE = "Add skill\n\nAgentloop-Run: 1\n"


def git(folder: Path, *args: str) -> str:
    return subprocess.run(["git", *args], cwd=folder, check=True, capture_output=True, text=True).stdout


def begin(folder: Path, *flags: str) -> Repo:
    folder.mkdir()
    git(folder, "init", "-q", *flags)
    (folder / "file").write_text("one\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "Begin")
    return Repo.open(folder)


def write(repo: Repo, path: str = "skills/a/SKILL.md", text: str = "text\n") -> str:
    target = repo.root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    return path


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return begin(tmp_path / "repo")


def mess(repo: Repo) -> Callable[[], tuple[str, ...]]:
    """Leave staged, unstaged, stashed and untracked changes; returns how to look at them."""
    root = repo.root
    (root / "stashed").write_text("s\n")
    git(root, "add", "stashed")
    git(root, "stash", "-q")
    (root / "file").write_text("staged\n")
    git(root, "add", "file")
    (root / "file").write_text("unstaged\n")
    (root / "untracked").write_text("u\n")
    (root / "meant").write_text("m\n")
    git(root, "add", "--intent-to-add", "meant")

    def look() -> tuple[str, ...]:
        return (
            git(root, "diff", "--cached", "--", "file"),
            git(root, "diff"),
            git(root, "stash", "list"),
            git(root, "status", "--porcelain"),
        )

    return look


@pytest.mark.parametrize("flags", [(), ("--object-format=sha256",)], ids=["sha1", "sha256"])
def test_a_commit_takes_its_paths_and_leaves_everything_else(tmp_path: Path, flags: tuple[str, ...]) -> None:
    repo = begin(tmp_path / "repo", *flags)
    look = mess(repo)
    before = look()
    path = write(repo)
    commit = repo.commit_paths(MESSAGE, [path])
    assert commit == repo.head()
    assert git(repo.root, "show", "--name-only", "--format=", "HEAD").split() == [path]
    assert look() == before


def test_index_version_4_and_a_split_index_are_no_obstacle(repo: Repo) -> None:
    git(repo.root, "update-index", "--index-version", "4")
    git(repo.root, "update-index", "--split-index")
    look = mess(repo)
    before = look()
    assert repo.commit_paths(MESSAGE, [write(repo)])
    assert look() == before


def test_a_removed_file_is_committed_as_removed_and_nothing_to_do_is_none(repo: Repo) -> None:
    path = write(repo)
    repo.commit_paths(MESSAGE, [path])
    assert repo.commit_paths(MESSAGE, [path]) is None
    (repo.root / path).unlink()
    assert repo.commit_paths("Take back\n", [path])
    assert git(repo.root, "ls-files", "skills") == ""
    assert git(repo.root, "status", "--porcelain") == ""


def test_on_an_unborn_branch_it_is_the_first_commit(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "mine").write_text("staged\n")
    git(folder, "add", "mine")
    repo = Repo.open(folder)
    repo.commit_paths(MESSAGE, [write(repo)])
    assert git(folder, "ls-tree", "-r", "--name-only", "HEAD").split() == ["skills/a/SKILL.md"]
    assert git(folder, "status", "--porcelain").splitlines() == ["A  mine"]


def test_the_persons_hooks_judge_the_commit_and_see_only_its_files(repo: Repo) -> None:
    hook = repo.root / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\ngit diff --cached --name-only > seen\necho no skills here >&2\nexit 1\n")
    hook.chmod(0o755)
    (repo.root / "file").write_text("staged\n")
    git(repo.root, "add", "file")
    path = write(repo)
    with pytest.raises(PublishError, match=r"pre-commit hook refuses.*no skills here"):
        repo.commit_paths(MESSAGE, [path])
    assert (repo.root / "seen").read_text().split() == [path]
    assert git(repo.root, "log", "--format=%s").split() == ["Begin"]


def test_a_commit_msg_hook_may_change_the_message(repo: Repo) -> None:
    hook = repo.root / ".git/hooks/commit-msg"
    hook.write_text('#!/bin/sh\necho "Change-Id: 1" >> "$1"\n')
    hook.chmod(0o755)
    repo.commit_paths(MESSAGE, [write(repo)])
    assert "Change-Id: 1" in git(repo.root, "show", "-s", "--format=%B")


def test_the_commit_is_signed_where_git_is_told_to(repo: Repo, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    for name, value in (("gpg.format", "ssh"), ("user.signingkey", str(key)), ("commit.gpgsign", "true")):
        git(repo.root, "config", name, value)
    repo.commit_paths(MESSAGE, [write(repo)])
    assert "gpgsig" in git(repo.root, "cat-file", "-p", "HEAD")


def test_a_signature_that_cannot_be_made_is_said_and_nothing_is_committed(repo: Repo) -> None:
    for name, value in (("gpg.format", "ssh"), ("user.signingkey", "/nowhere"), ("commit.gpgsign", "true")):
        git(repo.root, "config", name, value)
    with pytest.raises(PublishError, match="git refuses the commit"):
        repo.commit_paths(MESSAGE, [write(repo)])
    assert git(repo.root, "log", "--format=%s").split() == ["Begin"]


def test_in_the_middle_of_a_merge_nothing_is_committed(repo: Repo) -> None:
    git(repo.root, "checkout", "-qb", "other")
    git(repo.root, "commit", "-q", "--allow-empty", "-m", "Other")
    git(repo.root, "checkout", "-q", "main")
    git(repo.root, "merge", "-q", "--no-ff", "--no-commit", "other")
    with pytest.raises(PublishError, match="merge is in progress"):
        repo.commit_paths(MESSAGE, [write(repo)])


def test_without_a_name_it_says_how_to_give_one(repo: Repo, isolated_home: Path) -> None:
    (isolated_home / ".gitconfig").write_text("[user]\n\tuseConfigOnly = true\n")
    with pytest.raises(PublishError, match="whose commit this is") as caught:
        repo.commit_paths(MESSAGE, [write(repo)])
    assert "user.email" in caught.value.hint


def test_a_path_that_is_staged_already_is_left_to_the_person(repo: Repo) -> None:
    path = write(repo)
    git(repo.root, "add", path)
    with pytest.raises(PublishError, match="staged already"):
        repo.commit_paths(MESSAGE, [path])


def test_a_held_index_lock_does_not_hinder_the_commit(repo: Repo) -> None:
    (repo.root / ".git/index.lock").touch()
    assert repo.commit_paths(MESSAGE, [write(repo)])
    assert (repo.root / ".git/index.lock").exists()


def test_a_branch_that_others_move_loses_no_commit(repo: Repo) -> None:
    """Compare and swap: ten commits by somebody else and five of ours end up in one line."""

    def others() -> None:
        for number in range(10):
            git(repo.root, "commit", "-q", "--allow-empty", "-m", f"Other {number}")

    thread = threading.Thread(target=others)
    thread.start()
    for number in range(5):
        path = write(repo, f"skills/s{number}/SKILL.md")
        assert repo.commit_paths(f"Ours {number}\n", [path])
    thread.join()
    subjects = git(repo.root, "log", "--format=%s").splitlines()
    assert sorted(subjects) == sorted(["Begin", *(f"Other {n}" for n in range(10)), *(f"Ours {n}" for n in range(5))])


def test_a_snapshot_records_the_tree_and_touches_nothing(repo: Repo, tmp_path: Path) -> None:
    look = mess(repo)
    (repo.root / ".gitignore").write_text("ignored\n")
    (repo.root / "ignored").write_text("i\n")
    before = look()
    snapshot = repo.snapshot("run", 0, tmp_path / "index")
    assert look() == before
    assert repo.file_at(snapshot.commit, "file") == "unstaged"
    assert "untracked" in repo.paths_at(snapshot.commit, ".")
    assert "ignored" not in repo.paths_at(snapshot.commit, ".")
    (repo.root / "untracked").unlink()
    after = repo.snapshot("run", 1, tmp_path / "index")
    assert repo.changed_paths(snapshot.commit, after.commit) == ["untracked"]
    assert len(git(repo.root, "for-each-ref", "refs/agentloop/run").splitlines()) == 2
    repo.drop_snapshots("run")
    assert git(repo.root, "for-each-ref", "refs/agentloop") == ""


def test_a_linked_worktree_has_its_own_head_and_shares_the_rest(repo: Repo, tmp_path: Path) -> None:
    git(repo.root, "worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    linked = Repo.open(tmp_path / "linked")
    assert linked.common_dir == repo.common_dir
    linked.commit_paths(MESSAGE, [write(linked)])
    assert linked.head() != repo.head()
    assert (linked.branch(), repo.branch()) == ("side", "main")


@pytest.mark.parametrize(("flags", "words"), [(("init", "-q", "--bare"), "bare repository"), ((), "no git repository")])
def test_where_no_working_tree_is_it_says_so(tmp_path: Path, flags: tuple[str, ...], words: str) -> None:
    folder = tmp_path / "somewhere"
    folder.mkdir()
    if flags:
        git(folder, *flags)
    with pytest.raises(RepoError, match=words):
        Repo.open(folder)


def test_the_variables_of_a_git_hook_do_not_lead_astray(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = begin(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other.git_dir))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.git_dir / "index"))
    again = Repo.open(repo.root)
    assert again.root == repo.root
    again.commit_paths(MESSAGE, [write(again)])
    assert git(other.root, "log", "--format=%s").split() == ["Begin"]
