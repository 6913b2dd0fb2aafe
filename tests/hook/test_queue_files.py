"""The queue's files: one job a range, kept by whoever dies, and held by one at a time."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

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


def test_what_is_no_job_is_passed_over_and_can_be_queued_anew(queue: Queue) -> None:
    queue.keep(JOB)
    good = json.loads((queue.place / f"{JOB.id}.json").read_text())
    others = [replace(JOB, tip=f"{number:040x}") for number in range(20)]
    spoilt: list[dict[str, Any]] = [
        {"tries": "0"}, {"runs": []}, {"queued": float("nan")}, {"queued": float("inf")}, {"at": -1}, {"known": "a"},
        {"known": ["--all"]}, {"outcome": None},
    ]  # fmt: skip
    for job, change in zip(others, spoilt, strict=False):
        (queue.place / f"{job.id}.json").write_text(json.dumps({**good, "tip": job.tip, **change}))
    for job, text in zip(others[10:], ["", "{", "[]", json.dumps(good), "[" * 100_000], strict=False):
        (queue.place / f"{job.id}.json").write_text(text)
    (queue.place / f"{others[18].id}.json").mkdir()
    os.mkfifo(queue.place / f"{others[19].id}.json")
    for name in ("0" * 12, "notes"):
        (queue.place / f"{name}.json").write_text(json.dumps({**good, "root": "\ud800"}))
    assert queue.waiting() == [JOB]
    assert not [job for job in others if queue.has(job)]


@pytest.mark.parametrize(("gone", "new"), [((), {"priority": 7}), (("tries", "outcome", "at", "runs"), {})])
def test_a_job_of_another_version_is_one(queue: Queue, gone: tuple[str, ...], new: dict[str, int]) -> None:
    queue.keep(JOB)
    path = queue.place / f"{JOB.id}.json"
    content = {name: value for name, value in json.loads(path.read_text()).items() if name not in gone}
    path.write_text(json.dumps({**content, **new}))
    assert queue.waiting() == [JOB]


def test_whoever_works_tidies_up_what_the_dead_have_left(queue: Queue) -> None:
    queue.finish(JOB, "done", 1.0)
    queue.keep(JOB)
    for name in (".old", ".new"):
        (queue.place / name).write_text("half")
    os.utime(queue.place / ".old", (1, 1))
    with queue.held():
        left = {path.name for path in queue.place.iterdir()}
    assert left == {"done", "lock", ".new"}


def test_a_full_disk_leaves_nothing_half_written(queue: Queue) -> None:
    queue.place.mkdir(parents=True)
    (queue.place / f"{JOB.id}.json").mkdir()  # nothing can take its place
    with pytest.raises(OSError, match="directory"):
        queue.keep(JOB)
    assert [path.name for path in queue.place.iterdir()] == [f"{JOB.id}.json"]


def test_what_was_dropped_is_no_news(queue: Queue) -> None:
    queue.drop(JOB, 7e9)
    queue.finish(replace(JOB, tip="c" * 40), "a draft waits", 8e9)
    assert (queue.news(), queue.news()) == (["a draft waits"], [])
    queue.finish(replace(JOB, tip="d" * 40), "no skill", 8e9 + 0.001)
    assert queue.news() == ["no skill"]


def test_a_job_that_was_tried_is_due_an_hour_later() -> None:
    assert JOB.is_due(5.0 + 3600)
    tried = replace(JOB, at=10_000.0)
    assert [tried.is_due(at) for at in (10_001.0, 13_600.0, 1.0)] == [False, True, True]


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
