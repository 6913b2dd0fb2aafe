"""The state of a run: a fold over its events, so that a journal read back is the run itself."""

import re
from dataclasses import dataclass, field
from typing import TypeVar

from agentloop import events as ev
from agentloop.job import Job
from agentloop.state.calls import Calls

_Number = TypeVar("_Number", int, float)
_BLOCKED = re.compile(r"^[ \t>*_`]*BLOCKED:\s*(?P<why>.+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RunState:
    """What a run came to so far; made by `fold`, never by hand."""

    run: str = ""
    job: Job | None = None
    base: str | None = None
    began_on: str = ""
    """The branch that HEAD was on; empty when it was detached."""
    resumable: bool = True
    """The agent has sessions that can be returned to."""
    baseline: ev.Checked | None = None
    """The check before the first turn."""
    checks: tuple[ev.Checked, ...] = ()
    """One an attempt, in order."""
    turns: tuple[ev.TurnEnded, ...] = ()
    snapshots: tuple[ev.Snapshotted, ...] = ()
    found: tuple[ev.TreeFound, ...] = ()
    """What a person had changed each time that the run was gone on with."""
    checked_tree: str = ""
    """The tree that the last check saw; after a pass, the tree as the check left it."""
    checked_trees: tuple[str, ...] = ()
    """The tree that each of `checks` saw."""
    settled: bool = False
    """The tree was recorded again after the last pass: a check may write files, too."""
    confirmations: int = 0
    """How often the last pass was repeated with success."""
    guard_began: ev.GuardBegan | None = None
    guarded: ev.Guarded | None = None
    """What the guard said of the last pass."""
    dishonest_passes: int = 0
    flaky: bool = False
    """A check passed and failed on one and the same tree."""
    open_turn: ev.TurnStarted | None = None
    """A turn without an end: it runs now, or the supervisor died in it."""
    cut_purpose: ev.Purpose | None = None
    """The purpose of a turn that was cut off and has not been made up for."""
    turns_started: int = 0
    waits: tuple[ev.WaitStarted, ...] = ()
    waits_until: float | None = None
    """Unix time until which the run waits now."""
    reopened_seq: int = -1
    """The newest resume of a run that had ended: what failed before it is tried anew."""
    raised_seq: int = -1
    """That of a run which had ended at a limit of its own: only from there on it is counted how often it repeats."""
    session: str | None = None
    session_cwd: str = ""
    """The folder that the session works in; empty: the repository's root."""
    session_lost: bool = False
    """The next prompt opens a new session and must tell it everything."""
    skill_from_ledger: bool = False
    """The skill was asked of a new session, since the one that did the work could not be returned to."""
    counters: ev.Counters = field(default_factory=ev.Counters)
    calls: Calls = ()
    """What the agent did with its tools, in order."""
    loaded: tuple[ev.SkillLoaded, ...] = ()
    """The skills that the session loaded while it worked, each once."""
    draft: ev.SkillDrafted | None = None
    accepted: ev.SkillAccepted | None = None
    """What a person said of the draft."""
    rejected: ev.SkillRejected | None = None
    declined: ev.SkillDeclined | None = None
    kept_back: ev.SkillKeptBack | None = None
    published: ev.SkillPublished | None = None
    linked: ev.SkillsLinked | None = None
    claim: ev.WinClaimed | None = None
    """Who was the first of the run's group."""
    brought_back: ev.WorkBroughtBack | None = None
    taken_back: bool = False
    """A person undid what was published."""
    undone_to: tuple[int, ...] = ()
    """The snapshots that a person has taken the files back to since the last one was recorded."""
    ended: ev.RunEnded | None = None
    interrupted: ev.RunInterrupted | None = None
    elapsed_s: float = 0.0
    """Time in which a supervisor was at work; the gap before a resume does not count."""
    last_at: float = 0.0

    @property
    def task(self) -> Job:
        """The job.

        Raises:
            ValueError: the journal does not begin with `run.started`.
        """
        if self.job is None:
            raise ValueError("this journal does not begin with run.started")
        return self.job

    @property
    def has_begun(self) -> bool:
        """A turn was taken in the session, one that was cut off or came to more than an error."""
        failed = sum(turn.status == "failed" for turn in self.turns)
        return not self.session_lost and self.turns_started > failed

    @property
    def in_session(self) -> bool:
        """The next prompt goes to a session that was prompted before."""
        return self.resumable and (self.session is not None or self.has_begun)

    @property
    def work_turns(self) -> tuple[ev.TurnEnded, ...]:
        """The turns that worked on the task, without those about the skill."""
        return tuple(turn for turn in self.turns if turn.purpose == "work")

    @property
    def skill_turns(self) -> tuple[ev.TurnEnded, ...]:
        """The distilling turn and the repair turns."""
        return tuple(turn for turn in self.turns if turn.purpose != "work")

    @property
    def was_answered(self) -> bool:
        """The session was asked for a skill, and its agent did not fail over it."""
        return any(turn.status != "failed" for turn in self.skill_turns)

    @property
    def attempt(self) -> int:
        """The number of the attempt that is under way or comes next, from 1."""
        return len(self.checks) + 1

    @property
    def passed(self) -> bool:
        """The last check after a turn held, and the guard has nothing against it so far."""
        return bool(self.checks) and self.checks[-1].verdict == "pass" and not self.dishonest

    @property
    def dishonest(self) -> str:
        """Why the last pass does not count; empty when it does."""
        refused = self.guarded is not None and not self.guarded.accepted
        return "; ".join(self.guarded.problems) if self.guarded and refused else ""

    @property
    def doubtful(self) -> bool:
        """The pass was accepted although something speaks against it: nothing is to be learned from it."""
        return self.flaky or bool(self.guarded and self.guarded.problems)

    @property
    def confirmations_wanted(self) -> int:
        """How often the accepting check has to pass; twice at least on a tree that has failed before."""
        before = zip(self.checks[:-1], self.checked_trees[:-1], strict=True)
        failed = {tree for check, tree in before if check.verdict != "pass"}
        return max(self.task.confirm, 2 if self.checked_trees and self.checked_trees[-1] in failed else 1)

    @property
    def waits_for_approval(self) -> bool:
        """All that does not hold is a person's approval, and nobody could be asked."""
        open_leaves = [leaf for leaf in self.checks[-1].leaves if leaf.verdict != "pass"] if self.checks else []
        return bool(open_leaves) and all(leaf.kind == "approved" and leaf.verdict == "error" for leaf in open_leaves)

    @property
    def can_go_on(self) -> bool:
        """It was cut off, waits for a person, for a usage limit to end, or for its repository, or has work left."""
        waits = self.ended is not None and self.ended.outcome in ("rate_limited", "repository_lost")
        return self.ended is None or waits or self.waits_for_approval or self.has_work_left

    @property
    def can_be_mended(self) -> bool:
        """It ended for something that a person can mend, and then resume it by its name."""
        is_so = self.ended is not None and self.ended.outcome in ("agent_unusable", "blocked")
        return is_so and not self.task.own_worktree and not self.task.by_hand

    @property
    def is_at_its_limit(self) -> bool:
        """It ended since a limit of its own was reached."""
        return self.ended is not None and self.ended.outcome in ("not_reached", "spent", "stuck")

    @property
    def can_be_reopened(self) -> bool:
        """It ended at a limit of its own, and goes on with a higher one when it is resumed by its name."""
        return self.is_at_its_limit and not self.task.own_worktree and not self.task.by_hand

    @property
    def has_work_left(self) -> bool:
        """Its work is in a worktree of its own and nowhere else."""
        return self.task.own_worktree and self.brought_back is None and not self.superseded

    @property
    def superseded(self) -> bool:
        """Another run of its group was first."""
        return self.claim is not None and self.claim.by != self.run

    @property
    def is_paused(self) -> bool:
        """It waits for a usage limit to end, which takes nothing of its time."""
        return self.waits_until is not None and self.waits[-1].cause == "rate_limit"

    @property
    def waits_for_review(self) -> bool:
        """There is a draft that was kept back, and a person can still say what becomes of it."""
        return bool(self.draft and self.kept_back and self.kept_back.path)

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
        """The sum of what the turns cost; None as soon as that of one is unknown, or one was cut off."""
        return self._sum([turn.usage.cost_usd for turn in self.turns])

    @property
    def known_cost_usd(self) -> float:
        """The part of the cost that is known, by report or by estimate."""
        return sum(turn.usage.cost_usd or 0.0 for turn in self.turns)

    @property
    def cost_is_estimated(self) -> bool:
        """Some part of the known cost is an estimate."""
        return any(turn.usage.cost_is_estimated for turn in self.turns)

    @property
    def known_tokens(self) -> int:
        """What went in and came out in all turns, as far as it is known."""
        return sum((turn.usage.input_tokens or 0) + (turn.usage.output_tokens or 0) for turn in self.turns)

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
    def left_as(self) -> ev.Snapshotted | None:
        """How the run, or who took it back, left the tree; None when that is not recorded, or nobody's business.

        After a pass it is about the skill, whose commit may be half made.
        """
        is_recorded = self.snapshots and self.snapshots[-1].n == self.turns_started
        if not is_recorded or self.passed or self.task.by_hand or self.task.own_worktree:
            return None
        number = self.undone_to[-1] if self.undone_to else self.snapshots[-1].n
        return next(one for one in self.snapshots if one.n == number)

    @property
    def blocked(self) -> str:
        """Why the agent says that a person is needed; empty when it does not, or when a person has resumed the run."""
        if not self.work_turns or self.work_turns[-1].seq < self.reopened_seq:
            return ""
        match = _BLOCKED.search(self.work_turns[-1].text)
        return match["why"].strip() if match else ""
