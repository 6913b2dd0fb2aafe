"""The state of a run: a fold over its events, so that a journal read back is the run itself."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from agentloop import events as ev

_Number = TypeVar("_Number", int, float)
_BLOCKED = re.compile(r"^[\s>*_`]*BLOCKED:\s*(?P<why>.+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RunState:
    """What a run came to so far; made by `fold`, never by hand."""

    run: str = ""
    job: ev.Job | None = None
    base: str | None = None
    resumable: bool = True
    """The agent has sessions that can be returned to."""
    baseline: ev.Checked | None = None
    """The check before the first turn."""
    checks: tuple[ev.Checked, ...] = ()
    """One an attempt, in order."""
    turns: tuple[ev.TurnEnded, ...] = ()
    snapshots: tuple[ev.Snapshotted, ...] = ()
    checked_tree: str = ""
    """The tree that the last check saw, as the last snapshot before it has it."""
    open_turn: ev.TurnStarted | None = None
    """A turn without an end: it runs now, or the supervisor died in it."""
    cut_purpose: ev.Purpose | None = None
    """The purpose of a turn that was cut off and has not been made up for."""
    turns_started: int = 0
    session: str | None = None
    session_lost: bool = False
    """The next prompt opens a new session and must tell it everything."""
    counters: ev.Counters = field(default_factory=ev.Counters)
    draft: ev.SkillDrafted | None = None
    declined: ev.SkillDeclined | None = None
    kept_back: ev.SkillKeptBack | None = None
    published: ev.SkillPublished | None = None
    linked: ev.SkillsLinked | None = None
    ended: ev.RunEnded | None = None
    interrupted: ev.RunInterrupted | None = None
    elapsed_s: float = 0.0
    """Time in which a supervisor was at work; the gap before a resume does not count."""
    last_at: float = 0.0

    @property
    def task(self) -> ev.Job:
        """The job.

        Raises:
            ValueError: the journal does not begin with `run.started`.
        """
        if self.job is None:
            raise ValueError("this journal does not begin with run.started")
        return self.job

    @property
    def work_turns(self) -> tuple[ev.TurnEnded, ...]:
        """The turns that worked on the task, without those about the skill."""
        return tuple(turn for turn in self.turns if turn.purpose == "work")

    @property
    def skill_turns(self) -> tuple[ev.TurnEnded, ...]:
        """The distilling turn and the repair turns."""
        return tuple(turn for turn in self.turns if turn.purpose != "work")

    @property
    def attempt(self) -> int:
        """The number of the attempt that is under way or comes next, from 1."""
        return len(self.checks) + 1

    @property
    def passed(self) -> bool:
        """The last check after a turn held."""
        return bool(self.checks) and self.checks[-1].verdict == "pass"

    @property
    def failed_checks(self) -> tuple[ev.Checked, ...]:
        """The checks after a turn that did not hold."""
        return tuple(check for check in self.checks if check.verdict != "pass")

    @property
    def last_check(self) -> ev.Checked | None:
        """The newest check, the baseline included."""
        return self.checks[-1] if self.checks else self.baseline

    @property
    def cost_usd(self) -> float | None:
        """The sum of what the turns reported; None as soon as one of them reported nothing or was cut off."""
        return self._sum([turn.usage.cost_usd for turn in self.turns])

    @property
    def known_cost_usd(self) -> float:
        """The part of the cost that was reported."""
        return sum(turn.usage.cost_usd or 0.0 for turn in self.turns)

    @property
    def input_tokens(self) -> int | None:
        """Like `cost_usd`, for the tokens that went in."""
        return self._sum([turn.usage.input_tokens for turn in self.turns])

    @property
    def output_tokens(self) -> int | None:
        """Like `cost_usd`, for the tokens that came out."""
        return self._sum([turn.usage.output_tokens for turn in self.turns])

    def _sum(self, values: list[_Number | None]) -> _Number | None:
        known = [value for value in values if value is not None]
        return sum(known[1:], known[0]) if known and len(known) == self.turns_started else None

    @property
    def has_unchecked_work(self) -> bool:
        """The last work turn came to an end of its own kind, and no check followed it yet."""
        turn = self.work_turns[-1] if self.work_turns else None
        if turn is None or turn.error_class is not None:
            return False
        return not self.checks or self.checks[-1].seq < turn.seq

    @property
    def tree_stood_still(self) -> bool:
        """The last work turn left the tree as it found it."""
        return len(self.snapshots) > 1 and self.snapshots[-1].tree == self.snapshots[-2].tree

    @property
    def blocked(self) -> str:
        """Why the agent says that a person is needed; empty when it does not."""
        if not self.work_turns:
            return ""
        match = _BLOCKED.search(self.work_turns[-1].text)
        return match["why"].strip() if match else ""


def fold(events: Iterable[ev.Event], state: RunState | None = None) -> RunState:
    """Apply events in order, to an empty state or to one that was folded before."""
    state = state or RunState()
    for event in events:
        gap_s = 0.0 if isinstance(event, ev.RunResumed) or not state.last_at else event.at - state.last_at
        state = replace(_apply(state, event), last_at=event.at, elapsed_s=state.elapsed_s + max(0.0, gap_s))
    return state


def _apply(state: RunState, event: ev.Event) -> RunState:
    match event:
        case ev.RunStarted():
            return replace(state, run=event.run, job=event.job, base=event.base, resumable=event.resumable)
        case ev.RunResumed():
            cut = state.open_turn.purpose if state.open_turn else state.cut_purpose
            return replace(state, open_turn=None, cut_purpose=cut, interrupted=None, ended=None)
        case ev.RunInterrupted():
            return replace(state, interrupted=event)
        case ev.RunEnded():
            return replace(state, ended=event)
        case ev.Snapshotted():
            return replace(state, snapshots=(*state.snapshots, event))
        case ev.Checked():
            return _checked(state, event)
        case ev.TurnStarted() | ev.TurnEnded() | ev.SessionOpened() | ev.SessionLost():
            return _turned(state, event)
        case _:
            return _learned(state, event)


def _checked(state: RunState, event: ev.Checked) -> RunState:
    if event.attempt == 0:
        return replace(state, baseline=event)
    tree = state.snapshots[-1].tree if state.snapshots else ""
    return replace(state, checks=(*state.checks, event), checked_tree=tree)


def _turned(state: RunState, event: ev.TurnStarted | ev.TurnEnded | ev.SessionOpened | ev.SessionLost) -> RunState:
    match event:
        case ev.TurnStarted():
            return replace(state, open_turn=event, turns_started=event.turn, session_lost=False, cut_purpose=None)
        case ev.TurnEnded():
            return replace(
                state,
                open_turn=None,
                turns=(*state.turns, event),
                session=event.session or state.session,
                counters=event.counters,
            )
        case ev.SessionOpened():
            return replace(state, session=event.session)
        case ev.SessionLost():
            return replace(state, session=None, session_lost=True, counters=ev.Counters())


def _learned(state: RunState, event: ev.Event) -> RunState:
    match event:
        case ev.SkillDrafted():
            return replace(state, draft=event)
        case ev.SkillDeclined():
            return replace(state, declined=event)
        case ev.SkillKeptBack():
            return replace(state, kept_back=event)
        case ev.SkillPublished():
            return replace(state, published=event)
        case ev.SkillsLinked():
            return replace(state, linked=event)
        case _:
            return state
