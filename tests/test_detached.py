"""A program that outlives us: nothing of ours is its own, and it ends by itself."""

import os
from pathlib import Path

import pytest

from agentloop.errors import CannotStartError
from agentloop.process import RUN_TAG, start_detached

TELL = f"""
env | sed 's/=.*//' | grep -x -e GIT_DIR -e GIT_INDEX_FILE -e {RUN_TAG}
readlink /proc/$$/fd/0
ps -o sid= -o tty= -p $$ | tr -s ' '
readlink /proc/$$/fd/* | grep -c lock
"""


def test_it_has_a_session_of_its_own_and_nothing_of_git_of_a_run_or_of_a_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_DIR", "GIT_INDEX_FILE", RUN_TAG):
        monkeypatch.setenv(name, "x")
    log = tmp_path / "new/log"
    with (tmp_path / "lock").open("w"):
        pid = start_detached(["sh", "-c", TELL], tmp_path, log)
        os.waitpid(pid, 0)
    assert [line.split() for line in log.read_text().splitlines()] == [["/dev/null"], [str(pid), "?"], ["0"]]
    assert log.stat().st_mode & 0o777 == 0o600


def test_two_that_have_one_log_do_not_write_over_each_other(tmp_path: Path) -> None:
    log, go = tmp_path / "log", tmp_path / "go"
    os.mkfifo(go)
    first = start_detached(["sh", "-c", f"echo first; read x < {go}; echo first ends"], tmp_path, log)
    with go.open("w") as say:  # it has come to reading
        second = start_detached(["sh", "-c", "echo second"], tmp_path, log)
        os.waitpid(second, 0)
        say.write("x\n")
    os.waitpid(first, 0)
    assert log.read_text() == "second\nfirst ends\n"


def test_one_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotStartError, match="no-such-program"):
        start_detached(["no-such-program"], tmp_path, tmp_path / "log")
