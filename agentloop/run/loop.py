"""The decision: what a run does next, from its state alone. Pure, so that a resumed run goes on as an unbroken one."""

from typing import Literal

from agentloop import events as ev
from agentloop.distill import struggle
from agentloop.job import ByHand
from agentloop.run import limits, stuck
from agentloop.state import RunState
from agentloop.state.steps import (
    Ask,
    Baseline,
    BringBack,
    Check,
    Claim,
    Distill,
    Drive,
    Guard,
    Inspect,
    KeepBack,
    LeaveSession,
    Link,
    LoseSession,
    Prompt,
    Publish,
    Repair,
    Snapshot,
    Step,
    Stop,
    Wait,
)

MAX_REPAIRS = 2
MAX_DISHONEST = 2
_WAITS_FOR_APPROVAL = "everything else holds, and a person has to approve: agentloop resume in a terminal"


def next_step(state: RunState) -> Step:
    """Say what comes next.

    The state must belong to a run that has started and has not ended.
    """
    if state.claim and state.superseded:
        return Stop("superseded", 0, f"another attempt was first: {state.claim.by}")
    if state.waits_until is not None:
        return Wait(state.waits_until)
    by_hand = state.task.by_hand
    return _by_hand(state, by_hand) if by_hand and not state.passed else _by_prompts(state)


def _by_prompts(state: RunState) -> Step:
    """Of a run that prompts its agent, and of any after a pass."""
    if state.baseline is None:
        return Check(0)
    if not state.checks and not state.turns_started:
        stop = _preflight(state, state.baseline)
        if stop:
            return stop
    missing = _missing_snapshot(state)
    if missing:
        return missing
    if state.task.guard != "off" and state.guard_began is None:
        return Baseline()
    if state.passed:
        return _prove(state) or _after_success(state)
    return _after_failure(state)


def _missing_snapshot(state: RunState) -> Snapshot | None:
    """That of the start, or of a turn that was cut off."""
    if not state.snapshots:
        return Snapshot(0)
    is_cut = state.cut_purpose is not None and state.snapshots[-1].n < state.turns_started
    return Snapshot(state.turns_started) if is_cut else None


def _by_hand(state: RunState, how: ByHand) -> Step:
    """Up to a pass, of a run whose work is a person's: nobody prompts the agent again.

    The check of the tree they began with comes after a pass, so that they need not wait for it.
    """
    if not state.snapshots:
        return Snapshot(0)
    if state.guard_began is None:
        return Baseline()
    if not state.turns:
        return Drive(opens=not how.session and not state.turns_started)
    if not state.has_unchecked_work:
        return _wait_for_nobody(state)
    look = _look(state)
    if look:
        return look
    if state.snapshots[-1].tree == state.snapshots[0].tree and not state.turns[-1].tool_calls:
        return Stop("no_work", 1, "nothing has changed and no tool was called: there is nothing to check")
    return Check(state.attempt)


def _wait_for_nobody(state: RunState) -> Stop:
    """Where a run would prompt its agent again, one of a person's work has come to its end."""
    if state.dishonest:
        return Stop("dishonest", 6, f"the pass is not honest: {state.dishonest}")
    if state.waits_for_approval:
        return Stop("blocked", 7, _WAITS_FOR_APPROVAL)
    return Stop("not_reached", 1, "the predicate does not hold")


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
        return _look(state) or Check(state.attempt)
    if turn and turn.status == "failed" and turn.error_class is not None:
        return _after_agent_error(state, turn)
    return _limit(state, turn) or _work(state)


def _look(state: RunState) -> Snapshot | None:
    """The snapshot that the last turn still wants."""
    last = state.turns[-1].turn
    return Snapshot(last) if state.snapshots[-1].n < last else None


def _after_agent_error(state: RunState, turn: ev.TurnEnded) -> Step:
    answer = limits.after_fault(state, state.work_turns)
    stop = answer if isinstance(answer, Stop) else None
    if not stop and turn.error_class in limits.NEW_SESSION and state.in_session:
        return LoseSession(turn.error or "the agent failed")
    stop = stop or _limit(state, None)
    if stop:
        return _check_before_stop(state) or stop
    return answer or _work(state)


def _check_before_stop(state: RunState) -> Step | None:
    """An agent that failed may have done the work first: nobody gives up on a tree that was not looked at."""
    look = _look(state)
    if look:
        return look
    unseen = state.checked_tree or state.snapshots[0].tree
    return Check(state.attempt) if state.snapshots[-1].tree != unseen else None


def _limit(state: RunState, turn: ev.TurnEnded | None) -> Stop | None:
    max_attempts = state.task.limits.max_attempts
    if turn and state.blocked:
        return Stop("blocked", 7, f"the agent says that a person is needed: {state.blocked}")
    if turn and turn.status == "failed" and state.tree_stood_still and _fails_again(state):
        return Stop("agent_unusable", 5, turn.error or "the agent fails and changes nothing")
    if state.waits_for_approval:
        return Stop("blocked", 7, _WAITS_FOR_APPROVAL)
    if state.dishonest and (state.dishonest_passes >= MAX_DISHONEST or len(state.checks) >= max_attempts):
        return Stop("dishonest", 6, f"the pass is not honest: {state.dishonest}")
    if len(state.checks) >= max_attempts:
        return Stop("not_reached", 1, f"the predicate does not hold after {_count(len(state.checks), 'attempt')}")
    return stuck.given_up(state) or limits.spent(state)


def _fails_again(state: RunState) -> bool:
    return limits.faults_in_a_row(state, state.work_turns) > 1


def _work(state: RunState) -> LeaveSession | Prompt:
    """The next turn that works on the task."""
    if state.in_session and state.task.session == "fresh":
        return LeaveSession()
    if state.in_session and stuck.wants_session(state):
        return LeaveSession("it is stuck")
    return Prompt(_kind(state), state.attempt, stuck.told(state))


def _kind(state: RunState) -> Literal["task", "retry", "continue", "dishonest"]:
    """What the next prompt for work is about."""
    last = state.work_turns[-1] if state.work_turns else None
    if state.dishonest:
        return "dishonest"
    if state.cut_purpose == "work" or (last and last.status != "done"):
        return "continue"
    return "retry" if last else "task"


def _prove(state: RunState) -> Step | None:
    """What a pass still wants before it counts: more passes when so asked, and to be found honest."""
    if state.confirmations + 1 < state.confirmations_wanted:
        return Check(state.checks[-1].attempt, "confirm")
    if not state.settled:
        return Snapshot(state.snapshots[-1].n)
    if state.task.guard != "off" and state.guarded is None:
        return Guard(state.checks[-1].attempt)
    return Claim() if state.task.group and state.claim is None else None


def _after_success(state: RunState) -> Step:
    reached = Stop("reached", 0, f"the predicate holds after {_count(len(state.checks), 'attempt')}")
    if state.declined or state.kept_back or state.rejected or state.linked or not _wants_skill(state):
        return reached
    if state.published:
        return Link() if state.task.link and not state.published.branch else reached
    if not state.skill_turns:
        return _first_asking(state)
    recheck = _look(state) or _recheck(state)
    if recheck:
        return recheck
    turn = state.skill_turns[-1]
    if turn.status == "failed" and turn.error_class is not None:
        return _after_skill_error(state, turn)
    if state.draft is None or len(state.skill_turns) > _drafted_turns(state):
        return Inspect()
    return _after_draft(state, state.draft)


def _first_asking(state: RunState) -> KeepBack | Distill:
    by_hand = state.task.by_hand
    if by_hand and not (state.session and state.resumable):
        what = "cannot be returned to" if state.session else "was not found"
        return KeepBack(f"the session {what}, so that nobody can be asked")
    if limits.spent(state):
        return KeepBack("the run's budget is spent")
    return Distill(asks_first=by_hand is not None and by_hand.ask)


def _recheck(state: RunState) -> Check | None:
    """A session that is asked for a skill may touch the work too: what was proven is proven again."""
    return Check(state.attempt, "recheck") if state.snapshots[-1].tree != state.checked_tree else None


def _after_skill_error(state: RunState, turn: ev.TurnEnded) -> Step:
    answer = limits.after_fault(state, state.skill_turns)
    is_lost = turn.error_class in limits.NEW_SESSION
    is_told_anew = state.session_lost or state.cut_purpose is not None
    has_no_other = is_lost and not is_told_anew and (state.skill_from_ledger or not state.in_session)
    if isinstance(answer, Stop) or has_no_other or limits.spent(state):
        return KeepBack(f"the agent failed when it was asked: {turn.error}")
    if is_lost and not is_told_anew:
        return LoseSession(turn.error or "the agent failed")
    return answer or (Repair(state.draft.findings) if state.draft else Distill())


def _drafted_turns(state: RunState) -> int:
    """How many skill turns had ended when the newest draft was inspected."""
    draft_seq = state.draft.seq if state.draft else -1
    return sum(turn.seq < draft_seq for turn in state.skill_turns)


def _after_draft(state: RunState, draft: ev.SkillDrafted) -> Step:
    if not draft.findings:
        return _deliver(state)
    repairs = sum(turn.purpose == "repair" and turn.error_class is None for turn in state.skill_turns)
    if repairs < MAX_REPAIRS and not limits.spent(state):
        return Repair(draft.findings)
    return KeepBack(f"{_count(len(draft.findings), 'finding')} left after {_count(repairs, 'repair turn')}")


def _deliver(state: RunState) -> Step:
    """Where a draft goes that nothing is to be said against."""
    if state.task.skills_to == "outbox":
        return KeepBack("skills go to the outbox")
    if state.task.review and not state.accepted:
        return Ask()
    return BringBack() if state.task.own_worktree and not state.brought_back else Publish()


def _wants_skill(state: RunState) -> bool:
    if state.doubtful:
        return False
    match state.task.distill:
        case "always":
            return True
        case "never":
            return False
        case "auto":
            return bool(struggle.reasons(state))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
