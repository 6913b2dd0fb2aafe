"""The calls of an agent's tools, as far as a run has to remember them."""

from dataclasses import dataclass, replace
from typing import Literal

from agentloop.events import Purpose, ToolCalled, ToolEnded

MAX_CALLS = 5000
"""The newest ones; no honest run has as many, and each of them is looked at more than once."""
_LOOK_BACK = 64


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a tool, and how it came out."""

    seq: int
    turn: int
    purpose: Purpose
    name: str
    detail: str
    call: str
    """The agent's own id of it."""
    command: str
    """The command line of a tool that runs one."""
    outcome: Literal["unknown", "succeeded", "failed"] = "unknown"
    output: str = ""
    """What a call that failed said, bounded."""

    @property
    def said(self) -> str:
        """The call as one would write it."""
        return self.command or f"{self.name} {self.detail}".strip()


Calls = tuple[Call, ...]


def with_call(calls: Calls, event: ToolCalled, turn: int, purpose: Purpose) -> Calls:
    """The calls with another one; the oldest are forgotten."""
    return (
        *calls[-MAX_CALLS + 1 :],
        Call(event.seq, turn, purpose, event.name, event.detail, event.call, event.command),
    )


def with_end(calls: Calls, event: ToolEnded) -> Calls:
    """The calls with the outcome of one; an end that belongs to none of the newest is left out."""
    for back, call in enumerate(reversed(calls[-_LOOK_BACK:]), start=1):
        if event.call and call.call == event.call and call.outcome == "unknown":
            at = len(calls) - back
            done = replace(call, outcome="failed" if event.failed else "succeeded", output=event.output)
            return (*calls[:at], done, *calls[at + 1 :])
    return calls
