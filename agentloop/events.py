"""Everything that can happen in a run: one union of frozen records, named in the past tense.

A journal line is one event as JSON. `seq` counts from 0 and `at` is Unix time in seconds; the journal sets both.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from agentloop.job import Job, SandboxKind
from agentloop.standing import Standing

SCHEMA = 1

Purpose = Literal["work", "distill", "repair"]
VerdictValue = Literal["pass", "fail", "error"]
LeafKind = Literal["command", "metric", "file", "url", "judge", "approved"]
SkillOperation = Literal["create", "update"]
CheckRole = Literal["attempt", "confirm", "recheck", "start"]
TurnStatus = Literal["done", "failed", "timed_out", "idle"]
ErrorClass = Literal["rate_limit", "transient", "login", "permission", "context", "session_lost", "permanent"]
Outcome = Literal[
    "reached",
    "already_holds",
    "not_reached",
    "bad_predicate",
    "spent",
    "agent_unusable",
    "blocked",
    "dishonest",
    "rate_limited",
    "stuck",
    "no_work",
    "superseded",
    "repository_lost",
]


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    seq: int = -1
    at: float = 0.0


class Counters(BaseModel):
    """What an agent reported as totals of its whole session; None where it reports none."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cost_usd: float | None = None


class Usage(BaseModel):
    """What one turn used; None means unknown, never zero."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    """Of those that went in, what was read from a cache and costs less."""
    cost_usd: float | None = None
    cost_is_estimated: bool = False
    """The agent did not say it: it is what the tokens cost at the model's list price."""


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


class RunStarted(_Event):
    """A run began."""

    type: Literal["run.started"] = "run.started"
    run: str
    version: str
    job: Job
    base: str | None = None
    """The commit that HEAD named; None on an unborn branch."""
    branch: str = ""
    """The branch that HEAD was on; empty when it was detached."""
    resumable: bool = True
    """The agent has sessions that can be returned to."""


class RunResumed(_Event):
    """A supervisor went on with a run that was cut off."""

    type: Literal["run.resumed"] = "run.resumed"
    killed: tuple[str, ...] = ()
    """Processes of the run that were still there, and were ended."""


class RunInterrupted(_Event):
    """A signal ended the supervisor; the run can be resumed."""

    type: Literal["run.interrupted"] = "run.interrupted"
    signal: str


class Changed(BaseModel):
    """How much differs between two trees; a file that is no text counts without lines."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    files: int = 0
    insertions: int = 0
    deletions: int = 0


class Snapshotted(_Event):
    """The tree was recorded under `refs/agentloop/<run>/<n>`."""

    type: Literal["tree.snapshotted"] = "tree.snapshotted"
    n: int
    """0 before the first turn, then the number of the turn it follows."""
    commit: str
    tree: str
    changed: Changed | None = None
    """What differs from snapshot 0; None: that is this one, or it could not be told."""
    standing: Standing | None = None
    """HEAD, index and stash at that moment; None where a commit was recorded in place of the tree."""


class CheckStarted(_Event):
    """The predicate is being run."""

    type: Literal["check.started"] = "check.started"
    attempt: int


class Checked(_Event):
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
    metrics: dict[str, float] = {}
    """The measured values by the name of the metric."""
    remembered_from: float | None = None
    """Unix time of the check that this one repeats: the same tree, predicate and tools."""
    sandbox: SandboxKind | Literal[""] = ""
    """What kept its commands from writing anywhere but to the tree; empty in journals of before."""
    failing: str = ""
    """A digest of what does not hold, conditions and tests by name; equal where the same fails."""


class GuardBegan(_Event):
    """What a pass will be held against was recorded, before the first turn."""

    type: Literal["guard.began"] = "guard.began"
    record: str = ""
    """Path of the record."""


class Guarded(_Event):
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


class TurnStarted(_Event):
    """The agent was prompted."""

    type: Literal["turn.started"] = "turn.started"
    turn: int
    """Counts every prompt of the run from 1, whatever its purpose."""
    purpose: Purpose
    prompt: str
    """Path of the prompt as sent; empty when a person drives the agent."""
    log: str
    """Path of what the agent printed; likewise."""
    session: str | None = None
    """The session that is resumed, by its name; None where it has none, or is to be begun."""
    goes_on: bool = False
    """It goes to the session that got the last prompt, named or not."""


class SessionOpened(_Event):
    """The agent named its session."""

    type: Literal["session.opened"] = "session.opened"
    session: str
    cwd: str = ""
    """The folder that it works in; empty: the repository's root."""


class SessionLost(_Event):
    """The session cannot be returned to."""

    type: Literal["session.lost"] = "session.lost"
    session: str
    reason: str


class SessionLeft(_Event):
    """The session was left for a new one."""

    type: Literal["session.left"] = "session.left"
    session: str
    reason: str = "--session fresh"


class ToolCalled(_Event):
    """The agent called one of its tools."""

    type: Literal["tool.called"] = "tool.called"
    name: str
    detail: str = ""
    call: str = ""
    """The agent's own id of the call; empty when it names none."""
    command: str = ""
    """The whole command line, bounded, of a tool that runs one."""


class ToolEnded(_Event):
    """A call of a tool came to its end."""

    type: Literal["tool.ended"] = "tool.ended"
    call: str
    failed: bool
    output: str = ""
    """What it said, bounded; of a call that failed."""


class SkillLoaded(_Event):
    """The agent loaded a skill, or read its SKILL.md."""

    type: Literal["skill.loaded"] = "skill.loaded"
    name: str


class AgentWaited(_Event):
    """The agent says that it retries or waits for its model."""

    type: Literal["agent.waited"] = "agent.waited"
    reason: str


class TurnEnded(_Event):
    """The agent stopped, or was stopped."""

    type: Literal["turn.ended"] = "turn.ended"
    turn: int
    purpose: Purpose
    status: TurnStatus
    session: str | None = None
    text: str = ""
    """The agent's last words, bounded and redacted."""
    usage: Usage = Usage()
    counters: Counters = Counters()
    tool_calls: int = 0
    exit_code: int | None = None
    error: str = ""
    error_class: ErrorClass | None = None
    reset_at: float | None = None
    """Unix time at which a usage limit ends, where the agent says so."""
    denied: tuple[str, ...] = ()
    """Tools that the agent was not allowed to use, each once."""
    duration_s: float = 0.0
    killed: tuple[str, ...] = ()
    model: str = ""
    """The model as the agent names it; empty when it does not."""


class WaitStarted(_Event):
    """The run waits, since the agent cannot work now."""

    type: Literal["wait.started"] = "wait.started"
    until: float
    """Unix time at which the agent is prompted again."""
    cause: ErrorClass
    """A wait for a rate limit is a pause; any other takes of the run's time."""
    reason: str
    """What the agent said."""


class WaitEnded(_Event):
    """The time until which the run waited has come."""

    type: Literal["wait.ended"] = "wait.ended"


class SkillDeclined(_Event):
    """The session had nothing worth keeping."""

    type: Literal["skill.declined"] = "skill.declined"
    reason: str


class SkillDrafted(_Event):
    """The session wrote a draft, and it was looked at."""

    type: Literal["skill.drafted"] = "skill.drafted"
    name: str
    path: str
    """The draft's copy in the run's folder."""
    findings: tuple[str, ...] = ()
    operation: SkillOperation = "create"
    diff: str = ""
    """What an update changes, bounded."""


class SkillKeptBack(_Event):
    """The draft was not committed; it stays in the run's folder."""

    type: Literal["skill.kept_back"] = "skill.kept_back"
    reason: str
    path: str = ""


class SkillPublished(_Event):
    """The skill was committed."""

    type: Literal["skill.published"] = "skill.published"
    name: str
    commit: str
    paths: tuple[str, ...]
    branch: str = ""
    """The branch that it was committed on, when that is not the one that was checked out."""
    note: str = ""
    """What the person has to know about the commit; mostly nothing."""

    @property
    def folder(self) -> str:
        """The skill's folder, relative to the repository's root: where the topmost SKILL.md lies."""
        return min((path for path in self.paths if path.endswith("/SKILL.md")), key=len).removesuffix("/SKILL.md")


class SkillAccepted(_Event):
    """A person accepted the draft, before it was committed."""

    type: Literal["skill.accepted"] = "skill.accepted"
    name: str
    edited: bool = False
    """The person changed it first."""


class SkillRejected(_Event):
    """A person rejected the draft."""

    type: Literal["skill.rejected"] = "skill.rejected"
    name: str
    reason: str


class SkillTakenBack(_Event):
    """A person undid what the run had committed."""

    type: Literal["skill.taken_back"] = "skill.taken_back"
    name: str


class UndoBegan(_Event):
    """A person takes the files back to a snapshot; written before the first of them is."""

    type: Literal["undo.began"] = "undo.began"
    to: int
    """The snapshot's number."""


class SkillsLinked(_Event):
    """The skills were linked where agents read them."""

    type: Literal["skills.linked"] = "skills.linked"
    paths: tuple[str, ...]
    commit: str | None = None
    problem: str = ""
    """Why some or all were not linked."""


class WinClaimed(_Event):
    """A run whose pass is honest asked whether it is the first of its group."""

    type: Literal["win.claimed"] = "win.claimed"
    by: str
    """The run that is."""


class WorkBroughtBack(_Event):
    """What was done in a worktree of the run's own was committed, and is a branch of the repository."""

    type: Literal["work.brought_back"] = "work.brought_back"
    branch: str
    """Empty when nothing was changed, so that there is none."""
    commit: str
    """The end of the branch, or the commit that the run began at."""
    left: tuple[str, ...] = ()
    """What no commit holds; because of it the worktree stays."""


class RunEnded(_Event):
    """The run came to its end."""

    type: Literal["run.ended"] = "run.ended"
    outcome: Outcome
    exit_code: int
    reason: str


Event = Annotated[
    RunStarted
    | RunResumed
    | RunInterrupted
    | Snapshotted
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
