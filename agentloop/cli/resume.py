"""`agentloop resume`."""

from pathlib import Path
from typing import Any

import click

from agentloop.cli.options import WAIT, limits_from_now_on, new_limit_options, no_input_option, output_options
from agentloop.cli.queue import do_waiting, notice
from agentloop.cli.run import asks, exit_code, refuse_stream, several, show
from agentloop.cli.skills import asking
from agentloop.cli.telling import Telling, of_user
from agentloop.errors import UsageError
from agentloop.records import folders, journal
from agentloop.render import Renderer
from agentloop.repo import Repo
from agentloop.run import groups, parallel, supervisor
from agentloop.state.fold import fold
from agentloop.text import amounts


@click.command()
@click.argument("run", required=False, default="")
@new_limit_options
@click.option("--wait", type=WAIT, metavar="DURATION|never",
              help="The longest wait for a usage limit from now on.  [default: as before]")  # fmt: skip
@no_input_option
@output_options
def resume(run: str, wait: str | None, as_json: bool, events: bool, quiet: bool, no_input: bool, **said: Any) -> int:
    """Go on with RUN, or with the newest one of this working tree that has not ended, where it was cut off.

    RUN may be a group of runs that try side by side, too. A run that ended at a limit of its own goes on when it is
    named and the limit is a higher one now.
    """
    max_wait_s = None if wait is None else amounts.longest_wait_s(wait)
    limits = limits_from_now_on(said)
    with Repo.open(Path.cwd()) as repo:
        group = groups.find(repo.common_dir, run)
        if not group:
            folder = (
                folders.find_run(repo.common_dir, run) if run else journal.find_unfinished(repo.common_dir, repo.root)
            )
            group = "" if run else fold(journal.read(folder.journal)).task.group
        if group:
            refuse_stream(events)
            _refuse_limits(limits, group)
            renderer = Renderer(quiet=quiet)
            notice(repo, renderer, quiet=quiet)
            telling = Telling(renderer, of_user())
            state = parallel.resume(group, repo, several(renderer, quiet=quiet), max_wait_s)
        else:
            renderer = Renderer(quiet=quiet, ndjson=events, before=lambda: fold(journal.read(folder.journal)))
            notice(repo, renderer, quiet=quiet)
            telling = Telling(renderer, of_user(), lambda: fold(journal.read(folder.journal)))
            people = (asks(repo, renderer, no_input=no_input), asking.consent(renderer.close))
            watchers = (telling.event, renderer.tick, *people)
            state = show(
                renderer, lambda: supervisor.resume(folder, repo, *watchers, max_wait_s=max_wait_s, limits=limits)
            )
        telling.end(state, repo, as_json=as_json)
        if not (quiet or exit_code(state)):
            do_waiting(repo)
    return exit_code(state)


def _refuse_limits(limits: dict[str, object], group: str) -> None:
    """Raise a UsageError: what a group may spend was shared out among its runs when it began."""
    if limits:
        raise UsageError(
            f"{group} is a group of runs, whose limits stay as they are",
            hint="leave them out, or raise those of one of its runs, by its name: agentloop status --all",
        )
