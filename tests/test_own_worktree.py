"""A worktree on a branch of its own: made, made whole again, filled with what is needed, and brought back."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from agentloop.errors import RepoError
from agentloop.repo import OwnWorktree, Repo
from agentloop.run import provisions


def git(folder: Path, *args: str) -> str:
    return subprocess.run(["git", *args], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    folder = tmp_path / "my repo"
    folder.mkdir()
    (folder / "count").write_text("0\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "Begin")
    return Repo.open(folder)


@pytest.fixture
def own(repo: Repo, tmp_path: Path) -> OwnWorktree:
    return OwnWorktree(repo.common_dir, tmp_path / "state" / "worktrees" / "run-1", "agentloop/run-1")


def made(own: OwnWorktree, snapshot: str | None = None) -> str:
    base = git(own.folder.parents[2] / "my repo", "rev-parse", "main")
    own.make(base, snapshot)
    return base


def commit(own: OwnWorktree, base: str) -> tuple[str, tuple[str, ...]]:
    brought = own.commit(base, "Work\n", own.folder.with_suffix(".index"))
    assert git(own.folder, "symbolic-ref", "HEAD") == "refs/heads/agentloop/run-1"
    assert own.tip == brought.commit == git(own.folder, "rev-parse", "HEAD")
    return brought.commit, brought.left


@pytest.mark.parametrize(
    ("deed", "subjects"),
    [
        ("true", ["Work"]),
        ("git commit -qam Own", ["Own"]),
        ("git commit -qam Own; echo x > more", ["Work", "Own"]),
        ("git checkout -q -b elsewhere; git commit -qam Own; echo x > more", ["Work", "Own"]),
        ("git checkout -q --detach; git commit -qam Own", ["Own"]),
        ("git commit -qam Own; git checkout -q --detach HEAD~1; echo 3 > count; echo x > more", ["Work", "Own"]),
        ("git commit -q --amend -m Rewritten; git reset -q --hard; echo 3 > count", ["Work", "Rewritten"]),
        ("git checkout -q --orphan other; git rm -rqf --cached .", ["Work"]),
        ('git add -A; touch "$(git rev-parse --git-path index.lock)"', ["Work"]),
        ("mkdir -p deep/closed; touch deep/closed/file; chmod 555 deep/closed", ["Work"]),
    ],
)
def test_whatever_was_done_with_git_the_work_is_on_the_branch(
    repo: Repo, own: OwnWorktree, deed: str, subjects: list[str]
) -> None:
    base = made(own)
    subprocess.run(["sh", "-c", f"echo 3 > count; {deed}"], cwd=own.folder, check=True)
    new, left = commit(own, base)
    assert left == ()
    assert git(repo.root, "log", "--format=%s", f"main..{new}").splitlines() == subjects
    assert git(repo.root, "show", f"{new}:count") == "3"
    assert commit(own, base) == (new, ())
    own.remove()
    assert not own.folder.exists()
    assert git(repo.root, "worktree", "list").count("\n") == 0
    assert git(repo.root, "fsck", "--no-dangling") == ""


def test_what_no_commit_holds_is_named(repo: Repo, own: OwnWorktree) -> None:
    base = made(own)
    (own.folder / "server.key").write_text("secret\n")
    git(own.folder, "init", "-q", "nested")
    (own.folder / "nested/file").write_text("theirs\n")
    git(own.folder / "nested", "add", ".")
    git(own.folder / "nested", "commit", "-qm", "Theirs")
    new, left = commit(own, base)
    assert left == ("nested", "server.key")
    assert git(repo.root, "ls-tree", "--name-only", new).split() == ["count", "nested"]


def test_nothing_changed_is_the_commit_that_it_began_at(own: OwnWorktree) -> None:
    base = made(own)
    assert commit(own, base) == (base, ())
    own.remove()
    own.drop_branch(base)
    assert own.tip is None


def test_a_branch_that_somebody_went_on_with_is_not_dropped(repo: Repo, own: OwnWorktree) -> None:
    base = made(own)
    own.remove()
    git(
        repo.root,
        "update-ref",
        "refs/heads/agentloop/run-1",
        git(repo.root, "commit-tree", "-m", "On", "-p", base, f"{base}^{{tree}}"),
    )
    own.drop_branch(base)
    assert own.tip


def test_one_that_was_half_made_is_made_whole(own: OwnWorktree) -> None:
    base = made(own)
    (own.folder / "count").unlink()
    own.make(base, None)
    assert not (own.folder / "count").exists()
    admin = Path(git(own.folder, "rev-parse", "--absolute-git-dir"))
    (admin / "locked").write_text("initializing\n")
    own.make(base, None)
    assert (own.folder / "count").exists()


@pytest.mark.parametrize("loss", ["folder", "pointer", "admin"])
def test_one_that_was_lost_is_made_again_from_the_snapshot(
    repo: Repo, own: OwnWorktree, tmp_path: Path, loss: str
) -> None:
    base = made(own)
    (own.folder / "added").write_text("new\n")
    (own.folder / "count").write_text("2\n")
    snapshot = Repo(own.folder).snapshot("run-1", 1, tmp_path / "index").commit
    admin = Path(git(own.folder, "rev-parse", "--absolute-git-dir"))
    if loss == "folder":
        shutil.rmtree(own.folder)
    elif loss == "pointer":
        (own.folder / ".git").unlink()
    else:
        shutil.rmtree(admin)
    own.make(base, snapshot)
    assert git(own.folder, "status", "--porcelain").splitlines() == ["M count", "?? added"]
    assert git(repo.root, "worktree", "list").count("\n") == 1


def test_it_cannot_be_made_where_something_is_in_the_way(repo: Repo, own: OwnWorktree) -> None:
    own.folder.parent.parent.mkdir()
    own.folder.parent.write_text("a file")
    with pytest.raises(RepoError, match="cannot be made"):
        own.make(repo.head() or "", None)


def test_submodules_are_filled_from_the_persons_tree(repo: Repo, own: OwnWorktree, tmp_path: Path) -> None:
    library = tmp_path / "library"
    git(tmp_path, "init", "-q", str(library))
    (library / "code").write_text("one\n")
    git(library, "add", ".")
    git(library, "commit", "-qm", "Library")
    git(repo.root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "library")
    git(repo.root, "commit", "-qm", "Use it")
    shutil.rmtree(library)
    base = made(own)
    own.populate(repo.root)
    own.populate(repo.root)
    assert (own.folder / "library/code").read_text() == "one\n"
    assert commit(own, base) == (base, ())
    (own.folder / "library/code").write_text("two\n")
    assert commit(own, base) == (base, ("library",))
    git(own.folder / "library", "commit", "-qam", "Two")
    new, left = commit(own, base)
    assert (new != base, left) == (True, ("library",))
    own.remove()
    assert not own.folder.exists()
    assert git(repo.root, "status", "--porcelain") == ""


def test_installed_packages_are_links_and_what_names_the_tree_names_the_worktree(tmp_path: Path) -> None:
    source, target = tmp_path / "mine", tmp_path / "run"
    files = {
        ".venv/lib/site/pkg/code.py": "code\n",
        ".venv/lib/site/__editable__.x.pth": f"{source}/src\n",
        ".venv/bin/tool": f"#!{source}/.venv/bin/python\n",
        "web/node_modules/dep/index.js": "js\n",
        ".env": "KEY=1\n",
        "build/out": "built\n",
        "ext.cpython.so": "binary\n",
        "gone/.env": "not in the worktree\n",
    }
    for path, text in files.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(text)
    (source / ".venv/bin/tool").chmod(0o755)
    (source / "web/node_modules/own").symlink_to("../packages/own")
    (target / "web").mkdir(parents=True)
    ignored = [".venv/", "web/node_modules/", ".env", "build/", "ext.cpython.so", "gone/.env"]
    provisions.bring(source, target, ignored)
    provisions.bring(source, target, ignored)
    assert (target / ".venv/lib/site/pkg/code.py").readlink() == source / ".venv/lib/site/pkg/code.py"
    assert (target / ".venv/lib/site/__editable__.x.pth").read_text() == f"{target}/src\n"
    assert (target / ".venv/bin/tool").read_text() == f"#!{target}/.venv/bin/python\n"
    assert os.access(target / ".venv/bin/tool", os.X_OK)
    assert (target / "web/node_modules/own").readlink() == Path("../packages/own")
    assert not (target / ".env").is_symlink()
    assert (target / "ext.cpython.so").is_file()
    assert not [name for name in ("build", "gone") if (target / name).exists()]
    shutil.rmtree(target / ".venv")
    assert all((source / path).read_text() == text for path, text in files.items())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "run"]


def test_the_search_path_names_the_worktree_where_it_has_the_folder(tmp_path: Path) -> None:
    mine, run = tmp_path / "mine", tmp_path / "run"
    (run / ".venv/bin").mkdir(parents=True)
    environment = {"PATH": f"{mine}/.venv/bin:{mine}/scripts:/usr/bin:relative", "HOME": str(mine / ".venv")}
    provisions.point(environment, mine, run)
    assert environment == {"PATH": f"{run}/.venv/bin:{mine}/scripts:/usr/bin:relative", "HOME": str(mine / ".venv")}
