"""Old records of runs, taken away: journal, logs, draft and snapshots; by age, by number and by size.

Kept are those that somebody may still need: a run at work, one that can be resumed, one whose draft waits for a
person, one whose journal cannot be read. A record goes in steps that a kill may part: its snapshots, then its folder
under another name, then that folder.
"""

import fcntl
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from agentloop.errors import RepoError, RunError
from agentloop.records import folders, journal
from agentloop.repo import Repo
from agentloop.state import RunState
from agentloop.state.fold import fold

UNBEGUN_FOR_S = 3600.0
"""What began nothing may yet be about to begin, for so long."""
_GOING = ".pruned-"
_DAILY_S = 86400.0
_IN_USE_S = 3600.0
_DAILY = "pruned"


@dataclass(frozen=True, slots=True)
class Limits:
    """What is kept; a record goes when one of them says so."""

    older_than_s: float = math.inf
    keep: int | None = None
    """So many of a repository, the newest; None: however many."""
    max_bytes: float = math.inf
    """What the records of a repository may take together."""
    drafts_too: bool = False
    """Also those whose draft waits for a person."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is there of a run."""

    folder: folders.RunFolder
    size_bytes: int
    at: float
    """Unix time of its last event."""
    needed: str = ""
    """Why it is kept whatever its age; empty when nothing speaks for it."""
    has_draft: bool = False
    """Its draft waits for a person."""
    loaded_skills: bool = False
    """`skills usage` knows it from its journal."""


def look_at(repository: Path) -> Iterator[Record]:
    """The records in the state folder of a repository, oldest first."""
    for folder in folders.of(repository):
        with suppress(FileNotFoundError):  # somebody else prunes, too
            yield _look(folder)


def _look(folder: folders.RunFolder) -> Record:
    size_bytes = _size(folder.path)
    at = folder.path.stat().st_mtime
    if not folders.has_begun(folder):
        return Record(folder, size_bytes, at, "" if time.time() - at > UNBEGUN_FOR_S else "it is about to begin")
    if folders.at_work(folder):
        return Record(folder, size_bytes, at, "it is at work")
    try:
        state = fold(journal.read(folder.journal))
    except RunError:
        return Record(folder, size_bytes, at, "its journal cannot be read")
    needed = "it can be resumed" if state.can_go_on and _worktree_is_there(state) else ""
    return Record(folder, size_bytes, state.last_at, needed, state.waits_for_review, bool(state.loaded))


def _worktree_is_there(state: RunState) -> bool:
    """One of the run's own can be made again where it was begun."""
    return Path(state.task.home or state.task.worktree).is_dir()


def _size(folder: Path) -> int:
    """What the files take, links not followed."""
    total = 0
    for place, _folders, files in os.walk(folder):
        for name in files:
            with suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118 - thousands of them
    return total


def choose(found: Sequence[Record], limits: Limits, now: float) -> list[Record]:
    """The records that are to go.

    Args:
        found: all of a repository, oldest first.
        limits: what is kept.
        now: the Unix time.
    """
    free = [record for record in found if not record.needed and (limits.drafts_too or not record.has_draft)]
    kept = len(found)
    total = sum(record.size_bytes for record in found)
    going = []
    for record in free:
        is_old = now - record.at >= limits.older_than_s
        if is_old or (limits.keep is not None and kept > limits.keep) or total > limits.max_bytes:
            going.append(record)
            kept -= 1
            total -= record.size_bytes
    return going


def remove(record: Record, repo: Repo | None) -> bool:
    """Take a record away, and the run's snapshots.

    Args:
        record: what was chosen.
        repo: the repository of the run; None when it is gone.

    Returns:
        Whether it was; not when somebody has begun to work on it meanwhile, or has removed it.

    Raises:
        OSError: the folder cannot be removed.
        RepoError: the snapshots cannot be.
    """
    with _held(record.folder) as free:
        if not free:
            return False
        if repo:
            repo.drop_snapshots(record.folder.run)
        going = record.folder.path.with_name(_GOING + record.folder.run)
        try:
            record.folder.path.rename(going)
        except FileNotFoundError:  # somebody else has removed it
            return False
    shutil.rmtree(going)
    return True


@contextmanager
def _held(folder: folders.RunFolder) -> Iterator[bool]:
    """Hold a run's journal, so that nobody resumes it meanwhile; False when somebody else has it."""
    try:
        fd = os.open(folder.journal, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:  # it began nothing
        yield True
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(fd)


def sweep(repository: Path) -> None:
    """Take away what an earlier pruning was killed over, and what fingerprints have gathered: they are made anew."""
    for path in repository.glob(f"{_GOING}*"):
        shutil.rmtree(path, ignore_errors=True)
    for path in folders.fingerprint_folders(repository):
        is_used = _is_younger(path, _IN_USE_S)  # git's lock on the index is made in it
        if not is_used and not _is_younger(path / "index.excludes", _DAILY_S):
            shutil.rmtree(path, ignore_errors=True)


def orphans(repo: Repo, repository: Path, older_than_s: float) -> list[str]:
    """The runs that have snapshots in a repository and no record; only of runs that began so long ago.

    A young one may be of somebody who shares the repository and keeps records elsewhere.
    """
    known = {folder.run for folder in folders.of(repository)}
    old = [run for run in repo.snapshotted_runs() if folders.is_run(run) and run not in known]
    return [run for run in old if time.time() - folders.began_at(run) >= older_than_s]


def repository_of(repository: Path) -> Repo | None:
    """The repository that a state folder belongs to, by what its runs say; None when it is gone."""
    began = map(folders.started, folders.of(repository))
    places = dict.fromkeys(event.job.home or event.job.worktree for event in began if event)
    for place in filter(os.path.isdir, places):
        with suppress(RepoError, OSError):
            repo = Repo.open(Path(place))
            if folders.repository_folder(repo.common_dir) == repository:
                return repo
    return None


def remove_rest(repository: Path) -> bool:
    """Take away the state folder of a repository that is gone, once no run of it is left."""
    if folders.of(repository):
        return False
    shutil.rmtree(repository, ignore_errors=True)
    return True


def prune_daily(repo: Repo, limits: Limits, deadline_s: float, clock: Callable[[], float] = time.monotonic) -> int:
    """What is done unasked when a run begins: once a day, and for so long at most.

    Returns:
        How many records were removed.

    Raises:
        OSError, RepoError: one cannot be removed.
    """
    repository = folders.repository_folder(repo.common_dir)
    stamp = repository / _DAILY
    if math.isinf(limits.older_than_s) or not repository.is_dir() or _is_younger(stamp, _DAILY_S):
        return 0
    stamp.touch()
    began = clock()
    ends_at = began + deadline_s
    sweep(repository)
    found = []
    for record in look_at(repository):
        found.append(record)
        if clock() >= began + deadline_s / 2:
            break  # the oldest were looked at first
    removed = 0
    for record in choose(found, limits, time.time()):
        if clock() >= ends_at:
            break
        removed += remove(record, repo)
    return removed


def _is_younger(path: Path, age_s: float) -> bool:
    try:
        return time.time() - path.stat().st_mtime < age_s
    except FileNotFoundError:
        return False
