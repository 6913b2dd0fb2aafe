"""Everything that can happen in a run: one union of frozen records, named in the past tense.

A journal line is one event as JSON. `seq` counts from 0 and `at` is Unix time in seconds; the journal sets both.
"""

from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from agentloop.events.checks import (
    Checked,
    CheckRole,
    CheckStarted,
    GuardBegan,
    Guarded,
    Leaf,
    LeafKind,
    TestCounts,
    VerdictValue,
)
from agentloop.events.run import (
    Outcome,
    RunEnded,
    RunInterrupted,
    RunResumed,
    RunStarted,
    WaitEnded,
    WaitStarted,
    WinClaimed,
)
from agentloop.events.skills import (
    SkillAccepted,
    SkillDeclined,
    SkillDrafted,
    SkillKeptBack,
    SkillOperation,
    SkillPublished,
    SkillRejected,
    SkillsLinked,
    SkillTakenBack,
)
from agentloop.events.trees import (
    Changed,
    Snapshotted,
    TreeFound,
    UndoBegan,
    WorkBroughtBack,
)
from agentloop.events.turns import (
    AgentWaited,
    Counters,
    ErrorClass,
    Purpose,
    SessionLeft,
    SessionLost,
    SessionOpened,
    SkillLoaded,
    ToolCalled,
    ToolEnded,
    TurnEnded,
    TurnStarted,
    TurnStatus,
    Usage,
)

__all__ = [
    "SCHEMA",
    "AgentWaited",
    "Changed",
    "CheckRole",
    "CheckStarted",
    "Checked",
    "Counters",
    "ErrorClass",
    "Event",
    "GuardBegan",
    "Guarded",
    "Leaf",
    "LeafKind",
    "Outcome",
    "Purpose",
    "RunEnded",
    "RunInterrupted",
    "RunResumed",
    "RunStarted",
    "SessionLeft",
    "SessionLost",
    "SessionOpened",
    "SkillAccepted",
    "SkillDeclined",
    "SkillDrafted",
    "SkillKeptBack",
    "SkillLoaded",
    "SkillOperation",
    "SkillPublished",
    "SkillRejected",
    "SkillTakenBack",
    "SkillsLinked",
    "Snapshotted",
    "TestCounts",
    "ToolCalled",
    "ToolEnded",
    "TreeFound",
    "TurnEnded",
    "TurnStarted",
    "TurnStatus",
    "UndoBegan",
    "Usage",
    "VerdictValue",
    "WaitEnded",
    "WaitStarted",
    "WinClaimed",
    "WorkBroughtBack",
    "parse",
]

SCHEMA = 1

Event = Annotated[
    RunStarted
    | RunResumed
    | RunInterrupted
    | Snapshotted
    | TreeFound
    | CheckStarted
    | Checked
    | GuardBegan
    | Guarded
    | TurnStarted
    | SessionOpened
    | SessionLost
    | SessionLeft
    | ToolCalled
    | ToolEnded
    | SkillLoaded
    | AgentWaited
    | TurnEnded
    | WaitStarted
    | WaitEnded
    | SkillDeclined
    | SkillDrafted
    | SkillKeptBack
    | SkillPublished
    | SkillAccepted
    | SkillRejected
    | SkillTakenBack
    | UndoBegan
    | SkillsLinked
    | WinClaimed
    | WorkBroughtBack
    | RunEnded,
    Field(discriminator="type"),
]

_ADAPTER: TypeAdapter[Any] = TypeAdapter(Event)


def parse(line: str | bytes) -> Event:
    """Read one journal line.

    Raises:
        pydantic.ValidationError: the line is no event of this schema.
    """
    event: Event = _ADAPTER.validate_json(line)
    return event
