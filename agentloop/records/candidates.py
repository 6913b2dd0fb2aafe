"""The sessions that a skill can be asked of: what agents kept of work in this repository, and what runs know of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentloop.agents import store
from agentloop.agents.spec import Adapter
from agentloop.agents.store import StoredSession
from agentloop.errors import RunError, UsageError
from agentloop.records import folders, journal
from agentloop.repo import Repo
from agentloop.state import RunState
from agentloop.state.fold import fold

LATEST = "latest"
MAX_OF_AN_AGENT = 50
_RECENT_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A session, and the newest run that knows it."""

    adapter: Adapter
    stored: StoredSession
    known: RunState | None = None
    at_work: bool = False
    """A supervisor works on that run now."""

    @property
    def is_over(self) -> bool:
        """Agentloop itself drives it, or asked it for a skill, and nobody has worked in it since."""
        if self.at_work:
            return True
        if self.known is None or self.stored.changed > self.known.last_at:
            return False
        task = self.known.task
        if task.by_hand is None:
            return True
        is_lost = bool(task.home) and not self.known.ended  # the tree of a push goes with it: nobody can resume that
        return self.known.was_answered and not is_lost


class UnclearError(UsageError):
    """Several sessions may be meant.

    Args:
        candidates: those, the newest first.
    """

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        super().__init__(
            f"{len(candidates)} sessions worked here lately, and it is unclear which one is meant",
            hint="name it: --session ID, or --session latest",
        )
        self.candidates = candidates


def candidates(repo: Repo, adapters: Iterable[Adapter]) -> list[Candidate]:
    """The sessions of a working tree, the newest first; of agents that can return to one."""
    found = [
        Candidate(adapter, stored)
        for adapter in adapters
        if adapter.resumable
        for _number, stored in zip(range(MAX_OF_AN_AGENT), store.stored_sessions(adapter, repo.root), strict=False)
    ]
    known = _known(repo.common_dir, {one.stored.session for one in found})
    newest: dict[tuple[str, str], Candidate] = {}
    for one in sorted(found, key=lambda one: one.stored.changed, reverse=True):
        told = Candidate(one.adapter, one.stored, *known.get(one.stored.session, ()))
        newest.setdefault((one.stored.agent, one.stored.session), told)
    return list(newest.values())


def _known(common_dir: Path, sessions: set[str]) -> dict[str, tuple[RunState, bool]]:
    """The newest run of each session, and whether it is at work; a journal that cannot be read knows nothing."""
    known: dict[str, tuple[RunState, bool]] = {}
    for folder in reversed(folders.runs(common_dir)):
        text = folder.journal.read_bytes()
        if not any(session.encode() in text for session in sessions - known.keys()):
            continue
        try:
            state = fold(journal.read(folder.journal))
        except RunError:
            continue
        if state.session in sessions:
            known.setdefault(state.session or "", (state, folders.at_work(folder)))
    return known


def choose(found: Sequence[Candidate], session: str) -> Candidate:
    """The session that is meant.

    Args:
        found: the candidates, the newest first.
        session: an id or the beginning of one; `latest`; empty: the only one of the last day, counted from the newest.

    Raises:
        UnclearError: several may be meant.
        UsageError: there is no such session.
    """
    if session not in ("", LATEST):
        return _named(found, session)
    waiting = [one for one in found if not one.is_over]
    if not waiting:
        raise UsageError(
            "each session that worked here was driven by agentloop, or asked for a skill already",
            hint="ask one of them once more: --session ID (agentloop distill --list)",
        )
    recent = [one for one in waiting if waiting[0].stored.changed - one.stored.changed < _RECENT_S]
    if len(recent) > 1 and not session:
        raise UnclearError(recent)
    return waiting[0]


def _named(found: Sequence[Candidate], session: str) -> Candidate:
    exact = [one for one in found if one.stored.session == session]
    begins = [one for one in found if one.stored.session.startswith(session)]
    meant = exact or begins
    if not meant:
        raise UsageError(
            f"no session {session!r} worked in this repository", hint="agentloop distill --list shows those that did"
        )
    if len(meant) > 1:
        raise UnclearError(meant)
    return meant[0]


def looked_at(adapters: Iterable[Adapter]) -> list[str]:
    """Where sessions were looked for, a line an agent; agents without a store are left out."""
    lines = []
    for adapter in adapters:
        if adapter.store:
            folder = store.folder(adapter.store)
            count = store.count(adapter)
            what = f"{count} session{'s' * (count != 1)}, none of them here" if folder.is_dir() else "not there"
            lines.append(f"{adapter.called}: {folder} ({what})")
    return lines
