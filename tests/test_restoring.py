"""Snapshots of awkward repositories, and working files brought back to them."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agentloop.errors import RepoError
from agentloop.repo import Repo, Restoration, Snapshot

from .test_repo import begin, git


class Bench:
    """A repository with snapshots.

    Args:
        repo: the repository.
        index: the private index.
    """

    def __init__(self, repo: Repo, index: Path) -> None:
        self.repo = repo
        self.root = repo.root
        self.index = index
        self.taken: list[Snapshot] = []

    def snap(self) -> Snapshot:
        self.taken.append(self.repo.snapshot("run", len(self.taken), self.index))
        return self.taken[-1]

    def plan(self, wanted: int = 0, without: tuple[str, ...] = ()) -> Restoration:
        return self.repo.working_files.plan(self.index, self.taken[wanted].commit, [self.taken[-1].commit], without)

    def restore(self, wanted: int = 0) -> Restoration:
        plan = self.plan(wanted)
        assert not plan.foreign
        self.repo.working_files.restore(plan)
        return plan

    def files(self) -> dict[str, tuple[str, str]]:
        """Every file by its path: its kind and its content."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            name = path.relative_to(self.root).as_posix()
            if path.is_symlink():
                found[name] = ("link", str(path.readlink()))
            elif path.is_file() and not name.startswith(".git/"):
                found[name] = (oct(path.stat().st_mode & 0o111), path.read_bytes().decode("latin-1"))
        return found

    def sh(self, script: str) -> None:
        subprocess.run(["bash", "-ec", script], cwd=self.root, check=True, capture_output=True)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(begin(tmp_path / "repo"), tmp_path / "index")


STRANGE = r"printf x > $'a\nb'; printf x > $'caf\xe9'; printf x > $'\e[31mred'; printf x > '-rf'; printf x > ':(top)*'"


@pytest.mark.parametrize(
    "script",
    [
        "echo two > file; echo new > new; mkdir -p deep/er; echo x > deep/er/file",
        "rm file",
        "chmod +x file",
        "rm file; mkdir file; echo x > file/inside",
        "rm -r folder; echo x > folder",
        "rm -r folder; ln -s /etc folder",
        "rm link; echo x > link",
        "rm link; ln -s elsewhere link",
        "mv folder elsewhere; echo '* text eol=crlf' > .gitattributes",
        STRANGE,
        "git add -A; echo two > file; git commit -qam two; git gc -q --prune=now",
    ],
)
def test_whatever_was_done_to_files_is_taken_back(bench: Bench, script: str) -> None:
    bench.sh("mkdir -p folder/in; echo a > folder/a; echo b > folder/in/b; ln -s folder link; echo u > untracked")
    bench.sh(f"mkdir strange; cd strange; {STRANGE}; chmod +x ../folder/a")
    before = bench.files()
    bench.snap()
    bench.sh(script)
    bench.snap()
    staged = git(bench.root, "ls-files", "-s")
    bench.restore()
    assert bench.files() == before
    assert git(bench.root, "ls-files", "-s") == staged
    known = [one.commit for one in bench.taken]
    bench.repo.working_files.restore(bench.repo.working_files.plan(bench.index, bench.taken[1].commit, known, ()))
    assert bench.snap().tree == bench.taken[1].tree
    assert not (bench.repo.git_dir / "agentloop-undo").exists()


@pytest.mark.parametrize(
    ("script", "named"),
    [
        ("echo mine > file", "file"),
        ("rm file", "file"),
        ("chmod +x file", "file"),
        ("echo mine > made", "made"),
        ("rm file; mkdir file; echo mine > file/inside", "file"),
        ("echo gone > gone", "gone"),
        ("mkdir -p gone; echo mine > gone/inside", "gone/inside"),
        ("echo gone >> .git/info/exclude; echo mine > gone", "gone"),
        ("echo mine > away", "away"),
        ("ln -s /etc away", "away"),
    ],
)
def test_what_somebody_else_changed_is_named_and_nothing_is_done(bench: Bench, script: str, named: str) -> None:
    bench.sh("echo g > gone; mkdir away; echo a > away/a")
    bench.snap()
    bench.sh("echo two > file; echo m > made; rm -r gone away")
    bench.snap()
    bench.sh(script)
    before = bench.files()
    assert named in bench.plan().foreign
    assert bench.files() == before


def test_what_the_snapshots_have_in_common_stays_as_somebody_else_made_it(bench: Bench) -> None:
    bench.sh("echo a > theirs; echo ignored > .gitignore; echo i > ignored")
    bench.snap()
    bench.sh("echo two > file; echo j > ignored")
    bench.snap()
    bench.sh("echo b > theirs; echo k > ignored; echo n > new")
    assert [*bench.restore().change] == ["file"]
    assert [(bench.root / name).read_text() for name in ("file", "theirs", "ignored", "new")] == [
        "one\n", "b\n", "k\n", "n\n",
    ]  # fmt: skip


def test_a_restoration_that_was_cut_off_is_completed(bench: Bench) -> None:
    bench.snap()
    bench.sh("echo two > file; for n in 1 2 3 4 5; do echo $n > new$n; done")
    bench.snap()
    bench.sh("rm new2 new4; mkdir -p .git/agentloop-undo/files; echo half > .git/agentloop-undo/files/file")
    assert len(bench.restore().change) == 4
    assert [*bench.files()] == ["file"]
    assert not bench.restore().change


def test_where_a_file_cannot_be_made_nothing_has_changed(bench: Bench) -> None:
    bench.sh("echo filtered > odd")
    bench.snap()
    bench.sh("rm odd file; echo new > new")
    bench.snap()
    before = bench.files()
    plan = bench.plan()
    bench.sh("chmod -R u+w .git/objects; rm .git/objects/$(git rev-parse refs/agentloop/run/0:odd | sed 's,..,&/,')")
    with pytest.raises(RepoError, match="cannot be restored"):
        bench.repo.working_files.restore(plan)
    assert bench.files() == before


def test_a_repository_within_stays_and_is_named(bench: Bench) -> None:
    bench.sh("git init -q sub; cd sub; echo 1 > f; git add f; git commit -qm one")
    bench.snap()
    bench.sh("cd sub; git commit -qam two --allow-empty; cd ..; echo two > file; cp -r sub other")
    bench.snap()
    plan = bench.restore()
    assert (plan.repositories, [*plan.change]) == (("other", "sub"), ["file"])
    assert git(bench.root / "sub", "log", "--format=%s").split() == ["two", "one"]


@pytest.mark.parametrize("flags", [(), ("--object-format=sha256",)], ids=["sha1", "sha256"])
def test_an_unborn_branch_has_snapshots_too(tmp_path: Path, flags: tuple[str, ...]) -> None:
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "-q", *flags)
    (root / "file").write_text("one\n")
    git(root, "add", "file")
    bench = Bench(Repo.open(root), tmp_path / "index")
    first = bench.snap().standing
    bench.sh("git commit -qm first; echo two > file; rm -f .git/index")
    second = bench.snap().standing
    bench.restore()
    assert (root / "file").read_text() == "one\n"
    assert first
    assert second
    assert (first.head, first.branch, bool(first.staged)) == ("", "main", True)
    assert (second.head, bool(second.staged)) == (git(root, "rev-parse", "HEAD").strip(), True)
    assert git(root, "ls-tree", "--name-only", first.index).split() == ["file"]


def test_a_sparse_checkout_stays_sparse_and_what_is_written_outside_is_recorded(bench: Bench) -> None:
    bench.sh("mkdir in out; echo i > in/f; echo o > out/f; git add .; git commit -qm two; git sparse-checkout set in")
    assert not (bench.root / "out").exists()
    first = bench.snap()
    assert "out/f" in bench.repo.entries_at(first.commit, ".")
    bench.sh("echo j > in/f; mkdir out; echo new > out/new")
    assert bench.repo.entries_at(bench.snap().commit, "out").keys() == {"out/f", "out/new"}
    bench.restore()
    assert [*bench.files()] == ["file", "in/f"]
    assert git(bench.root, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    "hiding",
    [
        "git update-index --skip-worktree file",
        "git update-index --assume-unchanged file",
        "git config core.ignoreStat true; git config core.fsmonitor true",
    ],
)
def test_a_change_that_git_was_told_to_overlook_is_recorded(bench: Bench, hiding: str) -> None:
    bench.sh(f"{hiding}; echo mine > file")
    before = (bench.repo.git_dir / "index").read_bytes()
    bench.snap()
    bench.sh("rm file")
    assert bench.repo.changed_paths(bench.taken[0].commit, bench.snap().commit) == ["file"]
    bench.restore()
    assert (bench.root / "file").read_text() == "mine\n"
    assert (bench.repo.git_dir / "index").read_bytes() == before


def test_a_change_of_the_same_size_and_time_is_seen_whatever_an_agent_sets(bench: Bench) -> None:
    bench.sh("touch -d '2 days ago' file; git config core.trustctime false; git config core.checkStat minimal")
    bench.snap()
    time.sleep(1.1)  # git looks at the seconds alone
    bench.sh("touch -r file time; printf 'eno\n' > file; touch -r time file; rm time")
    assert bench.repo.changed_paths(bench.taken[0].commit, bench.snap().commit) == ["file"]


def test_a_missing_file_that_git_was_told_to_overlook_is_none_that_was_removed(bench: Bench) -> None:
    bench.sh("git update-index --skip-worktree file; rm file")
    assert bench.repo.changed_paths("HEAD", bench.snap().commit) == []


def test_neither_hooks_of_the_person_nor_halves_of_an_index_have_a_part_in_it(bench: Bench) -> None:
    for name in ("reference-transaction", "post-index-change", "post-checkout"):
        hook = bench.repo.git_dir / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\ntouch .git/hook-ran\nexit 1\n")
        hook.chmod(0o755)
    bench.sh("git update-index --split-index; rm -f .git/hook-ran")
    shared = sorted(bench.repo.git_dir.glob("sharedindex.*"))
    bench.snap()
    bench.sh("echo two > file")
    bench.snap()
    bench.restore()
    bench.repo.drop_snapshots("run")
    assert sorted(bench.repo.git_dir.glob("sharedindex.*")) == shared
    assert not (bench.repo.git_dir / "hook-ran").exists()


@pytest.mark.parametrize(
    "revealing", ["rm .gitignore", "echo '!*' >> .gitignore", "echo > .git/info/exclude; echo > .gitignore"]
)
def test_what_was_ignored_is_not_taken_for_new(bench: Bench, revealing: str) -> None:
    bench.sh("printf 'data/\n*.o\n' > .gitignore; echo private >> .git/info/exclude; mkdir data; echo d > data/d")
    bench.sh("echo p > private; echo o > a.o; echo s > .env")
    before = bench.files()
    bench.snap()
    bench.sh(f"{revealing}; git add -f .env; rm -f .git/index; echo new > new; echo two > file")
    bench.snap()
    plan = bench.restore()
    assert bench.files() == before
    assert {"a.o", "data/d"} <= set(plan.ignored)
    assert {"file", "new"} <= plan.change.keys()


@pytest.mark.parametrize("setting", ["core.worktree", "core.bare"])
def test_a_repository_that_says_its_files_are_elsewhere_is_lost(bench: Bench, setting: str) -> None:
    bench.snap()
    bench.sh(f"git config {setting} {bench.root.parent if setting == 'core.worktree' else 'true'}")
    with pytest.raises(RepoError, match="is not its working tree"):
        bench.snap()
    assert "is not its working tree" in bench.repo.loss()
    with pytest.raises(RepoError) as caught:
        Repo.open(bench.root)
    assert setting in str(caught.value.hint)


def test_a_linked_worktree_is_restored_alone(bench: Bench, tmp_path: Path) -> None:
    git(bench.root, "worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    linked = Bench(Repo.open(tmp_path / "linked"), tmp_path / "other-index")
    linked.snap()
    linked.sh("echo two > file; echo new > new")
    linked.snap()
    (bench.root / "file").write_text("mine\n")
    linked.restore()
    assert (linked.root / "file").read_text() == "one\n"
    assert (bench.root / "file").read_text() == "mine\n"


def test_index_and_stash_are_recorded_and_outlive_an_agent_that_drops_them(bench: Bench) -> None:
    bench.sh("echo s > file; git stash -q; echo mine > mine; git add mine; echo more >> mine; touch .git/index.lock")
    before = (bench.repo.git_dir / "index").read_bytes()
    standing = bench.snap().standing
    assert (bench.repo.git_dir / "index").read_bytes() == before
    assert standing
    assert (len(standing.stash), standing.locked) == (1, True)
    bench.sh("rm .git/index.lock; git stash clear; git reset -q --hard; git gc -q --prune=now")
    bench.sh(f"git read-tree {standing.index}; git stash store {standing.stash[0]}")
    assert git(bench.root, "show", ":mine") == "mine\n"
    assert git(bench.root, "show", "stash@{0}:file") == "s\n"


def test_a_damaged_index_does_not_hinder_a_snapshot(bench: Bench) -> None:
    bench.snap()
    (bench.repo.git_dir / "index").write_bytes(b"DIRC")
    (bench.root / "file").write_text("two\n")
    taken = bench.snap()
    assert bench.repo.file_at(taken.commit, "file") == "two\n"
    assert taken.standing
    assert (taken.standing.index, taken.standing.staged) == ("", "unreadable")


FULL_DISK = """
mount -t tmpfs -o size=700k none "$1" && cd "$1" && git init -q --template= && git commit -q --allow-empty -m one &&
head -c 350k /dev/urandom > large && exec "$3" -c '
import sys, pathlib
from agentloop.repo import Repo
Repo.open(pathlib.Path.cwd()).snapshot("r", 0, pathlib.Path(sys.argv[1]))
' "$2"
"""


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    """On a small file system of its own, where the kernel lets anybody have one."""
    probe = ["unshare", "-Urm", "mount", "-t", "tmpfs", "none", str(tmp_path)]
    if shutil.which("unshare") is None or subprocess.run(probe, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    (tmp_path / "disk").mkdir()
    argv = [
        "unshare",
        "-Urm",
        "sh",
        "-c",
        FULL_DISK,
        "sh",
        str(tmp_path / "disk"),
        str(tmp_path / "index"),
        sys.executable,
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "the tree cannot be recorded" in done.stderr
    assert "No space left" in done.stderr


def test_a_repository_around_a_lost_one_is_left_alone(tmp_path: Path) -> None:
    outer = begin(tmp_path / "outer")
    inner = begin(tmp_path / "outer/inner")
    assert inner.loss() == ""
    subprocess.run(["rm", "-rf", str(inner.root / ".git")], check=True)
    with pytest.raises(RepoError, match="no git repository"):
        inner.snapshot("run", 0, tmp_path / "index")
    assert "no git repository any more" in inner.loss()
    subprocess.run(["rm", "-rf", str(inner.root)], check=True)
    with pytest.raises(RepoError, match="is gone"):
        inner.snapshot("run", 0, tmp_path / "index")
    assert "is gone" in inner.loss()
    assert git(outer.root, "for-each-ref", "refs/agentloop") == ""
