"""The composition root: builds the parts of a run, asks the loop for the next step and performs it.

Whatever happens is appended to the journal first and shown afterwards, so the two cannot differ; and because each
step is chosen from the journal's state alone, a run that was killed anywhere goes on by reading its journal back.
"""

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from agentloop import __version__, distill, interrupts, journal, loop, prompts, publish
from agentloop import events as ev
from agentloop.agents import registry
from agentloop.agents.session import Session
from agentloop.errors import PublishError, RepoError, RunError
from agentloop.predicate import evaluate, evidence, grammar, judge, probes
from agentloop.predicate.nodes import Node
from agentloop.process import child_environment, end_tagged
from agentloop.redact import redact
from agentloop.repo import Repo
from agentloop.state import RunState

Emit = Callable[[ev.Event], object]
Tick = Callable[[float], None]


def start(job: ev.Job, repo: Repo, emit: Emit, on_tick: Tick | None = None) -> RunState:
    """Begin a run and take it to its end.

    Raises:
        PredicateError, AgentUnusableError, UsageError: nothing was begun.
        RunError: another run works in this worktree, or the journal cannot be written.
    """
    predicate = _read(job)
    resumable = registry.open_session(job, "", cwd=repo.root).resumable
    with _worktree_lock(repo):
        folder = journal.new_run(repo.common_dir)
        book = journal.Journal(folder)
        with _Supervisor(repo, folder, book, predicate, emit, on_tick) as supervisor:
            supervisor.emit(
                ev.RunStarted(run=folder.run, version=__version__, job=job, base=repo.head(), resumable=resumable)
            )
            return supervisor.run_to_end()


def resume(folder: journal.RunFolder, repo: Repo, emit: Emit, on_tick: Tick | None = None) -> RunState:
    """Go on with a run that was cut off, from its journal.

    Raises:
        RunError: the run has ended, belongs to another worktree, or is worked on by another process.
    """
    with _worktree_lock(repo):
        book = journal.Journal(folder)
        job = book.state.task
        if book.state.ended:
            book.close()
            raise RunError(
                f"run {folder.run} has ended: {book.state.ended.reason}", hint="start another: agentloop run"
            )
        predicate = _read(job)
        killed = end_tagged(folder.run)
        with _Supervisor(repo, folder, book, predicate, emit, on_tick) as supervisor:
            supervisor.emit(ev.RunResumed(killed=killed))
            return supervisor.run_to_end()


def _read(job: ev.Job) -> Node:
    names = grammar.Names(job.checks, job.metrics, allow_judge_only=job.allow_judge_only)
    return grammar.parse_all(job.until, names)


@contextlib.contextmanager
def _worktree_lock(repo: Repo) -> Iterator[None]:
    folder = repo.common_dir / "agentloop"
    folder.mkdir(exist_ok=True)
    name = hashlib.sha256(os.fsencode(repo.root)).hexdigest()[:10]
    try:
        with FileLock(folder / f"{name}.lock", timeout=0):
            yield
    except Timeout as error:
        raise RunError(
            f"another run is at work in {repo.root}",
            hint="wait for it (agentloop status), or use another worktree",
        ) from error


class _Supervisor:
    """One run being performed; a context manager that owns the journal."""

    def __init__(
        self,
        repo: Repo,
        folder: journal.RunFolder,
        book: journal.Journal,
        predicate: Node,
        show: Emit,
        on_tick: Tick | None,
    ) -> None:
        self.repo = repo
        self.folder = folder
        self.book = book
        self.predicate = predicate
        self.show = show
        self.on_tick = on_tick
        self.staging = distill.Staging(repo.root, folder.run)
        self.session: Session | None = None

    def __enter__(self) -> "_Supervisor":
        return self

    def __exit__(self, *_: object) -> None:
        self.book.close()

    @property
    def state(self) -> RunState:
        return self.book.state

    def emit(self, event: ev.Event) -> None:
        self.show(self.book.append(event))

    def run_to_end(self) -> RunState:
        with interrupts.noted():
            try:
                self._perform_all()
            except interrupts.Interrupted as interrupted:
                self.emit(ev.RunInterrupted(signal=interrupted.number.name))
        return self.state

    def _perform_all(self) -> None:
        try:
            while not self.state.ended:
                interrupts.raise_if_interrupted()
                self.perform(loop.next_step(self.state))
        except RepoError:
            interrupts.raise_if_interrupted()  # a ctrl-C ends git too
            raise
        except OSError as error:
            raise RunError(
                f"run {self.folder.run} cannot go on: {error.strerror}: {error.filename or self.folder.path}",
                hint=f"mend that, then: agentloop resume {self.folder.run}",
            ) from error

    def perform(self, step: loop.Step) -> None:
        match step:
            case loop.Snapshot(n):
                snapshot = self.repo.snapshot(self.folder.run, n, self.folder.index)
                self.emit(ev.Snapshotted(n=n, commit=snapshot.commit, tree=snapshot.tree))
            case loop.Check(attempt):
                self._check(attempt)
            case loop.LoseSession(reason):
                self.session = None
                self.emit(ev.SessionLost(session=self.state.session or "", reason=reason))
            case loop.Prompt():
                self._prompt(step)
            case loop.Stop(outcome, exit_code, reason):
                self.staging.close()
                self.emit(ev.RunEnded(outcome=outcome, exit_code=exit_code, reason=reason))
            case _:
                self._learn(step)

    def _learn(self, step: loop.Step) -> None:
        match step:
            case loop.Distill():
                self.staging.open()
                self._turn("distill", distill.distill_prompt(self.state, self.repo, self.staging))
            case loop.Inspect():
                self.emit(distill.inspect(self.state, self.staging, self.folder.draft))
            case loop.Repair(problems):
                self._turn("repair", distill.repair_prompt(self.state, self.staging, problems))
            case loop.Publish():
                self._publish()
            case loop.KeepBack(reason):
                path = self.state.draft.path if self.state.draft else ""
                self.emit(ev.SkillKeptBack(reason=reason, path=path))
            case loop.Link():
                self._link()

    def _check(self, attempt: int) -> None:
        self.emit(ev.CheckStarted(attempt=attempt))
        began = time.monotonic()
        job = self.state.task
        evaluation = evaluate.evaluate(
            self.predicate,
            evaluate.Context(
                cwd=self.repo.root,
                env=child_environment(self.folder.run),
                logs=self.folder.check_folder(attempt),
                timeout_s=self._within_budget(job.limits.check_timeout_s),
                on_tick=self.on_tick,
                task=job.task,
                diff=self._diff,
                baseline=self.state.baseline.metrics if self.state.baseline else {},
                metrics=job.metrics,
                judge_model=job.judge_model,
                ask=probes.person(),
            ),
        )
        self.emit(
            ev.Checked(
                attempt=attempt,
                verdict=evaluation.verdict,
                leaves=evaluation.leaves,
                duration_s=time.monotonic() - began,
                metrics=dict(evaluation.metrics),
            )
        )

    def _diff(self) -> str:
        """What the run has changed, for a judge."""
        if len(self.state.snapshots) < 2:
            return ""
        first, last = self.state.snapshots[0], self.state.snapshots[-1]
        return self.repo.diff(first.commit, last.commit, max_chars=judge.MAX_DIFF_CHARS)

    def _prompt(self, step: loop.Prompt) -> None:
        interrupts.sleep(step.delay_s)
        self._turn("work", self._work_prompt(step))

    def _work_prompt(self, step: loop.Prompt) -> str:
        state = self.state
        check = state.last_check
        leaves = check.leaves if check else ()
        values = {
            "task": state.task.task or "Make the checks below hold.",
            "checks": distill.check_lines(leaves),
            "feedback": evidence.feedback(leaves),
            "attempt": str(step.attempt),
            "max_attempts": str(state.task.limits.max_attempts),
        }
        if step.kind != "task" and _remembers_nothing(state):
            return prompts.render("ledger", **values, ledger=distill.ledger(state, self.repo))
        if step.kind == "continue":
            return prompts.render("continue", **values, reason=self._cut_reason())
        return prompts.render(step.kind, **values)

    def _cut_reason(self) -> str:
        if self.state.cut_purpose or not self.state.work_turns:
            return "it was interrupted from outside"
        turn = self.state.work_turns[-1]
        words = {"timed_out": "it took longer than a turn may take", "idle": "it fell silent"}
        return words.get(turn.status, turn.error or "it failed")

    def _open_session(self) -> Session:
        if self.session is None:
            self.session = registry.open_session(
                self.state.task,
                self.folder.run,
                session=self.state.session,
                counters=self.state.counters,
                cwd=self.repo.root,
            )
        return self.session

    def _turn(self, purpose: ev.Purpose, prompt: str) -> None:
        session = self._open_session()
        number = self.state.turns_started + 1
        limits = self.state.task.limits
        prompt = redact(prompt)
        prompt_file = self.folder.turn_file(number, "prompt.md")
        prompt_file.write_text(prompt, encoding="utf-8")
        log = self.folder.turn_file(number, "log")
        self.emit(
            ev.TurnStarted(turn=number, purpose=purpose, prompt=str(prompt_file), log=str(log), session=session.id)
        )
        turn = session.send(
            prompt,
            log=log,
            timeout_s=self._within_budget(limits.turn_timeout_s),
            idle_timeout_s=limits.idle_timeout_s,
            emit=self.emit,
            on_tick=self.on_tick,
        )
        self.emit(
            ev.TurnEnded(
                turn=number,
                purpose=purpose,
                status=turn.status,
                session=turn.session,
                text=redact(turn.text),
                usage=turn.usage,
                counters=turn.counters,
                tool_calls=turn.tool_calls,
                exit_code=turn.exit_code,
                error=redact(turn.error),
                error_class=turn.error_class,
                duration_s=turn.duration_s,
                killed=turn.killed,
            )
        )

    def _within_budget(self, timeout_s: float) -> float:
        max_time_s = self.state.task.limits.max_time_s
        if max_time_s is None:
            return timeout_s
        return max(1.0, min(timeout_s, max_time_s - self.state.elapsed_s))

    def _publish(self) -> None:
        draft = self.state.draft
        if draft is None:
            raise ValueError("there is no draft to publish")
        path, skills_dir = Path(draft.path), self.state.task.skills_dir
        try:
            published = publish.find_published(
                self.repo, _run_trailer(self.state), path.name, skills_dir
            ) or publish.publish_skill(self.repo, path, skills_dir, _commit_message(self.state, path.name))
        except PublishError as error:
            reason = f"{error.message} ({error.hint})" if error.hint else error.message
            self.emit(ev.SkillKeptBack(reason=reason, path=draft.path))
            return
        self.emit(published)
        self.staging.close()

    def _link(self) -> None:
        try:
            linked = publish.link_skills(self.repo, self.state.task.skills_dir)
        except PublishError as error:
            self.emit(ev.SkillsLinked(paths=(), problem=error.message))
            return
        self.emit(linked or ev.SkillsLinked(paths=()))


def _remembers_nothing(state: RunState) -> bool:
    """The next turn begins in a session that knows nothing of the run."""
    names_its_session = not state.task.resume_with or "{session}" in state.task.resume_with
    return not state.resumable or state.session_lost or (state.session is None and names_its_session)


def _commit_message(state: RunState, name: str) -> str:
    trailers = [_run_trailer(state), f"Agentloop-Agent: {state.task.agent}"]
    trailers += [f"Agentloop-Until: {' '.join(source.split())}" for source in state.task.until]
    trailers.append(f"Agentloop-Attempts: {len(state.checks)}")
    body = "What the run had to find out before its predicate held."
    return redact(f"Add skill {name}\n\n{body}\n\n" + "\n".join(trailers) + "\n")


def _run_trailer(state: RunState) -> str:
    return f"Agentloop-Run: {state.run}"
