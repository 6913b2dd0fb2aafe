"""What happens in a turn, and to the session."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from agentloop.events.event import Recorded

Purpose = Literal["work", "distill", "repair"]
TurnStatus = Literal["done", "failed", "timed_out", "idle"]
ErrorClass = Literal["rate_limit", "transient", "login", "permission", "context", "session_lost", "permanent"]


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


class TurnStarted(Recorded):
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


class SessionOpened(Recorded):
    """The agent named its session."""

    type: Literal["session.opened"] = "session.opened"
    session: str
    cwd: str = ""
    """The folder that it works in; empty: the repository's root."""


class SessionLost(Recorded):
    """The session cannot be returned to."""

    type: Literal["session.lost"] = "session.lost"
    session: str
    reason: str


class SessionLeft(Recorded):
    """The session was left for a new one."""

    type: Literal["session.left"] = "session.left"
    session: str
    reason: str = "--session fresh"


class ToolCalled(Recorded):
    """The agent called one of its tools."""

    type: Literal["tool.called"] = "tool.called"
    name: str
    detail: str = ""
    call: str = ""
    """The agent's own id of the call; empty when it names none."""
    command: str = ""
    """The whole command line, bounded, of a tool that runs one."""


class ToolEnded(Recorded):
    """A call of a tool came to its end."""

    type: Literal["tool.ended"] = "tool.ended"
    call: str
    failed: bool
    output: str = ""
    """What it said, bounded; of a call that failed."""


class SkillLoaded(Recorded):
    """The agent loaded a skill, or read its SKILL.md."""

    type: Literal["skill.loaded"] = "skill.loaded"
    name: str


class AgentWaited(Recorded):
    """The agent says that it retries or waits for its model."""

    type: Literal["agent.waited"] = "agent.waited"
    reason: str


class TurnEnded(Recorded):
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
