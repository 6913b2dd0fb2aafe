"""The predicate of a run, evaluated where and with what the run says."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agentloop.predicate import evaluate, judge, probes
from agentloop.predicate.nodes import Node
from agentloop.process import child_environment
from agentloop.repo import Repo
from agentloop.state import RunState

_LAST_CHECK_S = 60.0


@dataclass(frozen=True, slots=True)
class Checks:
    """Runs the checks of a run.

    Args:
        repo: the run's repository.
        predicate: what must hold.
        on_tick: called with the elapsed seconds while a command runs.
    """

    repo: Repo
    predicate: Node
    on_tick: Callable[[float], None] | None = None

    def run(self, state: RunState, tree: Path, logs: Path) -> evaluate.Evaluation:
        """Evaluate the predicate once.

        Args:
            state: the run's state, for its limits, its baseline and its change.
            tree: the folder to work in.
            logs: where the whole outputs and the reports go; outside of the tree.

        Raises:
            Interrupted: a signal was noted; nothing is left running.
            OSError: a log cannot be written.
        """
        job = state.task
        context = evaluate.Context(
            cwd=tree,
            env=child_environment(state.run),
            logs=logs,
            timeout_s=_check_timeout_s(state),
            on_tick=self.on_tick,
            task=job.task,
            diff=lambda: self._diff(state),
            baseline=state.baseline.metrics if state.baseline else {},
            metrics=job.metrics,
            judge_model=job.judge_model,
            ask=probes.person(),
        )
        return evaluate.evaluate(self.predicate, context)

    def _diff(self, state: RunState) -> str:
        """What the run has changed, for a judge."""
        if len(state.snapshots) < 2:
            return ""
        first, last = state.snapshots[0], state.snapshots[-1]
        return self.repo.diff(first.commit, last.commit, max_chars=judge.MAX_DIFF_CHARS)


def within_budget(state: RunState, timeout_s: float) -> float:
    """What a step may take, so that the run ends in its time."""
    max_time_s = state.task.limits.max_time_s
    return timeout_s if max_time_s is None else max(1.0, min(timeout_s, max_time_s - state.elapsed_s))


def _check_timeout_s(state: RunState) -> float:
    """What was worked for is looked at, also when the run's time is up."""
    limit_s = state.task.limits.check_timeout_s
    return max(within_budget(state, limit_s), min(limit_s, _LAST_CHECK_S))
