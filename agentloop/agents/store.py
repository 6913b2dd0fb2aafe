"""Reading an agent's own store of sessions: which of them worked in a folder, and what they did there.

Stores are the agents' own, change with them and hold what agents were told by strangers: a file that cannot be read,
is of another format or leads out of the store is passed over, and what is read of one is bounded.
"""

import json
import math
import os
import stat
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from agentloop.agents import database
from agentloop.agents.expressions import compiled
from agentloop.agents.spec import Adapter
from agentloop.agents.store_spec import Store
from agentloop.agents.stream import MAX_LINE_BYTES, StreamReader
from agentloop.agents.stream_spec import Stream
from agentloop.events import Event, SessionOpened, SkillLoaded, ToolCalled, ToolEnded
from agentloop.state.calls import MAX_CALLS
from agentloop.text.quoting import one_line

_MAX_FILES = 2000
_HEAD_LINES = 60
_MAX_HEAD_BYTES = 4 * 1024 * 1024
_MAX_ABOUT_BYTES = 1024 * 1024
_MAX_BYTES = 512 * 1024 * 1024
_MAX_NAME_CHARS = 200
_MILLISECONDS = 1e11
"""A Unix time beyond this is in milliseconds."""


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as its agent kept it."""

    agent: str
    session: str
    cwd: Path
    """The folder that it works in, as the agent names it."""
    began: float | None
    """Unix time of its first line; None when that is unknown."""
    changed: float
    """Unix time of its last change."""
    file: Path


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a session did."""

    events: tuple[Event, ...]
    """The calls of its tools with their ends, and the skills that it loaded: the newest ones."""
    reader: StreamReader
    """Has read all of it."""


def folder(store: Store) -> Path:
    """Where the store lies on this machine."""
    return Path(os.environ.get(store.root_variable, "") or store.root).expanduser()


def stored_sessions(adapter: Adapter, root: Path, since: float = 0.0) -> Iterator[StoredSession]:
    """The sessions that an agent kept of work in a working tree, newest first; none where it keeps none.

    What lies in the tree and is another repository or another working tree does not count.

    Args:
        adapter: the agent.
        root: the top of the working tree.
        since: Unix time of the oldest change that counts.
    """
    top = root.resolve()
    for found in _all(adapter, since):
        if _works_in(found.cwd, top):
            yield found


def newest_session(adapter: Adapter, cwd: Path, since: float) -> str | None:
    """The session of that very folder that changed last; None when none has changed since."""
    place = cwd.resolve()
    return next((found.session for found in _all(adapter, since) if _resolved(found.cwd) == place), None)


def count(adapter: Adapter) -> int:
    """How many sessions the store holds, whatever they worked on."""
    return sum(1 for _found in _all(adapter, 0.0))


def transcript(adapter: Adapter, session: StoredSession, since: float = 0.0) -> Transcript:
    """Read what a session did.

    Args:
        adapter: its agent.
        session: the session.
        since: Unix time; what is known to be older is left out.
    """
    store = _store_of(adapter)
    events: deque[Event] = deque(maxlen=2 * MAX_CALLS)
    seen: set[str] = set()

    def take(event: Event) -> None:
        match event:
            case SessionOpened():
                return
            case ToolCalled(call=call) | ToolEnded(call=call) if call:
                key = f"{event.type} {call}"  # a line that was written again tells nothing new
                if key in seen:
                    return
                seen.add(key)
        events.append(event)

    reader = StreamReader(Stream(format="jsonl", usage=_totals(adapter), paths=store.paths), take)
    time_of = _finder(store.time)
    for line, written in _lines(store, session):
        at = (written or _unix(time_of(_document(line)))) if since else None
        if at is None or at >= since:
            reader.feed(line)
    reader.close()
    return Transcript(tuple(events), reader)


def loaded_skills(adapter: Adapter, session: StoredSession) -> tuple[str, ...]:
    """The skills that a session loaded, in order."""
    store = _store_of(adapter)
    names: list[str] = []
    reader = StreamReader(
        Stream(format="jsonl", paths=store.paths),
        lambda event: names.append(event.name) if isinstance(event, SkillLoaded) else None,
    )
    for line, _written in _lines(store, session):
        if b"skill" in line.lower():
            reader.feed(line)
    reader.close()
    return tuple(names)


def documents(adapter: Adapter, session: StoredSession) -> Iterator[tuple[Any, float | None]]:
    """The lines of a session as JSON, each with the Unix time at which it was written, where that is known."""
    store = _store_of(adapter)
    time_of = _finder(store.time)
    for line, written in _lines(store, session):
        document = _document(line)
        yield document, written or _unix(time_of(document))


def _totals(adapter: Adapter) -> Any:
    """Only what is the session's total can be known of a transcript."""
    return "session" if adapter.stream.usage == "session" else "turn"


def _store_of(adapter: Adapter) -> Store:
    if adapter.store is None:
        raise ValueError(f"{adapter.name} has no store")
    return adapter.store


def _works_in(cwd: Path, root: Path) -> bool:
    """The folder lies in the working tree, and in none within it."""
    place = _resolved(cwd)
    if place is None or not place.is_relative_to(root):
        return False
    between = [place, *place.parents][: len(place.parts) - len(root.parts)]
    try:
        return not any((each / ".git").exists() for each in between)
    except OSError:  # its name is too long, or nobody may look into it
        return False


def _resolved(cwd: Path) -> Path | None:
    """The folder without links; None for a loop of them, and for what cannot be a name."""
    try:
        return cwd.resolve()
    except (OSError, RuntimeError, ValueError):
        return None


def _all(adapter: Adapter, since: float) -> Iterator[StoredSession]:
    store = adapter.store
    if store is None:
        return
    for changed, path in _files(store):
        if changed < since and not store.sessions:
            return  # they come newest first
        with suppress(OSError):
            yield from (
                _in_database(adapter.name, store, path, since)
                if store.sessions
                else _in_file(adapter.name, store, path, changed)
            )


def _files(store: Store) -> list[tuple[float, Path]]:
    """The store's files by their last change, newest first; whatever leads out of the store is none of them."""
    top = folder(store)
    real = top.resolve()
    found = []
    for path in top.glob(store.files):
        with suppress(OSError, RuntimeError):  # gone meanwhile, or a loop of links
            status = path.stat()
            if stat.S_ISREG(status.st_mode) and path.resolve().is_relative_to(real):
                found.append((status.st_mtime, path))
    return sorted(found, reverse=True)[:_MAX_FILES]


def _in_file(agent: str, store: Store, path: Path, changed: float) -> Iterator[StoredSession]:
    wanted = {key: _finder(getattr(store, key)) for key in ("session", "cwd", "time") if getattr(store, key)}
    found: dict[str, Any] = {}
    for document in _heads(store, path):
        for key in [key for key in wanted if key not in found]:
            value = wanted[key](document)
            if _is_fit(key, value):
                found[key] = value
        if len(found) == len(wanted):
            break
    name = one_line(str(found.get("session") or path.stem), _MAX_NAME_CHARS)
    if "cwd" in found and not name.startswith("-"):
        yield StoredSession(agent, name, Path(found["cwd"]), _unix(found.get("time")), changed, path)


def _is_fit(key: str, value: Any) -> bool:
    match key:
        case "time":
            return _unix(value) is not None
        case "cwd":
            return isinstance(value, str) and value.startswith("/") and "\0" not in value
        case _:
            return isinstance(value, str | int) and not isinstance(value, bool) and bool(value)


def _heads(store: Store, path: Path) -> Iterator[Any]:
    """The documents in which a session says what it is."""
    if store.about:
        about = (path.parent / store.about).resolve()
        with suppress(OSError):
            if about.is_file() and about.is_relative_to(folder(store).resolve()):
                yield _document(_beginning(about), text=True)
    left = _MAX_HEAD_BYTES
    with path.open("rb") as file:
        for _number in range(_HEAD_LINES):
            line = file.readline(left)
            left -= len(line)
            if not line or left <= 0:
                return
            yield _document(line)


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MAX_ABOUT_BYTES)


def _in_database(agent: str, store: Store, path: Path, since: float) -> Iterator[StoredSession]:
    for row in database.rows(path, store.sessions, max_rows=_MAX_FILES):
        name, cwd = row.get("session"), row.get("cwd")
        changed = _unix(row.get("changed"))
        if not (_is_fit("session", name) and _is_fit("cwd", cwd)) or str(name).startswith("-") or changed is None:
            continue
        if changed >= since:
            yield StoredSession(
                agent, one_line(str(name), _MAX_NAME_CHARS), Path(str(cwd)), _unix(row.get("began")), changed, path
            )


def _lines(store: Store, session: StoredSession) -> Iterator[tuple[bytes, float | None]]:
    """The session's lines, each with its end, and their times where the store itself says them."""
    if store.sessions:
        for row in database.rows(session.file, store.lines, max_bytes=_MAX_BYTES, session=session.session):
            line, *times = row.values()
            text = line if isinstance(line, bytes) else str(line).encode("utf-8", "replace")
            yield text.replace(b"\n", b" ") + b"\n", _unix(times[0]) if times else None
        return
    with suppress(OSError), session.file.open("rb") as file:
        left = _MAX_BYTES
        while left > 0 and (line := file.readline(MAX_LINE_BYTES)):
            left -= len(line)
            yield line, None


def _finder(expression: str) -> Callable[[Any], Any]:
    """A search by an expression; an empty one finds nothing."""
    return compiled(expression) if expression else lambda _document: None


def _document(content: bytes, *, text: bool = False) -> Any:
    """JSON; where a text will do, what is none is one."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return content.decode("utf-8", errors="replace").strip() if text else None


def _unix(value: Any) -> float | None:
    """A time as Unix time in seconds; None for what is none."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value).timestamp()
        except (ValueError, OverflowError, OSError):
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        at = float(value)
    except OverflowError:
        return None
    if not math.isfinite(at) or at <= 0:
        return None
    return at / 1000 if at > _MILLISECONDS else at
