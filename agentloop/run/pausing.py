"""Waits for the limits of others: begun with a little chance, and waited out by the clock on the wall."""

import random
import time
from collections.abc import Callable

from agentloop import events as ev
from agentloop import interrupts
from agentloop.state import steps

_JITTER = 0.25
_LOOK_S = 1.0


def performed(
    step: steps.StartWait | steps.Wait, on_tick: Callable[[float], None] | None
) -> ev.WaitStarted | ev.WaitEnded:
    """Begin a wait, or wait until its end; returns what is to be told of it.

    Args:
        step: what is to be done.
        on_tick: called with the seconds that are left.

    Raises:
        Interrupted: a signal was noted; the wait is not over.
    """
    if isinstance(step, steps.Wait):
        _wait_out(step.until, on_tick)
        return ev.WaitEnded()
    until = step.until
    if until is None:
        until = time.time() + step.delay_s * (1 + random.uniform(0, _JITTER))
    return ev.WaitStarted(until=until, cause=step.cause, reason=step.reason)


def _wait_out(until: float, on_tick: Callable[[float], None] | None) -> None:
    """By the clock on the wall, so that it ends in time also when the machine sleeps meanwhile."""
    while (left_s := until - time.time()) > 0:
        if on_tick:
            on_tick(left_s)
        interrupts.sleep(min(left_s, _LOOK_S))
