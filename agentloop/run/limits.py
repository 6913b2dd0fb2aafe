"""What bounds a run: its own limits, and those of others, which are waited for. Pure: now is when its last event is."""

import time
from collections.abc import Sequence

import tenacity

from agentloop import events as ev
from agentloop.state import RunState
from agentloop.state.steps import StartWait, Stop
from agentloop.text import amounts

MAX_FAULTS = 10
"""So many turns in a row may fail by a fault that passes."""
MAX_LOST = 3
"""So many sessions in a row may be lost."""
NEW_SESSION: tuple[ev.ErrorClass, ...] = ("session_lost", "context")
_HOPELESS: tuple[ev.ErrorClass, ...] = ("login", "permission", "permanent")
_MARGIN_SHARE = 0.05
_MIN_MARGIN_S = 1.0
_MAX_MARGIN_S = 60.0
_BACKOFFS = {
    "rate_limit": tenacity.wait_exponential(multiplier=10, max=15 * 60),
    "transient": tenacity.wait_exponential(multiplier=2, max=5 * 60),
}


def spent(state: RunState) -> Stop | None:
    """The end of a run whose time, money or tokens are spent; what is not known counts for nothing."""
    limits = state.task.limits
    if limits.max_time_s is not None and state.elapsed_s >= limits.max_time_s:
        of = amounts.as_duration(limits.max_time_s)
        return Stop("spent", 4, f"the time is spent: {state.elapsed_s:.1f} s of {of}")
    if limits.max_cost_usd is not None and state.known_cost_usd >= limits.max_cost_usd:
        about = "~" if state.cost_is_estimated else ""
        cost = f"{about}${state.known_cost_usd:.2f} of ${limits.max_cost_usd:.2f}"
        return Stop("spent", 4, f"the money is spent: {cost}")
    if limits.max_tokens is not None and state.known_tokens >= limits.max_tokens:
        return Stop("spent", 4, f"the tokens are spent: {state.known_tokens:,} of {limits.max_tokens:,}")
    return None


def left_usd(state: RunState) -> float | None:
    """What is left of the run's money; None for no limit."""
    limit_usd = state.task.limits.max_cost_usd
    return None if limit_usd is None else max(0.0, limit_usd - state.known_cost_usd)


def after_fault(state: RunState, turns: Sequence[ev.TurnEnded]) -> Stop | StartWait | None:
    """What comes of a turn in which the agent failed: an end, a wait, or None when it can be prompted again.

    Args:
        state: the run's state.
        turns: those of the same kind, the failed one last.
    """
    turn = turns[-1]
    if turn.error_class in _HOPELESS and state.reopened_seq < turn.seq:
        return Stop("agent_unusable", 5, _words(turn))
    return _after_limit(state, turns) if turn.error_class == "rate_limit" else _after_passing_fault(state, turns)


def faults_in_a_row(state: RunState, turns: Sequence[ev.TurnEnded]) -> int:
    """How many turns failed up to the last one; a usage limit is no failure."""
    return sum(turn.error_class != "rate_limit" for turn in _failed_in_a_row(state, turns))


def _failed_in_a_row(state: RunState, turns: Sequence[ev.TurnEnded]) -> list[ev.TurnEnded]:
    """The failed turns at the end, the newest first; whoever resumes a run that had ended gives it a new chance."""
    found: list[ev.TurnEnded] = []
    for turn in reversed(turns):
        if turn.status != "failed" or (found and turn.seq < state.reopened_seq):
            break
        found.append(turn)
    return found


def _after_passing_fault(state: RunState, turns: Sequence[ev.TurnEnded]) -> Stop | StartWait | None:
    turn, faults = turns[-1], faults_in_a_row(state, turns)
    is_lost = turn.error_class in NEW_SESSION
    if faults >= (MAX_LOST if is_lost else MAX_FAULTS):
        return Stop("agent_unusable", 5, _words(turn))
    if is_lost or _is_over(state, turn):
        return None
    delay_s = _backoff_s("transient", faults)
    max_time_s = state.task.limits.max_time_s
    if max_time_s is not None and state.elapsed_s + delay_s >= max_time_s:
        return Stop("spent", 4, f"the time is spent before the agent can be tried again: {_words(turn)}")
    return StartWait("transient", _words(turn), delay_s=delay_s)


def _after_limit(state: RunState, turns: Sequence[ev.TurnEnded]) -> Stop | StartWait | None:
    turn, now = turns[-1], state.last_at
    resets_at = turn.reset_at if turn.reset_at is not None and turn.reset_at > now else None
    if _was_waited_for(state, turn) or (resets_at is None and _is_over(state, turn)):
        return None
    series = _without_work(_failed_in_a_row(state, turns))
    limited = sum(one.error_class == "rate_limit" for one in series)
    delay_s = _backoff_s("rate_limit", limited)
    if resets_at is not None:
        # An agent that names a time and is limited again must not be asked every second.
        delay_s = max(resets_at - now + _margin_s(resets_at - now), delay_s if limited > 1 else 0.0)
    if _waited_s(state, series) + delay_s > state.task.limits.max_wait_s:
        return Stop("rate_limited", 75, _why_not(state, turn, resets_at))
    return StartWait(
        "rate_limit", _words(turn), until=now + delay_s if resets_at is not None else None, delay_s=delay_s
    )


def _without_work(failed: list[ev.TurnEnded]) -> list[ev.TurnEnded]:
    """Of failed turns, the newest first, those since one that could work before it failed."""
    worked = next((at for at, turn in enumerate(failed) if turn.tool_calls), len(failed))
    return failed[: worked + 1]


def _waited_s(state: RunState, series: Sequence[ev.TurnEnded]) -> float:
    """How long the run has waited for a usage limit since these turns began to fail."""
    waits = [wait for wait in state.waits if wait.cause == "rate_limit" and wait.seq > series[-1].seq]
    return sum(max(0.0, wait.until - wait.at) for wait in waits)


def _was_waited_for(state: RunState, turn: ev.TurnEnded) -> bool:
    return bool(state.waits) and state.waits[-1].seq > turn.seq


def _is_over(state: RunState, turn: ev.TurnEnded) -> bool:
    """It need not be waited for, or not any more."""
    return _was_waited_for(state, turn) or state.reopened_seq > turn.seq


def _backoff_s(cause: str, tries: int) -> float:
    call = tenacity.RetryCallState(tenacity.Retrying(), None, (), {})
    call.attempt_number = tries
    return _BACKOFFS[cause](call)


def _margin_s(wait_s: float) -> float:
    """Clocks differ, and a reset is mostly named to the minute."""
    return min(_MAX_MARGIN_S, _MIN_MARGIN_S + _MARGIN_SHARE * wait_s)


def _why_not(state: RunState, turn: ev.TurnEnded, resets_at: float | None) -> str:
    max_wait_s = state.task.limits.max_wait_s
    told = f"longer than --wait {amounts.as_duration(max_wait_s)} allows" if max_wait_s else "--wait never"
    when = "it does not say when that ends"
    if resets_at is not None:
        when = f"go on after {time.strftime('%F %H:%M %Z', time.localtime(resets_at + _MAX_MARGIN_S))}"
    return f"{_words(turn)} ({told}; {when})"


def _words(turn: ev.TurnEnded) -> str:
    return turn.error or "the agent failed"
