"""The decision: what a run does next, from its state alone. Pure, so that a resumed run goes on as an unbroken one."""

from dataclasses import dataclass
from typing import Literal

from agentloop import events as ev
from agentloop.state import RunState

MAX_REPAIRS = 2
MAX_FAILED_TURNS = 3
_WAIT_S = (2.0, 8.0)
_NEW_SESSION: tuple[ev.ErrorClass, ...] = ("session_lost", "context")
_HOPELESS: tuple[ev.ErrorClass, ...] = ("login", "permanent")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Record the tree as snapshot `n`."""

    n: int


@dataclass(frozen=True, slots=True)
class Check:
    """Run the predicate; attempt 0 is the check before the first turn."""

    attempt: int


@dataclass(frozen=True, slots=True)
class LoseSession:
    """Give up the session; the next prompt opens another and tells it everything."""

    reason: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """Prompt the session to work: with the task, again with evidence, or after a turn that was cut off."""

    kind: Literal["task", "retry", "continue"]
    attempt: int
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Distill:
    """Ask the session for the skill."""


@dataclass(frozen=True, slots=True)
class Inspect:
    """Look at what the session drafted."""


@dataclass(frozen=True, slots=True)
class Repair:
    """Send the findings back to the session."""

    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Publish:
    """Commit the draft."""


@dataclass(frozen=True, slots=True)
class KeepBack:
    """Leave the draft in the run's folder."""

    reason: str


@dataclass(frozen=True, slots=True)
class Link:
    """Link the skills where agents read them."""


@dataclass(frozen=True, slots=True)
class Stop:
    """End the run."""

    outcome: ev.Outcome
    exit_code: int
    reason: str


Step = Snapshot | Check | LoseSession | Prompt | Distill | Inspect | Repair | Publish | KeepBack | Link | Stop


def next_step(state: RunState) -> Step:
    """Say what comes next.

    The state must belong to a run that has started and has not ended.
    """
    if state.baseline is None:
        return Check(0)
    if not state.checks and not state.turns_started:
        stop = _preflight(state, state.baseline)
        if stop:
            return stop
    if state.passed:
        return _after_success(state)
    if not state.snapshots:
        return Snapshot(0)
    return _after_failure(state)


def _preflight(state: RunState, baseline: ev.Checked) -> Stop | None:
    missing = next((leaf for leaf in baseline.leaves if leaf.missing), None)
    if missing:
        return Stop("bad_predicate", 2, f"the predicate cannot be run: {missing.reason}")
    if baseline.verdict == "pass" and not state.task.task:
        return Stop("already_holds", 0, "the predicate holds already and no task was given: nothing to do")
    return None


def _after_failure(state: RunState) -> Step:
    turn = state.work_turns[-1] if state.work_turns else None
    if state.has_unchecked_work:
        return _snapshot_first(state) or Check(state.attempt)
    if turn and turn.status == "failed" and turn.error_class is not None:
        return _after_agent_error(state, turn)
    stop = _limit(state, turn)
    if stop:
        return stop
    return _prompt(state)


def _snapshot_first(state: RunState) -> Snapshot | None:
    """The snapshot that the last turn still wants."""
    last = state.turns[-1].turn
    return Snapshot(last) if state.snapshots[-1].n < last else None


def _after_agent_error(state: RunState, turn: ev.TurnEnded) -> Step:
    error = turn.error or "the agent failed"
    failures = _failures_in_a_row(state)
    if turn.error_class in _HOPELESS:
        return Stop("agent_unusable", 5, error)
    if failures >= MAX_FAILED_TURNS:
        if turn.error_class == "rate_limit":
            return Stop("rate_limited", 75, error)
        return Stop("agent_unusable", 5, error)
    if turn.error_class in _NEW_SESSION and state.session:
        return LoseSession(error)
    stop = _limit(state, None)
    if stop:
        return stop
    delay_s = 0.0 if turn.error_class in _NEW_SESSION else _WAIT_S[failures - 1]
    return _prompt(state, delay_s)


def _failures_in_a_row(state: RunState) -> int:
    count = 0
    for turn in reversed(state.work_turns):
        if turn.status != "failed":
            break
        count += 1
    return count


def _limit(state: RunState, turn: ev.TurnEnded | None) -> Stop | None:
    limits = state.task.limits
    if turn and state.blocked:
        return Stop("blocked", 7, f"the agent says that a person is needed: {state.blocked}")
    if turn and turn.status == "failed" and state.tree_stood_still and _failures_in_a_row(state) > 1:
        return Stop("agent_unusable", 5, turn.error or "the agent fails and changes nothing")
    if len(state.checks) >= limits.max_attempts:
        return Stop("not_reached", 1, f"the predicate does not hold after {_count(len(state.checks), 'attempt')}")
    return _budget(state)


def _budget(state: RunState) -> Stop | None:
    limits = state.task.limits
    if limits.max_time_s is not None and state.elapsed_s >= limits.max_time_s:
        return Stop("spent", 4, f"the time is spent: {state.elapsed_s:.0f} s of {limits.max_time_s:.0f} s")
    if limits.max_cost_usd is not None and state.known_cost_usd >= limits.max_cost_usd:
        return Stop("spent", 4, f"the money is spent: ${state.known_cost_usd:.2f} of ${limits.max_cost_usd:.2f}")
    return None


def _prompt(state: RunState, delay_s: float = 0.0) -> Prompt:
    last = state.work_turns[-1] if state.work_turns else None
    if state.cut_purpose == "work" or (last and last.status != "done"):
        return Prompt("continue", state.attempt, delay_s)
    return Prompt("retry" if last else "task", state.attempt, delay_s)


def _after_success(state: RunState) -> Step:
    count = _count(len(state.checks), "attempt")
    reached = Stop("reached", 0, f"the predicate holds after {count}")
    if state.declined or state.kept_back or state.linked or not _wants_skill(state):
        return reached
    if state.published:
        return Link() if state.task.link else reached
    if not state.skill_turns:
        return KeepBack("the run's budget is spent") if _budget(state) else Distill()
    recheck = _snapshot_first(state) or _recheck(state)
    if recheck:
        return recheck
    if state.draft is None or len(state.skill_turns) > _drafted_turns(state):
        return Inspect()
    return _after_draft(state, state.draft)


def _recheck(state: RunState) -> Check | None:
    """A session that is asked for a skill may touch the work too: what was proven is proven again."""
    return Check(state.attempt) if state.snapshots[-1].tree != state.checked_tree else None


def _drafted_turns(state: RunState) -> int:
    """How many skill turns had ended when the newest draft was inspected."""
    draft_seq = state.draft.seq if state.draft else -1
    return sum(turn.seq < draft_seq for turn in state.skill_turns)


def _after_draft(state: RunState, draft: ev.SkillDrafted) -> Step:
    if not draft.findings:
        return Publish()
    repairs = len(state.skill_turns) - 1
    if repairs < MAX_REPAIRS and not _budget(state):
        return Repair(draft.findings)
    return KeepBack(f"{_count(len(draft.findings), 'finding')} left after {_count(repairs, 'repair turn')}")


def _wants_skill(state: RunState) -> bool:
    match state.task.distill:
        case "always":
            return True
        case "never":
            return False
        case "auto":
            return bool(state.failed_checks)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
