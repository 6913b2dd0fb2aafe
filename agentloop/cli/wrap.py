"""`agentloop wrap`: a person drives the agent, and agentloop checks what came of it."""

from pathlib import Path
from typing import Any

import click

from agentloop import config, person
from agentloop.cli.options import BehindDashes, check_options, learning_options, output_options, until_option
from agentloop.cli.run import exit_code, make_job, predicates, show
from agentloop.cli.skills import asking
from agentloop.job import ByHand
from agentloop.predicate import evidence
from agentloop.render import Renderer
from agentloop.repo import Repo
from agentloop.run import supervisor
from agentloop.state import RunState


@click.command(cls=BehindDashes)
@until_option
@click.option("--ask/--no-ask", default=None,
              help="Ask you before the session is asked for a skill.  [default: at a terminal]")  # fmt: skip
@check_options
@click.option("--distill", type=click.Choice(["auto", "always", "never"]),
              help="Ask for a skill: when something was hard, always, never.  [default: auto]")  # fmt: skip
@learning_options
@output_options
@click.pass_context
def wrap(ctx: click.Context, /, until: tuple[str, ...], ask: bool | None, as_json: bool, events: bool, quiet: bool,
         allow_judge_only: bool, fresh: bool, **flags: Any) -> int:  # fmt: skip
    """Drive an agent yourself; when you leave it, PREDICATE is checked and the session is asked for what it learned.

    The agent has your terminal to itself, and its exit code is the one of this command; the check's verdict is shown.

    \b
    agentloop wrap --until "pytest passes" -- claude --model opus
    """  # noqa: D301 - click reads the \b
    if not ctx.obj:
        raise click.UsageError("the agent is wanted after --, for example: -- claude", ctx)
    with Repo.open(Path.cwd()) as repo:
        settings = config.load(repo.root, {key: value for key, value in flags.items() if value != ()}).settings
        renderer = Renderer(quiet=quiet, ndjson=events)
        until = predicates(settings, until, renderer, quiet=quiet)
        job = make_job(settings, "", until, ctx.obj, repo.root, agent="")
        by_hand = ByHand(ask=person.is_there() if ask is None else ask)
        told = {"by_hand": by_hand, "allow_judge_only": allow_judge_only, "fresh": fresh}
        # A person takes the time that they take.
        job = job.model_copy(update={**told, "limits": job.limits.model_copy(update={"max_time_s": None})})
        asks = (asking.in_run(repo, renderer.close), asking.consent(renderer.close))
        state = show(renderer, lambda: supervisor.start(job, repo, renderer.event, renderer.tick, *asks))
        renderer.result(state, as_json=as_json, aside=True)
    if state.last_check and state.checks and state.last_check.verdict != "pass" and not quiet:
        renderer.console.print(evidence.feedback(state.last_check, state.baseline), markup=False)
    return _agents_exit_code(state)


def _agents_exit_code(state: RunState) -> int:
    """The agent's own; ours when a signal ended us, or when there was no agent."""
    codes = [turn.exit_code for turn in state.work_turns if turn.exit_code is not None]
    return codes[0] if codes and not state.interrupted else exit_code(state)
