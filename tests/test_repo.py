"""Git, for real: what a commit and a snapshot take, and what they leave alone."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agentloop.errors import PublishError, RepoError
from agentloop.interrupts import Interrupted, noted
from agentloop.repo import Repo, committing, runner
from agentloop.repo.runner import Git

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


PATH = "skills/a/SKILL.md"


def commit(repo: Repo, path: str = PATH, text: str = "text\n", message: str = MESSAGE) -> str | None:
    change = {path: repo.paths.store(path, text.encode(), "100644")}
    return repo.committing.commit(change, message).commit


def make_hook(repo: Repo, name: str, script: str) -> Path:
    hook = repo.root / ".git/hooks" / name
    hook.write_text(f"#!/bin/sh\n{script}\n")
    hook.chmod(0o755)
    return hook


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
    assert commit(repo) == repo.head()
    assert git(repo.root, "show", "--name-only", "--format=", "HEAD").split() == [PATH]
    assert (repo.root / PATH).read_text() == "text\n"
    assert look() == before


def test_index_version_4_and_a_split_index_are_no_obstacle(repo: Repo) -> None:
    git(repo.root, "update-index", "--index-version", "4")
    git(repo.root, "update-index", "--split-index")
    look = mess(repo)
    before = look()
    assert commit(repo)
    assert look() == before


def test_a_removed_file_is_committed_as_removed_and_nothing_to_do_is_none(repo: Repo) -> None:
    commit(repo)
    assert commit(repo) is None
    assert repo.committing.commit({PATH: None}, "Take back\n").commit
    assert git(repo.root, "ls-files", "skills") == ""
    assert git(repo.root, "status", "--porcelain") == ""
    assert not (repo.root / "skills").exists()


def test_on_an_unborn_branch_it_is_the_first_commit(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "mine").write_text("staged\n")
    git(folder, "add", "mine")
    repo = Repo.open(folder)
    commit(repo)
    assert git(folder, "ls-tree", "-r", "--name-only", "HEAD").split() == ["skills/a/SKILL.md"]
    assert git(folder, "status", "--porcelain").splitlines() == ["A  mine"]


def test_the_persons_hooks_judge_the_commit_and_see_only_its_files(repo: Repo) -> None:
    make_hook(
        repo, "pre-commit", f"git diff --cached --name-only > seen; cat {PATH} >> seen; echo no skills >&2; exit 1"
    )
    (repo.root / "file").write_text("staged\n")
    git(repo.root, "add", "file")
    with pytest.raises(PublishError, match=r"(?s)pre-commit hook refuses.*no skills"):
        commit(repo)
    assert (repo.root / "seen").read_text().split() == [PATH, "text"]
    assert not (repo.root / "skills").exists()
    assert git(repo.root, "log", "--format=%s").split() == ["Begin"]


def test_a_commit_msg_hook_may_change_the_message(repo: Repo) -> None:
    make_hook(repo, "commit-msg", 'echo "Change-Id: 1" >> "$1"')
    commit(repo)
    assert "Change-Id: 1" in git(repo.root, "show", "-s", "--format=%B")


def test_the_commit_is_signed_where_git_is_told_to(repo: Repo, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    for name, value in (("gpg.format", "ssh"), ("user.signingkey", str(key)), ("commit.gpgsign", "true")):
        git(repo.root, "config", name, value)
    commit(repo)
    assert "gpgsig" in git(repo.root, "cat-file", "-p", "HEAD")


def test_a_signature_that_cannot_be_made_is_said_and_nothing_is_committed(repo: Repo) -> None:
    for name, value in (("gpg.format", "ssh"), ("user.signingkey", "/nowhere"), ("commit.gpgsign", "true")):
        git(repo.root, "config", name, value)
    with pytest.raises(PublishError, match="git refuses the commit"):
        commit(repo)
    assert git(repo.root, "log", "--format=%s").split() == ["Begin"]


def test_in_the_middle_of_a_merge_nothing_is_committed(repo: Repo) -> None:
    git(repo.root, "checkout", "-qb", "other")
    git(repo.root, "commit", "-q", "--allow-empty", "-m", "Other")
    git(repo.root, "checkout", "-q", "main")
    git(repo.root, "merge", "-q", "--no-ff", "--no-commit", "other")
    with pytest.raises(PublishError, match="merge is in progress"):
        commit(repo)


def test_without_a_name_it_says_how_to_give_one(repo: Repo, isolated_home: Path) -> None:
    (isolated_home / ".gitconfig").write_text("[user]\n\tuseConfigOnly = true\n")
    with pytest.raises(PublishError, match="whose commit this is") as caught:
        commit(repo)
    assert "user.email" in caught.value.hint


def test_a_path_that_is_staged_already_is_left_to_the_person(repo: Repo) -> None:
    (repo.root / "skills/a").mkdir(parents=True)
    (repo.root / PATH).write_text("mine\n")
    git(repo.root, "add", PATH)
    with pytest.raises(PublishError, match="staged already"):
        commit(repo)
    assert git(repo.root, "show", f":{PATH}") == "mine\n"


def test_a_held_index_lock_does_not_hinder_the_commit_and_is_said(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committing, "INDEX_WAIT_S", 0.1)
    lock = repo.root / ".git/index.lock"
    lock.touch()
    done = repo.committing.commit({PATH: repo.paths.store(PATH, b"text\n", "100644")}, MESSAGE)
    assert done.commit == repo.head()
    assert lock.exists()
    advice = done.note.partition("before you commit: ")[2]
    lock.unlink()
    subprocess.run(advice.split(), cwd=repo.root, check=True)
    assert git(repo.root, "status", "--porcelain") == ""


def test_an_index_lock_is_waited_for(repo: Repo) -> None:
    lock = repo.root / ".git/index.lock"
    lock.touch()
    timer = threading.Timer(0.5, lock.unlink)
    timer.start()
    done = repo.committing.commit({PATH: repo.paths.store(PATH, b"text\n", "100644")}, MESSAGE)
    timer.join()
    assert (done.note, lock.exists()) == ("", False)
    assert git(repo.root, "status", "--porcelain") == ""


def test_a_branch_that_others_move_loses_no_commit(repo: Repo) -> None:
    """Compare and swap: ten commits by somebody else and five of ours end up in one line."""
    # Git gives up at once when somebody else holds a lock; a person would try again.
    script = (
        'for n in 0 1 2 3 4 5 6 7 8 9; do until git commit -q --allow-empty -m "Other $n"; do sleep 0.01; done; done'
    )
    others = subprocess.Popen(["sh", "-c", script], cwd=repo.root, stderr=subprocess.DEVNULL)
    for number in range(5):
        assert commit(repo, f"skills/s{number}/SKILL.md", message=f"Ours {number}\n")
    assert others.wait() == 0
    subjects = git(repo.root, "log", "--format=%s").splitlines()
    assert sorted(subjects) == sorted(["Begin", *(f"Other {n}" for n in range(10)), *(f"Ours {n}" for n in range(5))])


def test_a_snapshot_records_the_tree_and_touches_nothing(repo: Repo, tmp_path: Path) -> None:
    look = mess(repo)
    (repo.root / ".gitignore").write_text("ignored\n")
    (repo.root / "ignored").write_text("i\n")
    before = look()
    snapshot = repo.snapshot("run", 0, tmp_path / "index")
    assert look() == before
    assert repo.file_at(snapshot.commit, "file") == "unstaged\n"
    assert "untracked" in repo.entries_at(snapshot.commit, ".")
    assert "ignored" not in repo.entries_at(snapshot.commit, ".")
    (repo.root / "untracked").unlink()
    after = repo.snapshot("run", 1, tmp_path / "index")
    assert git(repo.root, "diff", "--name-only", snapshot.commit, after.commit).split() == ["untracked"]
    assert len(git(repo.root, "for-each-ref", "refs/agentloop/run").splitlines()) == 2
    repo.drop_snapshots("run")
    assert git(repo.root, "for-each-ref", "refs/agentloop") == ""


def test_what_a_hook_adds_of_the_persons_work_is_not_committed(repo: Repo) -> None:
    make_hook(repo, "pre-commit", "git add -u")
    (repo.root / "file").write_text("the agent's work\n")
    look = git(repo.root, "status", "--porcelain")
    with pytest.raises(PublishError, match="adds file to the commit"):
        commit(repo)
    assert git(repo.root, "log", "--format=%s").split() == ["Begin"]
    assert git(repo.root, "status", "--porcelain") == look
    assert not (repo.root / "skills").exists()


def test_what_a_hook_makes_of_the_skill_is_committed(repo: Repo) -> None:
    make_hook(repo, "pre-commit", f"echo formatted > {PATH}; git add {PATH}")
    assert commit(repo)
    assert git(repo.root, "show", f"HEAD:{PATH}") == "formatted\n"
    assert git(repo.root, "status", "--porcelain") == ""


@pytest.mark.parametrize("script", ["exit 1", "exit 0"])
def test_an_older_git_runs_the_same_hooks(repo: Repo, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setattr(Git, "version", (2, 30, 0))
    hooks = repo.root / "their hooks"
    hooks.mkdir()
    git(repo.root, "config", "core.hooksPath", "their hooks")
    (hooks / "pre-commit").write_text(f"echo ran > ran; {script}\n")  # without a #! line
    commit(repo)
    assert not (repo.root / "ran").exists()  # it is no program
    (hooks / "pre-commit").chmod(0o755)
    if script == "exit 1":
        with pytest.raises(PublishError, match="pre-commit hook refuses"):
            commit(repo, text="second\n")
    else:
        assert commit(repo, text="second\n")
    assert (repo.root / "ran").exists()


def test_a_hook_that_does_not_end_is_ended(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committing, "HOOK_TIMEOUT_S", 0.3)
    make_hook(repo, "pre-commit", "sleep 60")
    with pytest.raises(PublishError, match=r"pre-commit hook.*did not end within 0\.3 s"):
        commit(repo)
    assert not (repo.root / "skills").exists()


def test_a_signal_ends_a_hook(repo: Repo) -> None:
    make_hook(repo, "pre-commit", f"kill -TERM {os.getpid()}; sleep 60")
    began = time.monotonic()
    with noted(), pytest.raises(Interrupted):
        commit(repo)
    assert time.monotonic() - began < 30
    assert git(repo.root, "status", "--porcelain") == ""
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_reference_that_cannot_be_written_is_said_at_once(repo: Repo) -> None:
    make_hook(repo, "pre-commit", "echo ran >> .git/ran")
    make_hook(repo, "reference-transaction", "[ $1 = prepared ] && echo not today >&2 && exit 1; exit 0")
    with pytest.raises(PublishError, match="git refuses the commit"):
        commit(repo)
    assert (repo.root / ".git/ran").read_text().split() == ["ran"]


def test_line_ends_are_kept_as_git_is_told_to(repo: Repo) -> None:
    git(repo.root, "config", "core.autocrlf", "true")
    assert commit(repo)
    assert (repo.root / PATH).read_bytes() == b"text\r\n"
    assert git(repo.root, "status", "--porcelain") == ""
    assert commit(repo) is None


def test_a_path_through_a_link_is_refused(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (repo.root / "skills").symlink_to(tmp_path / "outside")
    with pytest.raises(PublishError, match="skills is a link or a file"):
        commit(repo)
    assert not list((tmp_path / "outside").iterdir())


def test_a_snapshot_is_taken_whatever_is_in_the_way(repo: Repo, tmp_path: Path) -> None:
    index = tmp_path / "index"
    repo.snapshot("run", 0, index)
    index.with_name("index.lock").touch()
    git(repo.root, "init", "-q", "sub")
    (repo.root / "sub/file").write_text("in a repository without a commit\n")
    git(repo.root, "config", "core.autocrlf", "input")
    git(repo.root, "config", "core.safecrlf", "true")
    (repo.root / "crlf").write_bytes(b"text\r\n")
    snapshot = repo.snapshot("run", 1, index)
    assert sorted(repo.entries_at(snapshot.commit, ".")) == ["crlf", "file"]
    index.write_bytes(b"half an index")
    assert repo.snapshot("run", 2, index).tree == snapshot.tree


def test_a_snapshot_is_taken_where_the_last_commit_is_damaged(repo: Repo, tmp_path: Path) -> None:
    mess(repo)
    stash, head = git(repo.root, "rev-parse", "refs/stash", "HEAD").split()
    damaged = repo.git_dir / "objects" / head[:2] / head[2:]
    damaged.chmod(0o644)
    damaged.write_text("garbage")
    taken = repo.snapshot("run", 0, tmp_path / "index")
    assert repo.file_at(taken.commit, "file") == "unstaged\n"
    assert taken.standing
    assert (taken.standing.head, taken.standing.stash[:1]) == ("", (stash,))


def test_a_pipe_where_git_reads_is_not_waited_for_for_ever(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "ASK_TIMEOUT_S", 0.5)
    os.mkfifo(repo.root / ".gitignore")
    with pytest.raises(RepoError, match=r"git add did not end within 0\.5 s; a named pipe called \.gitignore"):
        repo.snapshot("r", 1, tmp_path / "index")


def test_a_snapshot_leaves_out_what_looks_like_a_secret(repo: Repo, tmp_path: Path, isolated_home: Path) -> None:
    (isolated_home / ".gitignore-global").write_text("*.mine\n")
    git(repo.root, "config", "core.excludesFile", "~/.gitignore-global")
    (repo.root / "tracked.key").write_text("1\n")
    git(repo.root, "add", "tracked.key")
    (repo.root / "tracked.key").write_text("2\n")
    (repo.root / "deep").mkdir()
    for name in (".env", ".env.local", ".env.example", "deep/id_rsa", "deep/server.pem", "a.mine", "plain"):
        (repo.root / name).write_text("x\n")
    snapshot = repo.snapshot("run", 0, tmp_path / "index")
    assert sorted(repo.entries_at(snapshot.commit, ".")) == [".env.example", "file", "plain", "tracked.key"]
    assert repo.file_at(snapshot.commit, "tracked.key") == "2\n"


def test_a_linked_worktree_has_its_own_head_and_shares_the_rest(repo: Repo, tmp_path: Path) -> None:
    git(repo.root, "worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    linked = Repo.open(tmp_path / "linked")
    assert linked.common_dir == repo.common_dir
    commit(linked)
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
    commit(again)
    assert git(other.root, "log", "--format=%s").split() == ["Begin"]


def test_a_lock_that_somebody_holds_for_a_moment_is_waited_for(repo: Repo) -> None:
    lock = repo.git_dir / "HEAD.lock"
    lock.touch()
    let_go = threading.Timer(0.6, lock.unlink)
    let_go.start()
    assert commit(repo, "skills/s/SKILL.md", message="Ours\n")
    let_go.join()


def test_a_change_in_the_moment_of_the_last_commit_is_recorded(repo: Repo, tmp_path: Path) -> None:
    git(repo.root, "config", "core.trustctime", "false")
    file = repo.root / "a.txt"
    file.write_text("1\n")
    then = time.time() - 10
    os.utime(file, (then, then))
    git(repo.root, "add", ".")
    git(repo.root, "commit", "-qm", "One")
    file.write_text("2\n")
    for path in (file, repo.git_dir / "index"):  # as large as before, and of the same second
        os.utime(path, (then, then))
    snapshot = repo.snapshot("r", 0, tmp_path / "index")
    assert repo.file_at(snapshot.commit, "a.txt") == "2\n"


def test_a_path_with_a_variable_s_name_in_it_is_that_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELSEWHERE", str(tmp_path))
    place = tmp_path / "$ELSEWHERE ~"
    place.mkdir()
    git(place, "init", "-q")
    with Repo.open(place) as repo:
        assert (repo.root, repo.uncommitted()) == (place, [])


HOLDING = """
import pathlib, sys
from agentloop.repo import Repo
Repo.open(pathlib.Path(sys.argv[1])).snapshot("r", 0, pathlib.Path(sys.argv[2]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody is told of our death")
def test_git_that_waits_for_ever_ends_with_us(tmp_path: Path) -> None:
    repo = begin(tmp_path / "repo")
    os.mkfifo(repo.root / ".gitignore")
    holder = subprocess.Popen([sys.executable, "-c", HOLDING, str(repo.root), str(tmp_path / "index")])
    try:
        children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children")
        while not (waiting := [pid for pid in children.read_text().split() if _command(pid)[-3:-2] == [b"--"]]):
            time.sleep(0.02)
    finally:
        holder.kill()
        holder.wait()
    while _command(waiting[0])[:1] == [b"git"]:
        time.sleep(0.02)


def _command(pid: str) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return []
