"""The predicate of a run, evaluated where and with what the run says."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agentloop import events as ev
from agentloop import sandbox
from agentloop.errors import RepoError
from agentloop.guard.record import Record
from agentloop.guard.replay import Replay
from agentloop.predicate import evaluate, failing, judge, probes
from agentloop.predicate.language.nodes import Metric, Node
from agentloop.predicate.language.nodes import leaves as leaves_of
from agentloop.process import child_environment
from agentloop.records import folders, receipts
from agentloop.repo import Repo
from agentloop.sandbox import Places, Sandbox
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

    def check(self, state: RunState, logs: Path, attempt: int, role: ev.CheckRole) -> ev.Checked:
        """Check the working tree; before the first turn, remember what the same tree came to.

        A turn may have changed what no receipt tells of, so that after one the check is always run; not after the turn
        of a person, which was over when the run began.

        Raises:
            Interrupted: a signal was noted; nothing is left running.
            OSError: a log cannot be written.
        """
        began = time.monotonic()
        was_over = bool(state.task.by_hand and state.task.by_hand.session) and (attempt, role) == (1, "attempt")
        untouched = not state.task.fresh and (was_over or not attempt)
        receipt = self._recall(state, self._tree_id()) if untouched else None
        if receipt:
            return ev.Checked(
                attempt=attempt,
                role=role,
                verdict=receipt.verdict,
                leaves=receipt.leaves,
                duration_s=time.monotonic() - began,
                remembered_from=receipt.at,
                sandbox=_sandbox(state).kind,
                failing=failing.digest(receipt.leaves),
            )
        found = self.run(state, self.repo.root, logs)
        # A failure in the middle is followed by another change: nobody asks for it again.
        if found.verdict == "pass" or (found.verdict == "fail" and attempt == 0):
            self._remember(state, found)
        return ev.Checked(
            attempt=attempt,
            role=role,
            verdict=found.verdict,
            leaves=found.leaves,
            duration_s=time.monotonic() - began,
            metrics=dict(found.metrics),
            sandbox=_sandbox(state).kind,
            failing=failing.digest(found.leaves),
        )

    def check_start(self, state: RunState, folder: Path) -> ev.Checked:
        """Check the tree that the work began with, in a clean worktree, or remember what it came to.

        Args:
            state: the run's state, with the record of the start.
            folder: for the worktree and the logs.

        Raises:
            Interrupted: a signal was noted; nothing is left running.
            OSError: a log cannot be written.
        """
        began = time.monotonic()
        receipt = None if state.task.fresh else self._recall(state, state.snapshots[0].tree)
        if receipt:
            start = self._start(receipt.verdict, receipt.leaves, began)
            return start.model_copy(update={"remembered_from": receipt.at, "sandbox": _sandbox(state).kind})
        found: list[evaluate.Evaluation] = []

        def run(tree: Path, logs: Path) -> tuple[ev.VerdictValue, tuple[ev.Leaf, ...]]:
            found.append(self.run(state, tree, logs, of_start=True))
            return found[-1].verdict, found[-1].leaves

        record = Record.load(Path(state.guard_began.record if state.guard_began else ""))
        try:
            verdict, leaves = Replay(self.repo, state.snapshots[0].commit, record, folder, run).as_it_was()
        except RepoError:
            return self._start("error", (), began)
        known = {"metrics": dict(found[-1].metrics), "sandbox": _sandbox(state).kind}
        return self._start(verdict, leaves, began).model_copy(update=known)

    def _start(self, verdict: ev.VerdictValue, leaves: tuple[ev.Leaf, ...], began: float) -> ev.Checked:
        return ev.Checked(attempt=0, role="start", verdict=verdict, leaves=leaves, duration_s=time.monotonic() - began)

    @property
    def needs_start(self) -> bool:
        """What the predicate compares has to be measured in the tree of the start first."""
        return any(isinstance(leaf, Metric) and leaf.baseline for leaf in leaves_of(self.predicate))

    def _recall(self, state: RunState, tree: str) -> receipts.Receipt | None:
        return self._receipts.recall(self._key(state, tree), with_logs=True)

    def _remember(self, state: RunState, found: evaluate.Evaluation) -> None:
        """Keep what the tree came to, as the check left it."""
        if receipts.is_of_the_tree(self.predicate):
            tree = self._tree_id()
            receipt = receipts.receipt_of(tree, self.predicate, found.verdict, found.leaves, state.run)
            self._receipts.remember(self._key(state, tree), receipt)

    @property
    def _receipts(self) -> receipts.Receipts:
        return receipts.Receipts(folders.receipts_folder(self.repo.common_dir))

    def _key(self, state: RunState, tree: str) -> str:
        return receipts.key_of(tree, self.predicate, self.repo, child_environment(state.run), _sandbox(state))

    def _tree_id(self) -> str:
        return self.repo.fingerprint(folders.fingerprint_folder(self.repo.common_dir, self.repo.root))

    def run(self, state: RunState, tree: Path, logs: Path, *, of_start: bool = False) -> evaluate.Evaluation:
        """Evaluate the predicate once.

        Args:
            state: the run's state, for its limits, its baseline and its change.
            tree: the folder to work in.
            logs: where the whole outputs and the reports go; outside of the tree.
            of_start: the folder holds the tree of the start: nothing has been changed in it.

        Raises:
            Interrupted: a signal was noted; nothing is left running.
            OSError: a log cannot be written.
        """
        job = state.task
        logs = logs.resolve()
        env, own = _environment(state, logs)
        context = evaluate.Context(
            cwd=tree,
            env=env,
            logs=logs,
            timeout_s=_check_timeout_s(state),
            on_tick=self.on_tick,
            task=job.task,
            diff=lambda: "" if of_start else self._diff(state),
            baseline=state.baseline.metrics if state.baseline else {},
            metrics=job.metrics,
            judge_model=job.judge_model,
            # A person is not asked about what a turn is taken for anyway.
            ask=None if of_start or (job.task and not state.turns_started) else probes.person(),
            walls=_sandbox(state).around_check(Places(self.repo.root, self.repo.common_dir), tree, own, env),
        )
        return evaluate.evaluate(self.predicate, context)

    def _diff(self, state: RunState) -> str:
        """What the run has changed, for a judge."""
        if len(state.snapshots) < 2:
            return ""
        first, last = state.snapshots[0], state.snapshots[-1]
        return self.repo.diff(first.commit, last.commit, max_chars=judge.MAX_DIFF_CHARS)


def _environment(state: RunState, logs: Path) -> tuple[dict[str, str], list[Path]]:
    """The environment of a check, and what it writes to of ours.

    Compiled Python lies out of the tree, where no agent that keeps to the tree can plant it.
    """
    env = child_environment(state.run)
    compiled, reports = logs.parent / "pycache", logs / "reports"
    for folder in (compiled, reports):
        folder.mkdir(exist_ok=True)
    env.setdefault("PYTHONPYCACHEPREFIX", str(compiled))
    return env, [compiled, reports]


def _sandbox(state: RunState) -> Sandbox:
    return sandbox.chosen(state.task.sandbox, state.task.sandbox_writable)


def within_budget(state: RunState, timeout_s: float) -> float:
    """What a step may take, so that the run ends in its time."""
    max_time_s = state.task.limits.max_time_s
    return timeout_s if max_time_s is None else max(1.0, min(timeout_s, max_time_s - state.elapsed_s))


def _check_timeout_s(state: RunState) -> float:
    """What was worked for is looked at, also when the run's time is up."""
    limit_s = state.task.limits.check_timeout_s
    return max(within_budget(state, limit_s), min(limit_s, _LAST_CHECK_S))
