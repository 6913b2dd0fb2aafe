"""The queue's files: one job a range, kept by whoever dies, and held by one at a time."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from agentloop.records.queue import Queue, QueuedJob

JOB = QueuedJob("/tree", "refs/heads/main", "origin", "a" * 40, "b" * 40, ("a" * 40,), 5.0)


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(tmp_path / "state")


def test_a_range_is_one_job_wherever_it_goes(queue: Queue) -> None:
    queue.keep(JOB)
    assert queue.has(replace(JOB, remote="fork", ref="refs/heads/other", queued=9.0))
    assert not queue.has(replace(JOB, base=""))
    assert not queue.has(replace(JOB, root="/linked"))
    assert queue.waiting() == [JOB]


def test_what_is_done_is_remembered_and_told_once(queue: Queue) -> None:
    queue.keep(JOB)
    queue.finish(JOB, "a draft waits", 7e9)
    assert (queue.waiting(), queue.has(JOB), queue.done()[0].outcome) == ([], True, "a draft waits")
    assert queue.news() == ["a draft waits"]
    later = replace(JOB, tip="c" * 40)
    os.utime(queue.place / "told", (8e9, 8e9))
    queue.finish(later, "no skill", 9e9)
    assert queue.news() == ["no skill"]


def test_a_job_that_somebody_was_killed_over_is_not_done_again(queue: Queue) -> None:
    queue.finish(JOB, "done", 1.0)
    queue.keep(JOB)  # as if the first of two steps were all
    assert queue.waiting() == []


def test_what_is_no_job_is_passed_over(queue: Queue) -> None:
    queue.keep(JOB)
    text = (queue.place / f"{JOB.id}.json").read_text()
    for name, content in {
        "0" * 12: text,  # of another name
        "1" * 12: "{",
        "2" * 12: "[]",
        "3" * 12: text.replace('"tries": 0', '"tries": "0"'),
        "4" * 12: text.replace('"runs": {}', '"runs": []'),
        "notes": text,
    }.items():
        (queue.place / f"{name}.json").write_text(content)
    assert queue.waiting() == [JOB]


def test_one_works_at_a_time_and_the_kernel_lets_go_of_the_dead(queue: Queue) -> None:
    program = (
        "import sys, time; from pathlib import Path; from agentloop.records.queue import Queue\n"
        "with Queue(Path(sys.argv[1])).held() as free:\n    print(free, flush=True)\n    time.sleep(600)"
    )
    worker = subprocess.Popen([sys.executable, "-c", program, str(queue.folder)], stdout=subprocess.PIPE, text=True)
    assert worker.stdout
    assert worker.stdout.readline() == "True\n"
    assert queue.worker() == worker.pid
    with queue.held() as free:
        assert not free
    worker.kill()
    worker.communicate()
    assert queue.worker() is None
    with queue.held() as free:
        assert free
        assert queue.worker() == os.getpid()
