"""The queue: a job for each range of commits that was pushed, to be asked about when there is time.

A job is a file of its own in the repository's state folder; when it is done it goes to `done`, where it keeps the same
range from being queued again. Whoever works on a job holds a lock that the kernel lets go of with them. The pre-push
hook writes it: nothing but the standard library is imported.
"""

import fcntl
import json
import os
import re
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

_FOLDER = "queue"
_DONE = "done"
_LOCK = "lock"
_TOLD = "told"
_MAX_DONE = 1000
_MAX_BYTES = 4 * 1024 * 1024
_MAX_NUMBER = 1e11
_UNFINISHED_S = 3600.0
_RETRY_S = 3600.0
_DROPPED = "dropped"
_ID = re.compile(r"[0-9a-f]{12}\Z")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """The sessions behind a pushed range of commits are to be asked for what they learned."""

    root: str
    """The working tree that was pushed from."""
    ref: str
    """The branch on the other side, by its full name."""
    remote: str
    base: str
    """What the remote had there; empty for nothing."""
    tip: str
    """The pushed commit."""
    known: Sequence[str]
    """The commits that the remote had already and that the new ones follow."""
    queued: float
    """Unix time in seconds."""
    tries: int = 0
    outcome: str = ""
    """What it came to, or why not yet."""
    at: float = 0.0
    """Unix time of the outcome."""
    runs: Mapping[str, str] = field(default_factory=dict)
    """By the id of a session, the run that asks it."""

    @property
    def id(self) -> str:
        """The same for the same range of the same working tree, wherever it is pushed to."""
        return sha256("\0".join((self.root, self.base, self.tip)).encode("utf-8", "surrogateescape")).hexdigest()[:12]

    def is_due(self, now: float) -> bool:
        """It was not tried within the last hour; what keeps it waiting has had time to end."""
        return abs(now - self.at) >= _RETRY_S


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue of a repository.

    Args:
        folder: the state folder of the repository.
    """

    folder: Path

    @property
    def place(self) -> Path:
        """Where the jobs lie."""
        return self.folder / _FOLDER

    @property
    def log(self) -> Path:
        """What a worker of its own printed last."""
        return self.place / "worker.log"

    def has(self, job: QueuedJob) -> bool:
        """The job waits already, or was done before."""
        return any(_read(place / f"{job.id}.json") for place in (self.place, self.place / _DONE))

    def keep(self, job: QueuedJob) -> None:
        """Queue a job, or write it as it stands now.

        Raises:
            OSError: the disk does not take it.
        """
        _write(self.place, job)

    def waiting(self) -> list[QueuedJob]:
        """The jobs that are to be done, oldest first."""
        return [job for job in _read_all(self.place) if not self._is_done(job)]

    def done(self) -> list[QueuedJob]:
        """The newest of those that are done, oldest first."""
        return sorted(_read_all(self.place / _DONE), key=lambda job: job.at)

    def news(self) -> list[str]:
        """What came of jobs since this was asked last, by whomever they were done; but for those that were dropped."""
        stamp = self.place / _TOLD
        told_ns = stamp.stat().st_mtime_ns if stamp.exists() else 0
        new = [job for job in self.done() if _ns(job.at) > told_ns]
        if new:
            with suppress(OSError):  # it is told once more, then
                stamp.touch()
                os.utime(stamp, ns=(_ns(new[-1].at),) * 2)
        return [job.outcome for job in new if job.outcome != _DROPPED]

    def finish(self, job: QueuedJob, outcome: str, at: float) -> None:
        """Have done with a job.

        Args:
            job: which.
            outcome: what it came to, for people.
            at: Unix time in seconds.

        Raises:
            OSError: the disk does not take it.
        """
        _write(self.place / _DONE, replace(job, outcome=outcome, at=at))
        (self.place / f"{job.id}.json").unlink(missing_ok=True)
        for old in self.done()[:-_MAX_DONE]:
            (self.place / _DONE / f"{old.id}.json").unlink(missing_ok=True)

    def drop(self, job: QueuedJob, at: float) -> None:
        """Have done with a job without doing it; see `finish`."""
        self.finish(job, _DROPPED, at)

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Hold the queue to work on it; False when somebody else does.

        Raises:
            OSError: the disk does not take it.
        """
        self.place.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.place / _LOCK).open("a+") as file:
            if not _locked(file):
                yield False
                return
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            self._tidy()
            yield True

    def worker(self) -> int | None:
        """The process that works on the queue now; None when nobody does."""
        with suppress(OSError, ValueError), (self.place / _LOCK).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read())
        return None

    def _is_done(self, job: QueuedJob) -> bool:
        """Somebody may have been killed before it was taken out of those that wait."""
        return _read(self.place / _DONE / f"{job.id}.json") is not None

    def _tidy(self) -> None:
        """Remove what was left by those who were killed."""
        for job in filter(self._is_done, _read_all(self.place)):
            (self.place / f"{job.id}.json").unlink(missing_ok=True)
        for path in (*self.place.glob(".*"), *(self.place / _DONE).glob(".*")):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _UNFINISHED_S:
                    path.unlink()


def _locked(file: IO[str]) -> bool:
    """Lock a file; whoever only asks for its worker has it locked for an instant, too."""
    for wait_s in (0.05, 0.2, 0.0):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(wait_s)
        else:
            return True
    return False


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)


def _write(place: Path, job: QueuedJob) -> None:
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = place / f".{job.id}.{os.getpid()}"
    try:
        unfinished.write_text(json.dumps(asdict(job)), encoding="utf-8")
        unfinished.replace(place / f"{job.id}.json")
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def _read_all(place: Path) -> list[QueuedJob]:
    try:
        names = [name for name in os.listdir(place) if name.endswith(".json") and _ID.match(name[:-5])]
    except OSError:
        return []
    found = [job for job in (_read(place / name) for name in names) if job]
    return sorted(found, key=lambda job: (job.queued, job.id))


def _read(path: Path) -> QueuedJob | None:
    """A job, also of another version of agentloop; None when the file is gone, torn, or none of ours."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_BYTES:
            return None
        content: Any = json.loads(path.read_bytes())
        job = QueuedJob(**{one.name: content[one.name] for one in fields(QueuedJob) if one.name in content})
        return replace(job, known=tuple(job.known)) if _is_sound(job) and job.id == path.stem else None
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return None


def _is_sound(job: QueuedJob) -> bool:
    return (
        all(isinstance(text, str) for text in (job.root, job.ref, job.remote, job.outcome, *job.runs.values()))
        and all(_COMMIT.match(commit) for commit in (job.tip, *job.known, *([job.base] if job.base else [])))
        and all(0 <= number < _MAX_NUMBER for number in (job.queued, job.at, job.tries))
    )
