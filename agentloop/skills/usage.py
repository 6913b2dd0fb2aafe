"""Which sessions loaded which skill, and how they ended: from the runs' journals and the agents' own stores.

An agent that is listed a skill and does not open it has not loaded it. What became of a session that nobody
supervised is unknown, never guessed.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from agentloop.agents import registry
from agentloop.agents.store import loaded_skills, stored_sessions
from agentloop.errors import RunError
from agentloop.events import SkillLoaded
from agentloop.records import folders, journal
from agentloop.repo import Repo
from agentloop.skills.library import Library
from agentloop.state import RunState
from agentloop.state.fold import fold

UNUSED_AFTER = 10
"""Sessions since a skill's last change without one that loaded it, before it is proposed for the archive."""
FAILING_AFTER = 3
"""Supervised sessions that loaded it, before their ends count against it."""


@dataclass(frozen=True, slots=True)
class Use:
    """A session that loaded a skill."""

    skill: str
    agent: str
    session: str
    at: float
    """Unix time of the session's last sign."""
    run: str = ""
    """The run that supervised it; empty when none did."""
    outcome: str = ""
    """How that run ended; empty when it is unknown."""
    failed_after: int = 0
    """The checks that failed after the skill was loaded."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What is known of one skill."""

    skill: str
    uses: tuple[Use, ...]
    sessions_since: int
    """The sessions since its last change, whether they loaded it or not."""

    @property
    def reached(self) -> int:
        """The supervised sessions that loaded it and reached their goal."""
        return sum(use.outcome == "reached" for use in self.uses)

    @property
    def at_once(self) -> int:
        """Those of them without a failed check after it was loaded."""
        return sum(use.outcome == "reached" and not use.failed_after for use in self.uses)

    @property
    def failed(self) -> int:
        """The supervised sessions that loaded it and ended otherwise."""
        return sum(bool(use.outcome) and use.outcome != "reached" for use in self.uses)

    @property
    def last_at(self) -> float | None:
        """When it was loaded last."""
        return max((use.at for use in self.uses), default=None)

    @property
    def proposal(self) -> str:
        """Why it belongs into the archive; empty when nothing speaks for that."""
        if not self.uses and self.sessions_since >= UNUSED_AFTER:
            return f"none of the {self.sessions_since} sessions since its last change loaded it"
        judged = self.reached + self.failed
        if judged >= FAILING_AFTER and self.failed * 2 > judged:
            return f"{self.failed} of the {judged} supervised sessions that loaded it did not reach their goal"
        return ""


def usages(repo: Repo, library: Library) -> tuple[list[Usage], list[str]]:
    """Gather what is known of the skills of a library; and which journals cannot be read, and why."""
    changed_at = {
        folder.name: repo.changed_at(f"{library.name}/{folder.name}") or time.time() for folder in library.folders
    }
    supervised, begun, problems = _from_journals(repo.common_dir)
    known = {use.session for use in supervised if use.session}
    alone = [
        (adapter, one)
        for adapter in registry.load_all()[0].values()
        for one in stored_sessions(adapter, repo.root)
        if one.session not in known and one.session not in begun
    ]
    uses = [
        *supervised,
        *(
            Use(skill, one.agent, one.session, one.changed)
            for adapter, one in alone
            for skill in loaded_skills(adapter, one)
        ),
    ]
    times = [*begun.values(), *(one.changed for _adapter, one in alone)]
    found = [
        Usage(
            skill,
            tuple(sorted((use for use in uses if use.skill == skill), key=lambda use: use.at)),
            sum(at > changed for at in times),
        )
        for skill, changed in changed_at.items()
    ]
    return found, problems


def _from_journals(common_dir: Path) -> tuple[list[Use], dict[str, float], list[str]]:
    """The uses in supervised sessions, when each run's session began, by its name or the run's, and what is damaged."""
    uses: list[Use] = []
    begun: dict[str, float] = {}
    problems: list[str] = []
    for folder in folders.runs(common_dir):
        try:
            state = fold(journal.read(folder.journal) if journal.holds(folder, SkillLoaded) else ())
        except RunError as error:
            problems.append(f"{error.message} ({error.hint})")
            continue
        began = folders.began_at(folder.run)
        begun[state.session or folder.run] = began
        uses += [
            Use(
                skill=loaded.name,
                agent=state.task.agent,
                session=state.session or "",
                at=state.last_at,
                run=state.run,
                outcome=state.ended.outcome if state.ended else "",
                failed_after=_failed_after(state, loaded.seq),
            )
            for loaded in state.loaded
        ]
    return uses, begun, problems


def _failed_after(state: RunState, seq: int) -> int:
    return sum(check.seq > seq for check in state.failed_checks)
