"""How a turn failed, in the agent's own words, and what kind of failure that is."""

import re
import time

from agentloop.agents.resets import reset_at
from agentloop.agents.spec import Adapter
from agentloop.events import ErrorClass

_MAX_CHARS = 600


def short(words: str) -> str:
    """The end of what an agent said, as much as goes into an event."""
    words = words.strip()
    return words if len(words) <= _MAX_CHARS else f"[...] {words[-_MAX_CHARS:]}"


def kind_of(
    adapter: Adapter, words: str, status: str = "", reset: object = None
) -> tuple[ErrorClass | None, float | None]:
    """What kind of failure an agent tells of, and when a usage limit ends.

    Args:
        adapter: the agent.
        words: what it said.
        status: the status or code of the error.
        reset: when the limit ends, as it said it elsewhere.

    Returns:
        The kind, None for an unknown one; Unix time in seconds, None when there is no limit or it says nothing of it.
    """
    known = adapter.classify(words, status)
    if known is None:
        return None, None
    match = re.search(known.reset, words, re.IGNORECASE) if known.reset else None
    if reset is None and match:
        reset = match[1] if match.re.groups else match[0]
    at = reset_at(reset, time.time()) if reset is not None and known.kind == "rate_limit" else None
    return known.kind, at
