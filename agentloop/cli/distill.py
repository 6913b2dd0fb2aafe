"""`agentloop distill`: the skill from a session that a person drove by hand."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from agentloop import config, interrupts, person
from agentloop.agents import registry
from agentloop.agents.spec import Adapter
from agentloop.cli.options import (
    check_options,
    learning_options,
    no_input_option,
    output_options,
    until_option,
)
from agentloop.cli.queue import do_waiting, notice
from agentloop.cli.run import asks, exit_code, make_job, predicates, show
from agentloop.errors import UsageError
from agentloop.job import ByHand
from agentloop.records import candidates
from agentloop.records.candidates import Candidate
from agentloop.render import Renderer, clock
from agentloop.repo import Repo
from agentloop.run import supervisor
from agentloop.text.quoting import one_line

_MAX_LISTED = 20


@click.command()
@until_option
@click.option("--agent", "-a", metavar="NAME", help="Only the sessions of that agent; of several the latest.")
@click.option("--session", default="", metavar="latest|ID", help="That session.")
@click.option("--list", "only_list", is_flag=True, help="Only list the sessions that worked here.")
@check_options
@learning_options
@no_input_option
@output_options
def distill(until: tuple[str, ...], agent: str | None, session: str, only_list: bool, as_json: bool, events: bool,
            quiet: bool, no_input: bool, allow_judge_only: bool, fresh: bool, **flags: Any) -> int:  # fmt: skip
    """Ask a session that you drove by hand for what it learned, once PREDICATE holds.

    Sessions are found in the stores of the agents by the folder that they worked in.

    \b
    agentloop distill --until "pytest passes"
    agentloop distill --until "pytest passes" --agent claude --session latest
    """  # noqa: D301 - click reads the \b
    with Repo.open(Path.cwd()) as repo:
        adapters = [registry.load(agent)] if agent else [*registry.load_all()[0].values()]
        found = candidates.candidates(repo, adapters)
        if only_list:
            _list(found, as_json=as_json)
            return 0
        renderer = Renderer(quiet=quiet, ndjson=events)
        notice(repo, renderer, quiet=quiet)
        settings = config.load(repo.root, {key: value for key, value in flags.items() if value != ()}).settings
        until = predicates(settings, until, renderer, quiet=quiet)
        ask = asks(repo, renderer, no_input=no_input)
        chosen = _choose(found, session or (candidates.LATEST if agent else ""), adapters)
        if not quiet:
            renderer.console.print(f"session {described(chosen)}", markup=False)
        name = chosen.adapter.name
        job = make_job(settings.model_copy(update={"agent": name}), "", until, (), repo.root, agent="")
        by_hand = ByHand(session=chosen.stored.session, began=chosen.stored.began)
        told = {"by_hand": by_hand, "distill": "always", "allow_judge_only": allow_judge_only, "fresh": fresh}
        job = job.model_copy(update=told)
        state = show(renderer, lambda: supervisor.start(job, repo, renderer.event, renderer.tick, ask))
        renderer.result(state, as_json=as_json)
        if not (quiet or exit_code(state)):
            do_waiting(repo)
    return exit_code(state)


def _choose(found: Sequence[Candidate], session: str, adapters: Sequence[Adapter]) -> Candidate:
    if not found:
        lines = candidates.looked_at(adapters) or ["none of these agents keeps a store that agentloop can read"]
        raise UsageError("no session of an agent worked in this repository", hint="\n  ".join(lines))
    try:
        return candidates.choose(found, session)
    except candidates.UnclearError as error:
        for number, one in enumerate(error.candidates[:_MAX_LISTED], 1):
            click.echo(f"{number:>3}  {described(one)}", err=True)
        if not person.is_there():
            raise
        return _asked(error)


def _asked(unclear: candidates.UnclearError) -> Candidate:
    shown = unclear.candidates[:_MAX_LISTED]
    with interrupts.noted():
        person.forget_typed()
        while True:
            said = person.answer("Which one? [1] ")
            if said is None:
                raise unclear
            if not said:
                return shown[0]
            if said.isdecimal() and 0 < int(said) <= len(shown):
                return shown[int(said) - 1]
            click.echo(f"a number from 1 to {len(shown)} is wanted", err=True)


def _list(found: Sequence[Candidate], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([_record(one) for one in found]))
        return
    for one in found:
        click.echo(described(one))
    if not found:
        click.echo("no session of an agent worked in this repository", err=True)


def described(one: Candidate) -> str:
    """A session in one line: its id, its agent, its age, its folder, and what runs know of it."""
    age = clock(max(0.0, time.time() - one.stored.changed))
    words = [f"{one.stored.session}  {one.adapter.called}, {age} ago, in {one.stored.cwd}"]
    if one.known:
        words.append(f"known by run {one.known.run}{_outcome(one)}")
    return one_line("; ".join(words), 300)


def _outcome(one: Candidate) -> str:
    match one.known:
        case None:
            return ""
        case state if state.published:
            return f", skill {state.published.name}"
        case state if state.declined:
            return f", no skill: {state.declined.reason}"
        case _:
            return ""


def _record(one: Candidate) -> dict[str, object]:
    return {
        "agent": one.adapter.name,
        "session": one.stored.session,
        "cwd": str(one.stored.cwd),
        "began": one.stored.began,
        "changed": one.stored.changed,
        "run": one.known.run if one.known else None,
        "skill": one.known.published.name if one.known and one.known.published else None,
        "is_over": one.is_over,
    }
