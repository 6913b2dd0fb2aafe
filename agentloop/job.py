"""The job: all that describes a run, as one serialisable record."""

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

SkillsTo = Literal["commit", "branch", "outbox"]
GuardMode = Literal["enforce", "warn", "off"]
PermissionMode = Literal["read", "edit", "full"]
Driver = Literal["headless", "terminal", "acp"]
SandboxKind = Literal["landlock", "bwrap", "none"]


class Limits(BaseModel):
    """What bounds a run. Seconds, US dollars and tokens; None means no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    max_attempts: int = 10
    max_time_s: float | None = 4 * 3600
    turn_timeout_s: float = 1800
    idle_timeout_s: float = 600
    check_timeout_s: float = 1800
    max_cost_usd: float | None = 50.0
    max_tokens: int | None = 100_000_000
    max_wait_s: float = 6 * 3600
    """The longest wait for a usage limit; 0: none is waited for."""
    stuck_after: int = 3
    """Attempts in a row that repeat what was there before, until another approach is asked for."""


class MetricSpec(BaseModel):
    """How a metric is measured: a command, and where the number stands in its output."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    command: Annotated[str, Field(min_length=1)]
    """A line for `bash -o pipefail`."""
    regex: str = ""
    """Its last match counts: the first group, without groups all of it."""
    jmespath: str = ""
    """For an output that is one JSON document."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        import jmespath
        from jmespath.exceptions import JMESPathError

        if bool(self.regex) == bool(self.jmespath):
            raise ValueError("a metric wants a regex or a jmespath, and not both")
        try:
            if self.jmespath:
                jmespath.compile(self.jmespath)
            re.compile(self.regex)
        except (re.error, OverflowError, RecursionError, JMESPathError) as error:
            raise ValueError(f"the expression cannot be read: {error}") from error
        return self


class ByHand(BaseModel):
    """The work turn is a person's, who drives the agent; agentloop checks it and asks that session for the skill."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    ask: bool = False
    """The person is asked before the session is."""
    session: str = ""
    """The session whose work is done; empty: the agent is opened, and its session found afterwards."""
    began: float | None = None
    """Unix time at which that session began."""
    base: str = ""
    """The commit that its work began with; empty: the last one from before it began."""


class Job(BaseModel):
    """All that describes a run, serialisable: whoever has it can start the run again."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    task: str = ""
    until: tuple[str, ...]
    agent: str
    program: tuple[str, ...] = ()
    """The command after `--`, without the task; empty when the agent was named by `--agent`."""
    permissions: PermissionMode | Literal[""] = ""
    """What the agent may do; empty: the narrowest mode that can edit and run the check."""
    model: str = ""
    """The model that the agent is told to use; empty: its own choice."""
    driver: Driver | Literal[""] = ""
    """How the agent is driven; empty: as its adapter says."""
    session: Literal["same", "fresh"] = "same"
    """Whether the work turns share a session, or each gets a new one with the run's ledger."""
    by_hand: ByHand | None = None
    resume_with: str = ""
    session_from: str = ""
    worktree: str
    home: str = ""
    """The working tree that the run was begun in, when `worktree` is another; in a run by hand the one that the session
    worked in, and that its skill goes to."""
    own_worktree: bool = False
    """`worktree` is made for the run and taken away at its end; its work is brought back as a branch."""
    group: str = ""
    """The id of the group of runs that try side by side; empty: it tries alone."""
    member: int = 0
    """Its number in the group, from 1."""
    attempts_in_parallel: int = 1
    """How many runs are in the group."""
    skills_dir: str = "skills"
    distill: Literal["auto", "always", "never"] = "auto"
    distill_in: Literal["same", "fork"] = "same"
    """Whether the session itself is asked for the skill, or a fork of it."""
    skills_to: SkillsTo = "commit"
    """Where a skill goes: a commit on the branch that is checked out, one on another branch, or the outbox."""
    skills_branch: str = ""
    """The branch, for `skills_to = branch`."""
    review: bool = False
    """A person is shown the draft and asked before it goes anywhere."""
    link: bool = True
    guard: GuardMode = "enforce"
    protect: tuple[str, ...] = ()
    """Globs of further files that the agent must leave as they are."""
    may_edit: tuple[str, ...] = ()
    """Globs of protected files that the task is about."""
    confirm: int = 1
    """How often the accepting check has to pass in a row."""
    fresh: bool = False
    """A tree that was checked before is checked again."""
    sandbox: SandboxKind | Literal[""] = ""
    """What keeps checks from writing anywhere but to the tree; empty: Landlock, where the kernel has it."""
    sandbox_writable: tuple[str, ...] = ()
    """Further files and folders that may be written to within it."""
    limits: Limits = Limits()
    checks: dict[str, str] = {}
    """The named predicates as they were when the run began."""
    metrics: dict[str, MetricSpec] = {}
    """The configured metrics, likewise."""
    judge_model: str = ""
    allow_judge_only: bool = False
