"""Whether a run goes round in circles: attempts that end with files and failures which were there before. Pure.

An attempt repeats when its tree and its failing set were both seen earlier in the run. Whatever is new, be it a tree or
a set of failures, is progress, however slow.
"""

from agentloop.state import RunState
from agentloop.state.steps import Stop

_ANOTHER_APPROACH = 1
_ANOTHER_SESSION = 2


def repeated(state: RunState) -> int:
    """How many attempts in a row, up to the last one, brought nothing new; who raises a limit has them counted anew."""
    trees = {state.snapshots[0].tree} if state.snapshots else set()
    failures = {state.baseline.failing} if state.baseline else set()
    count = 0
    for check, tree in zip(state.checks, state.checked_trees, strict=True):
        repeats = tree in trees and check.failing in failures
        count = count + 1 if repeats and check.seq >= state.raised_seq else 0
        trees.add(tree)
        failures.add(check.failing)
    return count


def told(state: RunState) -> int:
    """How many attempts in a row brought nothing new, when it is time to tell the session; else 0."""
    count = repeated(state)
    return count if count >= state.task.limits.stuck_after else 0


def wants_session(state: RunState) -> bool:
    """Another approach was asked for in vain: a session without that history may find one."""
    return repeated(state) >= state.task.limits.stuck_after + _ANOTHER_APPROACH


def given_up(state: RunState) -> Stop | None:
    """The end of a run that a new session did not bring further either."""
    count = repeated(state)
    if count < state.task.limits.stuck_after + _ANOTHER_SESSION:
        return None
    return Stop("stuck", 3, f"the last {count} attempts ended with files and failures that were there before")
