"""The agent's memory across turns: one JSON file a session, written after every hypothesis.

It lies in `${XDG_STATE_HOME:-~/.local/state}/agentloop/offline/ID.json`, outside of the repository.
"""

import base64
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from agentloop.errors import UsageError
from agentloop.offline import sources

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_NS = 1_000_000_000


@dataclass(slots=True)
class Hypothesis:
    """An edit that was tried: what and where it was, and whether it helped."""

    operator: str
    path: str
    line: int
    function: str
    old: str
    new: str
    statement: str
    turn: int
    failing: int | None = None
    """How many tests failed with it; None when it made nothing better."""
    kept: bool = False


@dataclass(slots=True)
class Session:
    """Everything that a later turn needs to know."""

    id: str
    file: Path
    turns: int = 0
    checks: list[str] = field(default_factory=list)
    tried: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By the candidate's key, in the order in which they were tried."""
    symptoms: list[str] = field(default_factory=list)
    """The last lines of the failures seen first."""
    tests: list[str] = field(default_factory=list)
    """The tests that failed first."""
    skills: list[str] = field(default_factory=list)
    """The skills that fitted."""
    solved: bool = False
    pending: list[dict[str, Any]] = field(default_factory=list)
    """Files that are not as they should be, when the program was killed in the middle."""
    context: list[str] = field(default_factory=list)
    """The keys of the edits that were kept: an edit on top of them is another one than without them."""
    partial: dict[str, str] | None = None
    """The last edit that was kept, so that another can take its place: path, the file before, its digest after."""

    def save(self) -> None:
        """Write the session in one step."""
        record = asdict(self)
        del record["file"]
        self.file.parent.mkdir(parents=True, exist_ok=True)
        staged = self.file.with_suffix(f".{os.getpid()}.tmp")
        staged.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
        staged.replace(self.file)

    def hypotheses(self) -> list[Hypothesis]:
        """What was tried, in order."""
        return [Hypothesis(**record) for record in self.tried.values()]

    def note(self, key: str, hypothesis: Hypothesis) -> None:
        """Remember an edit that was tried."""
        self.tried[key] = asdict(hypothesis)

    @contextmanager
    def trying(self, root: Path, files: Mapping[str, bytes]) -> Iterator[None]:
        """Let files have another content for a while; put them back whatever happens.

        The record of it is on disk before a file changes, so that the next start can put it back after a kill.
        """
        self.pending = [_pending(root, path, content) for path, content in files.items()]
        self.save()
        try:
            for record in self.pending:
                # No trial shares its second with another version of the file: see sources.replace.
                mtime_ns = record["mtime_ns"] - (len(self.tried) + 2) * _NS
                sources.replace(root / record["path"], files[record["path"]], mtime_ns)
            yield
        finally:
            for record in self.pending:
                _put_back(root, record)
            self.pending = []

    def keep(self, root: Path, path: str, files: Mapping[str, bytes], key: str, *, instead: bool) -> None:
        """Write an edit of `path` that stays.

        With `instead` it stands in place of the last edit that was kept; `files` then holds what it takes back, too.
        """
        before = {name: (root / name).read_bytes() for name in files}
        if instead and self.partial:
            before[self.partial["path"]] = base64.b64decode(self.partial["before"])
            self.tried[self.context.pop()]["kept"] = False
        for name, content in files.items():
            target = root / name
            sources.replace(target, content, max(time.time_ns(), target.stat().st_mtime_ns + _NS))
        self.tried[key]["kept"] = True
        self.context.append(key)
        self.partial = {
            "path": path,
            "before": base64.b64encode(before[path]).decode(),
            "after": hashlib.sha256(files[path]).hexdigest(),
        }
        self.save()

    def recover(self, root: Path) -> list[str]:
        """Put back what a killed turn left behind.

        Returns:
            The paths of the files that were put back; a file that somebody changed since is left alone.
        """
        pending, self.pending = self.pending, []
        put_back = []
        for record in pending:
            target = root / record["path"]
            sources.staging_path(target).unlink(missing_ok=True)
            if target.is_file() and hashlib.sha256(target.read_bytes()).hexdigest() == record["trial"]:
                _put_back(root, record)
                put_back.append(str(record["path"]))
        if pending:
            self.save()
        return put_back


def _pending(root: Path, path: str, content: bytes) -> dict[str, Any]:
    target = root / path
    return {
        "path": path,
        "original": base64.b64encode(target.read_bytes()).decode(),
        "mtime_ns": target.stat().st_mtime_ns,
        "trial": hashlib.sha256(content).hexdigest(),
    }


def _put_back(root: Path, record: dict[str, Any]) -> None:
    sources.replace(root / record["path"], base64.b64decode(record["original"]), record["mtime_ns"])


def _file_of(session: str) -> Path:
    if not _ID.fullmatch(session):
        raise UsageError(f"malformed session id: {session!r}", hint="use letters, digits, dots, dashes and underscores")
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "agentloop" / "offline" / f"{session}.json"


def open_session(session: str, *, resume: bool) -> Session:
    """Open a session by its id; start it when it does not exist and is not to be resumed.

    Raises:
        UsageError: the id is malformed, or there is no such session to resume.
    """
    file = _file_of(session)
    if not file.exists():
        if resume:
            raise UsageError(f"there is no session {session!r}", hint="start one with --session")
        return Session(session, file)
    try:
        return Session(file=file, **json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise UsageError(f"session {session} cannot be read: {error}", hint="start a new one") from error
