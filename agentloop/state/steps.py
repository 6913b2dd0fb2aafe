"""What a run can do next: the answers of `loop.next_step`, performed by the supervisor."""

from dataclasses import dataclass
from typing import Literal

from agentloop import events as ev


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Record the tree as snapshot `n`, the number of the turn that it follows."""

    n: int


@dataclass(frozen=True, slots=True)
class Check:
    """Run the predicate; attempt 0 is the check before the first turn."""

    attempt: int
    role: ev.CheckRole = "attempt"


@dataclass(frozen=True, slots=True)
class Baseline:
    """Note what a pass will be held against."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Find out whether the pass of an attempt is honest."""

    attempt: int


@dataclass(frozen=True, slots=True)
class LoseSession:
    """Give up the session; the next prompt opens another and tells it everything."""

    reason: str


@dataclass(frozen=True, slots=True)
class LeaveSession:
    """Leave the session as it is; the next prompt opens another and tells it everything."""

    reason: str = "--session fresh"


@dataclass(frozen=True, slots=True)
class Prompt:
    """Prompt the session to work: the task, evidence, after a turn that was cut off, or after a dishonest pass."""

    kind: Literal["task", "retry", "continue", "dishonest"]
    attempt: int
    repeated: int = 0
    """So many attempts in a row brought nothing new, which the prompt says; 0: it need not."""


@dataclass(frozen=True, slots=True)
class StartWait:
    """Begin to wait for an agent that cannot work now.

    Either `until` a Unix time, or for `delay_s` and a little more by chance, so that many do not come back at once.
    """

    cause: ev.ErrorClass
    reason: str
    until: float | None = None
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until a Unix time."""

    until: float


@dataclass(frozen=True, slots=True)
class Drive:
    """Let the person work with the agent, or find out what was done in the session that they worked in."""

    opens: bool


@dataclass(frozen=True, slots=True)
class Distill:
    """Ask the session for the skill; and first the person, whether it is to be asked."""

    asks_first: bool = False


@dataclass(frozen=True, slots=True)
class Inspect:
    """Look at what the session drafted."""


@dataclass(frozen=True, slots=True)
class Repair:
    """Send the findings back to the session."""

    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """Show the draft to a person and ask what is to become of it."""


@dataclass(frozen=True, slots=True)
class Publish:
    """Commit the draft."""


@dataclass(frozen=True, slots=True)
class KeepBack:
    """Leave the draft in the run's folder."""

    reason: str


@dataclass(frozen=True, slots=True)
class Link:
    """Link the skills where agents read them."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Find out whether the run is the first of its group."""


@dataclass(frozen=True, slots=True)
class BringBack:
    """Commit what was done in a worktree of the run's own, so that the skill's commit can follow."""


@dataclass(frozen=True, slots=True)
class Stop:
    """End the run."""

    outcome: ev.Outcome
    exit_code: int
    reason: str


Learning = Distill | Inspect | Repair | Ask | BringBack | Publish | KeepBack | Link
Waiting = StartWait | Wait
Ending = Claim | Stop
Step = Snapshot | Check | Baseline | Guard | LoseSession | LeaveSession | Prompt | Waiting | Drive | Learning | Ending
