"""Records of runs that worked long ago, made for real: a journal, a log, a snapshot."""

import time
from pathlib import Path

from agentloop import events as ev
from agentloop.job import Job
from agentloop.records import folders, journal
from agentloop.repo import Repo

DAY_S = 86400.0


def record(repo: Repo, days_ago: float, *events: ev.Event, snapshots: bool = True, size: int = 0) -> folders.RunFolder:
    """Make the record of a run that worked so long ago."""
    at = time.time() - days_ago * DAY_S
    run = f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(at))}-{len(folders.of(place(repo))):04x}"
    folder = folders.RunFolder(place(repo) / run)
    folder.path.mkdir(parents=True)
    book = journal.Journal(folder, clock=lambda: at)
    job = Job(task="t", until=("true passes",), agent="a", worktree=str(repo.root))
    for event in (ev.RunStarted(run=run, version="0", job=job), *events):
        book.append(event)
    book.close()
    if snapshots:
        repo.snapshot(run, 0, folder.index)
    (folder.path / "turn-001.log").write_bytes(b"x" * size)
    return folder


def place(repo: Repo) -> Path:
    return folders.repository_folder(repo.common_dir)
