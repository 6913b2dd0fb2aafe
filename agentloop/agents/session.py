"""What the loop knows of an agent: a session that can be prompted, and how a turn of it ended."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agentloop.events import Counters, ErrorClass, Event, TurnStatus, Usage


@dataclass(frozen=True, slots=True)
class Turn:
    """One prompt and what came of it."""

    status: TurnStatus
    text: str
    """The agent's last words, bounded."""
    session: str | None
    usage: Usage
    counters: Counters
    """The session's totals so far, where the agent reports those."""
    tool_calls: int
    exit_code: int | None
    error: str
    error_class: ErrorClass | None
    duration_s: float
    killed: tuple[str, ...]
    reset_at: float | None = None
    """Unix time at which a usage limit ends, where the agent says so."""
    denied: tuple[str, ...] = ()
    """Tools that it was not allowed to use, each once."""
    model: str = ""
    """As the agent names it; empty when it does not."""


class Session(Protocol):
    """An agent's memory across turns."""

    @property
    def id(self) -> str | None:
        """The session's name; None while it is unknown, or when the agent has none."""

    @property
    def resumable(self) -> bool:
        """The agent has sessions that can be returned to."""

    @property
    def remembers(self) -> bool:
        """The next prompt goes to the session that got the last one."""

    @property
    def forks(self) -> bool:
        """The agent can go on in a copy of the session."""

    def send(
        self,
        prompt: str,
        *,
        fork: bool = False,
        log: Path,
        timeout_s: float,
        idle_timeout_s: float,
        emit: Callable[[Event], object],
        on_tick: Callable[[float], None] | None = None,
    ) -> Turn:
        """Prompt the session and wait for the end of the turn.

        Args:
            prompt: the prompt.
            fork: go on in a copy of the session, which stays as it is; where `forks`.
            log: where what the agent prints goes.
            timeout_s: time for the turn.
            idle_timeout_s: silence that ends it.
            emit: gets what happens meanwhile.
            on_tick: called every now and then with the seconds so far.
        """

    def close(self) -> None:
        """End what is kept running between turns; the session itself stays, to be returned to."""
