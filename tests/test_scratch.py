"""A run's temporary files: gone with it, and those of one that was killed with the next."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agentloop.run import scratch

HOLDER = """
import sys, tempfile
from agentloop.run import scratch
with scratch.own_folder():
    open(tempfile.mkdtemp() + "/prompt.md", "w").close()
    print(tempfile.gettempdir(), flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


@contextmanager
def held() -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """A program that holds a folder, and that folder."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def test_it_is_gone_at_the_end(place: Path) -> None:
    with scratch.own_folder():
        folder = Path(tempfile.gettempdir())
        Path(tempfile.mkdtemp(), "prompt.md").touch()
        assert (folder.parent, list(place.iterdir())) == (place, [folder])
    assert (Path(tempfile.gettempdir()), list(place.iterdir())) == (place, [])


def test_that_of_a_killed_run_is_taken_away_by_the_next_and_that_of_a_live_one_is_not(place: Path) -> None:
    with held() as (dead, left), held() as (_live, kept):
        dead.kill()
        dead.wait()
        assert list(left.rglob("prompt.md"))
        with scratch.own_folder():
            assert (left.exists(), kept.exists()) == (False, True)


def test_what_only_looks_like_one_is_left_alone(place: Path) -> None:
    (place / "other").mkdir()
    (place / "agentloop-run-link").symlink_to(place / "other")
    (place / "agentloop-run-file").touch()
    with scratch.own_folder():
        pass
    assert sorted(path.name for path in place.iterdir()) == ["agentloop-run-file", "agentloop-run-link", "other"]
