"""What a session left in a repository, by its transcript: the commits that it made, and the files that it spoke of."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from agentloop.agents import store
from agentloop.agents.expressions import compiled
from agentloop.agents.spec import Adapter
from agentloop.agents.store import StoredSession
from agentloop.agents.stream import as_text, records

_VALUE = r"""(?:"[^"\n]*"|'[^'\n]*'|[^\s"'|;&])+"""
_COMMITS = re.compile(rf"""\bgit(?:(?:\s+-(?:[cC]\s+|(?![cC]\s)){_VALUE})*\s+|",\s*")commit(?![\w.:/-])""")
"""`git commit`, with git's own options in between, or as a list of words; not `git commit-tree` and `HEAD^{commit}`."""
_REPORTED = re.compile(r"\[[^\]\n]{1,300}\s([0-9a-f]{7,64})\]")
"""`[main 1a2b3c4] Mend the limit`, as `git commit` says it."""
_ID = re.compile(r"\b[0-9a-f]{7,64}\b")
_MAX_IDS = 50
_MAX_CALL_CHARS = 20_000
_MAX_OUTPUT_CHARS = 20_000
_MAX_SAID_CHARS = 4_000_000
_MAX_COMMITS = 1000


@dataclass(slots=True)
class CommitCall:
    """A command that called `git commit`, and did not fail as far as is known."""

    command: str
    at: float | None
    """Unix time at which it was written down; None when that is unknown."""
    ids: tuple[str, ...] = ()
    """The ids of commits that it printed, as long as git printed them."""


@dataclass(slots=True)
class Trace:
    """What a transcript tells."""

    commits: list[CommitCall] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """What its tools were called with, the beginning of each."""

    def mentions(self, path: str) -> bool:
        """A tool was called with that path, relative to the repository's root."""
        name = re.compile(rf"(?<![\w.-]){re.escape(path)}(?![\w-]|\.\w)")
        return any(name.search(text) for text in self.said if path in text)


def trace(adapter: Adapter, session: StoredSession) -> Trace:
    """Read a transcript for what the session left in its repository.

    Args:
        adapter: the session's agent; of one that does not say where its calls stand, nothing is known.
        session: the session.
    """
    paths = adapter.store.paths if adapter.store else None
    if paths is None or not paths.tools:
        return Trace()
    tools, results = compiled(paths.tools), compiled(paths.results) if paths.results else _nothing
    reading = _Reading()
    for document, at in store.documents(adapter, session):
        for call in _found(tools, document):
            reading.call(call, at)
        for result in _found(results, document):
            reading.end(result)
    return reading.trace


@dataclass(slots=True)
class _Reading:
    """A transcript being read."""

    trace: Trace = field(default_factory=Trace)
    _open: dict[str, CommitCall] = field(default_factory=dict)
    _chars: int = 0

    def call(self, call: dict[str, Any], at: float | None) -> None:
        text = as_text(call.get("command") or call.get("detail") or "")[:_MAX_CALL_CHARS]
        if self._chars < _MAX_SAID_CHARS:
            self.trace.said.append(text)
            self._chars += len(text)
        if len(self.trace.commits) < _MAX_COMMITS and _COMMITS.search(text):
            self.trace.commits.append(CommitCall(text, at))
            self._open[as_text(call.get("call") or "")] = self.trace.commits[-1]

    def end(self, result: dict[str, Any]) -> None:
        ended = self._open.pop(as_text(result.get("call") or ""), None)
        if ended and result.get("failed"):
            self.trace.commits = [one for one in self.trace.commits if one is not ended]
        elif ended:
            ended.ids = _ids(as_text(result.get("output") or "")[:_MAX_OUTPUT_CHARS])


def _nothing(_document: Any) -> None:
    return None


def _found(search: Callable[[Any], Any], document: Any) -> Iterable[dict[str, Any]]:
    return records(search(document)) if isinstance(document, dict) else ()


def _ids(output: str) -> tuple[str, ...]:
    """What git itself says it made; of a quiet one, the first id that is shown then: further ones are of a log."""
    reported = _REPORTED.finditer(output)
    ids = tuple(match[1] for match in islice(reported, _MAX_IDS))
    return ids or tuple(match[0] for match in islice(_ID.finditer(output), 1))
