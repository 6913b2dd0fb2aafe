"""What the predicate and the guard came to."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agentloop.events.event import Recorded
from agentloop.job import SandboxKind

VerdictValue = Literal["pass", "fail", "error"]
LeafKind = Literal["command", "metric", "file", "url", "judge", "approved"]
CheckRole = Literal["attempt", "confirm", "recheck", "start"]


class TestCounts(BaseModel):
    """How many tests a command ran, by how they came out; errors count as failed."""

    __test__ = False  # no test class, whatever pytest thinks of the name
    model_config = ConfigDict(frozen=True, extra="forbid")
    passed: int = 0
    failed: int = 0
    skipped: int = 0


class Leaf(BaseModel):
    """The verdict on one condition of a predicate."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    source: str
    """The part of the predicate as the user wrote it."""
    kind: LeafKind = "command"
    command: str = ""
    """The command as one would type it."""
    verdict: VerdictValue
    reason: str
    """One line: `exited 1`, `command not found: pytest`, `no tests ran (exit 5)`, ..."""
    exit_code: int | None = None
    duration_s: float = 0.0
    output: str = ""
    """A bounded, redacted excerpt of what it printed."""
    log: str = ""
    """Path of the whole output."""
    missing: bool = False
    """The command does not exist or cannot be executed."""
    tests: TestCounts | None = None
    """What a known test runner reported."""
    report: str = ""
    """Path of the test report as JSON."""
    tool: str = ""
    """The program that the command was resolved to."""


class CheckStarted(Recorded):
    """The predicate is being run."""

    type: Literal["check.started"] = "check.started"
    attempt: int


class Checked(Recorded):
    """The predicate came to a verdict."""

    type: Literal["check.ended"] = "check.ended"
    attempt: int
    """0 is the check of the tree before the first turn."""
    role: CheckRole = "attempt"
    """Whether it followed a turn, repeats a pass, follows a turn that was about the skill, or was of the tree that the
    work began with, when it was over."""
    verdict: VerdictValue
    leaves: tuple[Leaf, ...]
    duration_s: float
    metrics: dict[str, float] = Field(default_factory=dict)
    """The measured values by the name of the metric."""
    remembered_from: float | None = None
    """Unix time of the check that this one repeats: the same tree, predicate and tools."""
    sandbox: SandboxKind | Literal[""] = ""
    """What kept its commands from writing anywhere but to the tree; empty in journals of before."""
    failing: str = ""
    """A digest of what does not hold, conditions and tests by name; equal where the same fails."""


class GuardBegan(Recorded):
    """What a pass will be held against was recorded, before the first turn."""

    type: Literal["guard.began"] = "guard.began"
    record: str = ""
    """Path of the record."""


class Guarded(Recorded):
    """A pass was looked at: is it honest?"""

    type: Literal["guard.ended"] = "guard.ended"
    attempt: int
    accepted: bool
    """It counts; with problems only because the guard was told to warn."""
    problems: tuple[str, ...] = ()
    """What makes the pass dishonest, a line each."""
    files: tuple[str, ...] = ()
    """The protected files that are not as they were."""
    notes: tuple[str, ...] = ()
    """What a person should know, although it is no problem."""
    replayed: bool = False
    """The check was run again in a clean worktree with the protected files restored."""
    duration_s: float = 0.0
