"""The journal on a real disk: torn tails, second writers, kill -9."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agentloop import events as ev
from agentloop.errors import RunError
from agentloop.job import Job
from agentloop.records import folders, journal


@pytest.fixture
def folder(tmp_path: Path) -> folders.RunFolder:
    common = tmp_path / "project" / ".git"
    common.mkdir(parents=True)
    return folders.new_run(common)


def started() -> ev.RunStarted:
    job = Job(task="t", until=("true passes",), agent="claude", worktree="w")
    return ev.RunStarted(run="r", version="0", job=job)


def test_what_is_appended_is_read_back_stamped(folder: folders.RunFolder) -> None:
    book = journal.Journal(folder, clock=lambda: 7.0)
    book.append(started())
    book.append(ev.ToolCalled(name="Bash", detail="ls"))
    book.close()
    events = journal.read(folder.journal)
    assert [(event.seq, event.at) for event in events] == [(0, 7.0), (1, 7.0)]
    assert events[1] == ev.ToolCalled(seq=1, at=7.0, name="Bash", detail="ls")


@pytest.mark.parametrize("tail", [b'{"seq":2,"da', b"\x00\x00\x00\n"])
def test_a_torn_tail_is_dropped_and_writing_goes_on(folder: folders.RunFolder, tail: bytes) -> None:
    book = journal.Journal(folder)
    book.append(started())
    book.append(ev.SessionOpened(session="s"))
    book.close()
    with folder.journal.open("ab") as file:
        file.write(tail)
    again = journal.Journal(folder)
    assert again.state.session == "s"
    again.append(ev.RunResumed())
    again.close()
    assert [event.seq for event in journal.read(folder.journal)] == [0, 1, 2]


def test_there_is_a_single_writer(folder: folders.RunFolder) -> None:
    book = journal.Journal(folder)
    with pytest.raises(RunError, match="another process"):
        journal.Journal(folder)
    book.close()


def test_kill_9_loses_no_acknowledged_event(folder: folders.RunFolder) -> None:
    book = journal.Journal(folder)
    book.append(started())
    book.close()
    program = (
        "import sys\nfrom pathlib import Path\nfrom agentloop import events as ev\n"
        "from agentloop.records import journal\n"
        f"book = journal.Journal(folders.RunFolder(Path({str(folder.path)!r})))\n"
        "n = 0\nwhile True:\n    book.append(ev.SessionOpened(session=str(n)))\n    print(n, flush=True)\n    n += 1\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()
    time.sleep(0.2)
    os.kill(writer.pid, signal.SIGKILL)
    acknowledged = [int(line) for line in writer.stdout.read().split(b"\n") if line]
    writer.stdout.close()
    writer.wait()
    assert len(journal.read(folder.journal)) > acknowledged[-1]


def test_a_run_is_found_by_either_end_of_its_id(tmp_path: Path) -> None:
    folder = folders.new_run(tmp_path)
    book = journal.Journal(folder)
    book.append(started())
    book.close()
    for name in ("", folder.run[:15], folder.run[-4:]):
        assert folders.find_run(tmp_path, name) == folder
    with pytest.raises(RunError, match="no run of this repository"):
        folders.find_run(tmp_path, "nothing")


def test_no_run_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no runs yet"):
        folders.find_run(tmp_path)


@pytest.mark.parametrize("line", [b'{"type":"of a newer version"}\n', b"{torn in the middle\n"])
def test_a_journal_that_cannot_be_read_is_left_as_it_is(folder: folders.RunFolder, line: bytes) -> None:
    book = journal.Journal(folder)
    book.append(started())
    book.close()
    with folder.journal.open("ab") as file:
        file.write(line + ev.RunResumed(seq=2).model_dump_json().encode() + b"\n")
    before = folder.journal.read_bytes()
    with pytest.raises(RunError, match="cannot be read at byte"):
        journal.Journal(folder)
    with pytest.raises(RunError, match="cannot be read at byte"):
        journal.read(folder.journal)
    assert folder.journal.read_bytes() == before
    folder.journal.write_bytes(before.replace(line, b""))
    journal.Journal(folder).close()  # the lock was let go of


@pytest.mark.parametrize("content", [b"\0\0\0\n", ev.RunResumed(seq=0).model_dump_json().encode() + b"\n"])
def test_a_journal_that_does_not_say_how_its_run_began_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    folder = folders.new_run(tmp_path)
    folder.journal.write_bytes(content)
    with pytest.raises(RunError, match="how its run began"):
        journal.read(folder.journal)


@pytest.mark.parametrize("name", ["99999999-999999-abcd", "20260230-000000-abcd", "20260101-250000-abcd"])
def test_a_name_without_a_time_is_no_run(name: str) -> None:
    assert not folders.is_run(name)


def test_a_run_that_never_began_is_none(tmp_path: Path) -> None:
    folder = folders.new_run(tmp_path)
    journal.Journal(folder).close()
    assert folders.runs(tmp_path) == []


def test_the_newest_run_of_a_working_tree_that_has_not_ended_is_found(tmp_path: Path) -> None:
    names = []
    for number, ended in enumerate((False, False, True)):
        folder = folders.RunFolder(folders.repository_folder(tmp_path) / f"20260101-00000{number}-abcd")
        folder.path.mkdir(parents=True)
        book = journal.Journal(folder)
        book.append(started())
        if ended:
            book.append(ev.RunEnded(outcome="reached", exit_code=0, reason="r"))
        book.close()
        names.append(folder)
    assert journal.find_unfinished(tmp_path, Path("w")) == names[1]
    names[2].journal.write_bytes(b"garbage\n")
    assert journal.find_unfinished(tmp_path, Path("w")) == names[1]
    with pytest.raises(RunError, match="is to be resumed"):
        journal.find_unfinished(tmp_path, Path("elsewhere"))


def test_somebody_at_work_is_seen(folder: folders.RunFolder) -> None:
    book = journal.Journal(folder)
    book.append(started())
    assert folders.at_work(folder)
    book.close()
    assert not folders.at_work(folder)


def test_nothing_secret_or_unwritable_reaches_the_disk(folder: folders.RunFolder) -> None:
    key = "sk-ant-" + "a1B2" * 8
    book = journal.Journal(folder)
    kept = started().job.model_copy(update={"program": ("tool", f"--key={key}"), "task": f"use {key}"})
    book.append(started().model_copy(update={"job": kept}))
    book.append(ev.ToolCalled(name="Bash", detail=f"curl -H {key} \ud83d"))
    book.close()
    first, second = journal.read(folder.journal)
    assert isinstance(first, ev.RunStarted)
    assert isinstance(second, ev.ToolCalled)
    assert first.job.program == kept.program  # what a resume needs
    assert key not in first.job.task + second.detail
    assert second.detail.endswith("?")
