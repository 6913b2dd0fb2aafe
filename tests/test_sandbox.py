"""What a check may write to: the folders that are named, and what an output tells of a denial."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentloop import sandbox
from agentloop.errors import UsageError
from agentloop.process import Landlock, landlock
from agentloop.sandbox import Places, Sandbox

from .e2e.conftest import git

needs_landlock = pytest.mark.skipif(not landlock.version(), reason="the kernel has no Landlock, or it is switched off")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a tree in it."""
    home = tmp_path / "home"
    (home / "tree").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME")
    return home


def writable(home: Path, *extra: str, git_folder: Path | None = None, tree: Path | None = None) -> list[str]:
    """What may be written to below the home."""
    places = Places(home / "tree", git_folder)
    walls = Sandbox("landlock", extra, temporary=()).around_check(places, tree or places.tree, [], dict(os.environ))
    assert walls
    return sorted(str(path.relative_to(home)) for path in walls.writable if path.is_relative_to(home))


def test_the_tree_and_the_caches_that_are_there(home: Path) -> None:
    for name in (".cache/pip", ".cargo/registry", ".cargo/bin", ".npm/_npx", ".gradle/init.d", ".ssh"):
        (home / name).mkdir(parents=True)
    assert writable(home) == [".cache", ".cargo/registry", "tree"]


def test_what_is_added(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("data", "beside", "there"):
        (home / name).mkdir()
    monkeypatch.setenv("THERE", str(home / "there"))
    assert writable(home, "~/data", "../beside", "$THERE", "$NOT_SET/x", "~/not-there") == [
        "beside", "data", "there", "tree",
    ]  # fmt: skip


def test_what_an_earlier_check_made_a_link_is_not_followed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".cache").mkdir()
    (home / ".cache/go-build").symlink_to(home)
    (home / "tree/out").symlink_to(home)
    monkeypatch.setenv("GOCACHE", str(home / ".cache/go-build"))
    monkeypatch.setenv("CCACHE_DIR", str(home / "tree/out/.."))
    assert writable(home, "out") == [".cache", "tree"]


def test_a_cache_that_is_a_link_itself_is_a_cache(home: Path) -> None:
    (home / "large-disk").mkdir()
    (home / ".cache").symlink_to(home / "large-disk")
    assert ".cache" in writable(home)


def test_git_of_a_linked_worktree_without_its_settings_and_hooks(home: Path) -> None:
    main = home / "main"
    main.mkdir()
    git(main, "init", "-q")
    git(main, "-c", "user.name=T", "-c", "user.email=t@example.invalid", "commit", "-q", "--allow-empty", "-m", "Begin")
    (home / "tree").rmdir()
    git(main, "worktree", "add", "-q", str(home / "tree"))
    common = (main / ".git").resolve()
    assert writable(home, git_folder=common) == [
        "main/.git/logs", "main/.git/objects", "main/.git/refs", "main/.git/worktrees/tree", "tree",
    ]  # fmt: skip


def test_a_tree_that_says_that_its_git_is_elsewhere_is_not_believed(home: Path) -> None:
    for name in ("main/.git/worktrees", "elsewhere/worktrees/x"):
        (home / name).mkdir(parents=True)
    (home / "tree/.git").write_text(f"gitdir: {home}/elsewhere/worktrees/x\n")
    assert writable(home, git_folder=home / "main/.git") == ["tree"]


@needs_landlock
@pytest.mark.parametrize(
    "line",
    [
        "PermissionError: [Errno 13] Permission denied: '{}/x'",
        "sh: 1: cannot create {}/x: Permission denied",
        "Error: EACCES: permission denied, mkdir '{}/x'",
        "failed to initialize build cache: mkdir {}/x: permission denied",
        "mv: cannot move 'a' to '{}/x': Read-only file system",
        "OSError: [Errno 18] Invalid cross-device link: 'a' -> '{}/x'",
    ],
)
def test_a_denial_is_told_by_its_path(tmp_path: Path, line: str) -> None:
    output = f"one\n{line.format(tmp_path)}\nthree\n"
    assert sandbox.denied(output, Landlock((Path("/dev/null"),))) == f"{tmp_path}/x"
    assert sandbox.denied(output, Landlock((tmp_path,))) == ""
    assert sandbox.denied(output, None) == ""


def test_what_nobody_could_write_to_is_no_denial_of_the_sandbox() -> None:
    walls = Landlock((Path("/dev/null"),))
    assert sandbox.denied("Permission denied: 'relative'\nnothing of /x here", walls) == ""
    if os.getuid():
        assert sandbox.denied("Permission denied: '/etc/passwd'", walls) == ""


def test_bubblewrap_that_is_missing_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_bubblewrap: None
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="bubblewrap is not installed") as caught:
        sandbox.chosen("bwrap")
    assert "bubblewrap" in caught.value.hint


def test_bubblewrap_that_does_not_work_says_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_bubblewrap: None
) -> None:
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho 'No permissions to create new namespace' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(UsageError, match="No permissions to create new namespace"):
        sandbox.chosen("bwrap")


@pytest.fixture
def fresh_bubblewrap() -> Iterator[None]:
    """What was found out about bubblewrap is forgotten, before and after."""
    sandbox._bubblewrap.cache_clear()
    yield
    sandbox._bubblewrap.cache_clear()


def test_without_a_word_it_is_landlock_where_that_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    for version, kind in ((0, "none"), (1, "none"), (2, "landlock"), (7, "landlock")):
        monkeypatch.setattr(landlock, "version", lambda version=version: version)
        assert sandbox.chosen("").kind == kind
    monkeypatch.setattr(landlock, "version", lambda: 0)
    with pytest.raises(UsageError, match="no Landlock"):
        sandbox.chosen("landlock")
