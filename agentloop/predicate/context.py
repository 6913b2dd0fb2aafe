"""What an evaluation is told, and what it notes on its way."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agentloop.events import Leaf, VerdictValue
from agentloop.job import MetricSpec
from agentloop.process import Walls


def _no_diff() -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Context:
    """Where and with what a predicate is evaluated."""

    cwd: Path
    env: Mapping[str, str]
    """The whole environment of the programs, with the tag of the run."""
    logs: Path
    """A folder outside of the tree for logs and reports; no part of its path is a link."""
    timeout_s: float
    """What one command may take."""
    on_tick: Callable[[float], None] | None = None
    task: str = ""
    """What a judge is told of the task."""
    diff: Callable[[], str] = _no_diff
    """Makes what a judge is shown of the change."""
    baseline: Mapping[str, float] = field(default_factory=dict)
    """The metrics as they were measured first; a metric that is not in it is its own baseline."""
    metrics: Mapping[str, MetricSpec] = field(default_factory=dict)
    judge_model: str = ""
    ask: Callable[[str, float], bool] | None = None
    """Puts a question to the person, who has so many seconds, and raises TimeoutError after them; None when nobody is
    there."""
    person_s: float = math.inf
    """What a person may take to answer."""
    walls: Walls | None = None
    """What the commands are kept within."""

    @property
    def reports(self) -> Path:
        """Where test runners write reports: all that a command can write to of the logs."""
        return self.logs / "reports"


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that was run."""

    leaf: Leaf
    output: str
    """The beginning and the end of what it printed."""


@dataclass(slots=True)
class Record:
    """What the check did so far, for the metrics to read."""

    began_at: float
    """Unix time."""
    commands: dict[int, Ran] = field(default_factory=dict)
    """The latest run of each command, by its number."""
    metrics: dict[str, float] = field(default_factory=dict)


Finding = tuple[VerdictValue, str]
"""A verdict and its reason in one line."""
