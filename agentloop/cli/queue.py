"""`agentloop queue`: the sessions behind earlier pushes, asked when there is time."""

import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agentloop import config, interrupts, person
from agentloop.errors import AgentloopError, UsageError
from agentloop.process import RUN_TAG
from agentloop.records import commit_receipts
from agentloop.records.queue import Queue, QueuedJob
from agentloop.render import Renderer, ago, count
from agentloop.repo import Repo
from agentloop.text.quoting import one_line

if TYPE_CHECKING:
    from agentloop.push import queued

_MAX_CHARS = 300
_SHORT = 10


@click.group()
def queue() -> None:
    """Ask the sessions behind earlier pushes for what they learned."""


@queue.command("list")
@click.option("--done", is_flag=True, help="Those that are done, too.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def list_jobs(done: bool, as_json: bool) -> None:
    """List the jobs that wait."""
    with Repo.open(Path.cwd()) as repo:
        jobs = _queue(repo)
        waiting, over = jobs.waiting(), jobs.done() if done else []
        if as_json:
            click.echo(
                json.dumps([*(_object(job, "waiting") for job in waiting), *(_object(job, "done") for job in over)])
            )
            return
        for job in [*over, *waiting]:
            click.echo(_described(job))
        if not waiting:
            click.echo("no job waits", err=True)
        worker = jobs.worker()
        if worker:
            click.echo(f"process {worker} works on them", err=True)


@queue.command()
@click.argument("which", nargs=-1, metavar="[ID]...")
def run(which: tuple[str, ...]) -> int:
    """Do the jobs that wait, or those named; exit 1 when some of them have to wait longer.

    The pushed commit is checked, and the sessions that made it are asked for a skill; queue.land says where it goes.
    """
    with interrupts.noted(), Repo.open(Path.cwd()) as repo:
        jobs = _queue(repo)
        renderer = Renderer(quiet=False)
        with jobs.held() as free:
            if not free:
                raise UsageError("another process works on the queue", hint="wait for it: agentloop queue list")
            left = _work_off(jobs, which, renderer)
        if person.is_there():  # a worker of its own tells nobody
            jobs.news()
        if not which and not left:
            click.echo("no job waits", err=True)
    return 1 if left else 0


def _work_off(jobs: Queue, which: Sequence[str], renderer: Renderer) -> list[str]:
    """Do each job once, those too that are queued meanwhile; the ids of those that have to wait longer."""
    seen: set[str] = set()
    left = []
    while new := [job for job in _chosen(jobs.waiting(), which) if job.id not in seen]:
        for job in new:
            seen.add(job.id)
            words, is_over = _do(jobs, job, renderer)
            click.echo(f"{job.id}  {words}")
            if not is_over:
                left.append(job.id)
        if which:
            break
    return left


def _do(jobs: Queue, job: QueuedJob, renderer: Renderer) -> tuple[str, bool]:
    from agentloop.push import queued

    _say(renderer, f"from an earlier push: {_what(job)}")
    return queued.do(jobs, job, lambda repo: _orders(repo, renderer))


def _orders(repo: Repo, renderer: Renderer) -> "queued.Orders":
    from agentloop import events as ev
    from agentloop.agents import registry
    from agentloop.cli.run import make_job, predicates, show
    from agentloop.job import Job
    from agentloop.predicate.language import grammar
    from agentloop.push import queued
    from agentloop.push.checking import Checker
    from agentloop.records.folders import RunFolder
    from agentloop.run import supervisor
    from agentloop.state import RunState

    settings = config.load(repo.root, {}).settings
    # A usage limit is waited for by the job, and not by whoever does it.
    settings = settings.model_copy(update={"skills_to": settings.queue.land, "review": False, "wait": 0.0})
    until = predicates(settings, (), renderer, quiet=True)
    node = grammar.parse_all(until, grammar.Names(settings.checks, settings.metrics))

    def job(agent: str) -> Job:
        chosen = settings.model_copy(update={"agent": agent}) if agent else settings
        return make_job(chosen, "", until, (), repo.root, agent="")

    def start(what: Job, tree: Repo, began: Callable[[str], None]) -> RunState:
        def emit(event: ev.Event) -> None:
            if isinstance(event, ev.RunStarted):
                began(event.run)
            renderer.event(event)

        return show(renderer, lambda: supervisor.start(what, tree, emit, renderer.tick))

    def resume(folder: RunFolder, tree: Repo) -> RunState:
        return show(renderer, lambda: supervisor.resume(folder, tree, renderer.event, renderer.tick))

    return queued.Orders(job, Checker(job(""), node), [*registry.load_all()[0].values()], start, resume)


@queue.command()
@click.argument("which", nargs=-1, metavar="[ID]...")
@click.option("--all", "every", is_flag=True, help="All that wait.")
def drop(which: tuple[str, ...], every: bool) -> None:
    """Drop jobs: their sessions are not asked, also when the same commits are pushed again."""
    if bool(which) == every:
        raise UsageError("say which jobs are dropped", hint="agentloop queue drop ID, or --all")
    with Repo.open(Path.cwd()) as repo:
        jobs = _queue(repo)
        for job in _chosen(jobs.waiting(), which):
            jobs.drop(job, time.time())
            click.echo(f"dropped {_described(job)}")


def notice(repo: Repo, renderer: Renderer, *, quiet: bool) -> None:
    """Say in one line what became of jobs since somebody was told last."""
    news = [] if quiet else _queue(repo).news()
    if len(news) == 1:
        _say(renderer, f"from an earlier push: {news[0]}")
    elif news:
        _say(renderer, f"{count(len(news), 'job')} from earlier pushes came to an end: agentloop queue list --done")


def do_waiting(repo: Repo) -> None:
    """Do the jobs that wait, after a command that may take its time; whatever comes of them is no failure of it.

    None in CI, within a run, and when another process is at it. A job that was tried within the last hour has to wait
    for a later command.

    Raises:
        Interrupted: a signal was noted; the jobs wait as before.
    """
    if config.in_ci() or os.environ.get(RUN_TAG):
        return
    jobs, renderer = _queue(repo), Renderer()
    try:
        due = [job for job in jobs.waiting() if job.is_due(time.time())]
        with interrupts.noted(), jobs.held() if due else nullcontext(False) as free:
            for job in due if free else ():
                words, _is_over = _do(jobs, job, renderer)
                _say(renderer, words)
            if free:
                jobs.news()
    except AgentloopError as error:
        _say(renderer, f"what waits from earlier pushes was not done: {error.explained}")
    except OSError as error:
        _say(renderer, f"what waits from earlier pushes was not done: {error.strerror}")


def _say(renderer: Renderer, words: str) -> None:
    renderer.console.print(one_line(words, _MAX_CHARS), markup=False)


def _queue(repo: Repo) -> Queue:
    return Queue(commit_receipts.folder_of(repo.common_dir))


def _chosen(waiting: Sequence[QueuedJob], which: Sequence[str]) -> Sequence[QueuedJob]:
    """The jobs whose ids begin so; all of them when none is named."""
    for name in which:
        if sum(job.id.startswith(name) for job in waiting) != 1:
            raise UsageError(f"{name!r} is no job that waits, or several", hint="agentloop queue list shows them")
    return [job for job in waiting if not which or job.id.startswith(tuple(which))]


def _what(job: QueuedJob) -> str:
    return f"{job.id}  {job.ref.removeprefix('refs/heads/')} {job.tip[:_SHORT]}"


def _described(job: QueuedJob) -> str:
    at = f", pushed {ago(time.time() - job.queued)} from {job.root}"
    return one_line(f"{_what(job)}{at}{f'; {job.outcome}' if job.outcome else ''}", _MAX_CHARS)


def _object(job: QueuedJob, state: str) -> dict[str, object]:
    return {
        "id": job.id,
        "state": state,
        "ref": job.ref,
        "remote": job.remote,
        "tip": job.tip,
        "worktree": job.root,
        "queued": job.queued,
        "tries": job.tries,
        "outcome": job.outcome,
        "runs": dict(job.runs),
    }
