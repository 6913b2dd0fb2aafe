"""The steps of a run, performed.

Whatever happens is appended to the journal first and shown afterwards, so the two cannot differ.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agentloop import events as ev
from agentloop import interrupts, sandbox
from agentloop.distill.staging import Staging
from agentloop.errors import AgentUnusableError, RepoError, RunError
from agentloop.guard import examine
from agentloop.job import Job
from agentloop.predicate.language import grammar
from agentloop.predicate.language.nodes import Node
from agentloop.records import changes, folders, journal
from agentloop.repo import Repo
from agentloop.run import briefing, by_hand, groups, learning, loop, own_worktree, pausing
from agentloop.run.checking import Checks
from agentloop.run.turns import Turns
from agentloop.state import RunState, steps

Emit = Callable[[ev.Event], object]
Tick = Callable[[float], None]
Consent = Callable[[RunState], bool]


def read_predicate(job: Job) -> Node:
    """What must hold, as the job says it.

    Raises:
        PredicateError: it cannot be read.
    """
    names = grammar.Names(job.checks, job.metrics, allow_judge_only=job.allow_judge_only)
    return grammar.parse_all(job.until, names)


@dataclass(frozen=True, slots=True)
class Watchers:
    """Who is shown what happens, and who is asked; see `supervisor.start`."""

    show: Emit
    on_tick: Tick | None
    ask: learning.Ask | None
    consent: Consent | None


class Performance:
    """One run being performed, begun in its journal; a context manager.

    Args:
        home: the working tree that the person stands in.
        folder: the run's folder.
        book: the run's journal.
        watchers: see there.
    """

    def __init__(self, home: Repo, folder: folders.RunFolder, book: journal.Journal, watchers: Watchers) -> None:
        task = book.state.task
        self.repo = own_worktree.enter(home, book.state) if task.own_worktree else home
        self.home = Repo(Path(task.home)) if task.home and not task.own_worktree else self.repo
        """Where the agent works, and where the skill goes."""
        self.folder = folder
        self.book = book
        self.checks = Checks(self.repo, read_predicate(task), watchers.on_tick)
        self.show = watchers.show
        self.on_tick = watchers.on_tick
        self.ask = watchers.ask
        self.consent = watchers.consent
        places = sandbox.Places(self.home.root, self.home.common_dir)
        self.turns = Turns(places, folder, lambda: book.state, self.emit, watchers.on_tick)

    def __enter__(self) -> "Performance":
        return self

    def __exit__(self, *_: object) -> None:
        self.turns.close()

    @property
    def state(self) -> RunState:
        """The run as it is now."""
        return self.book.state

    @property
    def staging(self) -> Staging:
        """Where a draft is written."""
        return Staging(self.turns.place, self.folder.run)

    @property
    def learning(self) -> learning.Learning:
        """What is done about the skill."""
        return learning.Learning(self.repo, self.staging, self.folder.draft, self.home)

    def emit(self, event: ev.Event) -> None:
        """Write an event into the journal, then show it."""
        self.show(self.book.append(event))

    def run_to_end(self) -> RunState:
        """Perform step by step until the run has ended or is interrupted.

        Raises:
            RunError, RepoError: it cannot go on; it can be resumed.
        """
        with interrupts.noted():
            try:
                self._perform_all()
            except interrupts.Interrupted as interrupted:
                self._record_cut_turn()
                self.emit(ev.RunInterrupted(signal=interrupted.number.name))
        return self.state

    def _perform_all(self) -> None:
        try:
            self._find_tree()
            while not self.state.ended:
                interrupts.raise_if_interrupted()
                self.perform(loop.next_step(self.state))
        except (RepoError, AgentUnusableError, OSError) as error:
            if not isinstance(error, AgentUnusableError):
                interrupts.raise_if_interrupted()  # a ctrl-C ends git too
            self._stop_for(error)

    def _stop_for(self, error: RepoError | AgentUnusableError | OSError) -> None:
        """End the run for what it cannot go on without; a fault that can be mended leaves it to be resumed."""
        lost = self._loss()
        if lost:
            reason = f"{lost}; journal and logs are in {self.folder.path}"
            self.emit(ev.RunEnded(outcome="repository_lost", exit_code=RepoError.exit_code, reason=reason))
            return
        match error:
            case AgentUnusableError():
                self._conclude(steps.Stop("agent_unusable", error.exit_code, learning.with_hint(error)))
            case OSError():
                raise RunError(
                    f"run {self.folder.run} cannot go on: {error.strerror}: {error.filename or self.folder.path}",
                    hint=f"mend that, then: agentloop resume {self.folder.run}",
                ) from error
            case _:
                raise error

    def _loss(self) -> str:
        """Why the run has no repository any more; empty when it has."""
        lost = self.repo.loss()
        if not lost and self.state.snapshots and not self.repo.commit_at(self.state.snapshots[0].commit):
            return f"snapshot 0 is gone from {self.repo.root}: another repository is there, or its objects were removed"
        return lost

    def _record_cut_turn(self) -> None:
        """What a turn did until it was cut off, as long as it can be told from what the person does next."""
        if self.state.open_turn and self.state.snapshots and not self.state.task.by_hand:
            self.turns.close()
            with contextlib.suppress(RepoError):
                self._snapshot(self.state.turns_started)

    def _snapshot(self, n: int) -> None:
        begins_at = by_hand.start_of(self.state, self.repo) if n == 0 else None
        if begins_at:
            begun = self.repo.snapshot_of(self.folder.run, n, begins_at)
            self.emit(ev.Snapshotted(n=n, commit=begun.commit, tree=begun.tree))
            return
        start = self.state.snapshots[0].commit if self.state.snapshots else ""
        taken = self.repo.snapshot(self.folder.run, n, self.folder.index, start)
        changed = changes.since_start(self.repo, self.state, taken.tree)
        self.emit(ev.Snapshotted(n=n, commit=taken.commit, tree=taken.tree, changed=changed, standing=taken.standing))

    def _find_tree(self) -> None:
        """What a person changed while nobody worked on the run is theirs, whatever becomes of the run."""
        left = self.state.left_as
        if left is None:
            return
        before = next((one.tree for one in self.state.found if one.after == left.n), left.tree)
        taken = self.repo.snapshot(self.folder.run, f"found-{left.n}", self.folder.index)
        if taken.tree != before:
            files = len(self.repo.line_changes(left.tree, taken.tree))
            found = ev.TreeFound(after=left.n, left=left.commit, commit=taken.commit, tree=taken.tree, files=files)
            self.emit(found)

    def perform(self, step: steps.Step) -> None:
        """Perform one step."""
        match step:
            case steps.Snapshot(n):
                self._snapshot(n)
            case steps.Check() | steps.Baseline() | steps.Guard():
                self._look(step)
            case steps.LoseSession() | steps.LeaveSession():
                self._part(step)
            case steps.Prompt() | steps.Drive():
                self._work(step)
            case steps.StartWait() | steps.Wait():
                self.emit(pausing.performed(step, self.on_tick))
            case steps.Claim() | steps.Stop():
                self._conclude(step)
            case _:
                failure = learning.unless_it_fails(self.state, lambda: self._learn(step))
                if failure:
                    self.emit(failure)

    def _learn(self, step: steps.Step) -> None:
        match step:
            case steps.Distill():
                self._distill(step)
            case steps.Inspect():
                self.emit(self.learning.inspect(self.state))
            case steps.Repair(problems):
                remembers = self.turns.remembers_work
                self.turns.take("repair", self.learning.repair_prompt(self.state, problems, remembers=remembers))
            case steps.Ask():
                self.emit(self.learning.ask(self.state, self.ask))
            case steps.BringBack() | steps.Publish() | steps.Link():
                self._deliver(step)
            case steps.KeepBack(reason):
                self.emit(learning.kept_back(self.state, reason))

    def _deliver(self, step: steps.BringBack | steps.Publish | steps.Link) -> None:
        match step:
            case steps.BringBack():
                self._bring_back()
            case steps.Publish():
                self.emit(self.learning.publish(self.state))
            case steps.Link():
                self.emit(self.learning.link(self.state))

    def _conclude(self, step: steps.Claim | steps.Stop) -> None:
        match step:
            case steps.Claim():
                first = groups.claim(self.repo.common_dir, self.state.task.group, self.folder.run)
                self.emit(ev.WinClaimed(by=first))
            case steps.Stop(outcome, exit_code, reason):
                self.staging.close()
                self.turns.close()
                ended = ev.RunEnded(outcome=outcome, exit_code=exit_code, reason=reason)
                try:
                    if own_worktree.is_done(self.state, ended):
                        self._bring_back()
                except RepoError as error:  # the work stays where it is
                    interrupts.raise_if_interrupted()
                    ended = ended.model_copy(update={"reason": f"{reason}; {learning.with_hint(error)}"})
                self.emit(ended)
                own_worktree.leave(self.repo.common_dir, self.state)

    def _bring_back(self) -> None:
        brought = own_worktree.bring_back(self.repo, self.folder, self.state, learning.trailers(self.state))
        if brought:
            self.emit(brought)

    def _look(self, step: steps.Check | steps.Baseline | steps.Guard) -> None:
        match step:
            case steps.Check(0) if self.state.task.by_hand:
                self.emit(ev.CheckStarted(attempt=0))
                self.emit(self.checks.check_start(self.state, self.folder.check_folder(0)))
            case steps.Check(attempt, role):
                if self.state.baseline is None and attempt and self.checks.needs_start:
                    self._look(steps.Check(0))
                self.emit(ev.CheckStarted(attempt=attempt))
                self.emit(self.checks.check(self.state, self.folder.check_folder(attempt), attempt, role))
            case steps.Baseline():
                self.emit(examine.take_baseline(self.repo, self.state, self.checks.predicate, self.folder.guard))
            case steps.Guard():
                examination = examine.Examination(self.repo, self.state, self.folder.replay, self._replay)
                self.emit(examination.examine())

    def _replay(self, tree: Path, logs: Path) -> tuple[ev.VerdictValue, tuple[ev.Leaf, ...]]:
        evaluation = self.checks.run(self.state, tree, logs)
        return evaluation.verdict, evaluation.leaves

    def _part(self, step: steps.LoseSession | steps.LeaveSession) -> None:
        self.turns.close()
        session = self.state.session or ""
        match step:
            case steps.LoseSession(reason):
                self.emit(ev.SessionLost(session=session, reason=reason))
            case steps.LeaveSession(reason):
                self.emit(ev.SessionLeft(session=session, reason=reason))

    def _work(self, step: steps.Prompt | steps.Drive) -> None:
        if isinstance(step, steps.Drive):
            by_hand.take_turn(self.state, self.repo, self.emit, opens=step.opens)
            return
        prompt = briefing.work_prompt(self.state, step, self.repo, remembers=self.turns.remembers)
        self.turns.take("work", prompt)

    def _distill(self, step: steps.Distill) -> None:
        """Ask the session for the skill, when the person whose work it was does not mind."""
        if step.asks_first and not (self.consent and self.consent(self.state)):
            reason = "it was not wanted" if self.consent else "nobody could be asked without a terminal"
            self.emit(learning.kept_back(self.state, reason))
            return
        self.turns.take("distill", self.learning.prompt(self.state, remembers=self.turns.remembers_work))
