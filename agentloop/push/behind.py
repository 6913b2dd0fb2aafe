"""The sessions that made the commits of a push, and how sure that is."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agentloop.agents import traces
from agentloop.agents.spec import Adapter
from agentloop.agents.traces import CommitCall, Trace
from agentloop.records import candidates
from agentloop.records.candidates import Candidate
from agentloop.repo import Commit, Repo

Confidence = Literal["certain", "likely", "possible"]
_MAX_COMMITS = 200
_COMMITTED_WITHIN_S = 600.0
"""What a `git commit` may take, with its hooks."""
_CLOCK_S = 60.0
_COMMITTED_LATER_S = 24 * 3600.0
"""How long after a session a person commits what it did."""
_MIN_SUBJECT_CHARS = 8
_LOOKED_AT_PATHS = 50
_SHARE = 0.5
_WHY: Mapping[Confidence, str] = {
    "certain": "its transcript has the commit",
    "likely": "it worked on these files at that time",
    "possible": "it was at work at that time",
}


@dataclass(frozen=True, slots=True)
class Traced:
    """A session with what it left here."""

    candidate: Candidate
    trace: Trace
    folder: str = ""
    """Where it worked, relative to the top of the working tree; empty: there."""

    def speaks_of(self, path: str) -> bool:
        """A tool was called with that path, as it is written from the top or from where the session worked."""
        return self.trace.mentions(path) or self.trace.mentions(path.removeprefix(f"{self.folder}/"))


@dataclass(frozen=True, slots=True)
class Behind:
    """A session that made some of the commits, or may have."""

    candidate: Candidate
    confidence: Confidence
    commits: tuple[str, ...]
    """The ids of the commits, newest first."""

    @property
    def why(self) -> str:
        """What speaks for it, in a few words."""
        return _WHY[self.confidence]


@dataclass(frozen=True, slots=True)
class Found:
    """Who made the commits of a branch."""

    meant: tuple[Behind, ...] = ()
    unclear: tuple[Behind, ...] = ()
    """Some of them may have made commits that nobody else is known to have made."""


def look_for(repo: Repo, adapters: Iterable[Adapter], tip: str, former: str) -> Found:
    """Find the sessions behind the new commits of a branch.

    Args:
        repo: the working tree that they worked in.
        adapters: the agents to be looked at.
        tip: the pushed commit.
        former: the commit that the branch stands on over there; empty when that is unknown.
    """
    return _look_for(repo, adapters, repo.new_commits(tip, [former] if former else [], max_count=_MAX_COMMITS))


def look_for_pushed(repo: Repo, adapters: Iterable[Adapter], tip: str, known: Sequence[str]) -> Found:
    """Find the sessions behind commits that were pushed before.

    Args:
        repo: the working tree that they worked in.
        adapters: the agents to be looked at.
        tip: the pushed commit.
        known: the commits that the remote had before that push.
    """
    there = [commit for commit in known if repo.commit_at(commit)]
    return _look_for(repo, adapters, repo.new_commits(tip, there, max_count=_MAX_COMMITS, were_pushed=True))


def _look_for(repo: Repo, adapters: Iterable[Adapter], commits: Sequence[Commit]) -> Found:
    by_people = [commit for commit in commits if not commit.runs]  # a run asked its own session
    if not by_people:
        return Found()
    earliest = min(commit.authored_at for commit in by_people)
    found = [
        Traced(one, traces.trace(one.adapter, one.stored), _folder(repo.root, one.stored.cwd))
        for one in candidates.candidates(repo, adapters)
        if one.stored.changed >= earliest - _COMMITTED_LATER_S
    ]
    return decide(by_people, found, _since(repo, by_people))


def _folder(root: Path, cwd: Path) -> str:
    """The place of a session within the tree; empty for the top, and for a folder that has gone."""
    inside = os.path.relpath(os.path.realpath(cwd), os.path.realpath(root))
    return "" if inside == "." or inside.startswith("..") else inside


def _since(repo: Repo, commits: Sequence[Commit]) -> float:
    """When the commit before the oldest was made: what ended earlier is in that."""
    parent = next(iter(commits[-1].parents), "")
    return repo.committed_at(parent) if repo.commit_at(parent) else 0.0


def decide(commits: Iterable[Commit], found: Sequence[Traced], since: float) -> Found:
    """Say who made commits.

    A session that agentloop asked already, or drove itself, stands for its commits and is asked no more.

    Args:
        commits: the commits, newest first.
        found: the sessions of the same working tree.
        since: Unix time; a session that ended before it made none of them, unless its transcript says so.
    """
    meant: dict[int, tuple[Confidence, list[str]]] = {}
    unclear: dict[int, tuple[Confidence, list[str]]] = {}
    for commit in commits:
        sure = {n: confidence for n, one in enumerate(found) if (confidence := _confidence(one, commit, since))}
        best: Confidence = next((level for level in _WHY if level in sure.values()), "possible")
        makers = [n for n, confidence in sure.items() if confidence == best]
        is_clear = best == "certain" or (best == "likely" and len(makers) == 1)
        for n in makers:
            (meant if is_clear else unclear).setdefault(n, (best, []))[1].append(commit.id)
    return Found(_behind(found, meant), _behind(found, {n: told for n, told in unclear.items() if n not in meant}))


def _behind(found: Sequence[Traced], told: Mapping[int, tuple[Confidence, list[str]]]) -> tuple[Behind, ...]:
    return tuple(
        Behind(found[n].candidate, confidence, tuple(commits))
        for n, (confidence, commits) in told.items()
        if not found[n].candidate.is_over
    )


def _confidence(one: Traced, commit: Commit, since: float) -> Confidence | None:
    stored = one.candidate.stored
    if any(_made(call, commit, stored.began, stored.changed) for call in one.trace.commits):
        return "certain"
    began = stored.began if stored.began is not None else stored.changed
    if stored.changed < since or not began - _CLOCK_S <= commit.authored_at <= stored.changed + _COMMITTED_LATER_S:
        return None
    paths = commit.paths[:_LOOKED_AT_PATHS]
    spoken_of = sum(one.speaks_of(path) for path in paths)
    if spoken_of and spoken_of >= _SHARE * len(paths):
        return "likely"
    was_there = commit.authored_at <= stored.changed + _CLOCK_S
    return "possible" if was_there or spoken_of else None


def _made(call: CommitCall, commit: Commit, began: float | None, changed: float) -> bool:
    """The command made the commit: git said its id then, or it has its subject and its time."""
    if any(commit.id.startswith(said) for said in call.ids):
        return True
    if len(commit.subject) < _MIN_SUBJECT_CHARS or commit.subject not in call.command:
        return False
    if call.at is not None:
        return abs(call.at - commit.authored_at) <= _COMMITTED_WITHIN_S
    return (began or 0.0) - _CLOCK_S <= commit.authored_at <= changed + _CLOCK_S
