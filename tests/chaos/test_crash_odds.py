"""The odd ways for a run to be cut off: torn lines, full disks, half a commit, a session that is gone, a reboot."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentloop.records import journal

from .conftest import Undisturbed
from .crashing import RESUME, RUN, Forge, World, differences
from .test_crash_sweep import EVENTS, expect_same_end, kill_at

pytestmark = pytest.mark.usefixtures("unmeasured_children")

chaos = pytest.mark.chaos
CUTS = (1, 9, 40, -2, -1)
COMMITTING = 46
"""The number of the event after which the skill is committed."""


def sample(every: int, values: list[tuple[int, int]]) -> list[object]:
    """One of so many without the mark."""
    return [value if not at % every else pytest.param(*value, marks=chaos) for at, value in enumerate(values)]


@pytest.mark.parametrize(("number", "cut"), sample(24, [(n, CUTS[n % 5]) for n in range(1, EVENTS + 1)]))
def test_a_line_that_was_torn_in_its_writing_counts_as_never_written(
    number: int, cut: int, the_forge: Forge, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    kill_at(f"torn:{number}:{cut}", the_forge, undisturbed, tmp_path)


@pytest.mark.parametrize(("number", "cut"), sample(32, [(n, n % 3 * 20) for n in range(6, EVENTS + 1)]))
def test_a_disk_that_is_full_at_an_event_ends_the_run_until_there_is_room(
    number: int, cut: int, the_forge: Forge, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    world = undisturbed.world.copy(tmp_path / "world")
    assert the_forge.run(world, RUN, f"full:{number}:{cut}") == 2, world.out.read_text()
    assert "make room on the disk, then: agentloop resume" in world.out.read_text()
    expect_same_end(the_forge, world, undisturbed)


@pytest.mark.parametrize("number", [3, 27, *(pytest.param(n, marks=chaos) for n in range(1, 40))])
def test_half_a_commit_is_made_whole(number: int, the_forge: Forge, undisturbed: Undisturbed, tmp_path: Path) -> None:
    """Killed before any of git's commands between the draft and the end: objects, ref, files, index."""
    world = undisturbed.world.copy(tmp_path / "world")
    code = the_forge.run(world, RUN, f"git:{COMMITTING}:{number}")
    assert code in (-signal.SIGKILL, 0)
    expect_same_end(the_forge, world, undisturbed)
    assert code or number > 30


@chaos
@pytest.mark.parametrize("offset", range(40))
def test_killed_before_any_command_of_gits_it_comes_to_the_same_end(
    offset: int, the_forge: Forge, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    for number in range(1 + offset, 400, 40):
        world = undisturbed.world.copy(tmp_path / f"world-{number}")
        if the_forge.run(world, RUN, f"git:0:{number}") == 0:
            assert number > 100
            break
        expect_same_end(the_forge, world, undisturbed)
        shutil.rmtree(world.root)


@pytest.mark.parametrize("kind", ["work", "distill"])
def test_a_session_that_is_gone_gives_way_to_one_that_is_told_everything(
    kind: str, the_forge: Forge, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    world = undisturbed.world.copy(tmp_path / "world")
    turns = [at for at, name in enumerate(undisturbed.kinds, start=1) if name == "turn.started"]
    the_forge.run(world, RUN, f"after:{turns[1 if kind == 'work' else 3]}")
    shutil.rmtree(world.root / "sessions")
    assert the_forge.run(world, RESUME) == 0
    said = world.out.read_text()
    assert "the session is lost" in said
    assert "a new one gets the run's ledger" in said
    end = world.end
    assert end["files"]["count"] == "3\n"
    assert end["files"]["check.sh"] == undisturbed.end["files"]["check.sh"]
    assert [commit[0] for commit in end["commits"]] == [commit[0] for commit in undisturbed.end["commits"]]
    assert ("agentloop-session" in end["files"]["skills/keep-counting/SKILL.md"]) == (kind == "distill")


@pytest.mark.parametrize("index_is_locked", [False, pytest.param(True, marks=chaos)])
def test_what_a_reboot_leaves_is_no_obstacle(
    index_is_locked: bool, the_forge: Forge, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    """Locks that nobody holds, an emptied temporary folder, half a worktree of the guard's."""
    world = undisturbed.world.copy(tmp_path / "world")
    the_forge.run(world, RUN, "before:20")
    assert list((world.repo / ".git/agentloop").glob("*.lock"))
    (world.folder.index.with_name("index.lock")).write_bytes(b"half")
    (world.folder.index.with_name("index.new")).write_bytes(b"half")
    shutil.rmtree(world.root / "tmp")
    (world.root / "tmp").mkdir()
    (world.folder.replay / "tree").mkdir(parents=True)
    if not index_is_locked:
        expect_same_end(the_forge, world, undisturbed)
        return
    # Nobody can tell it from the lock of a person whose editor is open: it stays, and that is said.
    (world.repo / ".git/index.lock").touch()
    assert the_forge.run(world, RESUME) == 0
    assert "index.lock" in world.out.read_text()
    (world.repo / ".git/index.lock").unlink()
    end = world.end
    assert [commit[0] for commit in end["commits"]] == [commit[0] for commit in undisturbed.end["commits"]]
    assert end["files"] == undisturbed.end["files"]


def spawn(world: World, *argv: str, cwd: Path | None = None) -> "subprocess.Popen[str]":
    env = {**os.environ, **world.env}
    return subprocess.Popen(
        [sys.executable, "-m", "agentloop", *argv], cwd=cwd or world.repo, env=env, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def test_of_several_that_resume_a_run_one_does(the_forge: Forge, undisturbed: Undisturbed, tmp_path: Path) -> None:
    world = undisturbed.world.copy(tmp_path / "world")
    the_forge.run(world, RUN, "after:8")
    racing = [spawn(world, *RESUME) for _ in range(3)]
    said = [process.communicate(timeout=120)[0] for process in racing]
    codes = [process.returncode for process in racing]
    assert codes.count(0) == 1, said
    for code, words in zip(codes, said, strict=True):
        refused = ("another run is at work", "is being worked on by another process", "is to be resumed", "has ended")
        assert code == 0 or (code == 2 and any(word in words for word in refused)), words
    assert differences(world.end, undisturbed.end) == []


@pytest.mark.chaos
def test_several_worktrees_of_one_repository_are_worked_in_at_once(undisturbed: Undisturbed, tmp_path: Path) -> None:
    world = undisturbed.world.copy(tmp_path / "world")
    trees = [tmp_path / name for name in ("one", "two", "three")]
    for tree in trees:
        world.git("worktree", "add", "-q", "-b", tree.name, str(tree))
    at_work = [spawn(world, *RUN, cwd=tree) for tree in trees]
    said = [process.communicate(timeout=120)[0] for process in at_work]
    assert [process.returncode for process in at_work] == [0, 0, 0], said
    assert len(world.folders) == 3
    for tree in trees:
        subjects = world.git("log", "--format=%s", tree.name).splitlines()
        assert subjects == ["Link skills for agents", "Add skill keep-counting", "Begin"]
        assert (tree / "count").read_text() == "3\n"
    assert world.git("status", "--porcelain") == "MM theirs\n"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=3m", "agentloop-chaos", str(disk)]
    if subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("a disk can be mounted by root alone")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.parametrize("room_kb", [40, 160, *(pytest.param(kb, marks=chaos) for kb in range(0, 600, 24))])
def test_a_disk_that_runs_full_loses_nothing(
    room_kb: int, small_disk: Path, the_forge: Forge, undisturbed: Undisturbed
) -> None:
    """Repository, state and temporary files lie on it; whatever is written first beyond its end fails."""
    world = undisturbed.world.copy(small_disk / "world")
    ballast = small_disk / "ballast"
    free = os.statvfs(small_disk)
    ballast.write_bytes(bytes(free.f_bavail * free.f_frsize - room_kb * 1024))
    world = World(world.root)
    code = the_forge.run(world, RUN)
    said = world.out.read_text()
    ballast.unlink()
    assert "Traceback" not in said
    if code == 0:
        return
    assert code in (2, 74), said
    # Where git cannot write a reference, its words name the file, and no reason.
    assert not said or re.search(r"No space left on device|Out of diskspace|cannot be recorded: .*\.lock'", said)
    expect_same_end(the_forge, world, undisturbed)
    assert journal.read(world.folder.journal)
