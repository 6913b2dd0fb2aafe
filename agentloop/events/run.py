"""The beginning, the pauses and the end of a run."""

from typing import Literal

from agentloop.events.event import Recorded
from agentloop.events.turns import ErrorClass
from agentloop.job import Job, Limits

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


class RunStarted(Recorded):
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


class RunResumed(Recorded):
    """A supervisor went on with a run that was cut off, or that had ended and was reopened."""

    type: Literal["run.resumed"] = "run.resumed"
    killed: tuple[str, ...] = ()
    """Processes of the run that were still there, and were ended."""
    max_wait_s: float | None = None
    """The longest wait for a usage limit from now on; None: as before."""
    limits: Limits | None = None
    """All that bounds the run from now on, but for that wait; None: as before."""


class RunInterrupted(Recorded):
    """A signal ended the supervisor; the run can be resumed."""

    type: Literal["run.interrupted"] = "run.interrupted"
    signal: str


class WaitStarted(Recorded):
    """The run waits, since the agent cannot work now."""

    type: Literal["wait.started"] = "wait.started"
    until: float
    """Unix time at which the agent is prompted again."""
    cause: ErrorClass
    """A wait for a rate limit is a pause; any other takes of the run's time."""
    reason: str
    """What the agent said."""


class WaitEnded(Recorded):
    """The time until which the run waited has come."""

    type: Literal["wait.ended"] = "wait.ended"


class WinClaimed(Recorded):
    """A run whose pass is honest asked whether it is the first of its group."""

    type: Literal["win.claimed"] = "win.claimed"
    by: str
    """The run that is."""


class RunEnded(Recorded):
    """The run came to its end."""

    type: Literal["run.ended"] = "run.ended"
    outcome: Outcome
    exit_code: int
    reason: str
