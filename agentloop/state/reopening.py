"""What lets a run go on that has reached limits of its own: higher ones, and the command that says them. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from agentloop.job import Limits
from agentloop.state import RunState
from agentloop.text import amounts

_Number = TypeVar("_Number", int, float)
_FLAGS: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "max_attempts": ("--max-attempts", str),
    "max_time_s": ("--max-time", amounts.as_duration),
    "max_cost_usd": ("--max-cost", amounts.as_cost),
    "max_tokens": ("--max-tokens", amounts.as_tokens),
}


def raised(state: RunState, limits: Limits) -> Limits:
    """The limits, each that the run has reached doubled until it is not any more; equal when none was reached.

    Args:
        state: the run's state.
        limits: those that it would go on with.
    """
    higher = {
        "max_attempts": _above(limits.max_attempts, len(state.checks)),
        "max_time_s": _above(limits.max_time_s, state.elapsed_s),
        "max_cost_usd": _above(limits.max_cost_usd, state.known_cost_usd),
        "max_tokens": _above(limits.max_tokens, state.known_tokens),
    }
    return limits.model_copy(update=higher)


def _above(limit: _Number | None, used: _Number) -> _Number | None:
    """What somebody chose, doubled, is as round a number."""
    while limit is not None and limit <= used:
        limit *= 2
    return limit


def command(state: RunState, limits: Limits | None = None) -> str:
    """The command line that goes on with a run by its name, with each limit that has to be a higher one for that.

    Args:
        state: the run's state.
        limits: those that somebody asks for; None: the run's own. Where they suffice, they are what is said.
    """
    before = state.task.limits.model_dump()
    after = raised(state, limits or state.task.limits).model_dump()
    flags = [f"{flag} {write(after[key])}" for key, (flag, write) in _FLAGS.items() if after[key] != before[key]]
    return " ".join(["agentloop resume", state.run, *flags])
