"""What `agentloop push` does once there is something to be checked."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from agentloop import config, person
from agentloop.agents import registry
from agentloop.agents.spec import Adapter
from agentloop.cli.distill import described
from agentloop.cli.queue import do_waiting, notice
from agentloop.cli.run import asks, exit_code, make_job, predicates, show
from agentloop.job import Job
from agentloop.predicate.language import grammar
from agentloop.process import RUN_TAG
from agentloop.push import refs
from agentloop.push.behind import Behind
from agentloop.push.flow import Hands, Orders, Push
from agentloop.push.refs import PushedRef
from agentloop.render import Renderer, clock
from agentloop.repo import Repo
from agentloop.run import supervisor
from agentloop.state import RunState
from agentloop.text.quoting import plain

_HEARTBEAT_S = 30.0


@dataclass(frozen=True, slots=True)
class Told:
    """The command line, without what is a setting too."""

    arguments: tuple[str, ...]
    until: tuple[str, ...]
    fixes: bool
    fresh: bool
    no_input: bool
    fixing: str
    """The command line that would mend what fails."""


def perform(pushed: Sequence[PushedRef], told: Told, flags: Mapping[str, Any]) -> int:
    """Check, ask and push; the exit code.

    Args:
        pushed: all that git says that it would do.
        told: what was typed.
        flags: what was typed of the settings.
    """
    with Repo.open(Path.cwd()) as repo:
        quiet = refs.is_quiet(told.arguments)
        renderer = Renderer(quiet=quiet)
        ask = asks(repo, renderer, no_input=told.no_input)
        notice(repo, renderer, quiet=quiet)

        def run(job: Job, tree: Repo) -> RunState:
            state = show(renderer, lambda: supervisor.start(job, tree, renderer.event, renderer.tick, ask))
            if exit_code(state):
                renderer.result(state, as_json=False, aside=True)
            return state

        say = _say(renderer, quiet=quiet)
        hands = Hands(
            run=run,
            say=say,
            tell=_say(renderer, quiet=False),
            tick=_heartbeat(say),
            choose=_choose if person.is_there() and not told.no_input else None,
        )
        code = Push(repo, _orders(repo, renderer, told, flags), hands).perform(pushed)
        if not (quiet or code):
            do_waiting(repo)
    return code


def _orders(repo: Repo, renderer: Renderer, told: Told, flags: Mapping[str, Any]) -> Orders:
    settings = config.load(repo.root, {key: value for key, value in flags.items() if value != ()}).settings
    until = predicates(settings, told.until, renderer, quiet=refs.is_quiet(told.arguments))

    def job(agent: str) -> Job:
        chosen = settings.model_copy(update={"agent": agent}) if agent else settings
        return make_job(chosen, "", until, (), repo.root, agent="").model_copy(update={"fresh": told.fresh})

    return Orders(
        arguments=told.arguments,
        predicate=grammar.parse_all(until, grammar.Names(settings.checks, settings.metrics)),
        job=job,
        adapters=_looked_at(flags["agent"], settings.distill),
        fixes=told.fixes,
        fixing=told.fixing,
        asks=not told.no_input,
    )


def _looked_at(agent: str | None, distill: str) -> Sequence[Adapter]:
    """The agents whose sessions may be asked; none by an agent of a run, which asks its session itself."""
    if distill == "never" or os.environ.get(RUN_TAG):
        return ()
    return [registry.load(agent)] if agent else [*registry.load_all()[0].values()]


def _say(renderer: Renderer, *, quiet: bool) -> Callable[[str], None]:
    """How a line is shown."""

    def say(line: str) -> None:
        if not quiet:
            renderer.console.print(plain(line), markup=False)

    return say


def _heartbeat(say: Callable[[str], None]) -> Callable[[float], None]:
    """A line now and then while a check goes on."""
    said_s = 0.0

    def tick(elapsed_s: float) -> None:
        nonlocal said_s
        said_s = min(said_s, elapsed_s)  # another command has begun
        if elapsed_s - said_s >= _HEARTBEAT_S:
            say(f"  ... still checking, {clock(elapsed_s)}")
            said_s = elapsed_s

    return tick


def _choose(unclear: Sequence[Behind]) -> Sequence[Behind]:
    """Let the person say which session made the commits; none when they do not."""
    click.echo("which of these sessions made the commits?", err=True)
    for number, one in enumerate(unclear, 1):
        click.echo(f"{number:>3}  {described(one.candidate)}; {one.why}", err=True)
    person.forget_typed()
    while True:
        said = person.answer("Which one? [none] ")
        if not said:
            return ()
        if said.isdecimal() and 0 < int(said) <= len(unclear):
            return [unclear[int(said) - 1]]
        click.echo(f"a number from 1 to {len(unclear)} is wanted, or nothing", err=True)
