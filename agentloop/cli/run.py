"""`agentloop run`."""

import os
import shlex
import signal
from pathlib import Path
from typing import Any

import click
from rich.markup import escape

from agentloop import config, render
from agentloop import events as ev
from agentloop.agents import commandline, opening, registry
from agentloop.cli.options import (
    BehindDashes,
    check_options,
    learning_options,
    limit_options,
    no_input_option,
    output_options,
    worktree_options,
)
from agentloop.cli.pruning import prune_at_start
from agentloop.cli.queue import do_waiting, notice
from agentloop.cli.skills import asking
from agentloop.cli.telling import Telling
from agentloop.errors import UsageError
from agentloop.job import Job, Limits
from agentloop.predicate.language import grammar
from agentloop.predicate.language.nodes import Command
from agentloop.render import Renderer
from agentloop.repo import Repo
from agentloop.run import learning, parallel, supervisor
from agentloop.state import RunState


@click.command(cls=BehindDashes)
@click.argument("task", required=False, default="")
@click.option("--until", "-u", multiple=True, required=True, metavar="PREDICATE",
              help='What must hold, e.g. "pytest passes"; repeated: all of them.')  # fmt: skip
@click.option("--agent", "-a", metavar="NAME", help="The agent: claude, codex, offline, ... (agentloop agents)")
@click.option("--permissions", type=click.Choice(["read", "edit", "full"]),
              help="What the agent may do.  [default: the narrowest that can edit and run the check]")  # fmt: skip
@click.option("--model", metavar="NAME", help="The model that the agent is told to use.")
@click.option("--driver", type=click.Choice(["headless", "terminal", "acp"]),
              help="A process a turn, one kept in a terminal, or ACP.  [default: as its adapter says]")  # fmt: skip
@click.option("--session", type=click.Choice(["same", "fresh"]),
              help="The same session for each turn, or a new one with the run's ledger.  [default: same]")  # fmt: skip
@click.option("--resume-with", default="", metavar="COMMAND",
              help='How an unknown agent is resumed: "mycli --continue {session} {prompt}".')  # fmt: skip
@click.option("--session-from", default="", metavar="REGEX", help="Where its output names its session.")
@limit_options
@worktree_options
@check_options
@click.option("--distill", type=click.Choice(["auto", "always", "never"]),
              help="Ask for a skill: after failed checks, always, never.  [default: auto]")  # fmt: skip
@learning_options
@no_input_option
@output_options
@click.pass_context
def run(ctx: click.Context, /, task: str, until: tuple[str, ...], as_json: bool, events: bool, quiet: bool,
        no_input: bool, resume_with: str, session_from: str, allow_judge_only: bool, fresh: bool,
        **flags: Any) -> int:  # fmt: skip
    """Prompt an agent until PREDICATE holds, then ask the same session for what it learned.

    \b
    agentloop run --until "pytest passes" "Make the date parser accept ISO weeks"
    agentloop run --until "pytest passes" -- claude --model opus "Make the date parser accept ISO weeks"
    """  # noqa: D301 - click reads the \b
    task, program = split_task(task, ctx.obj)
    with Repo.open(Path.cwd()) as repo:
        loaded = config.load(repo.root, {key: value for key, value in flags.items() if value != ()})
        settings = loaded.settings
        job = make_job(settings, task, until, program, repo.root, agent=flags["agent"] or "")
        told = {"resume_with": _resumed_from_here(resume_with), "session_from": session_from}
        job = job.model_copy(update={**told, "allow_judge_only": allow_judge_only, "fresh": fresh})
        together = settings.attempts_in_parallel
        job = job.model_copy(update={"own_worktree": settings.worktree or together > 1})
        renderer = Renderer(quiet=quiet, ndjson=events)
        for note in () if quiet else [*_notes(job, repo), *loaded.notes]:
            renderer.console.print(note, markup=False)
        _say_how_read(settings, until, renderer, quiet=quiet)
        prune_at_start(repo, settings, renderer, quiet=quiet)
        notice(repo, renderer, quiet=quiet)
        ask = asks(repo, renderer, no_input=no_input)
        telling = Telling(renderer, settings.notify)
        if together > 1:
            refuse_stream(events)
            state = parallel.start(job, together, repo, several(renderer, quiet=quiet))
        else:
            state = show(renderer, lambda: supervisor.start(job, repo, telling.event, renderer.tick, ask))
        telling.end(state, repo, as_json=as_json)
        if not (quiet or exit_code(state)):
            do_waiting(repo)
    return exit_code(state)


def refuse_stream(events: bool) -> None:
    """Raise a UsageError: the events of several runs are not one stream."""
    if events:
        raise UsageError(
            "--events shows one run, and --attempts-in-parallel has several",
            hint="leave it out; beside it: agentloop logs -f --json RUN",
        )


def several(renderer: Renderer, *, quiet: bool) -> parallel.Show:
    """Shows what happens in runs side by side: a line begins with the number of its run."""

    def show_one(member: int, what: ev.Event | str) -> None:
        if isinstance(what, str):
            line = escape(what)
        elif isinstance(what, ev.ToolCalled):
            return
        elif isinstance(what, ev.RunEnded):
            line = escape(f"{what.outcome.replace('_', ' ')}: {what.reason}")
        else:
            line = render.describe(what)
        if line and (not quiet or isinstance(what, str)):  # what went wrong is part of the end
            renderer.console.print(escape(f"[{member}] ") + line.replace("\n", f"\n{escape(f'[{member}]')} "))

    return show_one


def predicates(
    settings: config.Settings, until: tuple[str, ...], renderer: Renderer, *, quiet: bool
) -> tuple[str, ...]:
    """What must hold: what was said, else the setting `until`, else the only one of the configured checks.

    Raises:
        UsageError: nothing was said, and none or several are configured.
        PredicateError: it cannot be read.
    """
    if not until and not settings.until:
        if len(settings.checks) != 1:
            names = f" (configured: {', '.join(sorted(settings.checks))})" if settings.checks else ""
            raise UsageError(
                f"a predicate is wanted: nothing else says what a pass is{names}",
                hint='say what must hold: --until "pytest passes", or until = "pytest passes" in agentloop.toml',
            )
        until = tuple(settings.checks)
        if not quiet:
            renderer.console.print(f"until the configured check {until[0]}", markup=False)
    until = until or settings.until
    _say_how_read(settings, until, renderer, quiet=quiet)
    return until


def _say_how_read(settings: config.Settings, until: tuple[str, ...], renderer: Renderer, *, quiet: bool) -> None:
    names = grammar.Names(settings.checks, settings.metrics)
    for node in [grammar.parse(source, names) for source in until]:
        if isinstance(node, Command) and node.bare and not quiet:
            renderer.console.print(f"read as: `{node.command}` passes", markup=False)


def asks(repo: Repo, renderer: Renderer, *, no_input: bool) -> learning.Ask | None:
    """How a person is asked; without input nobody is, by whatever part of the run."""
    if no_input:
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a descriptor is wanted
            os.dup2(nothing.fileno(), 0)
    return asking.in_run(repo, renderer.close)


def show(renderer: Renderer, work: Any) -> RunState:
    """Do the work of a run, and take the live display away whatever comes of it."""
    try:
        state: RunState = work()
    finally:
        renderer.close()
    return state


def exit_code(state: RunState) -> int:
    """The exit code of a run, also of one that was interrupted."""
    if state.ended:
        return state.ended.exit_code
    return 128 + signal.Signals[state.interrupted.signal if state.interrupted else "SIGINT"]


def split_task(task: str, program: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Find the task: before `--`, or in the command where the agent itself would take it for its prompt.

    For an agent whose flags are not known that is the last word, when it is a sentence.

    Raises:
        UsageError: the command holds words that a known agent would not understand, or two tasks were given.
    """
    known = registry.for_program(program[0]) if program else None
    if known:
        commandline.refuse_places(known, program[1:])
    if known and known.flags.are_known:
        sentence, words = commandline.split_task(known, program[1:])
        if task and sentence:
            raise UsageError(f"two tasks were given: {task!r} and {sentence!r}", hint="leave one of them out")
        return task or sentence, (program[0], *words)
    if not task and len(program) > 1 and " " in program[-1].strip() and "{prompt" not in program[-1]:
        return program[-1], program[:-1]
    return task, program


def _from_here(program: str) -> str:
    """A program that was named by its path, for somebody who stands in another folder."""
    return str(Path.cwd() / program) if "/" in program else program


def _resumed_from_here(command: str) -> str:
    program, space, rest = command.partition(" ")
    return shlex.quote(_from_here(program)) + space + rest if "/" in program else command


def _notes(job: Job, repo: Repo) -> list[str]:
    """What the user may not expect of a run."""
    notes = [f"not read: {problem.message}" for problem in registry.not_read()]
    if job.own_worktree:
        changed = repo.uncommitted()
        if changed:
            files = render.count(len(changed), "file")
            notes.append(f"the run begins at your last commit: what you changed in {files} since is not in it")
    elif Path.cwd() != Path(job.worktree):
        notes.append(f"the agent and the checks work in the repository's root: {job.worktree}")
    adapter = opening.adapter_of(job)
    if job.limits.max_cost_usd not in (None, Limits().max_cost_usd) and not adapter.reports_cost:
        how = "is kept by an estimate at best" if adapter.reports_tokens else "cannot be kept"
        notes.append(f"--max-cost {how}: {job.agent} does not say what it costs")
    if job.distill_in == "fork" and not adapter.fork:
        notes.append(f"--distill-in fork cannot be kept: {job.agent} cannot fork a session, it is asked itself")
    return notes


def make_job(
    settings: config.Settings,
    task: str,
    until: tuple[str, ...],
    program: tuple[str, ...],
    root: Path,
    agent: str,
) -> Job:
    """Put together what describes the run.

    Raises:
        UsageError: both an agent and a command were named, or no agent is installed.
    """
    if program and agent:
        raise UsageError("--agent and a command after -- exclude each other", hint="leave one of them out")
    if program:
        known = registry.for_program(program[0])
        name = known.name if known else Path(program[0]).name
    else:
        name = settings.agent or registry.first_installed()
    skills_to, skills_branch = config.split_destination(settings.skills_to)
    return Job(
        task=task.strip(),
        until=until,
        agent=name,
        program=(_from_here(program[0]), *program[1:]) if program else (),
        permissions=settings.permissions,
        model=settings.model,
        driver=settings.driver,
        session=settings.session,
        worktree=str(root),
        sandbox=settings.sandbox,
        sandbox_writable=settings.sandbox_writable,
        skills_dir=settings.skills_dir,
        distill=settings.distill,
        distill_in=settings.distill_in,
        skills_to=skills_to,
        skills_branch=skills_branch,
        review=settings.review,
        link=settings.link,
        guard=settings.guard,
        protect=settings.protect,
        may_edit=settings.may_edit,
        confirm=settings.confirm,
        limits=Limits(
            max_attempts=settings.max_attempts,
            max_time_s=settings.max_time,
            turn_timeout_s=settings.turn_timeout,
            idle_timeout_s=settings.idle_timeout,
            check_timeout_s=settings.check_timeout,
            max_cost_usd=settings.max_cost,
            max_tokens=settings.max_tokens,
            max_wait_s=settings.wait,
            stuck_after=settings.stuck_after,
        ),
        checks=settings.checks,
        metrics=settings.metrics,
        judge_model=settings.judge_model,
    )
