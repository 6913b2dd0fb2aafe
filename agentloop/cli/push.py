"""`agentloop push`: what a push would bring is checked, the sessions behind it are asked, and then it is pushed."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from agentloop import config, interrupts, person
from agentloop.agents import registry
from agentloop.agents.spec import Adapter
from agentloop.cli.distill import described
from agentloop.cli.options import DURATION, no_input_option, sandbox_options
from agentloop.cli.queue import notice
from agentloop.cli.run import asks, exit_code, make_job, predicates, show
from agentloop.job import Job
from agentloop.predicate.language import grammar
from agentloop.push import refs
from agentloop.push.behind import Behind
from agentloop.push.flow import Hands, Orders, Push
from agentloop.render import Renderer
from agentloop.repo import Repo, try_push
from agentloop.repo import push as git_push
from agentloop.run import supervisor
from agentloop.state import RunState
from agentloop.text.quoting import plain

_CONTEXT = {"ignore_unknown_options": True, "allow_interspersed_args": False}


class _AsTyped(click.Command):
    """It keeps its command line as the context's object."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep it, before any word is taken out."""
        ctx.obj = tuple(args)
        return super().parse_args(ctx, args)


@click.command(cls=_AsTyped, context_settings=_CONTEXT)
@click.option("--until", multiple=True, metavar="PREDICATE",
              help='What must hold of each commit, e.g. "pytest passes"; repeated: all of them.  '
                   "[default: the setting until, or the only configured check]")  # fmt: skip
@click.option("--fix", is_flag=True, help="Let an agent mend what fails, in a worktree of its own, and push that.")
@click.option("--agent", metavar="NAME", help="The agent that mends; and only sessions of that agent are asked.")
@click.option("--distill", type=click.Choice(["auto", "always", "never"]),
              help="Ask sessions for a skill: when something was hard, always, never.  [default: auto]")  # fmt: skip
@click.option("--fresh", is_flag=True, help="Check also what passed before and did not change since.")
@click.option("--check-timeout", type=DURATION, help="Time for one command of the predicate.  [default: 30m]")
@sandbox_options
@no_input_option
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[GIT PUSH ARGUMENTS]...")
@click.pass_context
def push(ctx: click.Context, /, arguments: tuple[str, ...], until: tuple[str, ...], fix: bool, fresh: bool,
         no_input: bool, **flags: Any) -> int:  # fmt: skip
    """Check the commits that `git push` would bring, ask the sessions that made them for a skill, then push.

    Each commit is checked alone, in a clean worktree and before there is a connection. A skill is committed on the
    pushed branch, so that it is in the same push. Our own options come first; all the others are git's.

    \b
    agentloop push
    agentloop push --until "pytest passes" origin main --force-with-lease
    """  # noqa: D301 - click reads the \b
    git_may_ask = not no_input
    with interrupts.noted(), Repo.open(Path.cwd()) as repo:
        quiet = refs.is_quiet(arguments)
        renderer = Renderer(quiet=quiet)
        ask = asks(repo, renderer, no_input=no_input)
        notice(repo, renderer, quiet=quiet)
        if refs.is_dry(arguments):
            return git_push(arguments, asks=git_may_ask)
        code, would = try_push(arguments, asks=git_may_ask)
        interrupts.raise_if_interrupted()
        pushed = refs.parse(would)
        if code and not pushed:  # git has said why
            return code
        if not refs.with_work(pushed):
            return git_push(arguments, asks=git_may_ask)

        def run(one: Job, tree: Repo) -> RunState:
            state = show(renderer, lambda: supervisor.start(one, tree, renderer.event, renderer.tick, ask))
            if exit_code(state):
                renderer.result(state, as_json=False, aside=True)
            return state

        told = _Told(arguments, until, fix, fresh, git_may_ask, shlex.join(["agentloop", "push", "--fix", *ctx.obj]))
        orders = _orders(repo, renderer, told, flags)
        choose = _choose if person.is_there() and not no_input else None
        hands = Hands(run, _say(renderer, quiet=quiet), _say(renderer, quiet=False), choose)
        return Push(repo, orders, hands).perform(pushed)


@dataclass(frozen=True, slots=True)
class _Told:
    """The command line, without what is a setting too."""

    arguments: tuple[str, ...]
    until: tuple[str, ...]
    fixes: bool
    fresh: bool
    asks: bool
    fixing: str


def _orders(repo: Repo, renderer: Renderer, told: _Told, flags: Mapping[str, Any]) -> Orders:
    """What is to be done, by the settings and the command line."""
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
        asks=told.asks,
    )


def _say(renderer: Renderer, *, quiet: bool) -> Callable[[str], None]:
    """How a line is shown."""

    def say(line: str) -> None:
        if not quiet:
            renderer.console.print(plain(line), markup=False)

    return say


def _looked_at(agent: str | None, distill: str) -> Sequence[Adapter]:
    """The agents whose sessions may be asked."""
    if distill == "never":
        return ()
    return [registry.load(agent)] if agent else [*registry.load_all()[0].values()]


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
