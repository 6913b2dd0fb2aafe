"""The journal: an append-only JSONL file of a run's events.

One `os.write` an event, and `fdatasync` for all that a resume depends on, lose nothing to kill -9;
a torn last line (a crash of the machine, a full disk) is dropped when the journal is opened again.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tenacity
from pydantic import ValidationError

from agentloop import events as ev
from agentloop.errors import RunError
from agentloop.records.folders import RunFolder, at_work, runs
from agentloop.state import RunState
from agentloop.state.fold import fold
from agentloop.text.quoting import writable
from agentloop.text.redact import redact

# A snapshot that a power cut takes back is taken again; the check after it is synced.
_UNSYNCED = (ev.ToolCalled, ev.ToolEnded, ev.SkillLoaded, ev.AgentWaited, ev.CheckStarted, ev.Snapshotted)


def find_unfinished(common_dir: Path, root: Path) -> RunFolder:
    """The newest run of a working tree that has not ended, or of one of its own that nobody works on.

    Raises:
        RunError: there is none.
    """
    for folder in reversed(runs(common_dir)):
        try:
            state = fold(read(folder.journal))
        except RunError:  # `status --all` names it
            continue
        of_its_own = state.task.own_worktree and not at_work(folder)
        if state.can_go_on and (of_its_own or Path(state.task.worktree) == root):
            return folder
    raise RunError(f"no run of {root} is to be resumed", hint="agentloop status --all lists the runs")


class Journal:
    """The open journal of a run: a single writer that stamps each event with `seq` and `at`.

    Raises:
        RunError: another process has the journal open.
    """

    def __init__(self, folder: RunFolder, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._path = folder.journal
        self._fd = os.open(folder.journal, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            self._lock()
            self.state = RunState()
            self._seq = 0
            self._end = 0
            for event in self._repair(folder.journal):
                self.state = fold([event], self.state)
                self._seq = event.seq + 1
        except BlockingIOError as error:
            self.close()
            raise RunError(f"run {folder.run} is being worked on by another process") from error
        except RunError:
            self.close()
            raise

    @tenacity.retry(stop=tenacity.stop_after_attempt(5), wait=tenacity.wait_fixed(0.02), reraise=True)
    def _lock(self) -> None:
        """Become the single writer; whoever only looks (`at_work`) holds the lock for a moment."""
        fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def append(self, event: ev.Event) -> ev.Event:
        """Stamp and write an event, and fold it into `state`.

        Raises:
            RunError: the disk does not take it, or somebody else has written to the journal.
        """
        self._refuse_strangers()
        stamped = _clean(event).model_copy(update={"seq": self._seq, "at": self._clock()})
        line = stamped.model_dump_json(exclude_defaults=False).encode() + b"\n"
        try:
            written = os.write(self._fd, line)
            if written != len(line):
                raise OSError(28, "No space left on device")
            if not isinstance(event, _UNSYNCED):
                os.fdatasync(self._fd)
        except OSError as error:
            then = "then: agentloop resume" if self._seq else "or set XDG_STATE_HOME to a folder on another"
            raise RunError(
                f"the journal {self._path} cannot be written: {error.strerror}",
                hint=f"make room on the disk, {then}",
            ) from error
        self._end += len(line)
        self._seq += 1
        self.state = fold([stamped], self.state)
        return stamped

    def _refuse_strangers(self) -> None:
        """An agent that can write here may add events of its own, or take away all of them."""
        found = os.fstat(self._fd)
        if not found.st_nlink:
            raise RunError(f"the journal {self._path} is not there any more", hint="start another run")
        if found.st_size != self._end:
            raise RunError(
                f"somebody else has written to the journal {self._path}, which was {self._end} bytes long",
                hint="it was left as it is; keep the agent from agentloop's state folder",
            )

    def close(self) -> None:
        """Close the file and let go of its lock."""
        os.close(self._fd)

    def _repair(self, path: Path) -> Iterator[ev.Event]:
        good = 0
        for event, end in _events(path):
            good = end
            yield event
        self._end = good
        if good != os.fstat(self._fd).st_size:
            os.ftruncate(self._fd, good)
            os.fsync(self._fd)


def read(path: Path) -> list[ev.Event]:
    """Read a journal's events, without a torn tail; safe while another process writes.

    Raises:
        RunError: it is damaged, or of another version of agentloop.
    """
    events = [event for event, _end in _events(path)]
    if not events or not isinstance(events[0], ev.RunStarted):
        raise RunError(f"the journal {path} does not say how its run began", hint="it is damaged; it was left as it is")
    return events


def holds(folder: RunFolder, kind: type[ev.Event]) -> bool:
    """A run's journal may hold an event of a kind: found in its bytes, since a thousand journals are slow to parse."""
    name = kind.model_fields["type"].default
    return f'"type":"{name}"'.encode() in folder.journal.read_bytes()


def follow(path: Path, seen: int = 0) -> tuple[list[ev.Event], int]:
    """Read the events behind byte `seen`; returns them and where they end.

    Raises:
        RunError: as `read`.
    """
    found = list(_events(path, seen))
    return [event for event, _end in found], found[-1][1] if found else seen


def _events(path: Path, start: int = 0) -> Iterator[tuple[ev.Event, int]]:
    """The events and where each ends; a last line that is torn or no JSON is left out, any other is a later event."""
    end, last = start, -1
    with path.open("rb") as file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                return
            try:
                event = ev.parse(line)
            except ValidationError as error:
                if error.errors()[0]["type"] == "json_invalid" and not file.peek(1):
                    return
                raise RunError(
                    f"the journal {path} cannot be read at byte {end}: {error.errors()[0]['msg']}",
                    hint="it is damaged, or was written by another version of agentloop; it was left as it is",
                ) from error
            if event.seq <= last:
                raise RunError(
                    f"the journal {path} cannot be read at byte {end}: event {event.seq} follows event {last}",
                    hint="somebody else has written to it; it was left as it is",
                )
            end, last = end + len(line), event.seq
            yield event, end


def _clean(event: ev.Event) -> ev.Event:
    """The event without secrets and without what UTF-8 cannot hold; the agent's command line is needed as it is."""
    content = event.model_dump()
    kept = {key: content["job"][key] for key in ("program", "resume_with")} if isinstance(event, ev.RunStarted) else {}
    content = _cleaned(content)
    if kept:
        content["job"].update(kept)
    return type(event).model_validate(content)


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return redact(writable(value))
        case list() | tuple():
            return [_cleaned(item) for item in value]
        case dict():
            return {key: _cleaned(item) for key, item in value.items()}
        case _:
            return value
