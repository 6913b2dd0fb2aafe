"""Reading an agent's own store of sessions: which of them worked in a folder, and which skills they loaded."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jmespath
from jmespath.exceptions import JMESPathError

from agentloop.agents.spec import Adapter
from agentloop.agents.stream import MAX_LINE_BYTES, StreamReader
from agentloop.agents.stream_spec import Store, Stream
from agentloop.events import Event, SkillLoaded

_MAX_FILES = 2000
_HEAD_LINES = 60
_SPEAKS_OF_SKILLS = re.compile(rb"skill", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as its agent kept it."""

    agent: str
    session: str
    at: float
    """Unix time of the last change."""
    skills: tuple[str, ...]
    """The skills that it loaded, in order."""


def stored_sessions(adapter: Adapter, root: Path) -> Iterator[StoredSession]:
    """The sessions that an agent kept of work in a folder or below it, newest first; none where it keeps none.

    A file that cannot be read, or that is of another format, is passed over: stores are the agents' own and change.

    Args:
        adapter: the agent.
        root: the top of a working tree.
    """
    if adapter.store is None:
        return
    for at, path in _newest(adapter.store):
        try:
            found = _read(adapter.store, path, root)
        except OSError:
            continue
        if found:
            session, skills = found
            yield StoredSession(adapter.name, session or path.stem, at, skills)


def _newest(store: Store) -> list[tuple[float, Path]]:
    folder = Path(os.environ.get(store.root_variable, "") or store.root).expanduser()
    found = []
    for path in folder.glob(store.files):
        try:
            found.append((path.stat().st_mtime, path))
        except OSError:
            continue  # gone meanwhile
    return sorted(found, reverse=True)[:_MAX_FILES]


def _read(store: Store, path: Path, root: Path) -> tuple[str, tuple[str, ...]] | None:
    """The session's name and the skills that it loaded; None for one that worked elsewhere."""
    events: list[Event] = []
    reader = StreamReader(Stream(format="jsonl", paths=store.paths), events.append)
    cwd = jmespath.compile(store.cwd)
    is_here = False
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES), b"")):
            if number < _HEAD_LINES and not is_here:
                place = _place(cwd, line)
                if place and not Path(place).is_relative_to(root):
                    return None
                is_here = bool(place)
            if number < _HEAD_LINES or _SPEAKS_OF_SKILLS.search(line):
                reader.feed(line)
    reader.close()
    skills = tuple(event.name for event in events if isinstance(event, SkillLoaded))
    return (reader.session or "", skills) if is_here else None


def _place(expression: jmespath.parser.ParsedResult, line: bytes) -> str:
    try:
        place = expression.search(json.loads(line))
    except (ValueError, RecursionError, JMESPathError):
        return ""
    return place if isinstance(place, str) else ""
